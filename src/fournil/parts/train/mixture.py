"""How much of what is in each batch: equal rows in every language, code and parallel rows by share, repetition capped.

All of it is arithmetic on the number of the step: nothing is drawn and remembered. Shares are exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.train.permutation import key_of, permuted, permuted_one
from fournil.parts.train.streams import PARALLEL, Stream

CODE = "code"
"""The group of rows of source code."""


@dataclass(frozen=True)
class PhaseMixture:
    """What the batches of a phase are made of."""

    steps: int
    """How many steps it lasts."""
    rows: int
    """Rows of a batch, a multiple of the number of languages."""
    context_length: int
    """Tokens of a row."""
    code: float = 0.0
    """Part of the rows that is source code."""
    parallel: float = 0.0
    """Part of the rows that is translation pairs."""


@dataclass(frozen=True)
class Place:
    """Where a row comes from."""

    stream: Stream
    start: int
    """Its first token, on the stream's circle."""
    key: int
    """Decides what may vary between two readings of the same arc."""


class Shares:
    """How many rows of each group the steps of a phase have; the languages always have the same number."""

    def __init__(self, mixture: PhaseMixture, languages: Sequence[str]) -> None:
        """Check that the shares can be had.

        Raises:
            FournilError: Rows do not divide among the languages, or shares make more than one.
        """
        self.rows, self.languages = mixture.rows, tuple(languages)
        code, parallel = (Fraction(share).limit_denominator(10_000) for share in (mixture.code, mixture.parallel))
        if code < 0 or parallel < 0 or code + parallel > 1:
            raise FournilError(
                tr(
                    "shares code {code} and parallel {parallel} leave nothing for the languages",
                    code=mixture.code,
                    parallel=mixture.parallel,
                ),
                fix=tr("Together they may make at most 1."),
            )
        if mixture.rows < 1 or mixture.rows % len(languages):
            raise FournilError(
                tr(
                    "a batch of {rows} rows cannot hold as much of each of {count} languages",
                    rows=mixture.rows,
                    count=len(languages),
                ),
                fix=tr("Make batch_tokens / context_length a multiple of the number of languages."),
            )
        self._rounds = (1 - code - parallel) * mixture.rows / len(languages)
        self._code = code / (code + parallel) if code + parallel else Fraction(0)

    def before(self, step: int) -> dict[str, int]:
        """Rows of each group in all steps before this one."""
        rounds = math.floor(self._rounds * step)
        others = self.rows * step - len(self.languages) * rounds
        code = math.floor(self._code * others)
        return {**dict.fromkeys(self.languages, rounds), CODE: code, PARALLEL: others - code}


