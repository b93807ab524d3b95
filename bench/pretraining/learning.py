"""How much is learnt: AdamW beside Muon at equal compute, and the time to the same held-out loss.

Every training is a process of its own and a kept line. A best rate at an edge of those that were tried is no best rate:
the sweep then goes on by one more.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fournil.parts.model.transformer import Block, Llama
from fournil.parts.train.optimizer import OptimizerSettings
from pretraining.engines import Settings
from pretraining.runs import Runs, machine
from pretraining.shapes import ALL, Case
from pretraining.speed import said
from pretraining.trainer import Training
from pretraining.turns import BENCH

SIZE = "5M"
TOKENS = 400 * ALL[SIZE].tokens
RATES = {
    "muon": (0.25, 0.5, 1.0, 2.0, 4.0),
    "adamw": (0.0005, 0.001, 0.002, 0.004, 0.008),
    "transformers": (0.0005, 0.001, 0.002, 0.004, 0.008),
}
SEEDS = (0, 1, 2)
FRACTIONS = (0.25, 1 / 3, 0.5)
"""Of the tokens, that Muon is given."""
SLICE_SECONDS = 5.0
RACES = 3

Train = Callable[[Training], dict[str, Any] | None]
"""A training's result; None: there is no more time for it."""


def rows(case: str, runs: Runs, data: Path, work: Path, *, until: float | None) -> Iterator[dict[str, Any]]:
    """The rows of a case; a sentence where it is not done yet, or there is no text."""
    if not data.is_dir():
        yield {"case": case, "note": f"{data}: no real text here; name a folder with --data"}
        return
    from pretraining import stream

    folder = stream.prepared(data, work, ALL[SIZE].model.vocab_size)

    def train(training: Training) -> dict[str, Any] | None:
        asked = {"what": "training", **asdict(training)}
        del asked["settings"]  # they change the last digits of what is learnt, no more
        found = runs.get(asked)
        if found is None and (until is None or time.monotonic() < until):
            found = runs.keep(asked, alone(training, folder) | {"machine": machine()})
        return found

    found = quality(train) if case == "quality" else time_to_loss(train, runs, folder, until)
    yield from found or [{"case": case, "note": "not all of its trainings are there yet: run it again"}]


def quality(train: Train) -> list[dict[str, Any]] | None:
    """Rows of AdamW with cosine beside Muon; None when trainings are missing."""
    best = {arm: best_rate(arm, train) for arm in ("adamw", "muon")}
    if None in best.values():
        return None
    means, extra = {}, muon_operations(ALL[SIZE])
    for arm, rate in best.items():
        for part in (1.0, *(FRACTIONS if arm == "muon" else ())):
            trained = [train(Training(arm, SIZE, rate, seed, _tokens(part))) for seed in SEEDS]
            if not all(trained):
                return None
            means[arm, part] = _mean([each["bits_per_byte"] for each in trained if each])
    table = []
    for part in (1.0, *reversed(FRACTIONS)):
        for tag, adamw in means["adamw", 1.0][0].items():
            muon, spread = means["muon", part][0][tag], means["muon", part][1][tag]
            table.append(
                {
                    "case": f"quality, {tag}, {part:.0%} of the tokens",
                    "ours": round(muon, 4), "peer": round(adamw, 4), "ratio": round(adamw / muon, 4), "equal": None,
                    "unit": "held-out bits per byte, mean of three seeds",
                    "note": f"{part * (1.0 + extra):.0%} of AdamW's floating-point operations, Muon's own products "
                    f"counted; rates: Muon {best['muon']:g} times the stage's, AdamW {best['adamw']:g}; "
                    f"seeds differ by {spread:.3f} with Muon, {means['adamw', 1.0][1][tag]:.3f} with AdamW",
                }
            )  # fmt: skip
    return table


def muon_operations(case: Case) -> float:
    """Of Muon's own products in a step, as a part of the model's: x times itself, squared, and times x, thrice."""
    total = 0
    for block in Llama(case.model).blocks:
        assert isinstance(block, Block)
        for name, parameter in block.named_parameters():
            for rows in block.matrix_rows(name) if parameter.ndim > 1 else ():
                short, long = sorted((rows, parameter.shape[1]))
                total += 4 * short**2 * long + 2 * short**3
    steps = OptimizerSettings().newton_schulz_steps
    return steps * total / (case.model.training_flops_per_token(case.length) * case.tokens)


