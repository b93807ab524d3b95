"""How many rows of each group the steps of a phase have: arithmetic on the number of the step, in exact fractions.

Batches may grow over a phase's first steps, and the share of translation pairs may rise or fall over its rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.train.interleave import Interleave
from fournil.parts.train.permutation import key_of

CODE = "code"
"""The group of rows of source code."""

PARALLEL = "parallel"
"""The group of rows made of translation pairs."""


class PhaseSettings(Protocol):
    """What a phase's settings say of its rows; stages/pretrain/sections/phases.py has their meaning."""

    @property
    def steps(self) -> int: ...  # noqa: D102 - see there, and so below
    @property
    def tokens(self) -> int: ...  # noqa: D102
    @property
    def batch_tokens(self) -> int: ...  # noqa: D102
    @property
    def first_batch_tokens(self) -> int: ...  # noqa: D102
    @property
    def ramp_tokens(self) -> int: ...  # noqa: D102
    @property
    def ramp_by_tokens(self) -> int: ...  # noqa: D102
    @property
    def context_length(self) -> int: ...  # noqa: D102
    @property
    def code(self) -> float: ...  # noqa: D102
    @property
    def parallel(self) -> float: ...  # noqa: D102
    @property
    def parallel_end(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True)
class PhaseMixture:
    """What the batches of a phase are made of."""

    steps: int
    """How many steps it lasts."""
    rows: int
    """Rows of a batch, once it has grown."""
    context_length: int
    """Tokens of a row."""
    code: float = 0.0
    """Part of the rows that is source code."""
    parallel: float = 0.0
    """Part of the rows that is translation pairs."""
    parallel_end: float | None = None
    """That part at the end of the phase, in a straight line over its rows (None: it stays)."""
    ramp: tuple[tuple[int, int], ...] = ()
    """Its first steps: (how many, of how many rows), then all others have `rows`."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Sources that count otherwise than in the mixture as a whole, by key."""

    def rows_before(self, step: int) -> int:
        """Rows of all steps of the phase before this one."""
        done = 0
        for steps, rows in self.ramp:
            if step <= steps:
                return done + step * rows
            done, step = done + steps * rows, step - steps
        return done + step * self.rows

    @property
    def sizes(self) -> tuple[int, ...]:
        """Rows of its batches, each size once, in the order in which they come."""
        return (*(rows for _, rows in self.ramp), self.rows)

    @property
    def tokens(self) -> int:
        """Tokens that the phase reads."""
        return self.rows_before(self.steps) * self.context_length


def phase_mixture(phase: PhaseSettings, where: str, weights: Mapping[str, float] | None = None) -> PhaseMixture:
    """Work out a phase's steps and the sizes of its batches.

    Args:
        phase: Its settings.
        where: What errors name as their place.
        weights: Of sources, where the phase has its own.

    Raises:
        FournilError: Steps or tokens are missing or both there, batches are not whole rows, or the ramp does not end.
    """
    if (phase.steps > 0) == (phase.tokens > 0):
        raise FournilError(tr("a phase needs either steps or tokens"), where=where, fix=tr("Set one of them."))
    ramped = {"first_batch_tokens": phase.first_batch_tokens, "ramp_by_tokens": phase.ramp_by_tokens}
    for name, figure in {"batch_tokens": phase.batch_tokens, **ramped}.items():
        if phase.context_length < 2 or figure % phase.context_length:
            raise FournilError(
                tr(
                    "{name} {figure} is no multiple of context_length {context_length}",
                    name=name,
                    figure=figure,
                    context_length=phase.context_length,
                ),
                where=where,
                fix=tr("A batch is whole rows: change one of them."),
            )
    ramp = _ramp(phase, where)
    ramp_steps = sum(steps for steps, _ in ramp)
    rest = phase.tokens - sum(steps * rows for steps, rows in ramp) * phase.context_length
    steps = phase.steps or ramp_steps + max(0, math.ceil(rest / phase.batch_tokens))
    if ramp and (steps < ramp_steps or (phase.tokens and rest < 0)):
        raise FournilError(
            tr("the batch would still be growing when the phase ends"),
            where=where,
            fix=tr("Its {steps:,} steps of growth need a longer phase, or less ramp_tokens.", steps=ramp_steps),
        )
    rows = phase.batch_tokens // phase.context_length
    return PhaseMixture(
        steps, rows, phase.context_length, phase.code, phase.parallel, phase.parallel_end, ramp, weights or {}
    )


