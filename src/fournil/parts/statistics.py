"""How sure a figure is: the bootstrap over items, alone and paired, and intervals of shares.

Shapes: N items, S resamples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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


MAX_BYTES = 2**26
"""The most memory that a block of resamples takes while it is multiplied, and that drawn ones may be kept in."""
_BYTES = 16
"""Of a weight as it is drawn and as it is multiplied."""


class Resamples:
    """How often each item is drawn in each resample: a matrix [S, N] that is only ever there in blocks of S.

    Its product with statistics of the items, [N] or [N, K], is the sums of each resample. The draws are those of one
    generator, whatever the blocks, and the same in every product. Small matrices are drawn once; of large ones no more
    is kept than the way to draw them again.
    """

    def __init__(self, num_items: int, num_bootstrap: int, seed: int) -> None:
        self.shape = (num_bootstrap if num_items else 0, num_items)
        self._seed = seed
        self._kept: list[np.ndarray] = []

    def __len__(self) -> int:
        return self.shape[0]

    def __matmul__(self, statistics: np.ndarray) -> np.ndarray:
        kind = np.int64 if np.issubdtype(statistics.dtype, np.integer) else np.float64
        sums = [block_SN.astype(kind) @ statistics for block_SN in self._blocks()]
        return np.concatenate(sums) if sums else np.zeros((0, *statistics.shape[1:]), kind)

    def _blocks(self) -> Iterator[np.ndarray]:
        if self._kept:
            yield from self._kept
            return
        num, num_items = self.shape
        keeps, kept = num * num_items <= MAX_BYTES, []
        dice = np.random.Generator(np.random.PCG64([self._seed, num_items]))
        size = _block_size(num_items)
        for start in range(0, num, size):
            drawn_SN = dice.multinomial(num_items, np.full(num_items, 1 / num_items), size=min(size, num - start))
            block_SN = drawn_SN.astype(np.uint8)  # nobody is drawn 256 times out of as many draws as there are items
            del drawn_SN
            if keeps:
                kept.append(block_SN)
            yield block_SN
        self._kept = kept


def _block_size(num_items: int) -> int:
    """Return how many resamples make a block: whole groups of rows, so that a row's sums do not depend on the block."""
    size = MAX_BYTES // _BYTES // max(num_items, 1)
    return size // 64 * 64 or max(size // 8 * 8, 8)


def resample_weights(num_items: int, num_bootstrap: int, seed: int) -> Resamples:
    """How often each item is drawn in each resample, [S, N]; one draw serves all systems, which pairs them."""
    return Resamples(num_items, num_bootstrap, seed)


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
