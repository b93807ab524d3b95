"""From items to figures, and back: what each item of a task adds to a figure, so that items can be resampled.

Shapes: N items, S resamples, K statistics of an item.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fournil.parts.statistics import Resamples, Value, bootstrapped

PARTS = "parts"
"""In an item's details: by metric, the numerator and the denominator that corpus figures add up."""

OF_PARTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "weighted_perplexity": lambda sums_SK: np.exp(-sums_SK[:, 0] / sums_SK[:, 1]),
    "bits_per_byte": lambda sums_SK: -sums_SK[:, 0] / sums_SK[:, 1] / math.log(2),
}
"""Corpus figures of sums [S, K] of parts, by lm_eval's name of the aggregation."""
OF_TEXTS = ("bleu", "chrf", "ter")
"""Corpus figures of what was written and its references."""
_CLOSE = 1e-6


@dataclass(frozen=True)
class Sums:
    """A figure that is a function of sums over items."""

    statistics_NK: np.ndarray
    of_sums: Callable[[np.ndarray], np.ndarray]
    """Figures [S] of sums [S, K]."""

    def value(self) -> float:
        """The figure of all items."""
        return float(self.resampled(np.ones((1, len(self.statistics_NK))))[0])

    def comes_to(self, measured: float) -> bool:
        """Whether the items come to the figure that was measured."""
        return math.isclose(self.value(), measured, rel_tol=_CLOSE, abs_tol=_CLOSE)

    def resampled(self, weights_SN: Resamples | np.ndarray) -> np.ndarray:
        """The figure of each resample, [S]."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.of_sums(weights_SN @ self.statistics_NK)


def sums_of(
    metric: str, aggregation: str, values: Sequence[float | None], details: Sequence[Mapping[str, Any]]
) -> Sums | None:
    """What each item adds to a metric.

    Args:
        metric: Its name.
        aggregation: How items make its value, by lm_eval's name; what is not known is taken for a mean.
        values: Of the items, None where an item has none.
        details: Of the items: `parts`, or `text` and `reference`, where the aggregation needs them.

    Returns:
        None where the items do not tell.
    """
    if aggregation in OF_PARTS:
        parts = [row.get(PARTS, {}).get(metric) for row in details]
        return None if None in parts else Sums(np.array(parts, float), OF_PARTS[aggregation])
    kind = aggregation if aggregation in OF_TEXTS else metric
    if kind in OF_TEXTS:
        found = _of_texts(kind, details)
        if found is not None or aggregation in OF_TEXTS:
            return found
    if None in values:
        return None
    return Sums(np.array([[value, 1.0] for value in values], float), lambda sums_SK: sums_SK[:, 0] / sums_SK[:, 1])


def _of_texts(kind: str, details: Sequence[Mapping[str, Any]]) -> Sums | None:
    from fournil.parts.corpus_metrics import (
        bleu_best,
        bleu_of_sums,
        chrf_best,
        chrf_of_sums,
        ter_best,
        ter_of_sums,
    )

    pairs = []
    for row in details:
        references = row.get("references", row.get("reference"))
        references = [references] if isinstance(references, str) else references
        if not isinstance(row.get("text"), str) or not isinstance(references, list) or not references:
            return None
        pairs.append((row["text"], references))
    of_item, of_sums = {
        "bleu": (bleu_best, bleu_of_sums),
        "chrf": (chrf_best, chrf_of_sums),
        "ter": (ter_best, ter_of_sums),
    }[kind]
    return Sums(np.array([of_item(*pair) for pair in pairs], float), of_sums)


def difference(one: Sums, other: Sums, weights_SN: Resamples) -> Value:
    """How far a figure is above another of the same items, in the same resamples of them: the paired bootstrap."""
    resampled_S = one.resampled(weights_SN) - other.resampled(weights_SN)
    return bootstrapped(one.value() - other.value(), resampled_S[np.isfinite(resampled_S)])
