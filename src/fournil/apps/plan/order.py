"""What a plan is made from: a recipe as plain values, and how much text there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fournil.apps.plan.config import Config

CODE, PARALLEL, UNKNOWN = "code", "parallel", ""
"""Groups of text beside the languages: programs, pairs, and text whose language is found later."""


@dataclass(frozen=True)
class Text:
    """Texts of one source: its documents in one language, or its pairs."""

    key: str
    """The source's."""
    group: str
    """A language, `code`, `parallel`, or nothing where it is found later."""
    reader: str
    """What reads it: `man`, `html`, `messages`, `code`, `files` or `hub`."""
    number: float | None
    """Documents, or pairs; None: not known."""
    num_bytes: float | None
    """UTF-8 bytes of text; None: not known."""
    num_tokens: float | None = None
    """Tokens of the recipe's tokenizer, as the publisher says."""
    origin: str = "stated"
    """Where the size comes from: `stated`, `catalogue`, `counted`, `run`, `unknown`."""
    kept_bytes: float | None = None
    """What curation left for training, where a run tells."""
    at_least: bool = False
    """Whether there may be more: packed files, whose unpacked size only reading tells."""


@dataclass(frozen=True)
class StepOrder:
    """One step of a bake."""

    stage: str
    folder: str
    config: Any
    """The stage's settings."""
    finished: bool = False
    """Whether it needs not run again."""


@dataclass(frozen=True)
class Order:
    """Everything that a plan is made from."""

    name: str
    languages: tuple[str, ...]
    settings: Config
    texts: tuple[Text, ...]
    steps: tuple[StepOrder, ...]
    bytes_per_token: Mapping[str, float] = field(default_factory=dict)
    """Group → what the run's tokenizer came to, where there is a run."""

    def config_of(self, stage: str) -> Any:  # noqa: ANN401 - a stage's settings
        """Return the settings of a stage's first step; None where the recipe has none."""
        return next((step.config for step in self.steps if step.stage == stage), None)
