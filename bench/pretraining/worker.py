"""A process that trains: it says when each step begins, and goes on until it is ended or has done its steps.

    python -m pretraining.worker '{"engine": "fournil", …}'

Lines of JSON on standard output: {"ready": …}, {"at": seconds}, …, {"losses": […]}.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from fournil.core.context import Context
from fournil.parts.model import folder as model_folder
from fournil.parts.model.transformer import Llama
from fournil.parts.train.loop import Batch, TrainSettings, train
from fournil.parts.train.optimizer import OptimizerSettings
from fournil.parts.train.schedule import Phase, Rates
from pretraining import engines
from pretraining.engines import Settings
from pretraining.shapes import ALL, Case

ENDLESS = 1_000_000


@dataclass(frozen=True)
class Work:
    """What a worker is told."""

    engine: str
    """`fournil`, `fournil-muon`, or a peer's name."""
    case: str
    """A size (shapes.py)."""
    settings: Settings = field(default_factory=Settings)
    start: str = ""
    """Folder of the weights to start from ("": a peer's own, and ours)."""
    peers: str = ""
    """Folder of what was installed for the comparison."""
    steps: int = ENDLESS
    device: str = "cpu"

    def told(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self))


def read(told: str) -> Work:
    """What `Work.told` wrote."""
    fields = json.loads(told)
    return Work(**{**fields, "settings": Settings(**fields["settings"])})


def make_start(case: Case, folder: Path) -> Path:
    """Weights by chance in every matrix, so that a first loss says something; norms at one."""
    model = Llama(case.model).reset(0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    model_folder.save(model, folder)
    return folder


def say(**told: Any) -> None:
    """One line."""
    print(json.dumps(told), flush=True)


def run(work: Work) -> list[float]:
    """Train; the losses of the steps."""
    case = ALL[work.case]
    torch.set_num_threads(work.settings.threads)
    return _ours(work, case) if work.engine.startswith("fournil") else _peer(work, case)


def _ours(work: Work, case: Case) -> list[float]:
    """The training loop itself, with everything that it does beside the steps."""
    model = model_folder.load(Path(work.start)) if work.start else Llama(case.model).reset(0)
    model.train()
    rate = engines.RATE
    matrices = "muon" if work.engine == "fournil-muon" else "adamw"
    settings = TrainSettings(
        phases=(Phase(work.steps, Rates(rate, rate, rate, rate)),),
        optimizer=OptimizerSettings(matrices=matrices, epsilon=engines.EPSILON, max_gradient_norm=engines.MAX_NORM),
        micro_batch_rows=work.settings.micro_rows,
        log_every=1 if work.steps < ENDLESS else 10,
        checkpoint_seconds=1e9,
        precision=work.settings.precision,
        compile="on" if work.settings.compile else "off",
    )

    def batch(number: int) -> Batch:
        say(at=time.monotonic())
        ids_BT, targets_BT = engines.chance_ids(case, number)
        return Batch(ids_BT, targets_BT, ["all"] * case.rows)

    with tempfile.TemporaryDirectory() as folder:
        context = Context(threads=work.settings.threads, device=work.device)
        result = train(model, batch, settings, Path(folder), context)
    return [line["loss"] for line in result.losses]


def _peer(work: Work, case: Case) -> list[float]:
    start = Path(work.start) if work.start and work.engine in engines.SAME else None
    engine = engines.make(work.engine, case, work.settings, start=start, peers=Path(work.peers), device=work.device)
    losses = []
    for number in range(work.steps):
        say(at=time.monotonic())
        ids_BT, targets_BT = engines.chance_ids(case, number, work.device)
        losses.append(float(engines.step(engine, ids_BT, targets_BT, work.settings)))
    return losses


if __name__ == "__main__":
    say(losses=run(read(sys.argv[1])))
