"""Rows held against each other: duplicates, repeated passages, who is held out."""
