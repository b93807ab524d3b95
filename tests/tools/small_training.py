"""A small training that several processes can do together: the same batches, whoever makes which rows."""

import os
from dataclasses import replace
from pathlib import Path

import torch

from fournil.core.context import Context
from fournil.core.progress import Progress
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.train import checkpoint
from fournil.parts.train.loop import Batch, TrainSettings, train
from fournil.parts.train.parallel import whole_tensors
from fournil.parts.train.schedule import Phase, Rates
from fournil.parts.train.world import world_here

CONFIG = ModelConfig(60, 16, 24, 2, 4, 2, max_position_embeddings=32)
PHASES = (Phase(30, Rates(norm=0.01), warmup_steps=3), Phase(20, decay_steps=10))
SETTINGS = TrainSettings(PHASES, log_every=1, precision="float32", checkpoint_seconds=1e9)


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def batch(step, rank=0, ranks=1):
    """Eight rows, of which some learn more tokens than others; a process's are neighbours."""
    generator = torch.Generator().manual_seed(step)
    ids = torch.randint(0, 60, (8, 25), generator=generator)
    ids[:, 1::2] = (ids[:, 0:-1:2] + 7) % 60
    targets = ids[:, 1:].clone()
    targets[3, :10] = -100
    targets[0] = -100
    part = slice(rank * 8 // ranks, (rank + 1) * 8 // ranks)
    return Batch(ids[part, :-1], targets[part], (["fr", "en"] * 4)[part])


def score(model):
    ids = torch.arange(40).view(2, 20)
    return {"fr": float(model.loss(ids[:, :-1], ids[:, 1:]).mean())}


def training(rank: int, out: Path, *, signals: dict | None = None, **changes):
    """Train; returns losses, weights (of the first process), the whole optimizer state and the measured values.

    Args:
        rank: Of this process.
        out: The same folder for all.
        signals: Step -> what the last process sends itself before it.
        changes: To the settings.
    """
    world = world_here()
    assert world.rank == rank

    def source(step):
        if step in (signals or {}) and world.rank == world.ranks - 1:
            os.kill(os.getpid(), signals[step])
        return batch(step, world.rank, world.ranks)

    settings = replace(SETTINGS, **changes)
    settings = replace(settings, optimizer=replace(settings.optimizer, weight_decay=0.01))
    heard = Heard()
    model = Llama(CONFIG).reset(0)
    try:
        result = train(model, source, settings, out, Context(threads=1, progress=heard), validate=score, world=world)
    except KeyboardInterrupt:
        return heard.notes
    whole = result.parallel.whole_model()
    weights = None if whole is None else {name: p.detach().numpy().copy() for name, p in whole.named_parameters()}
    return {
        "losses": [line["loss"] for line in result.losses],
        "by_group": [line["by_group"] for line in result.losses],
        "scores": [line["scores"] for line in result.validations],
        "weights": weights,
        "moments": {name: t.numpy() for name, t in whole_tensors(result.optimizer.state(), world).items()},
        "measured": result.measured,
        "state": result.state,
        "notes": heard.notes,
    }


def in_a_folder_of_its_own(rank: int, out: Path):
    """Begin to train where each process sees other files."""
    checkpoint.SEEING_SECONDS = 0.3
    return training(rank, out / str(rank))
