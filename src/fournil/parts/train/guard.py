"""What keeps a training alive: steps that would spoil the model are left out, and a spoilt model goes back.

A gradient that is no number, or many times as long as those before it, changes nothing: the step is left out, as if its
batch did not exist. When several in a row are, or the loss stays far above what it had reached, weights and moments go
back to a checkpoint from before, and the training goes on with the batches that follow (as in PaLM: Chowdhery and
others, 2022, section 5.1). All of it is written down.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import Any

HISTORY = 128
"""Lengths of gradients that are remembered."""
ENOUGH = 32
"""As many are needed before one can be called too long."""
LINES = 3
"""Lines of the log in a row that must lie too high before a training goes back."""


@dataclass(frozen=True)
class GuardSettings:
    """What is too much."""

    spike: float = 0.0
    """A gradient so many times as long as the median of those before is left out (0: none is)."""
    rise: float = 0.0
    """A loss so many nats above the lowest line of its phase is too high (0: none is)."""
    patience: int = 5
    """So many steps in a row may be left out."""
    rollbacks: int = 2
    """So often the training may go back; then it ends."""


class Guard:
    """Decides, step by step, from numbers that are the same on all processes."""

    def __init__(self, settings: GuardSettings) -> None:
        self.settings = settings
        self.lengths: deque[float] = deque(maxlen=HISTORY)
        self.out_in_row = 0
        self.first_out = 0
        self.phase: int | None = None
        """Whose losses `lowest` and `lengths` are."""
        self.lowest = math.inf
        self.high_in_row = 0
        self.broken = False
        self.good_step = 0
        """The last step of which it is known that nothing was wrong; where losses are watched, of the last line."""
        self._last_step = 0
        self.events: list[dict[str, Any]] = []
        self.rollbacks = 0

    @property
    def calm(self) -> bool:
        """Whether nothing looks wrong at present: only then is a checkpoint worth keeping."""
        return not (self.out_in_row or self.high_in_row or self.broken)

    def longest(self) -> float:
        """How long the gradient of the next step may be."""
        if not self.settings.spike or len(self.lengths) < ENOUGH:
            return math.inf
        return self.settings.spike * statistics.median(self.lengths)

    def saw(self, step: int, length: float, longest: float) -> bool:
        """Take down a step's gradient.

        Args:
            step: Its number, counted from 1.
            length: Of the gradient.
            longest: What `longest` said before.

        Returns:
            Whether the step was left out.
        """
        if math.isfinite(length) and length <= longest:
            self.lengths.append(length)
            self.out_in_row = 0
            self._last_step = step
            if not self.settings.rise:
                self.good_step = step
            return False
        self.first_out = self.first_out if self.out_in_row else step
        self.out_in_row += 1
        told = {"gradient": round(length, 4)} if math.isfinite(length) else {}
        self.events.append({"step": step, "did": "left out", **told})
        return True

    def read(self, loss: float, *, phase: int = 0) -> None:
        """Take down the mean loss of a line of the log.

        Args:
            loss: In nats.
            phase: The number of the line's phase: losses of one are not those of another.
        """
        if phase != self.phase:
            self.phase, self.lowest, self.high_in_row = phase, math.inf, 0
            self.lengths.clear()
        if not self.finite(loss):
            return
        too_high = bool(self.settings.rise) and loss > self.lowest + self.settings.rise
        self.high_in_row = self.high_in_row + 1 if too_high else 0
        self.lowest = min(self.lowest, loss)
        if not too_high:
            self.good_step = max(self.good_step, self._last_step)

    def finite(self, *values: float) -> bool:
        """Whether losses are numbers; where one is not, the model is lost."""
        if not all(map(math.isfinite, values)):
            self.broken = True
        return not self.broken

    @property
    def lost(self) -> bool:
        """Whether the model has to go back."""
        return self.broken or self.out_in_row >= self.settings.patience or self.high_in_row >= LINES

    @property
    def may_go_back(self) -> bool:
        """Whether it has not gone back too often."""
        return self.rollbacks < self.settings.rollbacks

    def went_back(self, step: int, to: int, *, before: int | None = None) -> None:
        """Take down that weights and moments are those of an earlier step.

        Args:
            step: After which it goes back.
            to: The step of the checkpoint that it goes back to.
            before: The step of the checkpoint before that one, if any. Until something good is seen again, only that
                one is known to be good: trouble that comes back at once may lie in the weights, and what was gone
                back to once must not be gone back to again.
        """
        self.good_step = to if before is None else before
        self.rollbacks += 1
        self.out_in_row = self.high_in_row = 0
        self.broken = False
        self.lengths.clear()
        self.events.append({"step": step, "did": "went back", "to": to})

    def state(self) -> dict[str, Any]:
        """JSON, for a checkpoint."""
        return {
            "lengths": list(self.lengths),
            "phase": self.phase,
            "lowest": self.lowest if math.isfinite(self.lowest) else None,
            "good_step": self.good_step,
            "events": self.events,
            "rollbacks": self.rollbacks,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint, which is made only while all is calm."""
        self.lengths.extend(state["lengths"])
        self.phase, self.lowest = state["phase"], math.inf if state["lowest"] is None else state["lowest"]
        self.good_step, self.rollbacks = state["good_step"], state["rollbacks"]
        self.events = list(state["events"])
