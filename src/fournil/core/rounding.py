"""Weights rounded to 8 bits, as a page carries them: a row of integers from -127 to 127 and one scale.

Shapes: R rows, C columns.
"""

from __future__ import annotations

import numpy as np

MAX_BYTES = 32_000_000
"""Of 8-bit weights: what a page carries at most."""


def quantise(matrix_RC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round each row to 8 bits: int8 [R, C] and its scale, float32 [R]; weight = integer x scale."""
    scale_R = (np.abs(matrix_RC).max(axis=1) / 127).astype(np.float32)
    divisor_R = np.where(scale_R > 0, scale_R, 1).astype(np.float32)
    return np.rint(matrix_RC / divisor_R[:, None]).clip(-127, 127).astype(np.int8), scale_R


def rounded(matrix_RC: np.ndarray) -> np.ndarray:
    """The float32 weights [R, C] that a reader of the rounded ones computes with."""
    whole_RC, scale_R = quantise(matrix_RC)
    return whole_RC.astype(np.float32) * scale_R[:, None]
