"""The files of finished tasks: written as soon as a task is done, read again by the next try, and the forms of others.

tasks/NAME.json          a finished task without its items, and the hash of all that decides it
items/NAME.parquet       its items: one row for each item and metric
lm_eval/results.json     all of it as lm_eval writes results
.eval_results/NAME.yaml  what comes from a data set of the hub, as model repositories there hold it
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import fournil
from fournil.core.files import atomic_path, sha256_file, write_json, write_text
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.result import FIXED, MODEL, OFFICIAL, Item, TaskResult

ITEMS = pa.schema(
    [
        pa.field("task", pa.string(), nullable=False),
        pa.field("edition", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("item", pa.int32(), nullable=False),
        pa.field("item_sha256", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("details", pa.string(), nullable=False),
    ]
)
"""One item and metric; `details` is JSON, the same in all rows of an item."""

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
"""Precisions as lm_eval calls them."""

HUB_SOURCE = re.compile(r"([A-Za-z0-9][\w.-]*(?:/[\w.-]+)?)@([0-9a-f]{7,64})")
"""What names a data set of the hub and its revision; local folders have none."""


def write_task(folder: Path, result: TaskResult, key: str) -> None:
    """Keep a finished task; its JSON comes last and says that all of it is there."""
    write_items(folder, result.name, result.task, result.edition, result.items)
    value = result.to_json()
    items = value.pop("items")
    silent = [row for row in items if not row["values"]]  # they have no rows of their own in the table
    write_json(
        folder / "tasks" / f"{result.name}.json",
        {
            "key": key,
            "result": value,
            "items_sha256": sha256_file(items_path(folder, result.name)),
            "items_without_values": silent,
        },
    )


def write_items(folder: Path, name: str, task: str, edition: str, items: Sequence[Item]) -> None:
    """Write the table of a task's items."""
    rows: list[dict[str, Any]] = []
    for item in items:
        details = json.dumps(item.details, ensure_ascii=False, sort_keys=True)
        rows += [
            {
                "task": task,
                "edition": edition,
                "metric": metric,
                "item": item.item,
                "item_sha256": item.sha256,
                "value": value,
                "details": details,
            }
            for metric, value in sorted(item.values.items())
        ]
    with atomic_path(items_path(folder, name)) as path:
        pq.write_table(pa.Table.from_pylist(rows, ITEMS), path, compression="zstd")


def items_path(folder: Path, name: str) -> Path:
    """Where a task's items stand."""
    return folder / "items" / f"{name}.parquet"


def read_task(folder: Path, name: str, key: str) -> TaskResult | None:
    """Read a task that an earlier try finished; None where there is none of that key."""
    try:
        found = json.loads((folder / "tasks" / f"{name}.json").read_text("utf-8"))
        if found["key"] != key or found["items_sha256"] != sha256_file(items_path(folder, name)):
            return None
        items: dict[tuple[int, str], dict[str, Any]] = {}
        for row in pq.read_table(items_path(folder, name), schema=ITEMS).to_pylist():
            place = (row["item"], row["item_sha256"])
            if place not in items:
                details = json.loads(row["details"])
                items[place] = {"item": row["item"], "sha256": row["item_sha256"], "values": {}, "details": details}
            items[place]["values"][row["metric"]] = row["value"]
        whole = sorted([*items.values(), *found["items_without_values"]], key=lambda item: item["item"])
        return TaskResult.from_json(found["result"] | {"items": whole})
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def write_lm_eval(
    folder: Path, results: Sequence[TaskResult], rows: Sequence[Mapping[str, Any]], model: str, config: Config
) -> None:
    """Write results as lm_eval does, for whatever reads those; native tasks stand in it too.

    Args:
        folder: The stage's output.
        results: The finished tasks, at least one.
        rows: Their score rows.
        model: What the model is called.
        config: The settings that all of them were scored with.
    """
    tables: dict[str, dict[str, Any]] = {
        name: {} for name in ("results", "versions", "n-shot", "higher_is_better", "n-samples", "configs")
    }
    for result in results:
        name = result.task if result.edition in (OFFICIAL, FIXED) else result.name
        scores: dict[str, Any] = {"alias": name}
        for row in rows:
            ours = (row["task"], row["edition"], row["language"]) == (result.task, result.edition, result.language)
            if ours and row["system"] == MODEL and row["checkpoint"] is None:
                metric, _, filtered = row["metric"].partition(",")
                error = row["standard_error"]
                scores[f"{metric},{filtered or 'none'}"] = row["value"]
                scores[f"{metric}_stderr,{filtered or 'none'}"] = "N/A" if error is None else error
        tables["results"][name] = scores
        tables["versions"][name] = result.version
        tables["n-shot"][name] = result.shots
        tables["higher_is_better"][name] = {
            measure.metric.partition(",")[0]: measure.higher_is_better
            for measure in result.measures
            if measure.system == MODEL
        }
        tables["n-samples"][name] = {"original": result.num_items, "effective": result.num_items}
        tables["configs"][name] = {
            "task": name,
            "num_fewshot": result.shots,
            "metadata": {"version": result.version, "data": result.data_source, "data_sha256": result.data_sha256},
        }
    settings = {
        "model": "fournil",
        "model_args": {"pretrained": model, "dtype": DTYPES[config.precision]},
        "model_dtype": f"torch.{DTYPES[config.precision]}",
        "model_sha256": results[0].model_sha256,
        "limit": config.limit or None,
        "bootstrap_iters": config.num_bootstrap,
        "fewshot_seed": config.seed,
    }
    whole = {**tables, "config": settings, "model_name": model, "model_source": "fournil"}
    write_json(folder / "lm_eval" / "results.json", whole)


def write_hub_results(folder: Path, results: Sequence[TaskResult]) -> int:
    """Write the main figures of official tasks in the form that model repositories on the hub hold them in.

    Copied into a model's repository, the folder makes them appear on the model's page. What comes from a local folder
    names no data set of the hub, and is left out; so is what was scored on a part of its items, whose figure is not the
    task's. Scores in bf16 say so in their notes.

    Returns:
        How many files were written.
    """
    num = 0
    for result in results:
        main = next((row for row in result.measures if row.main and row.system == MODEL), None)
        source = HUB_SOURCE.fullmatch(result.data_source)
        if result.edition != OFFICIAL or result.limit or main is None or source is None:
            continue
        notes = [main.metric, f"{result.shots}-shot", *(["bf16"] if result.precision == "bf16" else [])]
        lines = [
            "- dataset:",
            f"    id: {json.dumps(source.group(1))}",
            f"    task_id: {json.dumps(result.task)}",
            f"    revision: {json.dumps(source.group(2))}",
            f"  value: {main.value!r}",
            "  notes: " + json.dumps(", ".join([*notes, f"fournil {fournil.__version__}"])),
        ]
        write_text(folder / ".eval_results" / f"{result.name}.yaml", "\n".join(lines) + "\n")
        num += 1
    return num
