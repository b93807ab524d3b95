"""The few Arrow functions on strings that are needed here, with types."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def read_only(values: np.ndarray) -> np.ndarray:
    """The same array, which nobody may write into: kernels are compiled once for those that may not be written."""
    view = values.view()
    view.flags.writeable = False
    return view


def strings(bytes_B: np.ndarray, bounds_D: np.ndarray) -> pa.Array:
    """Strings out of UTF-8 (uint8) and their bounds in it (int64), the first 0; the bytes are not copied."""
    bounds = bounds_D.astype(np.int32)
    assert int(bounds_D[-1]) == int(bounds[-1]), "a batch of texts has 2 GiB at most"
    return pa.StringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(bytes_B))


def code_point_lengths(texts: pa.Array) -> np.ndarray:
    """Number of code points of each string."""
    return pc.call_function("utf8_length", [texts]).to_numpy(zero_copy_only=False)


def matches(texts: pa.Array | pa.ChunkedArray, pattern: str, *, literal: bool = False) -> np.ndarray:
    """Which strings hold a match of a pattern (RE2), or a literal string (bool; nulls do not)."""
    options: Any = pc.MatchSubstringOptions(pattern)
    found = pc.call_function("match_substring" if literal else "match_substring_regex", [texts], options)
    return found.fill_null(False).to_numpy() if isinstance(found, pa.ChunkedArray) else _to_numpy(found)


def _to_numpy(found: pa.Array) -> np.ndarray:
    return found.fill_null(False).to_numpy(zero_copy_only=False)
