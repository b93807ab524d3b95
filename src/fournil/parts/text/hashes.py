"""Hashes of arrays."""

import numpy as np


def mix(values: np.ndarray) -> np.ndarray:
    """Spread uint64 values over all 64 bits (the finaliser of MurmurHash3); a new array."""
    values = values ^ (values >> np.uint64(33))
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values
