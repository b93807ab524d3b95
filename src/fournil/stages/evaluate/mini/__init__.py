"""fournil-mini: a small suite of our own writing, in the package, with the baselines that it must not be passed by."""
