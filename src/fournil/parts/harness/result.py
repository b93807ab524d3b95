"""What running a task gives, before any stage writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

MEAN, PERPLEXITY, BITS_PER_BYTE, ROUGE, BLEU, CHRF, TER = (
    "mean",
    "weighted_perplexity",
    "bits_per_byte",
    "rouge1_agg",
    "bleu",
    "chrf",
    "ter",
)
"""How items make a metric's value: lm_eval's names of its aggregations."""


class Note(NamedTuple):
    """What a model says of one request beside its answer.

    A model that has them keeps those of its last call, in the order of the requests, in an attribute `notes`.
    """

    truncated: bool = False
    """The context did not fit and was cut on the left."""
    uneven: bool = False
    """The context's tokens are no prefix of those of context and continuation together."""


@dataclass(frozen=True)
class TaskRun:
    """A finished task."""

    task: str
    """lm_eval's name of it; an own one in the `fixed` edition."""
    edition: str
    """`official` or `fixed`."""
    of: str
    """The official task's name, which is `task` in the official edition."""
    language: str
    """`fr`, `en`, or for translation `en-fr` (into French) and `fr-en`; `und` where the name does not tell."""
    pair: str
    """Joins a French task with its English counterpart; empty for a task that has none."""
    shots: int
    """How many worked examples stood before each item: 0 where the task allows none, whatever was asked."""
    seed: int
    """For drawing the worked examples."""
    version: str
    """The task definition's own version, empty where it has none."""
    main: str
    """The one metric for a table."""
    num_items: int
    data_sha256: str
    """Of the items scored and of the documents that worked examples were drawn from, as canonical JSON."""
    data_source: str
    """The hub's `name@revision`, or the local folder's name."""
    metrics: Mapping[str, tuple[float, float | None]]
    """Value and standard error as lm_eval has them; no error where lm_eval gives none without resampling."""
    aggregations: Mapping[str, str]
    """How each metric's value comes from the items': one of the names above, or the function's own."""
    higher_is_better: Mapping[str, bool]
    items: list[dict[str, Any]]
    """In the data's order: `item` (number), `sha256` (of the document), `values` (metric → what this item alone would
    score; no entry where that is no number), `details`: `subtask` of a group; for choices `choices`, `gold`,
    `log_likelihoods`, `greedy`, `choice` (the likeliest); for generation `text`, `reference`; for text
    `log_likelihood`; `parts` (metric → log-likelihood and number of units) for figures per unit of text; `truncated`,
    `uneven` where true."""
    prompts: list[str]
    """The first three items' contexts in full."""
    num_truncated: int
    """Items of which some request was cut."""
    num_uneven: int
