"""The batch of a step, and which documents it holds: both are calculations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from fournil.parts.train.loop import Batch
from fournil.parts.train.mixture import Mixture


@dataclass(frozen=True)
class Seen:
    """A stretch of a document (or pair) in a row of a batch."""

    row: int
    group: str
    source: str
    id: str
    first_token: int
    """Counted within the document."""
    num_tokens: int


class Batches:
    """Batches of a mixture, by the step's number over all phases."""

    def __init__(self, mixture: Mixture, *, apart: bool = False) -> None:
        """Take a planned mixture.

        Args:
            mixture: Streams, shares and order.
            apart: Texts that share a row do not look at each other.
        """
        self.mixture, self.apart = mixture, apart
        self._first_steps = np.cumsum([0, *(phase.steps for phase in mixture.phases)])

    def __call__(self, step: int) -> Batch:
        """The batch of a step: rows of a phase's context length, each token's target the one that follows."""
        phase, inner = self._phase(step)
        length = self.mixture.phases[phase].context_length
        rows = self.mixture.rows(phase, inner)
        windows = np.stack([place.stream.window(place.start, length + 1, place.key) for _, place in rows])
        ids = torch.from_numpy(windows)
        segments_BT = None
        if self.apart:
            ends = np.array([[place.stream.end_id] for _, place in rows])
            segments = np.cumsum(windows[:, :-1] == ends, axis=1) - (windows[:, :-1] == ends)
            segments_BT = torch.from_numpy(segments)
        return Batch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), [group for group, _ in rows], segments_BT)

    def documents_of_step(self, step: int) -> list[Seen]:
        """Which stretches of which documents and pairs a step learns from, row by row."""
        phase, inner = self._phase(step)
        length = self.mixture.phases[phase].context_length
        return [
            Seen(row, group, place.stream.source, place.stream.item_id(item), begin, end - begin)
            for row, (group, place) in enumerate(self.mixture.rows(phase, inner))
            for item, begin, end in place.stream.arcs(place.start, length + 1)
        ]

    def _phase(self, step: int) -> tuple[int, int]:
        phase = int(np.searchsorted(self._first_steps, step, side="right")) - 1
        return phase, step - int(self._first_steps[phase])
