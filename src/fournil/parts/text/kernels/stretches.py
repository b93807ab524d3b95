"""Stretches of bytes in tables: their hashes, whether two are equal, how many slots a table wants."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.kernels.compile import kernel


@kernel
def hash_of(bytes_B: np.ndarray, start: int, end: int) -> int:
    """A hash (uint64) of a stretch."""
    value = np.uint64(0xCBF29CE484222325)
    for place in range(start, end):
        value = (value ^ np.uint64(bytes_B[place])) * np.uint64(0x100000001B3)
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    return value ^ (value >> np.uint64(29))


@kernel
def same(bytes_B: np.ndarray, one: int, other: int, length: int) -> bool:
    """Whether two stretches of so many bytes are equal."""
    for place in range(length):  # noqa: SIM110 - numba has no all()
        if bytes_B[one + place] != bytes_B[other + place]:
            return False
    return True


@kernel
def room_for(num: int) -> int:
    """Slots of a table for so many entries: a power of two, at least twice as many."""
    size = 16
    while size < 2 * num:
        size *= 2
    return size
