"""What all stages share, and what each of them returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fournil.core.progress import Progress


@dataclass(frozen=True)
class Context:
    """What is the same for every stage of a run."""

    languages: tuple[str, ...] = ("fr", "en")
    """The languages of the model, BCP 47 tags, the first one first on the page."""
    seed: int = 0
    """From which every random choice is derived."""
    device: str = "cpu"
    """`cpu` or `cuda`, as found or as told."""
    threads: int = 1
    """How many threads a stage may use."""
    name: str = "model"
    """The recipe's name: what exported files and pages are called."""
    title: str = ""
    """The recipe's one-line title."""
    description: str = ""
    """What the recipe says of its model."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """The title in other languages, by BCP 47 tag."""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    """The description in other languages, by BCP 47 tag."""
    progress: Progress = field(default_factory=Progress, compare=False)
    """Where bars and notes go."""


@dataclass(frozen=True)
class Count:
    """What went into a step, what it split off, what came out, what it refused and why.

    Raises:
        AssertionError: When in plus split differs from out plus refused.
    """

    step: str
    num_in: int
    num_out: int
    refused: dict[str, int] = field(default_factory=dict)
    num_split: int = 0
    """Documents that the step made by cutting others."""
    bytes_in: int = 0
    bytes_out: int = 0
    unit: str = "documents"

    def __post_init__(self) -> None:
        """Check that nothing was lost."""
        if self.num_in + self.num_split != self.num_out + sum(self.refused.values()):
            raise AssertionError(f"step {self.step} lost {self.unit}: {self}")


@dataclass(frozen=True)
class Artifact:
    """What a stage says of its output; the files are in its folder."""

    counts: list[Count] = field(default_factory=list)
    """One per step, in order."""
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON that is the same whenever the inputs are: tables, curves, samples for the page."""
    measured: dict[str, Any] = field(default_factory=dict)
    """JSON that varies from run to run: rates, seconds, choices that depend on the machine."""
