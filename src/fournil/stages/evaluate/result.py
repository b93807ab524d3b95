"""What scoring one task gives, whoever scored it: its settings, its figures, its items; as score rows and as JSON.

A task is the unit that is finished or not: what it gives is written as soon as it is there, and read again by the next
try. Native tasks (sets/, mini/) make a `TaskResult` themselves; those of lm_eval are made into one by suite.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fournil.core.speech import Message, tr

TASK = "task"
"""The kind of a score row that a task gave."""

OFFICIAL, FIXED, MINI, OWN = "official", "fixed", "fournil-mini", "own"
EDITIONS = (OFFICIAL, FIXED, MINI, OWN)
"""Whose task it is: lm_eval's as it stands; the same with its defects mended; ours; a local set."""

MODEL, CHANCE, LONGEST, HIDDEN, COPY = "model", "chance", "longest", "hidden", "copy"
SYSTEMS = (MODEL, CHANCE, LONGEST, HIDDEN, COPY)
"""Who answered: the model; nobody; whoever takes the longest choice; whoever sees the choices and not the question;
whoever leaves a text untranslated."""

NUM_PROMPTS = 3
"""Prompts of a task that the record keeps in full."""


@dataclass(frozen=True)
class Item:
    """One question of a task and what came of it."""

    item: int
    """Its number in the data."""
    sha256: str
    """Of the question with its choices or references: what `fournil compare` joins two models' items by."""
    values: Mapping[str, float]
    """By metric, for those of which every item has a value."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """JSON: log-likelihoods, choice, gold; text, reference."""


@dataclass(frozen=True)
class Measure:
    """One figure of a task."""

    metric: str
    value: float
    higher_is_better: bool = True
    main: bool = False
    """Whether tables show it; one measure of the model's does."""
    system: str = MODEL
    aggregation: str = "mean"
    """How items make the value: lm_eval's name of it (see intervals.py); the mean of theirs by default."""
    standard_error: float | None = None
    """Where whoever scored the task knows it; else it comes of the items."""
    interval: tuple[float, float] | None = None
    """Of 95 %, where whoever scored the task knows it; else it comes of the items."""


@dataclass(frozen=True)
class TaskResult:
    """A finished task."""

    task: str
    edition: str
    """One of EDITIONS."""
    language: str
    """`fr`, `en`, or a direction such as `fr-en`."""
    measures: Sequence[Measure]
    items: Sequence[Item]
    num_items: int
    data_sha256: str
    data_source: str
    """`owner/name@revision` on the hub, or the name of a local folder or file."""
    prompts: Sequence[str] = ()
    """The first ones, in full."""
    pair: str = ""
    """Joins a French task with its English counterpart."""
    of: str = ""
    """Of a fixed task: the name of the official one."""
    shots: int = 0
    seed: int = 0
    version: str = "1"
    """Of the task's definition; scores of two versions do not compare."""
    num_truncated: int = 0
    """Items with a context that was longer than the model's window and was cut on the left."""
    num_uneven: int = 0
    """Items with a context whose tokens are no prefix of the whole's."""
    precision: str = ""
    """Of the scoring: `fp32` or `bf16`."""
    limit: int = 0
    """The most items that were asked for (0: all)."""
    model_sha256: str = ""
    """Of the model that was scored."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """JSON that goes into facts["tasks"] as it is, such as notes on how the baselines were taken."""

    @property
    def name(self) -> str:
        """What its files are called."""
        return file_name(self.task, self.edition, self.language)

    def block(self) -> dict[str, Any]:
        """What facts["tasks"] say of it."""
        return {
            "task": self.task,
            "edition": self.edition,
            "language": self.language,
            "pair": self.pair,
            **({"of": self.of} if self.of else {}),
            "shots": self.shots,
            "seed": self.seed,
            "version": self.version,
            "precision": self.precision,
            "limit": self.limit,
            "model_sha256": self.model_sha256,
            "num_items": self.num_items,
            "num_truncated": self.num_truncated,
            "num_uneven": self.num_uneven,
            "data_sha256": self.data_sha256,
            "data_source": self.data_source,
            "prompts": list(self.prompts[:NUM_PROMPTS]),
            "status": "done",
            "reason": None,
            **self.extra,
        }

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TaskResult:
        """Make it of its JSON again."""
        measures = [
            Measure(**{**row, "interval": tuple(row["interval"]) if row["interval"] else None})
            for row in value["measures"]
        ]
        items = [Item(**row) for row in value["items"]]
        return cls(**{**value, "measures": measures, "items": items})


@dataclass(frozen=True)
class Failure:
    """A task that could not be scored; the others went on."""

    task: str
    edition: str
    language: str
    reason: Message
    pair: str = ""
    checkpoint: int | None = None
    """The step of the training at which it failed, where the model itself was scored."""

    def block(self) -> dict[str, Any]:
        """What facts["tasks"] say of it."""
        return {
            "task": self.task,
            "edition": self.edition,
            "language": self.language,
            "pair": self.pair,
            **({} if self.checkpoint is None else {"checkpoint": self.checkpoint}),
            "status": "failed",
            "reason": self.reason,
        }


def label_of(block: Mapping[str, Any]) -> str:
    """What a task of facts["tasks"] is called for people: on a checkpoint, with its step."""
    if block.get("checkpoint") is None:
        return str(block["task"])
    return tr("{task} at step {step:,}", task=block["task"], step=block["checkpoint"])


def file_name(task: str, edition: str, language: str) -> str:
    """What a task's files are called: unique, and a name that every file system takes."""
    whole = f"{task}-{language}-{edition}" if edition in (MINI, OWN) else task
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "-" for char in whole).lstrip(".")
