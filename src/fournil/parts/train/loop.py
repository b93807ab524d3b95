"""The training loop of pretrain and finetune: steps, losses by group, validation, checkpoints, exact resume.

Shapes: B rows, T tokens.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import mending, write_text
from fournil.core.speech import tr
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.transformer import Llama
from fournil.parts.train import checkpoint
from fournil.parts.train.kept import kept_folder
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings
from fournil.parts.train.precision import choose_precision
from fournil.parts.train.schedule import Phase, phase_at

LOSSES = "losses.jsonl"


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    ids_BT: Tensor
    """Token ids, int64."""
    targets_BT: Tensor
    """The token that follows each, or -100 where none is to be learnt."""
    group_B: Sequence[str]
    """Under which name each row's loss is reported."""
    segments_BT: Tensor | None = None
    """Numbers of the texts that share a row and must not look at each other (None: rows are whole)."""


@dataclass(frozen=True)
class TrainSettings:
    """How a training runs."""

    phases: tuple[Phase, ...]
    """Stretches with their rates, in order."""
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    """What turns gradients into changes."""
    micro_batch_rows: int = 0
    """Rows that go through the model at a time (0: the whole batch); less memory, the same gradients."""
    log_every: int = 10
    """Steps whose mean loss is one line of losses.jsonl."""
    validate_every: int = 0
    """Steps between validations (0: only at the end)."""
    checkpoint_seconds: float = 30.0
    """Seconds between checkpoints."""
    checkpoint_every: int = 0
    """Steps between further checkpoints (0: by time only)."""
    keep_every: int = 0
    """Steps between models that are kept for good (0: none); the last model is not one of them."""
    precision: str = "auto"
    """"float32", "bfloat16", or "auto": measured on a CPU, bfloat16 on a GPU."""
    compile: str = "off"
    """"on": torch.compile, "off", or "auto": on a GPU only. Compiling takes tens of seconds on a CPU."""

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)


@dataclass(frozen=True)
class TrainResult:
    """What a training left behind, beside the weights in the model."""

    losses: list[dict[str, Any]]
    """One per `log_every` steps: step, tokens, factor, loss, by_group."""
    validations: list[dict[str, Any]]
    """One per validation: step, tokens, scores."""
    optimizer: Optimizer
    """With its moments."""
    state: dict[str, Any]
    """JSON, the same for the same training: step, precision, tokens seen and learnt."""
    measured: dict[str, Any]
    """JSON that varies: seconds, tokens per second, what was measured before choosing a precision."""


class _Tally:
    """Sums of losses by group since the last line; part of the checkpoint."""

    def __init__(self, sums: dict[str, list[float]] | None = None) -> None:
        self.sums = sums or {}

    def add(self, groups: Sequence[str], losses_B: Tensor, counts_B: Tensor) -> None:
        for group, loss, count in zip(groups, losses_B.tolist(), counts_B.tolist(), strict=True):
            entry = self.sums.setdefault(group, [0.0, 0.0])
            entry[0] += loss
            entry[1] += count

    def mean(self) -> float:
        total, count = (sum(entry[i] for entry in self.sums.values()) for i in (0, 1))
        return total / max(count, 1.0)

    def by_group(self) -> dict[str, float]:
        return {group: total / max(count, 1.0) for group, (total, count) in sorted(self.sums.items())}


def train(
    model: Llama,
    batch: Callable[[int], Batch],
    settings: TrainSettings,
    out: Path,
    context: Context,
    *,
    validate: Callable[[Llama], dict[str, float]] | None = None,
    keep: Callable[[Llama, Path], None] | None = None,
    title: str = "Training",
) -> TrainResult:
    """Train a model in place, from the last checkpoint under `out`/.work if there is one.

    Args:
        model: Its weights are set (they are the start, unless a checkpoint holds later ones).
        batch: The batch of a step: a pure function, or resuming is not exact.
        settings: How.
        out: The stage's folder: losses.jsonl at the end, checkpoints and events in .work.
        context: Device, threads, progress.
        validate: Scores of the model (by language), lower is better.
        keep: Writes the model to a folder, every `keep_every` steps.
        title: Of the progress bar.

    Raises:
        FournilError: The loss is no longer finite, or a setting is unknown.
    """
    return _Training(model, batch, settings, out, context, validate, keep).run(title)