def _ramp(phase: PhaseSettings, where: str) -> tuple[tuple[int, int], ...]:
    """Sizes below the last one; each lasts for as many tokens, up to a step."""
    if not phase.first_batch_tokens or not phase.ramp_tokens:
        if phase.first_batch_tokens or phase.ramp_tokens or phase.ramp_by_tokens:
            raise FournilError(
                tr("a batch that grows needs first_batch_tokens and ramp_tokens"),
                where=where,
                fix=tr("Set both of them, or neither, nor ramp_by_tokens."),
            )
        return ()
    sizes, size = [], phase.first_batch_tokens
    while size < phase.batch_tokens:
        sizes.append(size)
        size += phase.ramp_by_tokens or size
    if not sizes:
        raise FournilError(
            tr(
                "first_batch_tokens {first:,} is not below batch_tokens {last:,}",
                first=phase.first_batch_tokens,
                last=phase.batch_tokens,
            ),
            where=where,
            fix=tr("A batch can only grow: lower the first."),
        )
    return tuple(
        (max(1, math.ceil(phase.ramp_tokens / (len(sizes) * size))), size // phase.context_length) for size in sizes
    )


class Shares:
    """How many rows of each group the steps of a phase have; the languages always have the same number, by default."""

    def __init__(
        self,
        mixture: PhaseMixture,
        languages: Sequence[str],
        divide: Callable[[int], Sequence[int]] | None = None,
    ) -> None:
        """Check that the shares can be had.

        Args:
            mixture: The phase.
            languages: Those that divide what code and pairs leave.
            divide: Gives each language's rows, of so many over the phase. None: all have as many, in every step.

        Raises:
            FournilError: Rows do not divide among the languages, or shares make more than one.
        """
        self.mixture, self.languages = mixture, tuple(languages)
        end = mixture.parallel if mixture.parallel_end is None else mixture.parallel_end
        self._code, self._first, last = (
            Fraction(share).limit_denominator(10**6) for share in (mixture.code, mixture.parallel, end)
        )
        if min(self._code, self._first, last) < 0 or self._code + max(self._first, last) > 1:
            raise FournilError(
                tr(
                    "shares code {code} and parallel {parallel} leave nothing for the languages",
                    code=mixture.code,
                    parallel=max(mixture.parallel, end),
                ),
                fix=tr("Together they may make at most 1."),
            )
        self._all = mixture.rows_before(mixture.steps)
        self._rise = (last - self._first) / self._all if self._all else Fraction(0)
        self._unit = len(languages) if divide is None else 1
        for rows in mixture.sizes:
            if rows < 1 or rows % self._unit:
                raise FournilError(
                    tr(
                        "a batch of {rows} rows cannot hold as much of each of {count} languages",
                        rows=rows,
                        count=len(languages),
                    ),
                    fix=tr("Make batch_tokens / context_length a multiple of the number of languages."),
                )
        self._order: Interleave | None = None
        if divide is not None:
            text = self._text(self._all)
            self._order = Interleave(divide(text), key_of("languages")) if text else None

    def before(self, step: int) -> dict[str, int]:
        """Rows of each group in all steps before this one."""
        rows = self.mixture.rows_before(step)
        text = self._text(rows)
        if self._unit > 1 or len(self.languages) == 1:
            each = [text // len(self.languages)] * len(self.languages)
        else:
            each = self._order.counts(text) if self._order else [0] * len(self.languages)
        code = self._code_of(rows - text)
        return {**dict(zip(self.languages, each, strict=True)), CODE: code, PARALLEL: rows - text - code}

    def _others(self, rows: int) -> Fraction:
        """What is due to code and pairs of the first rows: the integral of their share, which is a line."""
        return (self._code + self._first) * rows + self._rise * rows * rows / 2

    def _text(self, rows: int) -> int:
        # To the nearest round of languages: cut down, a share that has hardly begun would fill the first batch.
        return math.floor((rows - self._others(rows)) / self._unit + Fraction(1, 2)) * self._unit

    def _code_of(self, others: int) -> int:
        """How many of the first rows that are not text are code.

        As the share of code among them is between 0 and 1 at every place, this grows by at most one with each: so
        neither code nor pairs ever have fewer rows than before. It is solved in whole numbers: a rounded root could
        break that.
        """
        share, rise = self._code + self._first, self._rise
        if not self._code or not others:
            return 0
        end = self._others(self._all)
        if others >= end:  # rounding gave code and pairs a row more than was due
            return math.floor(self._code * self._all + (others - end) * self._code / (share + rise * self._all))
        if not rise:
            return math.floor(self._code * others / share)
        # rise / 2 x² + share x = others, and code has self._code x rows of them.
        square = share * share + 2 * rise * others
        factor = self._code / abs(rise)
        scaled = square * factor * factor  # code = ±(√scaled - share · factor)
        common = math.lcm(scaled.denominator, (share * factor).denominator)
        root, known = scaled * common * common, share * factor * common
        whole = math.isqrt(int(root))
        if rise > 0:
            return (whole - int(known)) // common
        return (int(known) - whole - (whole * whole != int(root))) // common
