"""Random order without state: the n-th element of a shuffled range is a calculation, for ranges of any size.

A Feistel network over the next power of four, walked until it lands inside the range (Black and Rogaway, "Ciphers with
arbitrary finite domains", 2002).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np

ROUNDS = 4

WORD = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """A 64-bit key from a purpose, a seed, names and numbers."""
    text = "\x1f".join(map(str, parts)).encode("utf-8")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def mix(values: np.ndarray, key: int | np.ndarray) -> np.ndarray:
    """Hash 64-bit integers under a key, or each under its own (splitmix64's finalizer)."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.asarray(key, dtype=np.uint64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def mix_one(value: int, key: int) -> int:
    """`mix` of a single integer; many times faster than an array of one."""
    x = (value * 0x9E3779B97F4A7C15 + key) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


@lru_cache(maxsize=4096)
def _rounds(size: int, key: int) -> tuple[int, tuple[int, ...]]:
    """Bits of a half, and the key of each round."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    return half, tuple(key_of(key, number) for number in range(ROUNDS))


def permuted(positions: np.ndarray, size: int, key: int) -> np.ndarray:
    """Where a keyed shuffle of range(size) puts these positions.

    Args:
        positions: Integers from 0 to size - 1, any shape.
        size: How many there are to shuffle.
        key: Another key, another order.

    Returns:
        int64 of the same shape; over all positions, each of range(size) once.
    """
    bits, keys = _rounds(size, key)
    half = np.uint64(bits)
    mask = (np.uint64(1) << half) - np.uint64(1)
    values = np.atleast_1d(np.asarray(positions)).astype(np.uint64).copy()
    walking = np.ones(values.shape, dtype=bool)
    while walking.any():
        left, right = values[walking] >> half, values[walking] & mask
        for round_key in keys:
            left, right = right, left ^ (mix(right, round_key) & mask)
        values[walking] = (left << half) | right
        walking = values >= np.uint64(size)
    return values.astype(np.int64).reshape(np.shape(positions))


def permuted_one(position: int, size: int, key: int) -> int:
    """`permuted` of a single position."""
    half, keys = _rounds(size, key)
    mask = (1 << half) - 1
    while True:
        left, right = position >> half, position & mask
        for round_key in keys:
            left, right = right, left ^ (mix_one(right, round_key) & mask)
        position = (left << half) | right
        if position < size:
            return position
