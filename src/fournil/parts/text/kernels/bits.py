"""Eight bytes of a text at a time, as one number."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false
# Kernels have numba's types, in which an element of an array is a number.

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from fournil.parts.text.kernels.compile import kernel

HIGH_BITS = np.uint64(0x8080808080808080)
_LOW_SEVEN = np.uint64(0x7F7F7F7F7F7F7F7F)
_CASE_BITS = np.uint64(0x2020202020202020)
_FROM_A = np.uint64(0x1F1F1F1F1F1F1F1F)
"""Added to a byte, sets its high bit from « a » on."""
_BEYOND_Z = np.uint64(0x0505050505050505)


@intrinsic
def _trailing_zeros(typing_context: Any, value: Any) -> Any:  # noqa: ANN401 - numba's own protocol
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.cttz(arguments[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), build


@intrinsic
def _swapped(typing_context: Any, value: Any) -> Any:  # noqa: ANN401
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), build


@kernel
def trailing_zeros(value: np.uint64) -> np.uint64:
    """How many of the lowest bits are 0, before the first 1; 64 where all are."""
    return _trailing_zeros(value)


@kernel
def swapped(value: np.uint64) -> np.uint64:
    """The bytes in the other order."""
    return _swapped(value)


@kernel
def eight(bytes_B: np.ndarray, place: np.uint64) -> np.uint64:
    """Eight bytes from a place on, the first one the lowest; there must be so many."""
    return (
        np.uint64(bytes_B[place])
        | np.uint64(bytes_B[place + np.uint64(1)]) << np.uint64(8)
        | np.uint64(bytes_B[place + np.uint64(2)]) << np.uint64(16)
        | np.uint64(bytes_B[place + np.uint64(3)]) << np.uint64(24)
        | np.uint64(bytes_B[place + np.uint64(4)]) << np.uint64(32)
        | np.uint64(bytes_B[place + np.uint64(5)]) << np.uint64(40)
        | np.uint64(bytes_B[place + np.uint64(6)]) << np.uint64(48)
        | np.uint64(bytes_B[place + np.uint64(7)]) << np.uint64(56)
    )


@kernel
def eight_at_most(bytes_B: np.ndarray, place: np.uint64) -> np.uint64:
    """The same near the end, zeros for what is not there."""
    block = np.uint64(0)
    for at in range(place, min(place + np.uint64(8), np.uint64(len(bytes_B)))):
        block |= np.uint64(bytes_B[at]) << ((np.uint64(at) - place) << np.uint64(3))
    return block


@kernel
def letters_in(block: np.uint64) -> np.uint64:
    """The high bit of each byte that is a letter from A to Z, in either case."""
    small = (block | _CASE_BITS) & _LOW_SEVEN
    return (small + _FROM_A) & ~(small + _BEYOND_Z) & ~block & HIGH_BITS


@kernel
def lowered(block: np.uint64) -> np.uint64:
    """A block whose letters from A to Z are made small; other bytes mean nothing any more."""
    return block | _CASE_BITS
