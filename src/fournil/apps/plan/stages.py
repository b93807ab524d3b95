"""Seconds, memory and disk of every stage of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fournil.apps.plan import rates
from fournil.apps.plan.curation import curation_of
from fournil.apps.plan.hardware import Hardware
from fournil.apps.plan.model import (
    LOGITS_BYTES,
    Work,
    activation_bytes,
    finetune_work,
    moment_bytes,
    pretrain_work,
    shape_of,
    state_bytes,
)
from fournil.apps.plan.order import PARALLEL, Order, StepOrder
from fournil.apps.plan.rates import Speed
from fournil.apps.plan.tokens import TokenTable, bytes_per_token
from fournil.core.rounding import MAX_BYTES
from fournil.parts.model.config import ModelConfig

PYTHON_BYTES, TORCH_BYTES = 90e6, 480e6
"""Memory of the program alone, and with torch loaded."""
TOKENIZER_MEMORY = 45.0
"""Bytes of memory for each byte of text that a vocabulary is learned from."""
CURATE_WORKER_BYTES, CURATE_MEMORY = 250e6, 6.0
"""Memory of each worker of curate, at most so many bytes for each byte of text: it works on a few megabytes at a
time, and what it compares is laid down on the disk."""
SMALL_STEP_SECONDS = 0.05
"""A step that would be shorter than this at the stated utilisation is too small to reach it."""
MINI = "fournil-mini"
MINI_TOKENS, FIDELITY_TOKENS = 5_000.0, 200 * 64.0
"""In each language: of fournil-mini what it reads counts as if some of it were written."""
SOURCES_DISK, CURATE_DISK = 0.32, 0.31
"""Bytes on disk for each byte of text: Parquet, compressed by zstd."""


@dataclass(frozen=True)
class Estimate:
    """What a stage is foretold to take."""

    folder: str
    stage: str
    finished: bool = False
    seconds: float | None = None
    """None: not known."""
    at_least: bool = False
    """Whether `seconds` is a lower bound."""
    memory_bytes: float | None = None
    """At its peak: of one device, or of this machine's process; None: not known."""
    disk_bytes: float | None = None
    """What it leaves; None: not known."""
    flops: float | None = None
    """Of training, product by product."""
    device_hours: float | None = None
    """Of named devices, all of them together."""

    @property
    def trains(self) -> bool:
        """Whether it runs on the devices."""
        return self.stage in ("pretrain", "finetune", "evaluate")


@dataclass(frozen=True)
class Amounts:
    """How much there is of what stages work on; None: not known."""

    read_mb: float | None
    kept_mb: float | None
    tokens: float | None
    at_least: bool


