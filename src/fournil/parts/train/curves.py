"""A long training on a page: as many points of its losses and validations as a curve shows (standard library only)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

POINTS = 300
"""Points of a curve, at most."""


def stretches(lines: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, float]]]:
    """Divide lines of losses into at most POINTS stretches of neighbours.

    Args:
        lines: Each has `by_group`, a loss by group; a group may be missing in some.

    Returns:
        The last line of each stretch, and the mean loss of each group over the stretch.
    """
    size = math.ceil(len(lines) / POINTS) or 1
    found = []
    for start in range(0, len(lines), size):
        part = lines[start : start + size]
        losses: dict[str, list[float]] = defaultdict(list)
        for line in part:
            for group, loss in line["by_group"].items():
                losses[group].append(loss)
        found.append((part[-1], {group: sum(values) / len(values) for group, values in sorted(losses.items())}))
    return found


def some_of(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most POINTS of these lines, as far from one another as each, the last one among them."""
    size = math.ceil(len(lines) / POINTS) or 1
    return list(lines[(len(lines) - 1) % size :: size])
