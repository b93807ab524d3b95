"""How often each source may be read, and what is left of it from phase to phase; what to do where it is not enough."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.train.quotas import Rule, quotas_under_cap, whole_quotas
from fournil.parts.train.shares import PhaseMixture
from fournil.parts.train.streams import Stream

MANY = 10**9
"""Tenths of epochs beyond which no more are advised."""


@dataclass(frozen=True)
class Sampling:
    """How rows are divided among a group's sources, and among the languages."""

    max_epochs: float = 4.0
    """How often any stream's tokens may be read over all phases."""
    sources: Rule = field(default_factory=Rule)
    """Among the sources of a group."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Sources that count for more (or less) than the rule says, by key."""
    caps: Mapping[str, float] = field(default_factory=dict)
    """Sources that may be read more (or less) often than `max_epochs`, by key."""
    languages: Rule | None = None
    """Among the languages; None: as many rows of each in every batch."""
    language_weights: Mapping[str, float] = field(default_factory=dict)
    """Languages that count for more (or less) than the rule says."""

    def cap(self, source: str, max_epochs: float | None = None) -> Fraction:
        """How often a source may be read; `max_epochs` stands for our own."""
        most = self.max_epochs if max_epochs is None else max_epochs
        return Fraction(self.caps.get(source, most)).limit_denominator(1000)


@dataclass(frozen=True)
class RanOut:
    """What gives less in a phase than its share, because it may not be read more often."""

    phase: int
    group: str
    source: str | None
    """None: the whole group, a language; others give what it cannot."""
    asked_tokens: int
    """Its share of the phase."""
    given_tokens: int
    """What it gives instead, spread over the whole phase; the others give the rest."""
    epochs: float
    """How often it has been read once the phase is over."""


