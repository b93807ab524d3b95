"""Measuring this machine: a probe of a fraction of a second, or real steps of the recipe's own work in a child process.

Measuring costs at most a twentieth of what it foretells, and never more than 20 seconds. The child is a process of its
own so that the bake that follows loads torch as if nothing had been.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fournil.apps.plan import rates
from fournil.apps.plan.model import Work, activation_bytes, state_bytes
from fournil.apps.plan.order import StepOrder
from fournil.apps.plan.rates import STEP, Speed
from fournil.apps.plan.stages import Estimate, Estimator

MAX_SECONDS = 19.0
"""With what starting and ending take, 20 at most."""
MAX_PART = 0.05
"""Of what is foretold, what measuring may cost."""
LEAST_SECONDS = 6.0
"""Below, loading torch would take most of it: the probe alone is used."""

ROUNDS = 7
"""Of the probe's work, each of about a hundredth of a second."""
LARGEST_SEARCHED = 100_000_000
"""Parameters of the largest model whose beam search is tried: larger ones do not fit into the time."""


Measured = dict[str, Any]
"""What the child says: `step_seconds`, `beam_token_seconds`, `text_mb_per_second`."""


@dataclass(frozen=True)
class Task:
    """A stretch of training to try some steps of."""

    key: str
    seconds: float
    """How long to try at most."""
    shape: dict[str, Any]
    rows: int
    context_length: int
    apart: bool
    optimizer: dict[str, Any]
    rates: dict[str, float]
    micro_batch_rows: int
    precision: str
    compile: str
    activation_checkpointing: bool


def measured_speed(
    estimator: Estimator,
    *,
    device: str = "cpu",
    probe: Callable[[], Speed] | None = None,
    child: Callable[[dict[str, Any], float], Measured | None] | None = None,
) -> Speed:
    """Measure this machine as far as it pays for what is to be foretold.

    Args:
        estimator: With the reference's speed; its estimates say how much there is to foretell.
        device: `cpu` or `cuda`: where training would run.
        probe: Measures in a fraction of a second (a test gives its own).
        child: Measures the recipe's own work within so many seconds (a test gives its own).
    """
    began = time.monotonic()
    speed = (probe or quick_probe)()
    first = Estimator(estimator.order, estimator.table, estimator.hardware, speed)
    estimates = [estimate for estimate in first.estimates() if not estimate.finished]
    budget = min(MAX_SECONDS, MAX_PART * sum(estimate.seconds or 0.0 for estimate in estimates)) - speed.seconds
    if budget >= LEAST_SECONDS:
        found = (child or in_child)(request_for(first, estimates, budget, device), budget)
        if found is not None:
            speed = _with_measured(speed, found)
    return replace(speed, seconds=time.monotonic() - began)


def request_for(
    estimator: Estimator, estimates: Sequence[Estimate], budget: float, device: str = "cpu"
) -> dict[str, Any]:
    """Say what the child should measure, and how long each may take."""
    shape = estimator.shape
    steps = [step for step in estimator.order.steps if not step.finished]
    stages = {step.stage for step in steps}
    works = [
        (step, work)
        for step in steps
        for work in estimator.works(step)
        if device != "cpu" or _can_be_tried(work, estimator, budget)
    ]
    for_text = 0.1 * budget if stages & {"sources", "curate", "tokenizer"} else 0.0
    searched = shape is not None and shape.num_parameters() < LARGEST_SEARCHED
    for_beams = 0.2 * budget if "evaluate" in stages and searched else 0.0
    left = 0.9 * budget - for_text - for_beams - rates.TORCH_SECONDS * estimator.speed.text
    each = max(0.5, left / max(1, len(works)))
    evaluate = next((step.config for step in steps if step.stage == "evaluate"), None)
    return {
        "threads": estimator.hardware.num_cores,
        "device": device,
        "text_seconds": for_text,
        "trainings": [asdict(_task(step, work, each, estimator)) for step, work in works],
        "generation": None
        if not for_beams or shape is None or evaluate is None
        else {"seconds": for_beams, "shape": asdict(shape), "num_beams": evaluate.num_beams},
    }


