"""MinHash signatures and near-duplicate pairs (Broder 1997), all in arrays."""

from collections.abc import Callable, Iterator

import numpy as np

from fournil.parts.text.hashes import mix

NUM_PERMUTATIONS = 128
NUM_BANDS = 32
"""Bands of four rows: two texts with a Jaccard similarity of 0.8 share none with a probability of 5e-8."""

_BLOCK = 1 << 15
_MOST_IN_BUCKET = 200


def permutations(seed: int, num: int = NUM_PERMUTATIONS) -> np.ndarray:
    """Odd multipliers (uint64), one for each permutation of the 64-bit numbers."""
    start = (seed * 0x9E3779B97F4A7C15) % (1 << 64)
    return mix(np.arange(1, num + 1, dtype=np.uint64) + np.uint64(start)) | np.uint64(1)


def signatures(shingles: np.ndarray, bounds_D: np.ndarray, *, seed: int, num: int = NUM_PERMUTATIONS) -> np.ndarray:
    """MinHash signatures.

    Args:
        shingles: Well-mixed hashes (uint64) of all texts' shingles, end to end.
        bounds_D: Text d has shingles bounds_D[d]:bounds_D[d + 1].
        seed: Chooses the permutations.
        num: How many.

    Returns:
        uint32 array of D x num: the upper halves of the minima; all ones where a text has no shingle.
    """
    out = np.full((len(bounds_D) - 1, num), 0xFFFFFFFF, np.uint32)
    filled = np.flatnonzero(np.diff(bounds_D))
    multipliers = permutations(seed, num)
    # Blocks of whole texts, small enough to stay in the cache while all permutations pass over them.
    first = 0
    while first < len(filled):
        stop = int(np.searchsorted(bounds_D[filled], bounds_D[filled[first]] + _BLOCK, side="left"))
        stop = max(stop, first + 1)
        texts = filled[first:stop]
        block = shingles[bounds_D[texts[0]] : bounds_D[texts[-1] + 1]]
        starts = bounds_D[texts] - bounds_D[texts[0]]
        buffer = np.empty_like(block)
        for place, multiplier in enumerate(multipliers):
            np.multiply(block, multiplier, out=buffer)
            out[texts, place] = np.minimum.reduceat(buffer, starts) >> np.uint64(32)
        first = stop
    return out


def candidate_pairs(signatures_DP: np.ndarray, *, least: float, num_bands: int = NUM_BANDS) -> np.ndarray:
    """Pairs that share a band and whose signatures agree in at least `least` of the permutations.

    A bucket with more than 200 texts is compared with its first 200 only.

    Returns:
        int64 array of N x 2, each pair once, the smaller index first, sorted.
    """
    num, width = signatures_DP.shape
    rows = width // num_bands
    found: list[np.ndarray] = []
    for band in range(num_bands):
        part = signatures_DP[:, band * rows : (band + 1) * rows].astype(np.uint64)
        keys = np.full(num, band, np.uint64)
        for row in range(rows):
            keys = mix(keys ^ part[:, row])
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        found += _pairs_in_buckets(order, ordered)
    if not found:
        return np.zeros((0, 2), np.int64)
    keys = np.unique(np.concatenate([pair[:, 0] * num + pair[:, 1] for pair in found]))
    pairs = np.stack([keys // num, keys % num], 1)
    kept: list[np.ndarray] = [np.zeros(0, bool)]
    for start in range(0, len(pairs), 4096):
        part = pairs[start : start + 4096]
        kept.append((signatures_DP[part[:, 0]] == signatures_DP[part[:, 1]]).mean(1) >= least)
    return pairs[np.concatenate(kept)]


def _pairs_in_buckets(order: np.ndarray, keys: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of entries of `order` whose keys are equal; the keys are sorted."""
    start = np.ones(len(keys), bool)
    start[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(start)
    rank = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    first = np.flatnonzero(rank < _MOST_IN_BUCKET)
    distance = 1
    while len(first):
        first = first[first + distance < len(keys)]
        first = first[keys[first + distance] == keys[first]]
        if len(first):
            yield np.stack([order[first], order[first + distance]], 1)
        distance += 1


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard similarity of two sets, given as sorted arrays without repeats; 0 when both are empty."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    total = len(one) + len(other) - common
    return common / total if total else 0.0


def verified(
    pairs: np.ndarray, shingles_of: Callable[[int], np.ndarray], *, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Those pairs whose true Jaccard similarity reaches the threshold, with it."""
    last, held = -1, np.zeros(0, np.uint64)
    for one, other in pairs.tolist():
        if one != last:
            last, held = one, np.unique(shingles_of(one))
        similarity = jaccard(held, np.unique(shingles_of(other)))
        if similarity >= threshold:
            yield one, other, similarity


def components(num: int, edges: np.ndarray) -> np.ndarray:
    """Connected components.

    Args:
        num: Number of nodes.
        edges: int64 array of N x 2.

    Returns:
        For each node the smallest node of its component (int64).
    """
    label = np.arange(num)
    if len(edges) == 0:
        return label
    one, other = edges[:, 0], edges[:, 1]
    while True:
        low = np.minimum(label[one], label[other])
        new = label.copy()
        np.minimum.at(new, label[one], low)
        np.minimum.at(new, label[other], low)
        while True:
            jumped = new[new]
            if np.array_equal(jumped, new):
                break
            new = jumped
        if np.array_equal(new, label):
            return label
        label = new
