"""ROUGE-1 as the `evaluate` library gives it to lm_eval, without that library, which asks the hub for its code.

It goes by the package rouge_score (Lin 2004), which a test holds it equal to: importing that one costs seconds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

SEED = 1234
"""lm_eval's for numpy: the reference's ROUGE is the median of resampled means, so it depends on chance."""
NUM_RESAMPLES = 1000
_TOKEN = re.compile("[a-z0-9]+")


def rouge1_parts(reference: str, prediction: str) -> tuple[float, float, float]:
    """Return precision, recall and F-measure over lower-cased runs of a to z and digits, so accents part words."""
    gold, said = Counter(_TOKEN.findall(reference.lower())), Counter(_TOKEN.findall(prediction.lower()))
    common = (gold & said).total()
    precision, recall = common / max(said.total(), 1), common / max(gold.total(), 1)
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def rouge1_of(reference: str, prediction: str) -> float:
    """Return the F-measure of one item."""
    return rouge1_parts(reference, prediction)[2]


def rouge1(references: Sequence[str], predictions: Sequence[str]) -> float:
    """Return the F-measure of a corpus: the median of its means over 1,000 resamples, drawn from a fixed seed."""
    parts_N3 = np.array([rouge1_parts(*pair) for pair in zip(references, predictions, strict=True)])
    random = np.random.RandomState(SEED)  # what the reference draws from
    numbers = np.arange(len(parts_N3))
    means = [parts_N3[random.choice(numbers, size=len(numbers))].mean(axis=0) for _ in range(NUM_RESAMPLES)]
    return float(np.percentile(np.array(means)[:, 2], 50))


def load(name: str, *settings: Any, **named: Any) -> Any:  # noqa: ANN401 - as the library's
    """Stand for `evaluate.load`: ROUGE is ours, any other metric comes from the library itself."""
    if name != "rouge" or settings or named:
        return import_module("evaluate").load(name, *settings, **named)
    return SimpleNamespace(compute=_compute)


def _compute(*, predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    return {"rouge1": rouge1(references, predictions)}