def _can_be_tried(work: Work, estimator: Estimator, budget: float) -> bool:
    """Say whether a few steps fit into a tenth of the time and a quarter of the memory that there is."""
    step_flops = work.flops / work.steps
    seconds = estimator.speed.matrix * (rates.STEP_SECONDS + step_flops / rates.FLOPS_PER_SECOND)
    assert estimator.shape is not None
    memory = activation_bytes(estimator.shape, work.rows * work.context_length, half=False)
    memory += state_bytes(estimator.shape, "adamw")
    return 4 * seconds < budget / 4 and memory < 0.25 * (estimator.hardware.memory_bytes or 8e9)


def _task(step: StepOrder, work: Work, seconds: float, estimator: Estimator) -> Task:
    config, shape = step.config, estimator.shape
    assert shape is not None
    if step.stage == "pretrain":
        phase = config.phase[int(work.key.rsplit("-", 1)[1])]
        optimizer = asdict(config.optimizer)
        peaks = {
            "matrix": phase.matrix_rate,
            "embedding": phase.embedding_rate,
            "unembedding": phase.unembedding_rate,
            "norm": phase.norm_rate,
        }
    else:
        optimizer = {
            "momentum": config.momentum,
            "newton_schulz_steps": config.newton_schulz_steps,
            "max_gradient_norm": config.max_gradient_norm,
        }
        peaks = asdict(config.rates)
    return Task(
        f"{step.folder}/{work.key}",
        seconds,
        asdict(shape),
        max(1, round(work.rows)),
        max(2, round(work.context_length)),
        work.apart,
        optimizer,
        peaks,
        getattr(config, "micro_batch_rows", 0),
        config.precision,
        getattr(config, "compile", "off"),
        getattr(config, "activation_checkpointing", False),
    )


def in_child(request: dict[str, Any], budget: float) -> Measured | None:
    """Measure in a process of its own, which is ended when its time is up; None when it had nothing to say by then."""
    command = [sys.executable, "-m", "fournil.apps.plan.trial"]
    try:
        done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, timeout=budget)
        said = done.stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    except OSError:
        return None
    return heard(said.decode("utf-8", "replace"))


def heard(said: str) -> Measured | None:
    """Read what the child said, a line for each thing that it measured; the last line may be torn."""
    found: Measured = {"step_seconds": {}}
    for line in said.splitlines():
        try:
            name, value = json.loads(line)
        except ValueError:
            continue
        if name.startswith(STEP):
            found["step_seconds"][name.removeprefix(STEP)] = value
        else:
            found[name] = value
    return found if found["step_seconds"] or len(found) > 1 else None


def _with_measured(speed: Speed, found: Measured) -> Speed:
    text = found.get("text_mb_per_second")
    return replace(
        speed,
        text=rates.TEXT_MB_PER_SECOND / text if text else speed.text,
        step_seconds=found["step_seconds"],
        beam_token_seconds=found.get("beam_token_seconds"),
        way="measured",
    )


def quick_probe(clock: Callable[[], float] = time.perf_counter) -> Speed:
    """Compare one core of this machine with one of the reference: the best of a few rounds of work on text and of
    matrix products, so that it says what the machine can do when nothing else runs on it.
    """
    began = clock()
    text = min(_timed(_work_on_text, clock) for _ in range(ROUNDS))
    _multiply()  # loads numpy
    matrix = min(_timed(_multiply, clock) for _ in range(ROUNDS))
    return Speed(
        text / rates.PROBE_TEXT_SECONDS, matrix / rates.PROBE_MATRIX_SECONDS, seconds=clock() - began, way="probe"
    )


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


_TEXT = "L’été, à l’ombre du fournil, on pétrit la pâte. In summer, in the bakehouse, one kneads the dough.\n" * 400
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def _work_on_text() -> int:
    counts: dict[str, int] = {}
    for found in _WORD.finditer(_TEXT):
        word = found.group().lower()
        counts[word] = counts.get(word, 0) + 1
    return len(counts)


def _multiply() -> float:
    """Products so small that one core does them."""
    import numpy as np

    left = np.full((64, 64), 0.5, dtype=np.float32)
    return sum(float((left @ left)[0, 0]) for _ in range(1_000))
