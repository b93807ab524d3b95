"""How many rows each source of a group gives: by size, temperature, alike (UniMax), or weight; none beyond its cap.

UniMax: Chung and others, "UniMax: Fairer and more effective language sampling for large-scale multilingual
pretraining" (2023): as much of each, but none more often than so many epochs; what small ones cannot give is divided
alike among the others. Temperature: rates go by size to the power of 1 / temperature (Devlin and others' multilingual
BERT, Conneau and others' XLM-R).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

RULES = ("size", "temperature", "unimax", "weights")
"""How rows are divided: by size, by size to the power of 1 / temperature, alike, or by weights alone."""

FINE = 1 << 40
"""Powers are rounded to parts of this size, so that the last bit of a machine's logarithm decides nothing."""


@dataclass(frozen=True)
class Rule:
    """How rows are divided."""

    name: str = "size"
    """One of RULES."""
    temperature: float = 1.0
    """Of the rule `temperature`: 1 goes by size, more brings rates nearer to each other."""

    def __post_init__(self) -> None:
        """Refuse rules that are not there."""
        if self.name not in RULES or self.temperature <= 0:
            raise ValueError(f"no such rule: {self.name!r} at temperature {self.temperature}")

    def claims(self, sizes: Sequence[float], weights: Sequence[float]) -> list[Fraction]:
        """Return what each has a claim to, up to a common factor.

        Args:
            sizes: Tokens, not negative.
            weights: What a claim is multiplied by; 0 leaves one out. With the rule `weights`, the claim itself.
        """
        scale = [Fraction(weight).limit_denominator(10**6) for weight in weights]
        if self.name == "size":
            base = [Fraction(size) for size in sizes]
        elif self.name == "temperature":
            largest = max(sizes, default=0) or 1
            base = [Fraction(round(FINE * (size / largest) ** (1 / self.temperature))) for size in sizes]
        else:
            base = [Fraction(1 if size else 0) for size in sizes]
        return [claim * factor for claim, factor in zip(base, scale, strict=True)]


def quotas_under_cap(
    rows: int, claims: Sequence[int | Fraction], capacities: Sequence[int | Fraction]
) -> list[Fraction] | None:
    """Divide rows by claim, none above its capacity; what one cannot take goes to the others.

    Returns:
        Rows for each, or None when all together cannot take them. Without a claim, one takes nothing.
    """
    quotas = [Fraction(0)] * len(claims)
    open_, left = [i for i, claim in enumerate(claims) if claim], Fraction(rows)
    while open_:
        total = sum(claims[i] for i in open_)
        full = [i for i in open_ if left * claims[i] >= capacities[i] * total]
        if not full:
            for i in open_:
                quotas[i] = left * claims[i] / total
            return quotas
        for i in full:
            quotas[i] = min(Fraction(capacities[i]), left)
            left -= quotas[i]
        open_ = [i for i in open_ if i not in full]
    return quotas if left <= 0 else None


def whole_quotas(rows: int, claims: Sequence[int | Fraction], capacities: Sequence[int]) -> list[int] | None:
    """Divide rows by claim as `quotas_under_cap` does, in whole numbers that sum to `rows` (largest remainders first).

    Returns:
        Rows for each, none above its capacity, or None when all together cannot take them.
    """
    exact = quotas_under_cap(rows, claims, capacities)
    if exact is None:
        return None
    found = [math.floor(quota) for quota in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (found[i] - exact[i], i))
    for i in by_remainder[: rows - sum(found)]:
        found[i] += 1
    return found
