"""Stretches of bytes held against those before them: datatrove's `find_duplicates`, without a string for each."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.compat.words import num_points
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.stretches import hash_of, room_for, same


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
