"""The rules of datatrove's filters, decided as datatrove decides them, over UTF-8 bytes.

One module a filter: language, repetition, gopher, c4, fineweb. Each takes a batch and the filter's settings, under
datatrove's own names, and gives for each document the same reason that datatrove gives. Both split words and sentences
with `words.py`, which is ours: `fournil.parts.text.compat.words` says how.
"""
