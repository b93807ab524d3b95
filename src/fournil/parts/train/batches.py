"""The batch of a step, and which documents it holds: both are calculations.

Shapes: B rows, T tokens; W tokens of a window, one more than T.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.train.loop import Batch
from fournil.parts.train.mixture import Mixture
from fournil.parts.train.streams import texts_in_rows


@dataclass(frozen=True)
class Seen:
    """A stretch of a document (or pair) in a row of a batch."""

    row: int
    """Of the whole batch, over all processes."""
    group: str
    source: str
    id: str
    first_token: int
    """Counted within the document."""
    num_tokens: int


class Batches:
    """Batches of a mixture, by the step's number over all phases: the whole, or one process's rows of it."""

    def __init__(self, mixture: Mixture, *, apart: bool = False, rank: int = 0, ranks: int = 1) -> None:
        """Take a planned mixture.

        Args:
            mixture: Streams, shares and order.
            apart: Texts that share a row do not look at each other.
            rank: Which of the processes this is. The first has the first rows of each batch, and so on: together they
                have the rows that one process alone would have, in the same order.
            ranks: How many processes divide each batch. Each makes its own rows and looks at no others.

        Raises:
            FournilError: A batch is not divisible by `ranks`.
        """
        for number, phase in enumerate(mixture.phases):
            for rows in phase.sizes:
                if rows % ranks:
                    raise FournilError(
                        tr("a batch of {rows} rows cannot be divided among {ranks} processes", rows=rows, ranks=ranks),
                        where=f"pretrain.phase[{number}]",
                        fix=tr("Make batch_tokens / context_length a multiple of {ranks}.", ranks=ranks),
                    )
        self.mixture, self.apart, self.rank, self.ranks = mixture, apart, rank, ranks
        self._first_steps = np.cumsum([0, *(phase.steps for phase in mixture.phases)])

    def __call__(self, step: int) -> Batch:
        """The rows of a step: of a phase's context length, each token's target the one that follows.

        All is done in numpy: threads of torch, started from a thread that makes batches, would stand beside those that
        train.
        """
        number, inner = self._phase(step)
        phase = self.mixture.phases[number]
        share = (phase.rows_before(inner + 1) - phase.rows_before(inner)) // self.ranks
        rows = self.mixture.rows(number, inner, self.rank * share, (self.rank + 1) * share)
        windows_BW = np.empty((len(rows), phase.context_length + 1), dtype=np.int64)
        by_stream: dict[int, list[int]] = defaultdict(list)
        for row, (_, place) in enumerate(rows):
            by_stream[id(place.stream)].append(row)
        for numbers in by_stream.values():
            places = [rows[row][1] for row in numbers]
            starts, keys = [place.start for place in places], [place.key for place in places]
            windows_BW[numbers] = places[0].stream.windows(starts, phase.context_length + 1, keys)
        ids_BT, targets_BT = (np.ascontiguousarray(part) for part in (windows_BW[:, :-1], windows_BW[:, 1:]))
        segments_BT = None
        if self.apart:
            end_ids = np.array([[place.stream.end_id] for _, place in rows])
            segments_BT = torch.from_numpy(texts_in_rows(ids_BT, end_ids))
        groups = [group for group, _ in rows]
        return Batch(torch.from_numpy(ids_BT), torch.from_numpy(targets_BT), groups, segments_BT)

    def documents_of_step(self, step: int) -> list[Seen]:
        """Which stretches of which documents and pairs a step learns from, row by row, over all processes."""
        number, inner = self._phase(step)
        length = self.mixture.phases[number].context_length
        return [
            Seen(row, group, place.stream.source, place.stream.item_id(item), begin, end - begin)
            for row, (group, place) in enumerate(self.mixture.rows(number, inner))
            for item, begin, end in place.stream.arcs(place.start, length + 1)
        ]

    def _phase(self, step: int) -> tuple[int, int]:
        phase = int(np.searchsorted(self._first_steps, step, side="right")) - 1
        return phase, step - int(self._first_steps[phase])