class _Training:
    def __init__(
        self,
        model: Llama,
        batch: Callable[[int], Batch],
        settings: TrainSettings,
        out: Path,
        context: Context,
        validate: Callable[[Llama], dict[str, float]] | None,
        keep: Callable[[Llama, Path], None] | None,
    ) -> None:
        if settings.compile not in ("off", "on", "auto"):
            raise FournilError(
                tr("unknown compile {compile!r}", compile=settings.compile), fix=tr('Known are "off", "on" and "auto".')
            )
        torch.set_num_threads(context.threads)
        self.model = model.to(context.device)
        self.batch, self.settings, self.context, self.validate = batch, settings, context, validate
        self.keep = keep
        self.out, self.work = out, out / ".work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.optimizer = Optimizer(model, settings.optimizer)
        for kind, pairs in self.optimizer.kinds.items():
            trained = any(getattr(phase.rates, kind) for phase in settings.phases)
            for parameter in pairs.values():
                parameter.requires_grad_(trained)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise FournilError(tr("all learning rates are 0"), fix=tr("Give one of them a value above 0."))
        self.step, self.tokens_seen, self.tokens_learnt = 0, 0, 0
        self.tally = _Tally()
        self.lines: list[dict[str, Any]] = []
        self.pending: deque[tuple[int, Sequence[str], Tensor, Tensor]] = deque()
        self.precision = ""
        self.measured: dict[str, Any] = {"threads": context.threads, "device": context.device}

    def run(self, title: str) -> TrainResult:
        state = checkpoint.restore(self.work, self.model, self.optimizer)
        if state is None:
            self.precision, rates = choose_precision(self.settings.precision, self.context.device)
            self.measured["matrix_product_gflops"] = {name: round(rate, 1) for name, rate in rates.items()}
        else:
            self._resume(state)
        self.measured["precision"] = self.precision
        compiled = self.settings.compile == "on" or (self.settings.compile == "auto" and self.context.device != "cpu")
        self.loss = torch.compile(self.model.loss) if compiled else self.model.loss
        first, began, saved = self.step, time.monotonic(), time.monotonic()
        seen_before, aside = self.tokens_seen, 0.0
        with self.context.progress.task(title, total=self.settings.steps, unit=tr("steps")) as bar:
            bar.advance(self.step)
            while self.step < self.settings.steps:
                self._train_step()
                note = self._settle()
                bar.advance(1, note)
                paused = time.monotonic()
                if self._due(self.settings.validate_every) or self.step == self.settings.steps:
                    self._validate()
                if self.keep is not None and self._due(self.settings.keep_every) and self.step < self.settings.steps:
                    self._refuse_not_finite()
                    self.keep(self.model, kept_folder(self.out, self.step))
                late = time.monotonic() - saved > self.settings.checkpoint_seconds
                if (late or self._due(self.settings.checkpoint_every)) and self.step < self.settings.steps:
                    self._checkpoint()
                    saved = time.monotonic()
                aside += time.monotonic() - paused
        self._refuse_not_finite()
        self._say_if_worse_than_nothing()
        seconds = time.monotonic() - began - aside
        self.measured |= {
            "steps": self.step - first,
            "train_seconds": round(seconds, 3),
            "other_seconds": round(aside, 3),
            "tokens_per_second": round((self.tokens_seen - seen_before) / max(seconds, 1e-9), 1),
        }
        write_text(self.out / LOSSES, "".join(json.dumps(line, sort_keys=True) + "\n" for line in self.lines))
        return TrainResult(
            losses=[line for line in self.lines if "loss" in line],
            validations=[line for line in self.lines if "scores" in line],
            optimizer=self.optimizer,
            state=self._counts(),
            measured=self.measured,
        )

    def _train_step(self) -> None:
        number, inner = phase_at(self.settings.phases, self.step)
        phase = self.settings.phases[number]
        batch, device = self.batch(self.step), self.context.device
        counts_B = (batch.targets_BT != IGNORED).sum(dim=1)
        num_learnt = max(int(counts_B.sum()), 1)
        rows = self.settings.micro_batch_rows or batch.ids_BT.shape[0]
        sums = []
        for start in range(0, batch.ids_BT.shape[0], rows):
            ids_BT = batch.ids_BT[start : start + rows].to(device, non_blocking=True)
            targets_BT = batch.targets_BT[start : start + rows].to(device, non_blocking=True)
            with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16"):
                segments_BT = None if batch.segments_BT is None else batch.segments_BT[start : start + rows].to(device)
                losses_BT = self.loss(ids_BT, targets_BT, segments_BT)
            (losses_BT.sum() / num_learnt).backward()
            sums.append(losses_BT.detach().sum(dim=1))
        self.optimizer.step(phase.rates, phase.factor(inner))
        self.pending.append((self.step, batch.group_B, torch.cat(sums), counts_B))
        self.step += 1
        self.tokens_seen += batch.ids_BT.numel()
        self.tokens_learnt += num_learnt

    def _settle(self) -> str:
        """Count the losses of finished steps; on a GPU only now and then, because looking at one waits for it."""
        line_due = self._due(self.settings.log_every) or self.step == self.settings.steps
        if self.context.device != "cpu" and len(self.pending) < 16 and not line_due:
            return ""
        self._drain()
        if not line_due:
            return ""
        number, inner = phase_at(self.settings.phases, self.step - 1)
        line = {
            "step": self.step,
            "tokens": self.tokens_seen,
            "factor": self.settings.phases[number].factor(inner),
            "loss": self.tally.mean(),
            "by_group": self.tally.by_group(),
        }
        self.tally = _Tally()
        self._write(line)
        return tr("loss {losses}", losses=", ".join(f"{group} {loss:.2f}" for group, loss in line["by_group"].items()))

    def _drain(self) -> None:
        while self.pending:
            step, groups, losses_B, counts_B = self.pending.popleft()
            if not math.isfinite(float(losses_B.sum())):
                raise FournilError(
                    tr("the loss of step {step} is no longer finite", step=step),
                    where=self.out,
                    fix=tr("Lower the learning rates, or lengthen the warm-up."),
                )
            self.tally.add(groups, losses_B, counts_B)

    def _validate(self) -> None:
        if self.validate is None:
            return
        self._drain()
        self.model.eval()
        with torch.no_grad(), torch.autocast(self.context.device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            scores = self.validate(self.model)
        self.model.train()
        self._write({"step": self.step, "tokens": self.tokens_seen, "scores": scores})

    def _write(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        events = self.work / "events.jsonl"
        with mending(events), events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | {"unix_seconds": round(time.time(), 3)}) + "\n")

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0

    def _counts(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "precision": self.precision,
            "tokens_seen": self.tokens_seen,
            "tokens_learnt": self.tokens_learnt,
        }

    def _refuse_not_finite(self) -> None:
        """Look at the weights: one bad step after a good loss would end the only checkpoint there is."""
        if all(bool(torch.isfinite(parameter).all()) for parameter in self.model.parameters()):
            return
        raise FournilError(
            tr("the weights after step {step} are no longer finite", step=self.step),
            where=self.out,
            fix=tr("Lower the learning rates, or lengthen the warm-up."),
        )

    def _say_if_worse_than_nothing(self) -> None:
        """A training can fail with finite losses: the norms bring weights of any size back to one."""
        last = next((line["loss"] for line in reversed(self.lines) if "loss" in line), 0.0)
        nothing = math.log(self.model.config.vocab_size)
        if last > nothing:
            self.context.progress.note(
                tr(
                    "The last loss, {loss:.2f}, is above that of a model that knows nothing, {nothing:.2f}: the "
                    "learning rates may be too high.",
                    loss=last,
                    nothing=nothing,
                )
            )

    def _checkpoint(self) -> None:
        self._drain()
        self._refuse_not_finite()
        state = self._counts() | {"tally": self.tally.sums, "lines": self.lines, "threads": self.context.threads}
        checkpoint.save(self.work, self.model, self.optimizer, state)

    def _resume(self, state: dict[str, Any]) -> None:
        self.step, self.precision = state["step"], state["precision"]
        self.tokens_seen, self.tokens_learnt = state["tokens_seen"], state["tokens_learnt"]
        self.tally, self.lines = _Tally(state["tally"]), state["lines"]
        self.measured["resumed_at_step"] = self.step
        if state["threads"] != self.context.threads:
            self.context.progress.note(
                tr(
                    "The checkpoint was made with {before} threads, now there are {threads}: "
                    "the last digits of the losses will differ.",
                    before=state["threads"],
                    threads=self.context.threads,
                )
            )
        self.context.progress.note(tr("Going on from step {step:,}.", step=self.step))
