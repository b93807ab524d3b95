"""Sections of the pretrain stage's settings that are long enough for a file of their own."""
