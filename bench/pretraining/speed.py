"""Raw throughput: one model, one batch, every engine at the strongest of the settings that were tried."""

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fournil.parts.train.precision import choose_precision
from pretraining import engines
from pretraining.engines import Settings
from pretraining.runs import Runs, machine
from pretraining.shapes import ALL
from pretraining.turns import WorkerError, in_turn, losses, workers
from pretraining.worker import Work, make_start

CASES = tuple(f"{kind}-{size}" for kind in ("cpu", "default") for size in ("5M", "60M"))
CHECKED_STEPS = 3
TOLERANCE = 2e-4
"""Relative: three steps of AdamW in float32, kernels apart."""
THREADS = (2, 1)
WORTH_A_TRY = 0.5
"""bfloat16 is left out where a product in it is slower than this part of float32's."""
SLOW = 0.7
"""Threads and precision whose plain run is slower than this part of the best are not compiled, too."""
ROUNDS, ROUNDS_AGAIN, CLOSE = 3, 6, 0.1
"""Turns of a candidate; further ones where it is nearer than this to the best so far."""
LONG_STEP = 2e11
"""Floating-point operations of a step that is not waited for in a precision that the processor does not have."""


def rows(case: str, runs: Runs, peers: Path, *, rounds: int, steps: int) -> Iterator[dict[str, Any]]:
    """The rows of a case; what was found in the sweeps is kept in `runs`."""
    kind, size = case.split("-")
    with tempfile.TemporaryDirectory() as folder:
        start = str(make_start(ALL[size], Path(folder)))
        if kind == "default":
            yield from _default(case, size, start, peers, rounds, steps)
        else:
            yield from _strongest(case, size, start, runs, peers, rounds, steps)


def _default(case: str, size: str, start: str, peers: Path, rounds: int, steps: int) -> Iterator[dict[str, Any]]:
    """transformers as people run it: no compile; autocast, and float32 where that is faster on this machine."""
    ours = Work("fournil", size, Settings(THREADS[0], _own_precision()), start, str(peers))
    shape = ALL[size]
    for name, precision in (("autocast", "bfloat16"), ("float32", "float32")):
        slow = precision == "bfloat16" and not _half_is_worth_it()
        if slow and engines.flops_per_token("transformers", shape) * shape.tokens > LONG_STEP:
            note = "left out: this processor has no bfloat16, and a step would take minutes"
            yield {"case": f"{case}, {name}", "note": note}
        else:
            peer = Work("transformers", size, Settings(THREADS[0], precision), start, str(peers))
            yield _row(f"{case}, {name}", ours, peer, rounds, 1 if slow else steps)


def _strongest(
    case: str, size: str, start: str, runs: Runs, peers: Path, rounds: int, steps: int
) -> Iterator[dict[str, Any]]:
    found = {}
    for name in ("fournil", *engines.NAMES):
        best = sweep(Work(name, size, Settings(), start, str(peers)), runs, steps=min(3, steps))
        if isinstance(best, str):
            yield {"case": f"{case}, {name}", "note": f"did not run: {best}"}
        else:
            found[name] = best
    ours = found.pop("fournil")
    for name, peer in found.items():
        yield _row(f"{case}, {name}", ours, peer, rounds, steps)
        if name == "transformers":
            muon = replace(ours, engine="fournil-muon")
            yield _row(f"{case}, our Muon beside {name}'s AdamW", muon, peer, rounds, steps)


def _row(case: str, ours: Work, peer: Work, rounds: int, steps: int) -> dict[str, Any]:
    try:
        mine, theirs = in_turn([ours, peer], rounds=rounds, steps=steps)
    except WorkerError as error:
        return {"case": case, "note": f"did not run: {error}"}
    shape = ALL[ours.case]
    scale = engines.flops_per_token(peer.engine, shape) / engines.flops_per_token("fournil", shape)
    speeds = shape.tokens / statistics.median(mine), shape.tokens / statistics.median(theirs) * scale
    ratio = _ratio(theirs, mine) / scale
    return {
        "case": case, "ours": round(speeds[0]), "peer": round(speeds[1]), "unit": "tokens/s", "ratio": round(ratio, 3),
        "equal": _equal(ours, peer), "settings": {"ours": said(ours.settings), "peer": said(peer.settings)},
        "rounds": rounds,
    }  # fmt: skip


