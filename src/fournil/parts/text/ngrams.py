"""Runs of words: those by which near duplicates are found, and those that a text repeats (Rae et al. 2021, Gopher)."""

import numpy as np

from fournil.parts.text.kernels import repetition as kernel
from fournil.parts.text.scan import Words
from fournil.parts.text.scratch import scratch

TOP_SIZES = (2, 3, 4)
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)


def shingles(words: Words, size: int, *, wanted: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all runs of `size` words that lie in one text.

    Args:
        words: Of a batch of texts.
        size: How many words a run has.
        wanted: True for the texts that are asked for; all of them by default.

    Returns:
        Well-mixed hashes (uint64), end to end, and how many each text has (int64). A text shorter than `size` words
        gives the one hash of all its words, so that short texts can be compared too; one without words gives none.
    """
    num_texts = len(words.bounds_D) - 1
    out, counts_D = scratch("shingles", len(words.hashes_W), np.uint64), np.zeros(num_texts, np.int64)
    asked = np.ones(num_texts, bool) if wanted is None else wanted
    num = kernel.shingles(words.hashes_W, words.bounds_D, asked, size, out, counts_D)
    return out[:num].copy(), counts_D


def repetition(words: Words, *, wanted: np.ndarray | None = None, enough: float | None = None) -> dict[str, np.ndarray]:
    """How much of each text is its own repetition, as shares of the letters of its words.

    `top_2` … `top_4`: letters in the n-gram that occurs most often, times its number (0 where none occurs twice; of
    equally frequent ones the longest counts). `duplicate_5` … `duplicate_10`: letters of words that lie in a second or
    later occurrence of an n-gram, each word counted once.

    Args:
        words: Of a batch of texts.
        wanted: True for the texts that are asked for, all others get zeros; all of them by default.
        enough: A share of repeated letters that breaks no bound. Longer runs never hold more than shorter ones: a text
            with no more than that is not searched for longer ones, which get the same share. Nothing is left out by
            default.

    Returns:
        Shares by text (float64) for each name.
    """
    num_texts = len(words.bounds_D) - 1
    num_sizes = len(TOP_SIZES) + len(DUPLICATE_SIZES)
    asked = np.ones(num_texts, bool) if wanted is None else wanted
    lengths_D = np.diff(words.bounds_D)
    longest = int(lengths_D[asked].max(initial=1))
    capacity = 4
    while capacity < 2 * longest:
        capacity *= 2
    top_DZ, duplicate_DZ = np.zeros((num_texts, num_sizes), np.int64), np.zeros((num_texts, num_sizes), np.int64)
    letters_D = np.zeros(num_texts, np.int64)
    kernel.repetition(
        words.hashes_W,
        words.lengths_W,
        words.bounds_D,
        asked,
        -1.0 if enough is None else enough,
        len(TOP_SIZES),
        top_DZ,
        duplicate_DZ,
        letters_D,
        scratch("slots-of-runs", 2 * capacity, np.uint64),
        scratch("seen", max(64, 8 * longest), np.uint8),
        scratch("keys", longest, np.uint64),
        scratch("places", longest, np.int32),
        scratch("rest", longest, np.int32),
        scratch("link", longest, np.int32),
        scratch("counts", longest, np.int32),
        scratch("running", longest + 1, np.int64),
        scratch("repeated", longest + 1, np.uint8),
        scratch("later", longest, np.uint8),
    )
    total_D = np.maximum(letters_D, 1)
    shares = {f"top_{size}": top_DZ[:, size - 2] / total_D for size in TOP_SIZES}
    return shares | {f"duplicate_{size}": duplicate_DZ[:, size - 2] / total_D for size in DUPLICATE_SIZES}
