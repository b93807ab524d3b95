"""How much of what is in each batch: equal rows in every language, code and parallel rows by share, repetition capped.

All of it is arithmetic on the number of the step: nothing is drawn and remembered. Shares are exact fractions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fournil.parts.train.budget import Budget, RanOut, Sampling
from fournil.parts.train.order import GroupOrder, Place
from fournil.parts.train.permutation import key_of
from fournil.parts.train.shares import CODE, PARALLEL, PhaseMixture, Shares
from fournil.parts.train.streams import Stream

__all__ = ["CODE", "PARALLEL", "Mixture", "PhaseMixture", "RanOut", "Sampling"]


class Mixture:
    """Which window every row of every step is: a pure function of streams, phases, languages and seed."""

    def __init__(
        self,
        groups: Mapping[str, Sequence[Stream]],
        phases: Sequence[PhaseMixture],
        languages: Sequence[str],
        seed: int,
        sampling: Sampling | None = None,
    ) -> None:
        """Plan all phases.

        Args:
            groups: Streams by group: each language, "code", "parallel".
            phases: In order.
            languages: Those that divide the rows that are neither code nor pairs.
            seed: Of the order.
            sampling: How rows are divided among sources and languages.

        Raises:
            FournilError: A group has no text, or would be repeated more often than it may be.
        """
        self.groups, self.phases, self.languages = groups, tuple(phases), tuple(languages)
        self.budget = Budget(groups, sampling or Sampling())
        self.shares: list[Shares] = []
        self.orders: list[dict[str, GroupOrder]] = []
        self.rows_seen: list[dict[str, list[int]]] = []
        rows_so_far: dict[tuple[int, str, str], int] = defaultdict(int)
        for number, phase in enumerate(self.phases):
            shares = Shares(phase, languages, self.budget.divider(number, phase, languages))
            wanted = {group: rows for group, rows in shares.before(phase.steps).items() if rows}
            seen, orders = self.budget.spend(number, phase, wanted), {}
            for group, quotas in seen.items():
                places = [(phase.context_length, group, stream.source) for stream in groups[group]]
                orders[group] = GroupOrder(
                    groups[group],
                    quotas,
                    phase.context_length,
                    seed,
                    before=[rows_so_far[place] for place in places],
                    key=key_of("mixture", seed, number, group),
                )
                for place, rows in zip(places, quotas, strict=True):
                    rows_so_far[place] += rows
            self.shares.append(shares)
            self.orders.append(orders)
            self.rows_seen.append(seen)

    @property
    def ran_out(self) -> list[RanOut]:
        """What gives less than its share, because it may not be read more often."""
        return self.budget.ran_out

    def rows(self, phase: int, step: int, start: int = 0, stop: int | None = None) -> list[tuple[str, Place]]:
        """The rows of a step of a phase: group and place, in a fixed order of groups.

        Args:
            phase: Its number.
            step: Counted within the phase.
            start: The first row wanted.
            stop: One after the last row wanted (None: all); the others are not looked at.
        """
        shares, orders = self.shares[phase], self.orders[phase]
        before, after = shares.before(step), shares.before(step + 1)
        found, first = [], 0
        for group in before:
            count = after[group] - before[group]
            end = count if stop is None else min(count, stop - first)
            wanted = range(max(0, start - first), end)
            found += [(group, orders[group].place(before[group] + row)) for row in wanted]
            first += count
        return found

    def tokens(self) -> list[dict[str, Any]]:
        """For each stream: group, source, tokens there are, tokens seen over all phases, and epochs."""
        table = []
        for group, streams in sorted(self.groups.items()):
            for stream in streams:
                seen = self.budget.read[group, stream.source]
                epochs = round(seen / stream.num_tokens, 4)
                row = {"group": group, "source": stream.source, "tokens": stream.num_tokens}
                table.append(row | {"tokens_seen": seen, "epochs": epochs})
        return table