def _equal(ours: Work, peer: Work) -> bool | None:
    """Whether the first steps have the same losses, where both are to learn the same (with Muon: the first step)."""
    if peer.engine not in engines.SAME:
        return None
    plain = Settings(threads=ours.settings.threads)
    few = 1 if ours.engine == "fournil-muon" else CHECKED_STEPS
    both = [losses(replace(work, settings=plain, steps=few)) for work in (ours, peer)]
    return all(abs(a - b) <= TOLERANCE * abs(b) for a, b in zip(*both, strict=True))


def said(settings: Settings) -> str:
    """Settings in a few words."""
    parts = [_counted(settings.threads, "thread"), settings.precision, "compiled" if settings.compile else "eager"]
    return ", ".join(parts + ([f"{_counted(settings.micro_rows, 'row')} at a time"] if settings.micro_rows else []))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number > 1 else ''}"


def sweep(work: Work, runs: Runs, *, steps: int = 3) -> Work | str:
    """The fastest of the settings that are tried, or why none ran.

    Threads, precision and compile are tried in all combinations (but those whose plain run was far slower), and then
    rows at a time at the best of them. Each candidate runs beside the best so far, in turn, so that a busy machine does
    not choose; one that comes close has more turns.
    """
    precisions = ("float32", "bfloat16") if _half_is_worth_it() else ("float32",)
    grid = [
        Settings(threads, precision, compiled)
        for precision in precisions
        for compiled in (False, True)
        for threads in THREADS
    ]
    best: Work | None = None
    trouble = ""
    slow: set[tuple[int, str]] = set()
    for settings in grid:
        if settings.compile and (settings.threads, settings.precision) in slow:
            continue
        tried = replace(work, settings=settings)
        found = _tried(best, tried, runs, steps)
        if 0.0 < found["ratio"] < SLOW:
            slow.add((settings.threads, settings.precision))
        best = tried if found["ratio"] > 1.0 else best
        trouble = found.get("error", trouble)
    if best is None:
        return trouble
    for micro_rows in ALL[work.case].micro_rows[1:]:
        tried = replace(best, settings=replace(best.settings, micro_rows=micro_rows))
        if _tried(best, tried, runs, steps)["ratio"] > 1.0:
            best = tried
    return best


def _tried(best: Work | None, tried: Work, runs: Runs, steps: int) -> dict[str, Any]:
    """How many times as fast a candidate is as the best so far (a first one that runs: twice as fast as nothing)."""
    asked = {
        "what": "sweep", "engine": tried.engine, "case": tried.case, "settings": asdict(tried.settings),
        "beside": asdict(best.settings) if best else None, "machine": machine(),
    }  # fmt: skip
    found = runs.get(asked)
    if found is not None:
        return found
    try:
        if best is None:
            with workers([tried], warm=1):
                return runs.keep(asked, {"ratio": 2.0})
        one, other = in_turn([best, tried], rounds=ROUNDS, steps=steps, further=_where_close)
        speeds = [round(ALL[tried.case].tokens / statistics.median(each), 1) for each in (one, other)]
        return runs.keep(asked, {"ratio": round(_ratio(one, other), 4), "tokens_per_second": speeds})
    except WorkerError as error:
        return runs.keep(asked, {"ratio": 0.0, "error": str(error)})


def _where_close(found: list[list[float]]) -> int:
    return ROUNDS_AGAIN if abs(1.0 - _ratio(*found)) < CLOSE else 0


def _ratio(other: list[float], own: list[float]) -> float:
    """How many times as fast as the other: the median of the turns (seconds), each beside its neighbour."""
    return statistics.median(a / b for a, b in zip(other, own, strict=True))


def _half_is_worth_it() -> bool:
    """Whether bfloat16 is tried at all: on some processors a product in it is seventy times slower."""
    rates = choose_precision("auto", "cpu")[1]
    return rates["bfloat16"] > WORTH_A_TRY * rates["float32"]


def _own_precision() -> str:
    return choose_precision("auto", "cpu")[0]
