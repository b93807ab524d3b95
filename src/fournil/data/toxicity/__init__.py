"""Word lists by language, written for Fournil (see docs/toxicity.md); CC0."""
