"""How much of a text is furniture: the phrases in which sites, shops and swindles speak (core/languages/*.py)."""

import itertools
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.parts.text.kernels import phrases as kernel
from fournil.parts.text.kernels.repetition import STEP
from fournil.parts.text.scan import Scan, described, open_addressing, profiles, scan

FEWEST = 3
"""Who says « mon compte » once or twice is no shop."""


@cache
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """first_keys, phrase_keys, phrase_profiles and the words of the longest phrase, as the kernel wants them."""
    first: dict[int, int] = {}
    phrases: dict[int, int] = {}
    longest = 1
    for profile, tag in enumerate(profiles()):
        furniture = described(profile).furniture
        words = scan(pa.array(furniture, pa.string()), [tag] * len(furniture)).words
        hashes = [int(value) for value in words.hashes_W.tolist()]
        edges = words.bounds_D.tolist()
        for start, end in itertools.pairwise(edges):
            key = hashes[start]
            for value in hashes[start + 1 : end]:
                key = (key * int(STEP) + value) % (1 << 64)
            first[hashes[start]] = 1
            phrases[key] = phrases.get(key, 0) | 1 << profile
            longest = max(longest, end - start)
    return open_addressing(first)[0], *open_addressing(phrases), longest


def furniture(scan: Scan) -> np.ndarray:
    """Share of each text's words that lie in phrases of furniture; 0 for a text with fewer than FEWEST phrases."""
    words = scan.words
    words_D, phrases_D = np.zeros((2, len(words.bounds_D) - 1), np.int64)
    kernel.phrase_words(words.hashes_W, words.bounds_D, scan.profile_D, *_tables(), words_D, phrases_D)
    return np.where(phrases_D >= FEWEST, words_D, 0) / np.maximum(np.diff(words.bounds_D), 1)
