"""Sketches of texts: sets of 32-bit shingles, and the MinHash keys under which near duplicates meet (Broder 1997)."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fournil.parts.text.hashes import mix
from fournil.parts.text.joining import Sets

_SEED = 0x666F75726E696C
"""The same in every run: so texts of one can be held against those of another."""


@dataclass(frozen=True)
class Sketch:
    """What is kept of some texts."""

    sets: Sets
    """Each text's shingles, folded to 32 bits."""

    keys: np.ndarray
    """uint64, texts x bands: two texts that share one may be near duplicates; 0 for texts without shingles."""


@cache
def permutations(num: int) -> tuple[np.ndarray, np.ndarray]:
    """Odd multipliers and addends (uint32): each pair of them is a permutation of the 32-bit numbers."""
    drawn = mix(np.arange(1, num + 1, dtype=np.uint64) + np.uint64(_SEED))
    return (drawn >> np.uint64(32)).astype(np.uint32) | np.uint32(1), drawn.astype(np.uint32)


def sketch(shingles: np.ndarray, bounds_D: np.ndarray, *, num_bands: int = 14, band_rows: int = 8) -> Sketch:
    """Sketch texts by their shingles.

    Args:
        shingles: Well-mixed hashes (uint64), end to end, repeats and all.
        bounds_D: Text d has shingles bounds_D[d]:bounds_D[d + 1].
        num_bands: Keys of each text; two texts meet when they share one. With similarity s they do so with a
            probability of 1 - (1 - s ** band_rows) ** num_bands.
        band_rows: Minima in each key.
    """
    from fournil.parts.text.kernels.minhash import band_keys, distinct_sorted

    bounds_D = np.ascontiguousarray(bounds_D, np.int64)
    assert min(num_bands, band_rows) >= 1
    assert (bounds_D[0], bounds_D[-1]) == (0, len(shingles))
    counts = np.zeros(len(bounds_D) - 1, np.int64)
    sets = np.empty(len(shingles), np.uint32)
    distinct_sorted(np.ascontiguousarray(shingles, np.uint64), bounds_D, sets, counts)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    sets = sets[: bounds[-1]].copy()
    keys = np.empty((len(counts), num_bands), np.uint64)
    multipliers, addends = permutations(num_bands * band_rows)
    band_keys(sets, bounds, multipliers, addends, keys)
    return Sketch(Sets(sets, counts), keys)


def meeting_share(similarity: float, *, num_bands: int, band_rows: int) -> float:
    """The probability with which two texts of a Jaccard similarity share a key."""
    return 1 - (1 - similarity**band_rows) ** num_bands
