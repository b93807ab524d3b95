"""Stretches of bytes held against those before them: datatrove's `find_duplicates`, without a string for each."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.compat.words import num_points
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


@kernel
def duplicates(bytes_B: np.ndarray, starts_S: np.ndarray, ends_S: np.ndarray, num: int) -> tuple[int, int]:
    """How many of the first `num` stretches equal an earlier one, and how many code points those have."""
    slots = np.full(room_for(num), -1, np.int64)
    hashes = np.empty(num, np.uint64)
    mask = len(slots) - 1
    elements, points = 0, 0
    for number in range(num):
        start, end = starts_S[number], ends_S[number]
        hashes[number] = hash_of(bytes_B, start, end)
        slot = np.int64(hashes[number] & np.uint64(mask))
        while True:
            first = slots[slot]
            if first < 0:
                slots[slot] = number
                break
            if (
                hashes[first] == hashes[number]
                and ends_S[first] - starts_S[first] == end - start
                and same(bytes_B, starts_S[first], start, end - start)
            ):
                elements += 1
                points += num_points(bytes_B, start, end)
                break
            slot = (slot + 1) & mask
    return elements, points
