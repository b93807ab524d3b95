"""Which texts of an index stand in documents, and where."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fournil.parts.contamination.index import Index
from fournil.parts.text.folded import FoldedWords
from fournil.parts.text.kernels.folded import NUM_WORDS, find_grams, match_runs

NGRAM, OVERLAP = "ngram", "overlap"


class Finding(NamedTuple):
    """A text of the index that stands in a document."""

    document: int
    """Its place in the batch."""

    text: int
    """Its number in the index."""

    rule: str
    """NGRAM: a run of so many words is the same; OVERLAP: so large a share of the text stands there in shorter runs."""

    num_words: int
    """The longest run."""

    share: float
    """The share of the text's words that stand in the document, in runs of NUM_WORDS or more."""

    spans: tuple[tuple[int, int], ...]
    """Where, in the batch's bytes."""


def find_texts(index: Index, words: FoldedWords, *, ngram: int, overlap: float) -> list[Finding]:
    """Find the texts of an index in a batch of documents.

    Args:
        index: What is looked for.
        words: The documents.
        ngram: A text is found where so many of its words stand in a row, NUM_WORDS or more.
        overlap: Or where this share of its words stands in runs of NUM_WORDS or more; of a text with fewer than `ngram`
            words, all of them.

    Returns:
        Findings by document and text.
    """
    runs_R3 = _runs(index, words)
    if not len(runs_R3):
        return []
    document_R = np.searchsorted(words.bounds_D, runs_R3[:, 0], side="right") - 1
    text_R = np.searchsorted(index.words_T, runs_R3[:, 1], side="right") - 1
    order = np.lexsort((runs_R3[:, 1], text_R, document_R))
    runs_R3, document_R, text_R = runs_R3[order], document_R[order], text_R[order]
    new = np.ones(len(order), bool)
    new[1:] = (document_R[1:] != document_R[:-1]) | (text_R[1:] != text_R[:-1])
    first = np.flatnonzero(new)
    longest = np.maximum.reduceat(runs_R3[:, 2], first)
    lengths = np.diff(index.words_T)[text_R[first]]
    needed = np.where(lengths < ngram, 1.0, overlap)
    # Runs may overlap: their sum is an upper bound, and most texts end here.
    likely = (longest >= ngram) | (np.add.reduceat(runs_R3[:, 2], first) >= needed * lengths)
    found = []
    for group in np.flatnonzero(likely).tolist():
        start = first[group]
        stop = first[group + 1] if group + 1 < len(first) else len(runs_R3)
        share = _covered(runs_R3[start:stop]) / int(lengths[group])
        if longest[group] < ngram and share < needed[group]:
            continue
        rule = NGRAM if longest[group] >= ngram else OVERLAP
        kept = runs_R3[start:stop]
        if rule == NGRAM:
            kept = kept[(kept[:, 2] >= ngram) | (share >= overlap)]
        spans = tuple(sorted(_span(words, run) for run in kept.tolist()))
        found.append(Finding(int(document_R[start]), int(text_R[start]), rule, int(longest[group]), share, spans))
    return found


def _runs(index: Index, words: FoldedWords) -> np.ndarray:
    """Runs of words that documents and texts have in common, [R, 3]: as the kernel gives them."""
    none = np.zeros((0, 3), np.int64)
    if len(words.hashes_W) < NUM_WORDS or not len(index.places_P):
        return none
    room = 1024
    while True:
        found_F = np.empty(room, np.int64)
        num = find_grams(words.hashes_W, words.bounds_D, index.bitmap, index.shift, found_F)
        if num <= room:
            break
        room = num
    if not num:
        return none
    room = 1024
    while True:
        runs_R3 = np.empty((room, 3), np.int64)
        found = match_runs(
            words.hashes_W, words.bounds_D, found_F[:num], index.keys_S, index.values_S, index.places_G,
            index.places_P, index.words_L, index.words_T, index.usable_L, runs_R3,
        )  # fmt: skip
        if found <= room:
            return runs_R3[:found]
        room = found


def _covered(runs_R3: np.ndarray) -> int:
    """How many words of one text lie in any of its runs, which are in order."""
    reached = covered = 0
    for _, begin, length in runs_R3.tolist():
        start = max(begin, reached)
        covered += max(begin + length - start, 0)
        reached = max(reached, begin + length)
    return covered


def _span(words: FoldedWords, run: list[int]) -> tuple[int, int]:
    """Where a run lies in the batch's bytes: from its first word to the end of its last one."""
    first, _, length = run
    return int(words.starts_W[first]), words.end_of(first + length - 1)
