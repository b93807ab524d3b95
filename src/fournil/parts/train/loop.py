"""The training loop of pretrain and finetune: steps, losses by group, validation, checkpoints, exact resume.

Shapes: B rows, T tokens.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import mending, write_text
from fournil.core.speech import figure, tr
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.transformer import Llama
from fournil.parts.train.checkpoint import Checkpoints
from fournil.parts.train.guard import Guard, GuardSettings
from fournil.parts.train.history import History
from fournil.parts.train.kept import kept_folder
from fournil.parts.train.optimizer import Optimizer, OptimizerSettings, kinds_of
from fournil.parts.train.parallel import Parallel
from fournil.parts.train.precision import choose_precision
from fournil.parts.train.schedule import Phase, phase_at
from fournil.parts.train.stopping import Stopping
from fournil.parts.train.throughput import Throughput
from fournil.parts.train.world import ALONE, World

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
    """Rows that go through the model of a process at a time (0: all of its own); less memory, the same gradients."""
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

    strategy: str = "auto"
    """How several processes share the model: "ddp" (whole on each), "fsdp" (spread over them), "auto" (by memory)."""
    guard: GuardSettings = field(default_factory=GuardSettings)
    """Which steps are left out, and when the model goes back to a checkpoint."""

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
    """With its moments; of several processes, each holds its own."""
    parallel: Parallel
    """The model where it was trained: `whole_model` gives it whole."""
    guard: list[dict[str, Any]]
    """What was left out and when it went back; empty where nothing was wrong."""
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
            self._add(group, loss, count)

    def merged(self, world: World) -> _Tally:
        """The sums of all processes."""
        if world.ranks == 1:
            return self
        found = _Tally()
        for sums in world.gathered(self.sums):
            for group, (loss, count) in sums.items():
                found._add(group, loss, count)
        return found

    def _add(self, group: str, loss: float, count: float) -> None:
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
    world: World = ALONE,
) -> TrainResult:
    """Train a model in place, from the last checkpoint under `out`/.work if there is one.

    SIGTERM makes it save a checkpoint after the step under way, and leave.

    Args:
        model: Its weights are set (they are the start, unless a checkpoint holds later ones), alike on each process.
        batch: The batch of a step, or this process's rows of it: a pure function, or resuming is not exact.
        settings: How.
        out: The stage's folder: losses.jsonl at the end, checkpoints and events in .work.
        context: Device, threads, progress.
        validate: Scores of the model (by language), lower is better; every process calls it, and gets the same.
        keep: Writes the model to a folder, every `keep_every` steps; the first process calls it.
        title: Of the progress bar.
        world: The processes that train it together; each has as many rows of every batch.

    Raises:
        FournilError: The loss is no longer finite and going back did not help, or a setting is unknown.
        KeyboardInterrupt: The training was told to end, and has saved.
    """
    return _Training(model, batch, settings, out, context, validate, keep, world).run(title)


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
        world: World,
    ) -> None:
        if settings.compile not in ("off", "on", "auto"):
            raise FournilError(
                tr("unknown compile {compile!r}", compile=settings.compile), fix=tr('Known are "off", "on" and "auto".')
            )
        torch.set_num_threads(context.threads)
        self.batch, self.settings, self.context, self.validate = batch, settings, context, validate
        self.keep, self.world = keep, world
        self.out, self.work = out, out / ".work"
        self.work.mkdir(parents=True, exist_ok=True)
        for kind, pairs in kinds_of(model).items():
            trained = any(getattr(phase.rates, kind) for phase in settings.phases)
            for parameter in pairs.values():
                parameter.requires_grad_(trained)
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise FournilError(tr("all learning rates are 0"), fix=tr("Give one of them a value above 0."))
        compiled = settings.compile == "on" or (settings.compile == "auto" and context.device != "cpu")
        self.parallel = Parallel(
            model, device=context.device, strategy=settings.strategy, compiled=compiled, world=world
        )
        if world.ranks == 1 and settings.strategy != "auto":
            context.progress.note(
                tr(
                    'strategy = "{strategy}" changes nothing: this training has one process.',
                    strategy=settings.strategy,
                )
            )
        self.model = self.parallel.model
        self.optimizer = Optimizer(self.model, settings.optimizer, world)
        self.checkpoints = Checkpoints(
            self.work, self.model, self.optimizer, world, aside=context.device != "cpu" or world.ranks > 1
        )
        self.guard = Guard(settings.guard)
        self.step, self.tokens_seen, self.tokens_learnt = 0, 0, 0
        self.tally = _Tally()
        self.history = History(self.work, world)
        self.pending: deque[tuple[Sequence[str], Tensor, Tensor]] = deque()
        self.precision = ""
        self.measured: dict[str, Any] = {
            "threads": context.threads, "device": context.device, "ranks": world.ranks,
            "strategy": self.parallel.strategy,
        }  # fmt: skip

    def run(self, title: str) -> TrainResult:
        state = self.checkpoints.restore()
        if state is None:
            self.history.go_back(0)  # of a try that was killed before its first checkpoint
            choice = choose_precision(self.settings.precision, self.context.device) if self.world.is_first else None
            self.precision, rates = self.world.first_says(choice)
            self.measured["matrix_product_gflops"] = {name: round(rate, 1) for name, rate in rates.items()}
        else:
            self._resume(state)
        self.measured["precision"] = self.precision
        self.throughput = Throughput(self.world, self.context.device, self.precision)
        first = self.step
        with Stopping() as stopping:
            try:
                self._train(title, stopping)
            except BaseException:
                if self.world.ranks == 1:  # of several, one may be gone: then nobody can finish what is being written
                    with contextlib.suppress(Exception):
                        self.checkpoints.wait()
                raise
            self.checkpoints.wait()
        self._refuse_not_finite()
        self._say_if_worse_than_nothing()
        self.measured |= {"steps": self.step - first, **self.throughput.measured()}
        lines = self.history.lines
        if self.world.is_first:
            write_text(self.out / LOSSES, "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines))
        return TrainResult(
            losses=[line for line in lines if "loss" in line],
            validations=[line for line in lines if "scores" in line],
            optimizer=self.optimizer,
            parallel=self.parallel,
            guard=self.guard.events,
            state=self._counts(),
            measured=self.measured,
        )

    def _train(self, title: str, stopping: Stopping) -> None:
        saved = time.monotonic()
        with self.context.progress.task(title, total=self.settings.steps, unit=tr("steps")) as bar:
            bar.advance(self.step)
            while self.step < self.settings.steps:
                late = time.monotonic() - saved > self.settings.checkpoint_seconds
                asked, late = self._train_step(stopping.asked, late and self.world.is_first)
                bar.advance(1, self._settle())
                paused = time.monotonic()
                self._go_back_if_lost()
                last = self.step == self.settings.steps
                if self._due(self.settings.validate_every) or last:
                    self._validate()
                if self.keep is not None and self._due(self.settings.keep_every) and not last:
                    self._keep()
                if (late or self._due(self.settings.checkpoint_every)) and not last and self.guard.calm:
                    self._checkpoint()
                    saved = time.monotonic()
                self._go_back_if_lost()
                if asked and not last:
                    self._leave()
                self.throughput.aside(time.monotonic() - paused)

    def _train_step(self, stop: bool, late: bool) -> tuple[bool, bool]:
        """Learn from a batch.

        Args:
            stop: This process was told to end.
            late: It is time for a checkpoint, by this process's clock.

        Returns:
            The same of any process.
        """
        number, inner = phase_at(self.settings.phases, self.step)
        phase = self.settings.phases[number]
        self._turn(number)
        batch, device = self.batch(self.step), self.context.device
        counts_B = (batch.targets_BT != IGNORED).sum(dim=1)
        learnt, seen, stops, lates = self.world.sums([int(counts_B.sum()), batch.ids_BT.numel(), stop, late])
        num_learnt = max(int(learnt), 1)
        num_rows = batch.ids_BT.shape[0]
        rows = self.settings.micro_batch_rows or num_rows
        sums = []
        for start in range(0, num_rows, rows):
            part = slice(start, start + rows)

            def learn(loss: Callable[..., Tensor], part: slice = part) -> tuple[Tensor, Tensor]:
                ids_BT = batch.ids_BT[part].to(device, non_blocking=True)
                targets_BT = batch.targets_BT[part].to(device, non_blocking=True)
                segments_BT = None if batch.segments_BT is None else batch.segments_BT[part].to(device)
                with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16"):
                    losses_BT = loss(ids_BT, targets_BT, segments_BT)
                return losses_BT.sum() / num_learnt, losses_BT.detach().sum(dim=1)

            sums.append(self.parallel.learn(learn, last=start + rows >= num_rows))
        longest = self.guard.longest()
        length = self.optimizer.step(phase.rates, phase.factor(inner), longest=longest)
        self.step += 1
        if self.guard.saw(self.step, length, longest):
            self._note_left_out(length)
        else:
            self.pending.append((batch.group_B, torch.cat(sums), counts_B))
            self.tokens_learnt += num_learnt
        self.tokens_seen += int(seen)
        flops = self.model.config.training_flops_per_token(batch.ids_BT.shape[1])
        self.throughput.add(int(seen), seen * flops)
        return bool(stops), bool(lates)

    def _turn(self, number: int) -> None:
        """Let positions turn as the phase wants, or else the last phase before it that wanted anything."""
        wanted = [phase.rope_theta for phase in self.settings.phases[: number + 1] if phase.rope_theta is not None]
        if wanted and wanted[-1] != self.model.config.rope_theta:
            self.model.turn_with(wanted[-1])

    def _settle(self) -> str:
        """Count the losses of finished steps, and write a line where one is due."""
        if not (self._due(self.settings.log_every) or self.step == self.settings.steps):
            return ""
        self._drain()
        number, inner = phase_at(self.settings.phases, self.step - 1)
        tally, self.tally = self.tally.merged(self.world), _Tally()
        if not tally.sums or not self.guard.finite(tally.mean()):  # all of its steps were left out, or one was not
            return ""
        line = {
            "step": self.step,
            "tokens": self.tokens_seen,
            "factor": self.settings.phases[number].factor(inner),
            "loss": tally.mean(),
            "by_group": tally.by_group(),
        }
        self.guard.read(line["loss"], phase=number)
        speed, used = self.throughput.since_last()
        now = {"tokens_per_second": round(speed, 1), "mfu": round(used, 4), "kwh": self.throughput.kwh()}
        self._write(line, now)
        return tr(
            "loss {losses}; {speed:,.0f} tokens/s, {used:.0%} of the machine, {memory:,.1f} GB, {energy:,.3f} kWh",
            losses=", ".join(f"{group} {figure(f'{loss:.2f}')}" for group, loss in line["by_group"].items()),
            speed=speed,
            used=used,
            memory=self.throughput.memory_bytes() / 1e9,
            energy=now["kwh"],
        )

    def _drain(self) -> None:
        while self.pending:
            self.tally.add(*self.pending.popleft())

    def _validate(self) -> None:
        if self.validate is None:
            return
        self.model.eval()
        with torch.no_grad(), torch.autocast(self.context.device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            scores = self.validate(self.model)
        self.model.train()
        if self.guard.finite(*scores.values()):
            self._write({"step": self.step, "tokens": self.tokens_seen, "scores": scores})

    def _keep(self) -> None:
        self._refuse_not_finite()
        model = self.parallel.whole_model()
        if model is not None and self.keep is not None:
            self.keep(model, kept_folder(self.out, self.step))

    def _write(self, line: dict[str, Any], now: dict[str, Any] | None = None) -> None:
        """Add a line to the losses; what varies from run to run (`now`) goes to the events only."""
        self.history.add(line)
        if not self.world.is_first:
            return
        events = self.work / "events.jsonl"
        with mending(events), events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | (now or {}) | {"unix_seconds": round(time.time(), 3)}) + "\n")

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
        if self.parallel.all_finite():
            return
        raise FournilError(
            tr("the weights after step {step} are no longer finite", step=self.step),
            where=self.out,
            fix=tr("Lower the learning rates, or lengthen the warm-up."),
        )

    def _note_left_out(self, length: float) -> None:
        if math.isfinite(length):
            said = tr(
                "Step {step:,} is left out: its gradient is {length:,.1f} long, the median of those before "
                "{median:,.1f}.",
                step=self.step,
                length=length,
                median=self.guard.longest() / max(self.settings.guard.spike, 1e-9),
            )
        else:
            said = tr("Step {step:,} is left out: its gradient is not finite.", step=self.step)
        self.context.progress.note(said)

    def _go_back_if_lost(self) -> None:
        """Take weights and moments of a checkpoint from before the trouble, and go on with the batches that follow."""
        if not self.guard.lost:
            return
        self.checkpoints.wait()
        steps = self.checkpoints.steps()
        before = [step for step in steps if step <= self.guard.good_step] or steps[:1]
        if not before or not self.guard.may_go_back:
            self._give_up()
        self.checkpoints.restore(before[-1])
        self.checkpoints.forget_after(before[-1])
        self.guard.went_back(self.step, before[-1], before=before[-2] if len(before) > 1 else None)
        self.pending.clear()
        self.tally = _Tally()
        self.context.progress.note(
            tr(
                "At step {step:,} the model goes back to what it was after step {before:,}; the batches between are "
                "passed over.",
                step=self.step,
                before=before[-1],
            )
        )

    def _give_up(self) -> NoReturn:
        if self.guard.broken or (self.guard.out_in_row and math.isinf(self.guard.longest())):
            step = self.guard.first_out if self.guard.out_in_row else self.step
            what = tr("the loss of step {step} is no longer finite", step=step)
        elif self.guard.out_in_row:
            what = tr("since step {step} every gradient is much too long", step=self.guard.first_out)
        else:
            what = tr("the loss stays far above what it had reached, at step {step}", step=self.step)
        raise FournilError(what, where=self.out, fix=tr("Lower the learning rates, or lengthen the warm-up."))

    def _leave(self) -> NoReturn:
        if self.guard.calm:
            self._checkpoint()
            self.checkpoints.wait()
        self.context.progress.note(tr("Told to end after step {step:,}.", step=self.step))
        raise KeyboardInterrupt

    def _say_if_worse_than_nothing(self) -> None:
        """A training can fail with finite losses: the norms bring weights of any size back to one."""
        last = next((line["loss"] for line in reversed(self.history.lines) if "loss" in line), 0.0)
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
        merged = self.tally.merged(self.world)
        self.tally = merged if self.world.is_first else _Tally()
        if not self.guard.finite(merged.mean()):
            return
        self.checkpoints.save(
            self._counts()
            | {
                "tally": merged.sums,
                "num_lines": self.history.flush(),
                "threads": self.context.threads,
                "ranks": self.world.ranks,
                "guard": self.guard.state(),
            }
        )

    def _resume(self, state: dict[str, Any]) -> None:
        self.step, self.precision = state["step"], state["precision"]
        self.tokens_seen, self.tokens_learnt = state["tokens_seen"], state["tokens_learnt"]
        self.tally = _Tally(state["tally"] if self.world.is_first else None)
        self.history.go_back(state["num_lines"])
        self.guard.restore(state["guard"])
        self.measured["resumed_at_step"] = self.step
        before, now = ((state["ranks"], state["threads"]), (self.world.ranks, self.context.threads))
        if before != now:
            self.context.progress.note(
                tr(
                    "The checkpoint was made by {ranks_before} × {threads_before} processes and threads, now there are "
                    "{ranks} × {threads}: the last digits of the losses will differ.",
                    ranks_before=before[0],
                    threads_before=before[1],
                    ranks=now[0],
                    threads=now[1],
                )
            )
        self.context.progress.note(tr("Going on from step {step:,}.", step=self.step))
