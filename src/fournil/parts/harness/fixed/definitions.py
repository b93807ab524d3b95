"""What the `fixed` edition changes in the official definitions; the rest of each stays as lm_eval has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fournil.parts.harness.fixed import fixes
from fournil.parts.harness.names import Named

VERSION = "1"
"""Raised when a fixed task's meaning changes."""

_LISTED = "{{['Impossible']}}"
"""In the official templates, what an unanswerable question's answer is: a list's text, brackets and all."""
_MEAN = {"aggregation": "mean", "higher_is_better": True}
_FUNCTIONS = {"exact": fixes.exact, "f1": fixes.f1, "rouge1": fixes.rouge1, "is_included": fixes.is_included}


def overrides(task: Named, official: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of a task's fixed edition.

    Args:
        task: An official task that has one.
        official: Its definition, as lm_eval reads it.
    """
    fixed = {**official, "task": task.fixed, "metadata": {"version": VERSION}}
    for key in ("tag", "doc_to_decontamination_query", "should_decontaminate"):
        fixed.pop(key, None)
    for key in ("doc_to_text", "doc_to_target"):
        if isinstance(fixed.get(key), str):
            fixed[key] = fixed[key].replace(_LISTED, "Impossible")
    short = task.name.removeprefix("french_bench_")
    if short in ("grammar", "vocab", "reading_comp"):
        fixed["doc_to_choice"] = fixes.filled_choices
    if short == "topic_based_nli":
        fixed["doc_to_target"] = fixes.polarity
    if fixed.get("description") and not str(fixed["doc_to_text"]).startswith("\n"):
        fixed["description"] = f"{fixed['description']}\n\n"
    if fixed["output_type"] == "generate_until":
        names = [getattr(metric["metric"], "__name__", metric["metric"]) for metric in official["metric_list"]]
        fixed["metric_list"] = [{"metric": _FUNCTIONS[name], **_MEAN} for name in names]
    return fixed
