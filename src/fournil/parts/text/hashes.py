"""Hashes of many slices of one array at once."""

import numpy as np

from fournil.parts.text.codepoints import CodePoints, lower_table

# Odd, so that it has an inverse mod 2^64 and any slice's hash can be moved to the origin.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


class _Powers:
    """Powers of the base and of its inverse, as many as were ever asked for."""

    held = (np.ones(1, np.uint64), np.ones(1, np.uint64))

    @classmethod
    def upto(cls, size: int) -> tuple[np.ndarray, np.ndarray]:
        if len(cls.held[0]) < size:
            # Twice what is needed: batches grow, and a table is soon too short again.
            steps = np.ones(max(1 << 16, 2 * size), np.uint64), np.ones(max(1 << 16, 2 * size), np.uint64)
            steps[0][1:], steps[1][1:] = _BASE, _INVERSE
            cls.held = np.cumprod(steps[0], dtype=np.uint64), np.cumprod(steps[1], dtype=np.uint64)
        return cls.held


def mix(values: np.ndarray) -> np.ndarray:
    """Spread uint64 values over all 64 bits (the finaliser of MurmurHash3); a new array."""
    values = values ^ (values >> np.uint64(33))
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values


def lowered(points: CodePoints) -> np.ndarray:
    """Lower-case code points (uint64), apostrophes and hyphens made alike."""
    values_C = points.values_C
    lower_C = lower_table()[np.minimum(values_C, 0xFFFF)]
    beyond = values_C > 0xFFFF
    if beyond.any():
        lower_C[beyond] = values_C[beyond]
    return lower_C


def prefix_sums(values_C: np.ndarray) -> np.ndarray:
    """Running polynomial sums mod 2^64 (one entry more than values), from which slice_hashes reads any slice."""
    powers, _ = _Powers.upto(len(values_C))
    running = np.zeros(len(values_C) + 1, np.uint64)
    np.cumsum(values_C * powers[: len(values_C)], out=running[1:])
    return running


def slice_hashes(running: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Hash (uint64) of each slice: equal slices have equal hashes, wherever they stand."""
    _, inverses = _Powers.upto(len(running))
    return mix((running[ends] - running[starts]) * inverses[starts] + (ends - starts).astype(np.uint64))
