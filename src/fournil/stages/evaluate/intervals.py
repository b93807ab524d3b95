"""From a task's items to how sure its figures are: one bootstrap for each kind of aggregation.

Shapes: N items, S resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fournil.core.metrics import is_share
from fournil.parts.aggregation import sums_of
from fournil.parts.statistics import Resamples, Value, bootstrapped, resample_weights, share
from fournil.stages.evaluate.result import MODEL, TASK, Item, Measure, TaskResult

NORMAL = 1.959964
"""Standard errors on each side of an interval of 95 %."""


def task_rows(
    result: TaskResult,
    model_sha256: str,
    num_bootstrap: int,
    *,
    checkpoint: int | None = None,
) -> list[dict[str, Any]]:
    """Make a task's score rows, each with its standard error and its interval.

    Args:
        result: The task.
        model_sha256: Of the model that was scored.
        num_bootstrap: Resamples of items behind each interval.
        checkpoint: The step of the training at which the model stood; None for the model itself.
    """
    weights_SN = resample_weights(len(result.items), num_bootstrap, seed=0)
    rows = []
    for measure in result.measures:
        value = interval_of(measure, result.items, weights_SN)
        rows.append(
            {
                "kind": TASK,
                "task": result.task,
                "edition": result.edition,
                **({"of": result.of} if result.of else {}),
                "metric": measure.metric,
                "language": result.language,
                "pair": result.pair,
                "system": measure.system,
                "main": measure.main,
                "higher_is_better": measure.higher_is_better,
                "shots": result.shots,
                "seed": result.seed,
                "version": result.version,
                "checkpoint": checkpoint,
                "num_items": result.num_items,
                "data_sha256": result.data_sha256,
                "model_sha256": model_sha256 if measure.system == MODEL else None,
                **value,
            }
        )
    return rows


def interval_of(measure: Measure, items: Sequence[Item], weights_SN: Resamples) -> dict[str, Any]:
    """Return `value`, `standard_error` and `interval` of a figure; null where nothing tells how sure it is.

    What the scorer of the task knows itself is kept. Else items are resampled, as the aggregation adds them up; where
    all of them are wrong, or right, Wilson's interval stands instead for a share, and none for others. A figure that is
    not what its items come to gets no interval from them.
    """
    error, interval = measure.standard_error, measure.interval
    if interval is None and measure.system == MODEL and len(weights_SN):
        found = _resampled(measure, items, weights_SN)
        if found is not None:
            interval = found.interval
            error = found.standard_error if error is None else error
    if interval is None and error is not None:
        interval = (measure.value - NORMAL * error, measure.value + NORMAL * error)
    return {
        "value": measure.value,
        "standard_error": error,
        "interval": None if interval is None else list(interval),
    }


def _resampled(measure: Measure, items: Sequence[Item], weights_SN: Resamples) -> Value | None:
    values = [item.values.get(measure.metric) for item in items]
    sums = sums_of(measure.metric, measure.aggregation, values, [item.details for item in items])
    if sums is None or not sums.comes_to(measure.value):
        return None
    if set(values) in ({0.0}, {1.0}):  # every resample is the same, and the figure is not certain for that
        if not is_share(measure.metric):
            return None
        return share(round(sum(value or 0.0 for value in values)), len(values))
    scores_S = sums.resampled(weights_SN)
    return bootstrapped(measure.value, scores_S) if np.isfinite(scores_S).all() else None