class Budget:
    """What each stream may still give."""

    def __init__(self, groups: Mapping[str, Sequence[Stream]], sampling: Sampling) -> None:
        """Begin with nothing read.

        Args:
            groups: Streams by group.
            sampling: How rows are divided, and how often a source may be read.
        """
        self.groups, self.sampling = groups, sampling
        self.read: dict[tuple[str, str], int] = defaultdict(int)
        """Tokens read so far, by group and source."""
        self.ran_out: list[RanOut] = []

    def divider(self, number: int, phase: PhaseMixture, languages: Sequence[str]) -> Callable[[int], list[int]] | None:
        """How a phase's rows are divided among the languages; None: they are simply equal in every batch."""
        rule = self.sampling.languages
        if rule is None:
            return None

        def divide(rows: int) -> list[int]:
            sizes = [sum(stream.num_tokens for stream in self._open(name, phase)) for name in languages]
            claims = rule.claims(sizes, [self.sampling.language_weights.get(name, 1.0) for name in languages])
            room = [self._room(name, phase) for name in languages]
            # Where all together lack text, they are divided without caps: `spend` names what lacks it.
            bounds = room if quotas_under_cap(rows, claims, room) is not None else [rows] * len(room)
            found = whole_quotas(rows, claims, bounds) or [rows, *[0] * (len(room) - 1)]
            for name, claim, capacity, quota in zip(languages, claims, room, found, strict=True):
                asked = rows * claim / (sum(claims) or 1)
                if quota == capacity < math.floor(asked):
                    self._note(number, phase, name, None, asked, quota)
            return found

        return divide

    def spend(self, number: int, phase: PhaseMixture, wanted: Mapping[str, int]) -> dict[str, list[int]]:
        """Divide a phase's rows among the streams of each group, and count them as read.

        Args:
            number: The phase's.
            phase: Its context length and weights.
            wanted: Rows of each group over the whole phase.

        Returns:
            By group the rows of each stream.

        Raises:
            FournilError: A group has too little text; the error says what would do.
        """
        claims = {group: self._claims(group, phase) for group in wanted}
        room = {group: self._capacities(group, phase.context_length) for group in wanted}
        found = {group: whole_quotas(rows, claims[group], room[group]) for group, rows in wanted.items()}
        lacking = {group: wanted[group] for group, quotas in found.items() if quotas is None}
        if lacking:
            raise self._too_little(number, phase, lacking)
        spent = {group: quotas for group, quotas in found.items() if quotas is not None}
        for group, quotas in spent.items():
            total = sum(claims[group])
            for stream, claim, most, rows in zip(self.groups[group], claims[group], room[group], quotas, strict=True):
                asked = wanted[group] * claim / total
                if rows == most < math.floor(asked):
                    self._note(number, phase, group, stream.source, asked, rows)
                self.read[group, stream.source] += rows * phase.context_length
        return spent

    def _open(self, group: str, phase: PhaseMixture) -> list[Stream]:
        """The streams of a group that a phase reads: those whose weight is not 0."""
        return [stream for stream in self.groups.get(group, ()) if self._weight(stream, phase)]

    def _weight(self, stream: Stream, phase: PhaseMixture) -> float:
        return phase.weights.get(stream.source, self.sampling.weights.get(stream.source, 1.0))

    def _claims(self, group: str, phase: PhaseMixture) -> list[Fraction]:
        streams = self.groups.get(group, ())
        return self.sampling.sources.claims(
            [stream.num_tokens for stream in streams], [self._weight(stream, phase) for stream in streams]
        )

    def _capacities(self, group: str, context_length: int, max_epochs: float | None = None) -> list[int]:
        """How many rows each stream of a group may still give."""
        left = [
            self.sampling.cap(stream.source, max_epochs) * stream.num_tokens - self.read[group, stream.source]
            for stream in self.groups.get(group, ())
        ]
        return [max(0, math.floor(tokens / context_length)) for tokens in left]

    def _room(self, group: str, phase: PhaseMixture, max_epochs: float | None = None) -> int:
        """How many rows the streams that a phase reads may still give together."""
        streams, capacities = self.groups.get(group, ()), self._capacities(group, phase.context_length, max_epochs)
        return sum(rows for stream, rows in zip(streams, capacities, strict=True) if self._weight(stream, phase))

    def _note(
        self, number: int, phase: PhaseMixture, group: str, source: str | None, asked: Fraction, rows: int
    ) -> None:
        streams = [stream for stream in self._open(group, phase) if source in (None, stream.source)]
        given = rows * phase.context_length
        read = sum(self.read[group, stream.source] for stream in streams) + given
        epochs = round(read / max(1, sum(stream.num_tokens for stream in streams)), 4)
        self.ran_out.append(RanOut(number, group, source, round(asked) * phase.context_length, given, epochs))

    def _too_little(self, number: int, phase: PhaseMixture, lacking: Mapping[str, int]) -> FournilError:
        """What is missing most, and what would do: fewer steps, or more epochs."""
        where = f"pretrain.phase[{number}]"
        enough_for = {group: phase.steps * self._room(group, phase) // rows for group, rows in lacking.items()}
        group = min(enough_for, key=lambda name: enough_for[name])
        steps = enough_for[group]
        streams = self._open(group, phase)
        if not streams:
            return FournilError(
                tr("there is no text for {group!r}", group=group),
                where=where,
                fix=tr("Set its share to 0, or add a source that has some."),
            )
        available = sum(stream.num_tokens for stream in streams)
        most = sum(self.sampling.cap(stream.source) * stream.num_tokens for stream in streams) / available
        values = {
            "group": group,
            "available": available,
            "asked": lacking[group] * phase.context_length,
            "read": sum(self.read[group, stream.source] for stream in streams),
            "most": round(float(most), 2),
        }
        if values["read"]:
            what = tr(
                "{group!r} has {available:,} tokens, this phase asks for {asked:,} where {read:,} were read before: "
                "more than {most:g} epochs",
                **values,
            )
        else:
            what = tr(
                "{group!r} has {available:,} tokens, this training asks for {asked:,}: more than {most:g} epochs",
                **values,
            )
        epochs = self._epochs_that_do(phase, lacking)
        if epochs is None:
            fix = tr("Add text, or let its sources be read more often than their own max_epochs.")
        elif steps:
            fix = tr(
                "Train {steps:,} steps at most in this phase, add text, or raise max_epochs to {epochs:g}.",
                steps=steps,
                epochs=epochs,
            )
        else:
            fix = tr("Add text, or raise max_epochs to {epochs:g}.", epochs=epochs)
        return FournilError(what, where=where, fix=fix)

    def _epochs_that_do(self, phase: PhaseMixture, lacking: Mapping[str, int]) -> float | None:
        """The least max_epochs, to a tenth, with which there is enough; None: sources' own caps forbid it."""

        def enough(tenths: int) -> bool:
            return all(self._room(group, phase, tenths / 10) >= rows for group, rows in lacking.items())

        low, high = 0, 10
        while not enough(high):
            low, high = high, high * 2
            if high > MANY:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high / 10
