"""How figures of tasks are written, shares in per cent, and how far two of them are apart."""

from __future__ import annotations

import math

from fournil.core.speech import figure

SHARES = frozenset(
    (
        "acc",
        "acc_bytes",
        "acc_norm",
        "em",
        "exact",
        "exact_match",
        "f1",
        "is_included",
        "mc1",
        "mc2",
        "pct_stereotype",
        "rouge1",
        # of language fidelity
        "sticks",
        "drifts",
        "keeps_format",
        "sentences_in_language",
        "untold",
        "code_or_latex",
    )
)
"""Metrics from 0 to 1, written in per cent."""

_PLACES = {"bleu": 1, "ter": 1, "chrf": 1, "bits_per_byte": 3, "byte_perplexity": 3}


def is_share(metric: str) -> bool:
    """Whether a metric goes from 0 to 1; `exact_match,strict-match` is lm_eval's exact_match behind a filter."""
    return metric.partition(",")[0] in SHARES


def scale_of(metric: str) -> tuple[float, int]:
    """Return by what a metric's value is multiplied to be written, and with how many decimals."""
    return (100.0, 1) if is_share(metric) else (1.0, _PLACES.get(metric.partition(",")[0], 2))


def written(metric: str, value: float, *, sign: bool = False) -> str:
    """Write a metric's value, or with `sign` a difference of two."""
    times, places = scale_of(metric)
    return figure(f"{value * times:{'+' if sign else ''},.{places}f}".replace("-", "\N{MINUS SIGN}"))


def gap_interval(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    """Return the interval of a difference of two independent figures, from their own (Zou and Donner 2008).

    Args:
        one: Its value, and the ends of its interval.
        other: The same of what is taken from it.
    """
    (value, low, high), (less, less_low, less_high) = one, other
    gap = value - less
    return gap - math.hypot(value - low, less_high - less), gap + math.hypot(high - value, less - less_low)
