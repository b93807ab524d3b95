"""In which order a group's windows come: sources by share, windows shuffled, none twice before all are read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fournil.parts.train.interleave import Interleave
from fournil.parts.train.permutation import key_of, permuted_one
from fournil.parts.train.streams import Stream


@dataclass(frozen=True)
class Place:
    """Where a row comes from."""

    stream: Stream
    start: int
    """Its first token, on the stream's circle."""
    key: int
    """Decides what may vary between two readings of the same arc."""


class GroupOrder:
    """The order of a group's windows in a phase."""

    def __init__(
        self,
        streams: Sequence[Stream],
        quotas: Sequence[int],
        context_length: int,
        seed: int,
        *,
        before: Sequence[int] | None = None,
        key: int = 0,
    ) -> None:
        """Plan it.

        Args:
            streams: Of one group.
            quotas: How many rows each gives over the phase, not all 0.
            context_length: Tokens of a row.
            seed: Of the shuffles.
            before: How many rows of this length each has given in earlier phases: reading goes on behind them.
            key: Of the order among the streams.
        """
        self.streams, self.quotas, self.context_length, self.seed = streams, tuple(quotas), context_length, seed
        self.before = tuple(before or [0] * len(streams))
        self.windows = [max(1, stream.num_tokens // context_length) for stream in streams]
        self._interleave = Interleave(quotas, key)

    def place(self, draw: int) -> Place:
        """The window of the group's row number `draw` in this phase."""
        number, row = self._interleave.place(draw)
        return self._window(number, self.before[number] + row)

    def _window(self, number: int, reading: int) -> Place:
        """A stream's window number `reading`: another shift and another order each time that it has been read."""
        stream, count = self.streams[number], self.windows[number]
        epoch, position = divmod(reading, count)
        key = _window_key(self.seed, self.context_length, stream.group, stream.source, epoch)
        window = permuted_one(position, count, key)
        return Place(stream, (key + window * self.context_length) % stream.num_tokens, key)


@lru_cache(maxsize=4096)
def _window_key(seed: int, context_length: int, group: str, source: str, epoch: int) -> int:
    return key_of("windows", seed, context_length, group, source, epoch)
