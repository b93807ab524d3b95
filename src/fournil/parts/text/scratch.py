"""Arrays that kernels write into and that nobody keeps: memory asked of the system anew costs more than the kernel."""

import threading

import numpy as np

_MOST_BYTES = 1 << 25
"""Larger arrays are not held: one long text must not take memory for ever."""


class _Held(threading.local):
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}


_held = _Held()


def scratch(name: str, size: int, dtype: type[np.generic]) -> np.ndarray:
    """An array with arbitrary content, this thread's own until it asks for the same name again.

    Args:
        name: Of the use; two arrays that are needed at once have two names.
        size: How many entries.
        dtype: Of what type.
    """
    array = _held.arrays.get(name)
    if array is None or len(array) < size or array.dtype != dtype:
        array = np.empty(max(size, 1 << 12) * 5 // 4, dtype)
        if array.nbytes <= _MOST_BYTES:
            _held.arrays[name] = array
    return array[:size]