class Estimator:
    """Foretells the stages of one recipe on one machine.

    Args:
        order: The recipe.
        table: Its text and tokens.
        hardware: The machine.
        speed: How it compares with the reference; for a named device only what is not trained depends on it.
    """

    def __init__(self, order: Order, table: TokenTable, hardware: Hardware, speed: Speed) -> None:
        self.order, self.table, self.hardware, self.speed = order, table, hardware, speed
        self.shape = shape_of(order)
        self.amounts = _amounts(order, table)

    def estimates(self) -> list[Estimate]:
        """Foretell every step of the recipe, in order."""
        ways: dict[str, Callable[[StepOrder], Estimate]] = {
            "sources": self._sources,
            "curate": self._curate,
            "tokenizer": self._tokenizer,
            "pretrain": self._train,
            "finetune": self._train,
            "evaluate": self._evaluate,
            "export": self._export,
        }
        return [ways.get(step.stage, self._report)(step) for step in self.order.steps]

    def works(self, step: StepOrder) -> list[Work]:
        """Lay out a step's training; nothing where the model is not of this recipe."""
        if self.shape is None:
            return []
        if step.stage == "pretrain":
            return pretrain_work(step.config, self.shape)
        if step.stage == "finetune":
            return finetune_work(step.config, self.shape, bytes_per_token(self.order, PARALLEL) or 3.0)
        return []

    def _on_text(self, seconds: float | None) -> float | None:
        """Seconds of the reference's two cores, on this hardware's; other numbers of cores share the work perfectly."""
        if seconds is None:
            return None
        return seconds * self.speed.text * rates.REFERENCE_CORES / self.hardware.num_cores

    @property
    def _shared(self) -> bool:
        """Whether work is divided among more cores than it was measured on: then no time is more than a bound."""
        return self.hardware.num_cores > rates.REFERENCE_CORES

    def _sources(self, step: StepOrder) -> Estimate:
        known = [text for text in self.order.texts if text.num_bytes is not None]
        keys = {text.key for text in self.order.texts}
        work = rates.SOURCE_START * len(keys)
        work += sum(rates.SECONDS_PER_MB[text.reader] * (text.num_bytes or 0.0) / 1e6 for text in known)
        seconds = self._on_text(work / rates.SOURCE_CORES)
        seconds = None if seconds is None else seconds + rates.SOURCES_START * self.speed.text
        fetched = any(text.reader not in ("files",) for text in self.order.texts)
        mb = self.amounts.read_mb
        return Estimate(
            step.folder,
            step.stage,
            step.finished,
            seconds,
            self._shared or fetched or self.amounts.at_least or len(known) < len(self.order.texts),
            PYTHON_BYTES + 30e6,
            None if mb is None else mb * 1e6 * SOURCES_DISK,
        )

    def _curate(self, step: StepOrder) -> Estimate:
        mb = self.amounts.read_mb
        return Estimate(
            step.folder,
            step.stage,
            step.finished,
            None
            if mb is None
            else (self._on_text(rates.CURATE_PER_MB * mb) or 0.0) + rates.CURATE_START * self.speed.text,
            self._shared or self.amounts.at_least,
            None if mb is None else self._curate_memory(mb),
            None if mb is None else mb * 1e6 * CURATE_DISK,
        )

    def _curate_memory(self, mb: float) -> float:
        """On the machine that hands out the work: its own, and the workers' beside it."""
        share = self.order.config_of("curate").heldout.share
        driver = curation_of("all", mb * 1e6, self._num_texts(), held_out=share).driver_bytes
        return driver + min(CURATE_MEMORY * mb * 1e6, CURATE_WORKER_BYTES * rates.REFERENCE_CORES)

    def _num_texts(self) -> float | None:
        numbers = [text.number for text in self.order.texts]
        return None if None in numbers else sum(number or 0.0 for number in numbers)

    def _tokenizer(self, step: StepOrder) -> Estimate:
        mb = self.amounts.kept_mb
        learned = None if mb is None else min(step.config.max_train_mb, mb * step.config.max_repeats)
        width = 2 if step.config.vocab_size <= 1 << 16 else 4
        tokens = self.amounts.tokens
        seconds = memory = None
        if mb is not None and learned is not None:
            work = rates.TOKENIZER_PER_TRAIN_MB * learned + rates.TOKENIZER_PER_MB * mb
            seconds = (self._on_text(work) or 0.0) + rates.TOKENIZER_START * self.speed.text
            memory = PYTHON_BYTES + 120e6 + learned * 1e6 * TOKENIZER_MEMORY
        disk = None if tokens is None else tokens * width * 1.07
        bound = self._shared or self.amounts.at_least
        return Estimate(step.folder, step.stage, step.finished, seconds, bound, memory, disk)

    def _train(self, step: StepOrder) -> Estimate:
        works = self.works(step)
        if self.shape is None or not works:
            return Estimate(step.folder, step.stage, step.finished)
        config, shape = step.config, self.shape
        matrices = config.optimizer.matrices if step.stage == "pretrain" else "muon"
        half = config.precision == "bfloat16" or (config.precision == "auto" and not self.hardware.is_here)
        flops = sum(work.flops for work in works)
        micro = getattr(config, "micro_batch_rows", 0)
        tokens = max(
            (min(work.rows / self.hardware.num_devices, micro) if micro else work.rows / self.hardware.num_devices)
            * work.context_length
            for work in works
        )
        again = getattr(config, "activation_checkpointing", False)
        memory = state_bytes(shape, matrices) + LOGITS_BYTES
        memory += activation_bytes(shape, tokens, half=half, again=again)
        weights = shape.num_parameters() * (2 if getattr(config, "save_dtype", "") == "bfloat16" else 4)
        disk = weights + (moment_bytes(shape, matrices) if step.stage == "pretrain" else 0.0)
        if config.keep_every:  # the last model is none of those that are kept on the way
            disk += weights * ((sum(work.steps for work in works) - 1) // config.keep_every)
        seconds, hours = self._train_seconds(step, works)
        rate = self.hardware.flops_per_second
        too_small = rate is not None and min(work.flops / work.steps for work in works) < SMALL_STEP_SECONDS * rate
        return Estimate(
            step.folder,
            step.stage,
            step.finished,
            seconds,
            too_small,
            memory + (TORCH_BYTES if self.hardware.is_here else 0.0),
            disk + 1.5e6,
            flops,
            hours,
        )

    def _train_seconds(self, step: StepOrder, works: list[Work]) -> tuple[float, float | None]:
        rate = self.hardware.flops_per_second
        forward_twice = 4 / 3 if getattr(step.config, "activation_checkpointing", False) else 1.0
        if rate is not None:
            seconds = forward_twice * sum(work.flops for work in works) / rate
            return seconds, seconds * self.hardware.num_devices / 3600
        seconds = rates.PRETRAIN_START
        if step.stage == "finetune":
            seconds = rates.FINETUNE_START + rates.FINETUNE_PER_MB * self._pairs_mb()
        seconds *= self.speed.text
        for work in works:
            measured = self.speed.step_seconds.get(f"{step.folder}/{work.key}")
            flops = forward_twice * work.flops / work.steps
            one = self.speed.matrix * (rates.STEP_SECONDS + flops / rates.FLOPS_PER_SECOND)
            seconds += work.steps * (one if measured is None else measured)
        return seconds, None

    def _pairs_mb(self) -> float:
        return sum(text.num_bytes or 0.0 for text in self.order.texts if text.group == PARALLEL) / 1e6

    def _evaluate(self, step: StepOrder) -> Estimate:
        if self.shape is None:
            return Estimate(step.folder, step.stage, step.finished)
        memory = TORCH_BYTES + 200e6 + 4.0 * self.shape.num_parameters()
        if not self.hardware.is_here:  # generation is bound by memory and by small steps: no peak foretells it
            memory = 2.0 * self.shape.num_parameters()
            return Estimate(step.folder, step.stage, step.finished, None, False, memory, 1e6)
        one = self._beam_token_seconds(self.shape)
        answers = answer_tokens(step.config, self.order) if _is_translator(self.order) else 0.0
        continued = step.config.num_prompts * step.config.continuation_tokens * len(self.order.languages)
        continued += task_tokens(step.config, len(self.order.languages))
        seconds = rates.EVALUATE_START * self.speed.text + one * (answers * step.config.num_beams + continued)
        seconds += self._read_seconds(step.config, self.shape)
        memory += answer_memory(step.config, self.shape)
        more = bool(set(step.config.tasks) - {MINI} or step.config.checkpoints)
        return Estimate(step.folder, step.stage, step.finished, seconds, more, memory, 0.2e6)

    def _beam_token_seconds(self, shape: ModelConfig) -> float:
        """Seconds for each token of an answer and each beam: measured, or by the size of the model."""
        factor = rates.BEAM_TOKEN_SECONDS / rates.BEAM_TOKEN_PROBE
        if self.speed.beam_token_seconds is not None:
            return self.speed.beam_token_seconds * factor
        forward = shape.training_flops_per_token(64) / 3
        size = 0.6 + 0.4 * forward / rates.PETIT_FLOPS_PER_TOKEN
        return rates.BEAM_TOKEN_SECONDS * size * self.speed.matrix

    def _read_seconds(self, config: Any, shape: ModelConfig) -> float:  # noqa: ANN401 - the stage's settings
        size = bytes_per_token(self.order, self.order.languages[0]) or 3.0
        there = (self.amounts.read_mb or 0.0) * 1e6 * 0.05 / len(self.order.languages)
        read = min(config.max_text_bytes or there, there) * len(self.order.languages)
        flops = read / size * shape.training_flops_per_token(shape.max_position_embeddings) / 3
        return self.speed.matrix * flops / rates.FLOPS_PER_SECOND

    def _export(self, step: StepOrder) -> Estimate:
        if self.shape is None:
            return Estimate(step.folder, step.stage, step.finished)
        parameters = self.shape.num_parameters()
        widths = {"f32": 4.0, "f16": 2.0, "q8_0": 1.07}
        disk = parameters * (4.0 + sum(widths.get(kind, 2.0) for kind in step.config.gguf)) + 0.3e6
        seconds = (rates.EXPORT_START + parameters * rates.EXPORT_PER_PARAMETER) * self.speed.text
        return Estimate(
            step.folder, step.stage, step.finished, seconds, False, TORCH_BYTES + 150e6 + 8.0 * parameters, disk
        )

    def _report(self, step: StepOrder) -> Estimate:
        seconds = rates.REPORT_SECONDS * self.speed.text
        # Each of both pages carries the exported model: a byte a weight and a scale a row, in base64.
        exported = self.shape is not None and any(step.stage == "export" for step in self.order.steps)
        weights = self.shape.num_parameters() if exported and self.shape and step.config.carry_model else 0
        carried = 2 * 1.02 * 4 / 3 * weights if weights <= MAX_BYTES else 0.0
        memory = PYTHON_BYTES + 20e6 + 4 * carried
        return Estimate(step.folder, step.stage, step.finished, seconds, False, memory, 0.6e6 + carried)


def task_tokens(config: Any, num_languages: int) -> float:  # noqa: ANN401 - the stage's settings
    """Return how many tokens fournil-mini and language fidelity write, about; other tasks are not foretold."""
    mini = MINI_TOKENS if MINI in config.tasks else 0.0
    return num_languages * (mini + (FIDELITY_TOKENS if config.fidelity else 0.0))


def answer_tokens(config: Any, order: Order) -> float:  # noqa: ANN401 - the stage's settings
    """Return how many tokens the answers to all held-out pairs have, in all directions."""
    size = bytes_per_token(order, PARALLEL) or 3.0
    pairs = [text.number for text in order.texts if text.group == PARALLEL]
    heldout = sum(number for number in pairs if number) * 0.05 if all(pairs) else float("inf")
    curate = order.config_of("curate")
    if curate is not None:
        heldout = max(heldout, float(curate.heldout.min_pairs))
    bounds = [0, *(band.max_characters or 300 for band in config.bands)]
    total = 0.0
    for band, low in zip(config.bands, bounds, strict=False):
        mean = low + ((band.max_characters or 300) - low) * 0.5
        total += min(band.max_pairs, heldout) * mean / size
    return total * len(order.languages) * (len(order.languages) - 1)


def answer_memory(config: Any, shape: ModelConfig) -> float:  # noqa: ANN401 - the stage's settings
    """Return the bytes of keys and values of 64 rows that are searched together, held twice while beams are chosen."""
    rows = 64 if config.num_beams > 1 else 128
    width = 2 * shape.num_hidden_layers * shape.key_value_heads * shape.head_width * 4
    return 2.0 * rows * width * shape.max_position_embeddings


def _is_translator(order: Order) -> bool:
    return any(step.stage == "finetune" for step in order.steps) and any(t.group == PARALLEL for t in order.texts)


def _amounts(order: Order, table: TokenTable) -> Amounts:
    unknown = any(text.num_bytes is None for text in order.texts) or not order.texts
    read = None if unknown else sum(text.num_bytes or 0.0 for text in order.texts) / 1e6
    kept_all = [row.kept_bytes for row in table.sources]
    tokens_all = [row.tokens for row in table.sources]
    kept = None if unknown or None in kept_all else sum(part or 0.0 for part in kept_all) / 1e6
    tokens = None if not tokens_all or None in tokens_all else sum(part or 0.0 for part in tokens_all)
    return Amounts(read, kept, tokens, any(text.at_least for text in order.texts))
