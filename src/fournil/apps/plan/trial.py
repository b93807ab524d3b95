"""The child that tries a recipe's own work: steps of training, tokens of beam search, rules on text.

It reads one JSON object from standard input, and writes a line of JSON for each thing that it measured: name and value.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fournil
from fournil.apps.plan.rates import STEP

WARM_STEPS = 2
"""First steps that are not counted: memory is being laid out."""
END_OF_TEXT = 40
"""Tokens of a text, on average, in rows that hold several."""


class _EnoughError(Exception):
    pass


def main() -> int:
    """Measure what standard input asks for, and say each thing at once: this process may be ended any time."""
    request = json.load(sys.stdin)
    if request["text_seconds"]:
        _say("text_mb_per_second", text_rate(request["text_seconds"]))
    if request["trainings"] or request["generation"]:
        import torch

        torch.set_num_threads(request["threads"])
    for task in request["trainings"]:
        _say(STEP + task["key"], step_seconds(task, request["threads"], request["device"]))
    if request["generation"]:
        _say("beam_token_seconds", beam_token_seconds(**request["generation"], device=request["device"]))
    return 0


def _say(name: str, value: float | None) -> None:
    if value is not None:
        print(json.dumps([name, value]), flush=True)


def step_seconds(
    task: dict[str, Any], threads: int, device: str, clock: Callable[[], float] = time.monotonic
) -> float | None:
    """Return the median time of a step of a training like the one asked for; None where too few steps fit.

    On a GPU it is the mean: there the loop waits for results only now and then. It is the training loop itself that
    runs, with the recipe's model, rows, context, optimizer and precision, on tokens drawn at random.
    """
    import torch

    from fournil.core.context import Context
    from fournil.parts.model.config import ModelConfig
    from fournil.parts.model.cross_entropy import IGNORED
    from fournil.parts.model.transformer import Llama
    from fournil.parts.train import schedule
    from fournil.parts.train.loop import Batch, TrainSettings, train
    from fournil.parts.train.optimizer import OptimizerSettings

    shape = ModelConfig(**task["shape"])
    dice = torch.Generator().manual_seed(1)
    size = (task["rows"], task["context_length"])
    times: list[float] = []

    def batch(step: int) -> Batch:
        times.append(clock())
        if times[-1] - times[0] > task["seconds"]:
            raise _EnoughError
        ids = torch.randint(0, shape.vocab_size, size, generator=dice)
        targets = ids.roll(-1, dims=1)
        segments = None
        if task["apart"]:
            segments = (torch.rand(size, generator=dice) < 1 / END_OF_TEXT).cumsum(dim=1)
        else:  # a question and its answer: the second half is learnt
            targets[:, : size[1] // 2] = IGNORED
        return Batch(ids, targets, ["text"] * size[0], segments)

    settings = TrainSettings(
        phases=(schedule.Phase(1_000_000, schedule.Rates(**task["rates"])),),
        optimizer=OptimizerSettings(**task["optimizer"]),
        micro_batch_rows=task["micro_batch_rows"],
        checkpoint_seconds=1e9,
        precision=task["precision"],
        compile=task["compile"],
    )
    model = Llama(shape).reset(1)
    model.checkpoints_activations = task["activation_checkpointing"]
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(_EnoughError):
        train(model, batch, settings, Path(folder), Context(device=device, threads=threads))
    if device != "cpu" and len(times) > WARM_STEPS + 1:
        return (times[-1] - times[WARM_STEPS]) / (len(times) - 1 - WARM_STEPS)
    each = [after - before for before, after in itertools.pairwise(times[WARM_STEPS:])]
    if not each:  # so large a step that hardly one fits
        each = [after - before for before, after in itertools.pairwise(times)]
    return statistics.median(each) if each else None


def beam_token_seconds(
    *, seconds: float, shape: dict[str, Any], num_beams: int, device: str, clock: Callable[[], float] = time.monotonic
) -> float:
    """Return the seconds for each token and each beam of a search, in batches as large as translation has them.

    One thread, and the best of several: so small are the products of a search that more threads help little, and what
    else runs on the machine would count twice.
    """
    import torch

    from fournil.parts.model.beams import beam_candidates
    from fournil.parts.model.config import ModelConfig
    from fournil.parts.model.transformer import Llama

    torch.set_num_threads(1)
    model = Llama(ModelConfig(**shape)).reset(1).eval()
    prompts = [[5] * 16 for _ in range(max(1, 64 // num_beams))]
    dice = torch.Generator().manual_seed(1)
    with torch.no_grad():  # blocks that do something, so that beams are as different as those of a trained model
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.add_(torch.randn(parameter.shape, generator=dice) * 0.02)
    model.to(device)
    best = float("inf")
    began = clock()
    while True:
        start = clock()
        beam_candidates(model, prompts, stop_ids=[0], max_new_tokens=12, num_beams=num_beams)
        best = min(best, (clock() - start) / (12 * num_beams * len(prompts)))
        if clock() - began > seconds:
            return best


def text_rate(seconds: float, clock: Callable[[], float] = time.monotonic) -> float:
    """Return the megabytes a second of curation's rules, the best of several rounds, on text of the package."""
    import numpy as np
    import pyarrow as pa

    from fournil.core.languages import language
    from fournil.parts.text.identify import identify
    from fournil.parts.text.ngrams import repetition, shingles
    from fournil.parts.text.normalise import normalise
    from fournil.parts.text.personal import find_all
    from fournil.parts.text.scan import scan
    from fournil.parts.text.statistics import prose_figures

    folder = Path(fournil.__file__).resolve().parent / "data" / "mie"
    texts = {tag: [path.read_text("utf-8") for path in sorted((folder / tag).glob("*.txt"))] for tag in ("fr", "en")}
    best = 0.0
    began = clock()
    while True:
        start, done = clock(), 0
        for tag, own in texts.items():
            values = pa.array(own * 2, pa.string())
            normalise(values, code=np.zeros(len(values), dtype=bool))
            find_all(values, languages=[language(tag)])
            identify(values)
            found = scan(values, [tag] * len(values))
            prose_figures(found)
            repetition(found.words)
            shingles(found.words, 5)
            done += sum(len(text.encode()) for text in own) * 2
        best = max(best, done / 1e6 / (clock() - start))
        if clock() - began > seconds:
            return best


if __name__ == "__main__":
    sys.exit(main())
