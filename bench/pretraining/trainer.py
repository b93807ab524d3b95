"""A process that makes one whole training, ours or the peer's, and says what the model then knows.

    python -m pretraining.trainer '{"arm": "muon", …}'

The last line on standard output: {"seconds": …, "cpu_seconds": …, "bits_per_byte": {…}}. `seconds` is the time from
the process's start until the model is written; measuring what it knows comes after.
"""

import json
import math
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STARTED = time.monotonic()

import torch  # noqa: E402 - importing it is part of a training's time

from fournil.core.context import Context  # noqa: E402
from fournil.parts.model import folder as model_folder  # noqa: E402
from fournil.stages import pretrain  # noqa: E402
from fournil.stages.pretrain.config import Config, Model, Optimizer, Phase  # noqa: E402
from pretraining import engines, stream  # noqa: E402
from pretraining.engines import Settings  # noqa: E402
from pretraining.shapes import ALL, Case  # noqa: E402

ARMS = ("muon", "adamw", "transformers")
MUON_RATES = {name: getattr(Phase, name) for name in ("matrix_rate", "embedding_rate", "unembedding_rate")}
"""The stage's own: a rate of the muon arm multiplies all of them."""
WARMUP, FINAL, WEIGHT_DECAY = 0.05, 0.05, 0.1
"""Of AdamW with cosine: parts of the steps and of the rate; the decay of the matrices."""
STD = 0.02
"""Of the weights that AdamW starts from, the usual ones: one rate for all does not suit those that Muon starts from."""


@dataclass(frozen=True)
class Training:
    """What is trained and how."""

    arm: str
    """`muon` (ours, as the stage does by itself), `adamw` (ours, cosine), `transformers` (its model, AdamW, cosine)."""
    case: str
    rate: float
    """AdamW's peak rate; for muon, a multiple of the stage's own rates."""
    seed: int
    tokens: int
    settings: Settings = field(default_factory=Settings)

    def told(self, folder: Path, out: Path | None = None) -> str:
        """As a line of JSON; `folder` holds tokens (stream.prepared), `out` gets the model, if it is to be kept."""
        return json.dumps({"training": asdict(self), "folder": str(folder), "out": str(out) if out else ""})


def read(told: str) -> tuple[Training, Path, str]:
    """What `Training.told` wrote."""
    fields = json.loads(told)
    training = fields["training"]
    return Training(**{**training, "settings": Settings(**training["settings"])}), Path(fields["folder"]), fields["out"]


def run(training: Training, folder: Path, kept: str) -> dict[str, Any]:
    """Train and write the model; measure it unless it is kept."""
    case = ALL[training.case]
    torch.set_num_threads(training.settings.threads)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(kept or temporary)
        (_peer if training.arm == "transformers" else _ours)(training, case, folder, out)
        took = {"seconds": round(time.monotonic() - STARTED, 2), "cpu_seconds": round(time.process_time(), 2)}
        if kept:
            return took
        return took | {"bits_per_byte": stream.bits_per_byte(model_folder.load(out), folder, case.length)}


def _ours(training: Training, case: Case, folder: Path, out: Path) -> None:
    own, settings, rate = case.model, training.settings, training.rate
    muon = training.arm == "muon"
    if muon:
        how: dict[str, Any] = {name: value * rate for name, value in MUON_RATES.items()}
    else:
        how = dict.fromkeys((*MUON_RATES, "norm_rate"), rate)
        how |= {"warmup": WARMUP, "decay": 1.0 - WARMUP, "decay_shape": "cosine", "final_factor": FINAL}
    config = Config(
        model=Model(
            hidden_size=own.hidden_size,
            intermediate_size=own.intermediate_size,
            num_hidden_layers=own.num_hidden_layers,
            num_attention_heads=own.num_attention_heads,
            max_position_embeddings=own.max_position_embeddings,
            initializer_range=None if muon else STD,
        ),
        optimizer=Optimizer() if muon else Optimizer(matrices="adamw", weight_decay=WEIGHT_DECAY),
        phase=(Phase(tokens=training.tokens, batch_tokens=case.tokens, context_length=case.length, **how),),
        apart=False,
        validate_every=10**9,
        validation_tokens=0,
        checkpoint_seconds=1e9,
        micro_batch_rows=settings.micro_rows,
        precision=settings.precision,
        compile="on" if settings.compile else "off",
    )
    context = Context(stream.LANGUAGES, seed=training.seed, threads=settings.threads)
    pretrain.run(config, {"tokenizer": folder}, out, context)


def _peer(training: Training, case: Case, folder: Path, out: Path) -> None:
    engine = engines.make("transformers", case, training.settings, start=None, peers=Path(), seed=training.seed)
    matrices = [p for p in engine.model.parameters() if p.ndim > 1]
    others = [p for p in engine.model.parameters() if p.ndim < 2]
    engine.optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}],
        lr=training.rate, betas=engines.BETAS, eps=engines.EPSILON, fused=True,
    )  # fmt: skip
    steps = math.ceil(training.tokens / case.tokens)
    warm = max(1, round(WARMUP * steps))
    batches = stream.windows(folder, case.rows, case.length, training.seed)
    for number in range(steps):
        ids = next(batches)
        given, wanted = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
        engines.step(engine, given, wanted, training.settings, training.rate * factor(number, steps, warm))
    engine.model.save_pretrained(out)


def factor(step: int, steps: int, warm: int) -> float:
    """Warm-up, then a cosine down to FINAL at the last step: what schedule.Phase does."""
    if step < warm:
        return (step + 1) / warm
    done = (step - warm + 1) / (steps - warm)
    return FINAL + (1.0 - FINAL) * 0.5 * (1.0 + math.cos(math.pi * done))


if __name__ == "__main__":
    print(json.dumps(run(*read(sys.argv[1]))), flush=True)
