"""How sure a figure is: the bootstrap over items, alone and paired, and intervals of shares.

Shapes: N items, S resamples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Value:
    """A score and how sure it is."""

    value: float
    standard_error: float
    interval: tuple[float, float]
    """Of 95 %."""

    def fields(self) -> Mapping[str, Any]:
        """Return the fields of a score: value, standard_error, interval."""
        return asdict(self) | {"interval": list(self.interval)}


def resample_weights(num_items: int, num_bootstrap: int, seed: int) -> np.ndarray:
    """How often each item is drawn in each resample, [S, N]; one draw serves all systems, which pairs them."""
    dice = np.random.Generator(np.random.PCG64([seed, num_items]))
    return dice.multinomial(num_items, np.full(num_items, 1 / num_items), size=num_bootstrap)


def bootstrapped(value: float, scores_S: np.ndarray) -> Value:
    """A point value with the spread of its resamples (percentiles, Koehn 2004)."""
    low, high = np.percentile(scores_S, [2.5, 97.5]) if len(scores_S) else (value, value)
    spread = float(np.std(scores_S, ddof=1)) if len(scores_S) > 1 else 0.0
    return Value(value, spread, (float(low), float(high)))


def share(num_yes: int, num: int) -> Value:
    """A share with Wilson's interval, which holds near 0 and 1 too."""
    if num == 0:
        return Value(math.nan, math.nan, (math.nan, math.nan))
    z, p = 1.959964, num_yes / num
    middle = (p + z * z / (2 * num)) / (1 + z * z / num)
    half = z / (1 + z * z / num) * math.sqrt(p * (1 - p) / num + z * z / (4 * num * num))
    return Value(p, math.sqrt(p * (1 - p) / num), (min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half))))
