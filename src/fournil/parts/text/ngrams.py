"""Repetition of word n-grams inside a text, after Gopher (Rae et al. 2021, table A1)."""

from collections.abc import Iterable

import numpy as np

from fournil.parts.text.hashes import mix
from fournil.parts.text.words import Words

_STEP = np.uint64(0x9E3779B97F4A7C15)


def ngram_hashes(words: Words, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all runs of `size` words that lie in one text.

    Returns:
        Hashes (uint64), and bounds_D: text d has hashes bounds_D[d]:bounds_D[d + 1]. A text shorter than `size` words
        gives the one hash of all its words, so that short texts can be compared too; a text without words gives none.
    """
    lengths_D = np.diff(words.bounds_D)
    padded = np.concatenate([words.hashes_W, np.zeros(size, np.uint64)])
    num = len(words.hashes_W)
    hashes_W = np.zeros(num, np.uint64)
    left_W = np.repeat(words.bounds_D[1:], lengths_D) - np.arange(num)
    for place in range(size):
        # Beyond the text's end nothing is added: only the first position of a short text is kept, and it holds all
        # words.
        np.add(hashes_W * _STEP, padded[place : place + num], out=hashes_W, where=left_W > place)
    kept_D = np.where(lengths_D == 0, 0, np.maximum(lengths_D - size + 1, 1))
    bounds_D = np.concatenate([[0], np.cumsum(kept_D)])
    offsets = np.arange(bounds_D[-1]) - np.repeat(bounds_D[:-1], kept_D)
    return mix(hashes_W[np.repeat(words.bounds_D[:-1], kept_D) + offsets]), bounds_D


def repetition(
    words: Words, *, top_sizes: Iterable[int] = (2, 3, 4), duplicate_sizes: Iterable[int] = (5, 6, 7, 8, 9, 10)
) -> dict[str, np.ndarray]:
    """How much of each text is its own repetition, as shares of the letters of its words.

    `top_2` … : letters in the n-gram that occurs most often, times its number (0 where none occurs twice; of equally
    frequent ones the longest counts). `duplicate_5` … : letters of words that lie in a second or later occurrence of an
    n-gram, each word counted once.

    Returns:
        Shares by text (float64) for each name.
    """
    num = len(words.hashes_W)
    num_texts = len(words.bounds_D) - 1
    lengths_D = np.diff(words.bounds_D)
    text_W = np.repeat(np.arange(num_texts), lengths_D)
    end_W = np.repeat(words.bounds_D[1:], lengths_D)
    letters = np.concatenate([[0], np.cumsum(words.lengths_W)])
    total_D = np.maximum(letters[words.bounds_D[1:]] - letters[words.bounds_D[:-1]], 1).astype(np.float64)
    wanted_top, wanted_duplicates = set(top_sizes), set(duplicate_sizes)
    shares: dict[str, np.ndarray] = {}
    # Equal n-grams of one text only: the text's number goes into the hash.
    hashes_W = mix(words.hashes_W + text_W.astype(np.uint64) * _STEP)
    positions = np.arange(num)
    for size in range(2, max(wanted_top | wanted_duplicates, default=1) + 1):
        # An n-gram can only repeat where its first n - 1 words do: fewer positions remain each time.
        positions = positions[positions + size <= end_W[positions]]
        hashes_W[positions] = hashes_W[positions] * _STEP + words.hashes_W[positions + size - 1]
        order = np.argsort(hashes_W[positions], kind="stable")
        positions = positions[order]
        keys = hashes_W[positions]
        new = np.ones(len(keys), bool)
        new[1:] = keys[1:] != keys[:-1]
        group = np.cumsum(new) - 1
        group_counts = np.bincount(group) if len(keys) else np.zeros(0, np.int64)
        repeated = group_counts[group] > 1 if len(keys) else np.zeros(0, bool)
        if size in wanted_top:
            shares[f"top_{size}"] = _top(positions[new], group_counts, text_W, letters, size, num_texts) / total_D
        if size in wanted_duplicates:
            cover = np.zeros(num + 1, np.int64)
            later = positions[repeated & ~new]
            np.add.at(cover, later, 1)
            np.add.at(cover, later + size, -1)
            covered = np.where(np.cumsum(cover)[:num] > 0, words.lengths_W, 0)
            running = np.concatenate([[0], np.cumsum(covered)])
            shares[f"duplicate_{size}"] = (running[words.bounds_D[1:]] - running[words.bounds_D[:-1]]) / total_D
        positions = np.sort(positions[repeated])
    return shares


def _top(
    firsts: np.ndarray, group_counts: np.ndarray, text_W: np.ndarray, letters: np.ndarray, size: int, num_texts: int
) -> np.ndarray:
    """Letters in the most frequent n-gram of each text times its number, from one position of each n-gram."""
    firsts, group_counts = firsts[group_counts > 1], group_counts[group_counts > 1]
    out = np.zeros(num_texts, np.float64)
    if len(firsts):
        lengths = letters[firsts + size] - letters[firsts]
        order = np.lexsort((lengths, group_counts, text_W[firsts]))
        texts = text_W[firsts][order]
        last = np.append(texts[1:] != texts[:-1], True)
        best = order[last]
        out[texts[last]] = group_counts[best] * lengths[best]
    return out
