"""In which number format matrix products run: measured, because a CPU may be many times slower in bfloat16."""

from __future__ import annotations

import time

import torch

from fournil.core.errors import FournilError
from fournil.core.speech import tr

PRECISIONS = ("auto", "float32", "bfloat16")

WORTH_IT = 1.5
"""bfloat16 is chosen when it is so many times as fast: below, its losses' noise buys little, and a busy machine could
decide one way today and the other tomorrow."""


def choose_precision(wanted: str, device: str) -> tuple[str, dict[str, float]]:
    """Settle on "float32" or "bfloat16".

    Args:
        wanted: "auto" measures a small product in both on a CPU, and takes bfloat16 on a GPU.
        device: "cpu" or "cuda".

    Returns:
        The choice, and GFLOP/s by precision where they were measured.

    Raises:
        FournilError: `wanted` is unknown.
    """
    if wanted not in PRECISIONS:
        raise FournilError(
            tr("unknown precision {wanted!r}", wanted=wanted), fix=tr("Known are {names}.", names=", ".join(PRECISIONS))
        )
    if wanted != "auto":
        return wanted, {}
    if device != "cpu":
        return "bfloat16", {}
    rates = {name: _product_rate(getattr(torch, name)) for name in ("float32", "bfloat16")}
    return ("bfloat16" if rates["bfloat16"] > WORTH_IT * rates["float32"] else "float32"), rates


def _product_rate(dtype: torch.dtype) -> float:
    """GFLOP/s of a product of a small model's shape: the best of a few, because the machine may be busy."""
    rows, columns, best = 256, 256, float("inf")
    left, right = torch.ones(rows, columns, dtype=dtype), torch.ones(columns, columns, dtype=dtype)
    until = time.perf_counter() + 0.05
    while time.perf_counter() < until or best == float("inf"):
        began = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - began)
    return 2 * rows * columns * columns / best / 1e9
