"""CroissantLLM's sizes on a GPU: settings swept, tokens a second, and the part of the measured peak that they are.

The peak is measured: the best rate of large dense bfloat16 products on the same device, on the same day.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from pretraining.engines import Settings, flops_per_token
from pretraining.runs import Runs, machine
from pretraining.shapes import GPU
from pretraining.speed import said
from pretraining.turns import WorkerError, in_turn
from pretraining.worker import Work

PRODUCT = 8192
GOAL = 0.6
"""Of the measured peak, at 1.3B."""


def rows(case: str, runs: Runs, peers: Path, *, steps: int) -> Iterator[dict[str, Any]]:
    """The rows of a size; a sentence without a GPU."""
    if not torch.cuda.is_available():
        yield {"case": case, "note": "there is no GPU here"}
        return
    size = case.removeprefix("gpu-")
    peak = peak_flops()
    found: dict[str, tuple[float, Work]] = {}
    for engine in ("fournil", "transformers"):
        for work in candidates(engine, size, peers):
            seconds = _seconds(work, runs, steps)
            if seconds is None:
                continue
            if engine not in found or seconds < found[engine][0]:
                found[engine] = seconds, work
    if len(found) < 2:
        yield {"case": case, "note": "no setting ran for " + " and ".join({"fournil", "transformers"} - set(found))}
        return
    shape = GPU[size]
    speeds = {engine: shape.tokens / seconds for engine, (seconds, _) in found.items()}
    used = speeds["fournil"] * flops_per_token("fournil", shape) / peak
    muon = _seconds(replace(found["fournil"][1], engine="fournil-muon"), runs, steps)
    yield {
        "case": case, "ours": round(speeds["fournil"]), "peer": round(speeds["transformers"]), "unit": "tokens/s",
        "ratio": round(speeds["fournil"] / speeds["transformers"], 3), "equal": None,
        "settings": {"ours": said(found["fournil"][1].settings), "peer": said(found["transformers"][1].settings)},
        "mfu": round(used, 4),
        "note": f"{used:.1%} of the measured {peak / 1e12:.0f} TFLOP/s (goal at 1.3B: {GOAL:.0%})"
        + (f"; with Muon {shape.tokens / muon:,.0f} tokens/s" if muon else ""),
    }  # fmt: skip


def candidates(engine: str, size: str, peers: Path) -> Iterator[Work]:
    """What is tried: compiled or not, rows at a time; always bfloat16."""
    for compiled in (True, False):
        for rows_ in GPU[size].micro_rows:
            settings = Settings(1, "bfloat16", compiled, rows_)
            yield Work(engine, size, settings, "", str(peers), device="cuda")


def _seconds(work: Work, runs: Runs, steps: int) -> float | None:
    """Of a step; None where it does not run (most often: no memory)."""
    asked = {"what": "gpu", **asdict(work), "machine": machine()}
    del asked["peers"]
    found = runs.get(asked)
    if found is None:
        try:
            found = {"seconds": statistics.median(in_turn([work], rounds=3, steps=steps)[0])}
        except WorkerError as error:
            found = {"error": str(error)}
        runs.keep(asked, found)
    return found.get("seconds")


def peak_flops() -> float:
    """Dense bfloat16 operations a second of a large product: the best of twenty."""
    left, right = (torch.randn(PRODUCT, PRODUCT, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        torch.cuda.synchronize()
        began = time.perf_counter()
        torch.mm(left, right)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * PRODUCT**3 / best
