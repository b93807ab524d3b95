"""Evaluations as `compare` reads them: each task's items, whoever asked them, and what its figures are made of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash
from fournil.core.shards import read_batches
from fournil.core.speech import Message, tr

FOLDER = "06-evaluate"
TRANSLATION, FIDELITY = "translation", "fidelity"
TRANSLATION_METRICS = ("chrf", "bleu")

Key = tuple[str, int]
"""The hash of an item, and which of those that are equal it is."""


@dataclass(frozen=True)
class Measure:
    """A figure of a task."""

    aggregation: str = "mean"
    higher_is_better: bool = True
    main: bool = False
    value: float | None = None
    """As the evaluation has it; None where that is not said."""


@dataclass(frozen=True)
class Item:
    """What came of one item."""

    values: Mapping[str, float]
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Scored:
    """A task of an evaluation."""

    task: str
    edition: str
    language: str
    measures: Mapping[str, Measure]
    items: Mapping[Key, Item]
    version: str = ""
    shots: int | None = None
    seed: int | None = None
    precision: str = ""
    """Empty where that was not kept."""
    limit: int | None = None
    """The most items that were asked for (0: all); None where that was not kept."""
    label: str | Message = ""
    """What it is called, where that is not the task's name."""


@dataclass(frozen=True)
class Evaluation:
    """What a model scored."""

    place: Path
    model_sha256: str
    tasks: Mapping[str, Scored] = field(default_factory=dict)
    """By the name that two evaluations of one task share."""


def read_evaluation(place: Path) -> Evaluation:
    """Read what an evaluation left.

    Args:
        place: A run's folder, or that of its evaluation.

    Raises:
        FournilError: There is no evaluation, none that keeps its items, or one that cannot be read.
    """
    folder = place / FOLDER if (place / FOLDER).is_dir() else place
    if not (folder / "scores.json").is_file():
        raise FournilError(
            tr("there is no evaluation here") if place.is_dir() else tr("no such folder"),
            where=place,
            fix=tr("Give a run's folder, or make an evaluation: {command}", command="fournil evaluate MODEL -o FOLDER"),
        )
    try:
        rows = json.loads((folder / "scores.json").read_text("utf-8"))
        tasks = {path.stem: _read_task(folder, path.stem) for path in sorted((folder / "tasks").glob("*.json"))}
        found = {name: task for name, task in tasks.items() if task is not None}
        found |= _fidelity(folder) | _translations(folder, rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        raise FournilError(
            tr("the items of this evaluation cannot be read"),
            where=folder,
            fix=tr("Evaluate again with this version of Fournil."),
        ) from error
    if not found:
        raise FournilError(
            tr("this evaluation keeps no items, so that nothing can be compared pair by pair"),
            where=folder,
            fix=tr("Evaluate with --tasks, such as fournil-mini, or on held-out pairs."),
        )
    return Evaluation(place, _model(rows), found)


def _model(rows: Sequence[Mapping[str, Any]]) -> str:
    """The hash of the model that answers; of the model before finetuning only where nothing else was scored."""
    of_tasks = [row for row in rows if row.get("kind") or row.get("task") == TRANSLATION]
    own = [row.get("model_sha256") for row in (*of_tasks, *rows) if row.get("checkpoint") is None]
    return next((sha256 for sha256 in own if sha256), "")


def _read_task(folder: Path, name: str) -> Scored | None:
    told = json.loads((folder / "tasks" / f"{name}.json").read_text("utf-8"))
    if "result" not in told:
        return None
    result = told["result"]
    measures = {
        row["metric"]: Measure(
            row.get("aggregation", "mean"), row.get("higher_is_better", True), row.get("main", False), row["value"]
        )
        for row in result["measures"]
        if row.get("system", "model") == "model"
    }
    silent = [(row["item"], row["sha256"], row["details"]) for row in told.get("items_without_values", [])]
    return Scored(
        result["task"],
        result["edition"],
        result["language"],
        measures,
        _items(folder / "items" / f"{name}.parquet", silent),
        str(result.get("version", "")),
        result.get("shots"),
        result.get("seed"),
        result.get("precision", ""),
        result.get("limit"),
    )


def _items(path: Path, silent: Sequence[tuple[int, str, Mapping[str, Any]]] = ()) -> dict[Key, Item]:
    by_number: dict[int, tuple[str, dict[str, float], Mapping[str, Any]]] = {
        number: (sha256, {}, details) for number, sha256, details in silent
    }
    for row in pq.read_table(path).to_pylist():
        if row["item"] not in by_number:
            by_number[row["item"]] = (row["item_sha256"], {}, json.loads(row["details"]))
        by_number[row["item"]][1][row["metric"]] = row["value"]
    return _keyed([by_number[number] for number in sorted(by_number)])


def _keyed(found: Sequence[tuple[str, Mapping[str, float], Mapping[str, Any]]]) -> dict[Key, Item]:
    seen: Counter[str] = Counter()
    items = {}
    for sha256, values, details in found:
        items[sha256, seen[sha256]] = Item(values, details)
        seen[sha256] += 1
    return items


def _fidelity(folder: Path) -> dict[str, Scored]:
    path = folder / "tasks" / "fidelity.json"
    if not path.is_file():
        return {}
    kept = json.loads(path.read_text("utf-8"))
    rows = kept["rows"]
    found = {}
    for language in dict.fromkeys(row["language"] for row in rows):
        name = f"{FIDELITY}-{language}"
        own = [row for row in rows if row["language"] == language]
        measures = {}
        for row in own:  # the share of all prompts comes first; what only dialogues have is of those
            more = {"higher_is_better": row["higher_is_better"], "main": row["main"], "value": row["value"]}
            measures.setdefault(row["metric"], Measure(**more))
        items = _items(folder / "items" / f"{name}.parquet")
        known = {metric for item in items.values() for metric in item.values}
        measures = {metric: measure for metric, measure in measures.items() if metric in known}
        first = own[0]
        told = {"seed": first.get("seed"), "precision": kept.get("precision", ""), "label": name}
        found[name] = Scored(FIDELITY, first["edition"], language, measures, items, **told)
    return found


def _translations(folder: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Scored]:
    """Held-out pairs, by direction and length."""
    groups: dict[tuple[str, str], list[tuple[str, Mapping[str, float], Mapping[str, Any]]]] = {}
    wanted = ["id", "from", "to", "band", "source", "reference", "model"]
    for batch in read_batches(folder / "translations", columns=wanted):
        for row in batch.to_pylist():
            digest = canonical_hash([row["id"], row["source"], row["reference"]])
            details = {"text": row["model"], "reference": row["reference"]}
            groups.setdefault((f"{row['from']}-{row['to']}", row["band"]), []).append((digest, {}, details))
    found = {}
    for (language, band), items in groups.items():
        own = [row for row in rows if (row["task"], row["language"], row.get("band")) == (TRANSLATION, language, band)]
        values = {row["metric"]: row for row in own if row.get("system") == "model"}
        measures = {
            metric: Measure(metric, main=metric == "chrf", value=values[metric]["value"])
            for metric in TRANSLATION_METRICS
            if metric in values
        }
        said = next((row["band_said"] for row in own if row.get("band_said")), band)
        edition = str(next((row["edition"] for row in own), ""))
        name = f"{TRANSLATION} {language} {band}"
        found[name] = Scored(TRANSLATION, edition, language, measures, _keyed(items), label=said)
    return found
