"""Learning rates over time: warm-up, a plateau, a decay; one or more phases in a row (standard library only)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fournil.core.errors import FournilError
from fournil.core.speech import tr


@dataclass(frozen=True)
class Rates:
    """Peak learning rates of the kinds of weights."""

    matrix: float = 0.006
    """Of the matrices inside blocks (Muon's, or AdamW's where it trains them too)."""
    embedding: float = 0.012
    """Of the embedding, AdamW's (also of an output layer that is tied to it)."""
    unembedding: float = 0.003
    """Of the output layer, AdamW's."""
    norm: float = 0.0
    """Of the norms' weights, AdamW's; 0 keeps them as they are."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with its own rates and its own warm-up and decay."""

    steps: int
    """How many steps it lasts."""
    rates: Rates = field(default_factory=Rates)
    """Peak learning rates."""
    warmup_steps: int = 0
    """Steps over which rates rise from nothing."""
    decay_steps: int = 0
    """Last steps, over which rates fall."""
    decay: str = "linear"
    """How they fall: "linear" or "cosine"."""
    final_factor: float = 0.0
    """What is left of the peak rates at the end, as a fraction."""
    rope_theta: float | None = None
    """Base of the rotary position frequencies from this phase on (None: it stays as it is)."""

    def __post_init__(self) -> None:
        """Refuse phases that cannot be.

        Raises:
            FournilError: Warm-up and decay do not fit, or the decay is unknown.
        """
        if self.steps < 1:
            raise FournilError(tr("a phase of {steps} steps", steps=self.steps), fix=tr("Give it at least one."))
        if self.warmup_steps < 0 or self.decay_steps < 0 or self.warmup_steps + self.decay_steps > self.steps:
            raise FournilError(
                tr(
                    "warm-up ({warmup_steps}) and decay ({decay_steps}) do not fit in {steps} steps",
                    warmup_steps=self.warmup_steps,
                    decay_steps=self.decay_steps,
                    steps=self.steps,
                ),
                fix=tr("Shorten them."),
            )
        if self.decay not in ("linear", "cosine"):
            raise FournilError(
                tr("unknown decay {decay!r}", decay=self.decay), fix=tr('Known are "linear" and "cosine".')
            )

    def factor(self, step: int) -> float:
        """What the peak rates are multiplied by in a step of this phase (0 to steps - 1)."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        into_decay = step - (self.steps - self.decay_steps) + 1
        if into_decay <= 0:
            return 1.0
        done = into_decay / self.decay_steps
        left = 1.0 - done if self.decay == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
        return self.final_factor + (1.0 - self.final_factor) * left


def phase_at(phases: tuple[Phase, ...], step: int) -> tuple[int, int]:
    """The phase that a step belongs to, and the step counted within it."""
    for number, phase in enumerate(phases):
        if step < phase.steps:
            return number, step
        step -= phase.steps
    raise ValueError("this step lies after the last phase")
