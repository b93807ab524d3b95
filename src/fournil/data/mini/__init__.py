"""The items of fournil-mini, one file per language and set, one JSON object per line (see docs/fournil-mini.md)."""