class GroupOrder:
    """In which order a group's windows come in a phase: round after round, each round a shuffle of all windows.

    A round has every window of a stream once, unless the stream's repetition is capped: then so many fewer.
    """

    def __init__(self, streams: Sequence[Stream], quotas: Sequence[Fraction], context_length: int, key: int) -> None:
        """Plan rounds.

        Args:
            streams: Of one group.
            quotas: How many rows each is to give over the phase.
            context_length: Tokens of a row.
            key: Of the order.
        """
        self.streams, self.context_length, self.key = streams, context_length, key
        self.windows = [max(1, stream.num_tokens // context_length) for stream in streams]
        most = max(quota / count for quota, count in zip(quotas, self.windows, strict=True)) or Fraction(1)
        per_round = [
            min(count, max(1, math.ceil(quota / most))) if quota else 0
            for quota, count in zip(quotas, self.windows, strict=True)
        ]
        self.ends = np.cumsum(per_round)

    def place(self, draw: int) -> Place:
        """The window of the group's draw number `draw` in this phase."""
        per_round = int(self.ends[-1])
        turn, inside = divmod(draw, per_round)
        slot = permuted_one(inside, per_round, key_of(self.key, turn))
        number = int(np.searchsorted(self.ends, slot, side="right"))
        first = int(self.ends[number - 1]) if number else 0
        return self._window(number, turn * int(self.ends[number] - first) + slot - first)

    def rows_of(self, draws: int) -> list[int]:
        """How many of the first `draws` windows come from each stream."""
        per_round = int(self.ends[-1])
        turns, rest = divmod(draws, per_round)
        slots = permuted(np.arange(rest), per_round, key_of(self.key, turns))
        last = np.bincount(np.searchsorted(self.ends, slots, side="right"), minlength=len(self.ends))
        return (turns * np.diff(self.ends, prepend=0) + last).tolist()

    def _window(self, number: int, reading: int) -> Place:
        """A stream's window number `reading`: another shift and another order each time that it has been read."""
        stream, count = self.streams[number], self.windows[number]
        epoch, position = divmod(reading, count)
        key = key_of(self.key, stream.source, "epoch", epoch)
        window = permuted_one(position, count, key)
        return Place(stream, (key + window * self.context_length) % stream.num_tokens, key)


def quotas_under_cap(rows: int, sizes: Sequence[int], capacities: Sequence[Fraction]) -> list[Fraction] | None:
    """Divide rows by size, none above its capacity; what one cannot take goes to the others.

    Returns:
        Rows for each, or None when all together cannot take them.
    """
    quotas = [Fraction(0)] * len(sizes)
    open_, left = list(range(len(sizes))), Fraction(rows)
    while open_:
        total = sum(sizes[i] for i in open_)
        full = [i for i in open_ if left * sizes[i] >= capacities[i] * total]
        if not full:
            for i in open_:
                quotas[i] = left * sizes[i] / total
            return quotas
        for i in full:
            quotas[i] = min(capacities[i], left)
            left -= quotas[i]
        open_ = [i for i in open_ if i not in full]
    return quotas if left <= 0 else None


class Mixture:
    """Which window every row of every step is: a pure function of streams, phases, languages and seed."""

    def __init__(
        self,
        groups: Mapping[str, Sequence[Stream]],
        phases: Sequence[PhaseMixture],
        languages: Sequence[str],
        seed: int,
        *,
        max_epochs: float,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Plan all phases.

        Args:
            groups: Streams by group: each language, "code", "parallel".
            phases: In order.
            languages: Those that get equal rows.
            seed: Of the order.
            max_epochs: How often any stream's tokens may be read over all phases.
            weights: Sources that count as larger (or smaller) than they are, by key.

        Raises:
            FournilError: A group has no text, or would be repeated more than `max_epochs` times.
        """
        self.phases, self.languages = tuple(phases), tuple(languages)
        self.shares = [Shares(phase, languages) for phase in phases]
        self.groups = groups
        self.orders: list[dict[str, GroupOrder]] = []
        self.rows_seen: list[dict[str, list[int]]] = []
        cap = Fraction(max_epochs).limit_denominator(1000)
        left = {group: [cap * stream.num_tokens for stream in streams] for group, streams in groups.items()}
        for number, (phase, shares) in enumerate(zip(phases, self.shares, strict=True)):
            orders, seen = {}, {}
            for group, rows in shares.before(phase.steps).items():
                if not rows:
                    continue
                streams = groups.get(group, ())
                capacities = [tokens / phase.context_length for tokens in left.get(group, ())]
                scale = [
                    Fraction((weights or {}).get(stream.source, 1.0)).limit_denominator(1000) for stream in streams
                ]
                sizes = [stream.num_tokens * weight for stream, weight in zip(streams, scale, strict=True)]
                denominator = math.lcm(*(size.denominator for size in sizes)) if sizes else 1
                quotas = quotas_under_cap(rows, [int(size * denominator) for size in sizes], capacities)
                if quotas is None or not streams:
                    raise _too_little(group, rows * phase.context_length, streams, max_epochs)
                orders[group] = GroupOrder(
                    streams, quotas, phase.context_length, key_of("mixture", seed, number, group)
                )
                seen[group] = orders[group].rows_of(rows)
                for i, count in enumerate(seen[group]):
                    left[group][i] = max(Fraction(0), left[group][i] - count * phase.context_length)
            self.orders.append(orders)
            self.rows_seen.append(seen)

    def rows(self, phase: int, step: int) -> list[tuple[str, Place]]:
        """The rows of a step of a phase: group and place, in a fixed order of groups."""
        shares, orders = self.shares[phase], self.orders[phase]
        before, after = shares.before(step), shares.before(step + 1)
        return [(group, orders[group].place(draw)) for group in before for draw in range(before[group], after[group])]

    def tokens(self) -> list[dict[str, Any]]:
        """For each stream: group, source, tokens there are, tokens seen over all phases, and epochs."""
        table = []
        for group, streams in sorted(self.groups.items()):
            for i, stream in enumerate(streams):
                seen = sum(
                    rows[group][i] * phase.context_length
                    for rows, phase in zip(self.rows_seen, self.phases, strict=True)
                    if group in rows
                )
                epochs = round(seen / stream.num_tokens, 4)
                row = {"group": group, "source": stream.source, "tokens": stream.num_tokens}
                table.append(row | {"tokens_seen": seen, "epochs": epochs})
        return table


def _too_little(group: str, tokens: int, streams: Sequence[Stream], max_epochs: float) -> FournilError:
    available = sum(stream.num_tokens for stream in streams)
    if not available:
        return FournilError(
            tr("there is no text for {group!r}", group=group),
            fix=tr("Set its share to 0, or add a source that has some."),
        )
    return FournilError(
        tr(
            "{group!r} has {available:,} tokens, this training asks for {tokens:,}: more than {max_epochs:g} epochs",
            group=group,
            available=available,
            tokens=tokens,
            max_epochs=max_epochs,
        ),
        fix=tr("Train fewer steps, add text, or raise max_epochs."),
    )
