"""The parts of the page, one file each; a part whose stage did not run is None."""