def time_to_loss(train: Train, runs: Runs, folder: Path, until: float | None) -> list[dict[str, Any]] | None:
    """The row of transformers' best AdamW run beside ours that knows as much; None when trainings are missing."""
    rate, own = best_rate("transformers", train), best_rate("muon", train)
    if rate is None or own is None:
        return None
    peer = Training("transformers", SIZE, rate, 0, TOKENS, strongest("transformers", runs))
    target = train(replace(peer, settings=Settings()))
    assert target is not None
    for part in (*FRACTIONS, 1.0):
        ours = Training("muon", SIZE, own, 0, _tokens(part), strongest("fournil", runs))
        found = train(replace(ours, settings=Settings()))
        if found is None:
            return None
        if reached(found["bits_per_byte"], target["bits_per_byte"]):
            break
    else:
        return [{"case": "time-to-loss", "note": "ours did not reach the peer's loss with as many tokens"}]
    races = []
    for number in range(RACES):
        asked = {"what": "race", "number": number, "ours": asdict(ours), "peer": asdict(peer), "machine": machine()}
        if (race := runs.get(asked)) is None:
            if until is not None and time.monotonic() >= until:
                return None
            one, other = in_slices([ours, peer], folder)
            race = runs.keep(asked, {"ours": one, "peer": other})
        races.append(race)
    seconds = {side: statistics.median(race[side]["active_seconds"] for race in races) for side in ("ours", "peer")}
    ratio = statistics.median(race["peer"]["active_seconds"] / race["ours"]["active_seconds"] for race in races)
    ends = [
        {side: {tag: round(bits, 3) for tag, bits in race[side]["bits_per_byte"].items()} for side in seconds}
        for race in races
    ]
    return [
        {
            "case": "time-to-loss", "ours": round(seconds["ours"], 1), "peer": round(seconds["peer"], 1),
            "unit": "s from start to the written model", "equal": all(reached(e["ours"], e["peer"]) for e in ends),
            "ratio": round(ratio, 3),
            "note": f"{_tokens(part):,} tokens against {TOKENS:,}, rates {own:g} (times the stage's) and {rate:g}; "
            f"equal: at least as good in both languages, bits per byte {json.dumps(ends[0])}",
            "settings": {"ours": said(ours.settings), "peer": said(peer.settings)},
        }
    ]  # fmt: skip


def best_rate(arm: str, train: Train) -> float | None:
    """The rate with the fewest bits per byte, languages alike, seed 0; None when a training is missing."""
    rates = list(RATES[arm])
    scores: dict[float, float] = {}
    while True:
        for rate in rates:
            if rate not in scores:
                found = train(Training(arm, SIZE, rate, SEEDS[0], TOKENS))
                if found is None:
                    return None
                scores[rate] = statistics.fmean(found["bits_per_byte"].values())
        best = min(rates, key=scores.__getitem__)
        if best == rates[0]:
            rates.insert(0, best / 2)
        elif best == rates[-1]:
            rates.append(best * 2)
        else:
            return best


def reached(ours: dict[str, float], target: dict[str, float]) -> bool:
    """Whether ours is at least as good in every language."""
    return all(ours[tag] <= bits for tag, bits in target.items())


def strongest(engine: str, runs: Runs) -> Settings:
    """The settings that the case cpu-SIZE chose on this machine (its last better one); before, those of Settings."""
    chosen = Settings()
    for asked, found in runs.all(what="sweep", engine=engine, case=SIZE, machine=machine()):
        if found["ratio"] > 1.0 and (asked["beside"] is None or Settings(**asked["beside"]) == chosen):
            chosen = Settings(**asked["settings"])
    return chosen


def _tokens(part: float) -> int:
    return round(TOKENS * part)


def _mean(found: Sequence[dict[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Means and ranges by language."""
    values = {tag: [each[tag] for each in found] for tag in found[0]}
    return (
        {tag: statistics.fmean(each) for tag, each in values.items()},
        {tag: max(each) - min(each) for tag, each in values.items()},
    )


def start(training: Training, folder: Path, out: Path | None = None) -> subprocess.Popen[str]:
    """A training in a process of its own; with `out` it leaves its model there and does not measure it."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(BENCH), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "OMP_NUM_THREADS": str(training.settings.threads),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pretraining.trainer", training.told(folder, out)],
        stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip


def alone(training: Training, folder: Path) -> dict[str, Any]:
    """What a training says at its end.

    Raises:
        RuntimeError: It did not end well.
    """
    process = start(training, folder)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{training} ended with {process.returncode}")
    return json.loads(said.splitlines()[-1])


def in_slices(trainings: Sequence[Training], folder: Path, *, seconds: float = SLICE_SECONDS) -> list[dict[str, Any]]:
    """Trainings that take turns of some seconds; `active_seconds` are those of a training's own turns, from the start
    of its process until its model is written.

    Raises:
        RuntimeError: One did not end well.
    """
    from fournil.parts.model import folder as model_folder
    from pretraining import stream

    active = [0.0] * len(trainings)
    with tempfile.TemporaryDirectory() as work:
        outs = [Path(work) / str(place) for place in range(len(trainings))]
        processes = []
        for training, out in zip(trainings, outs, strict=True):
            processes.append(start(training, folder, out))
            os.killpg(processes[-1].pid, signal.SIGSTOP)
        waiting = list(range(len(processes)))
        while waiting:
            for place in tuple(waiting):
                began = time.monotonic()
                os.killpg(processes[place].pid, signal.SIGCONT)
                try:
                    processes[place].wait(seconds)
                    waiting.remove(place)
                except subprocess.TimeoutExpired:
                    os.killpg(processes[place].pid, signal.SIGSTOP)
                active[place] += time.monotonic() - began
        for training, process in zip(trainings, processes, strict=True):
            process.communicate()
            if process.returncode:
                raise RuntimeError(f"{training} ended with {process.returncode}")
        return [
            {
                "active_seconds": round(spent, 2),
                "bits_per_byte": stream.bits_per_byte(model_folder.load(out), folder, ALL[training.case].length),
            }
            for training, out, spent in zip(trainings, outs, active, strict=True)
        ]
