"""Evaluation sets by name: those that come with Fournil, tasks of lm_eval, and files."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.parts.contamination.items import Benchmark, items_of
from fournil.parts.harness.data import read_rows
from fournil.parts.harness.load import load_task
from fournil.parts.harness.names import ALL, ENGLISH_TAG, TAGS, Named, is_task, select

MINI, FIDELITY = "fournil-mini", "fidelity"
OURS = (MINI, FIDELITY)
_SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.xz", ".ndjson", ".json", ".parquet")
_SEPARATORS = {".csv": ",", ".tsv": "\t"}

Row = Mapping[str, Any]


def read_benchmarks(names: Sequence[str], data: Path | None, progress: Progress) -> list[Benchmark]:
    """Read evaluation sets.

    Args:
        names: `fournil-mini`, `fidelity`, tasks and tags of lm_eval such as `frenchbench`, or paths: a set's TOML, a
            file of rows, or a folder of such files.
        data: Where lm_eval's data sets are; None asks the hub.
        progress: Is told which tasks of a tag have no data.

    Returns:
        A benchmark for each set, without items where the data of a tag's task is not there.

    Raises:
        FournilError: There is no such set, or what was asked for by its own name cannot be read.
    """
    found: dict[str, Benchmark] = {}
    for name in names:
        for benchmark in _read(name, data, progress):
            if benchmark.name in found:
                if found[benchmark.name] == benchmark:
                    continue
                what = tr("two evaluation sets are called {name!r}", name=benchmark.name)
                raise FournilError(what, where=name, fix=tr("Give one of the files another name."))
            found[benchmark.name] = benchmark
    return list(found.values())


def is_path(name: str) -> bool:
    """Whether a name is that of a file or folder."""
    return "/" in name or "\\" in name or name.endswith((".toml", *_SUFFIXES, *_SEPARATORS))


def _read(name: str, data: Path | None, progress: Progress) -> list[Benchmark]:
    if name == MINI:
        return _mini()
    if name == FIDELITY:
        return [
            Benchmark(f"{FIDELITY}-{tag}", items_of(_packaged(FIDELITY, f"{tag}.jsonl")), FIDELITY)
            for tag in ("fr", "en")
        ]
    if is_path(name):
        return _at(Path(name))
    return [_task(task, name, data, progress) for task in select([name])]


def _mini() -> list[Benchmark]:
    folder = files("fournil.data") / "mini"
    return [
        Benchmark(f"{MINI}-{tag}-{Path(file.name).stem}", items_of(read_rows(Path(str(file)))), MINI)
        for tag in ("fr", "en")
        for file in sorted((folder / tag).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".jsonl")
    ]


def _packaged(name: str, file: str) -> list[dict[str, Any]]:
    return read_rows(Path(str(files("fournil.data") / name / file)))


def _at(path: Path) -> list[Benchmark]:
    if path.is_dir():
        inside = [file for file in sorted(path.rglob("*")) if file.is_file() and file.name.endswith(_SUFFIXES)]
        if not inside:
            what = tr("there is no evaluation set in this folder")
            raise FournilError(what, where=path, fix=tr("Put Parquet or JSON lines into it."))
        return [Benchmark(path.name, items_of([row for file in inside for row in read_rows(file)]), path.name)]
    if path.suffix == ".toml":
        return [_own(path)]
    if not path.is_file():
        raise FournilError(
            tr("there is no such evaluation set"),
            where=path,
            fix=tr("Give the path of a set's TOML, of Parquet or of JSON lines, or one of: {names}.", names=_known()),
        )
    return [Benchmark(_stem(path), items_of(_rows(path)), path.name)]


def _known() -> str:
    return ", ".join((*OURS, ALL, ENGLISH_TAG, *TAGS))


def _stem(path: Path) -> str:
    name = path.name
    suffix = next((each for each in sorted(_SUFFIXES, key=len, reverse=True) if name.endswith(each)), path.suffix)
    return name.removesuffix(suffix)


def _rows(path: Path) -> list[dict[str, Any]]:
    separator = _SEPARATORS.get(path.suffix)
    if separator is None:
        return read_rows(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=separator))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FournilError(
            tr("the data cannot be read: {error}", error=error), where=path, fix=tr("Fetch or write the file again.")
        ) from error


def _own(path: Path) -> Benchmark:
    """A set that a TOML file describes; docs/own-sets.md says how."""
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = tr("cannot be read: {error}", error=error)
        raise FournilError(what, where=path, fix=tr("Give the path of a set's TOML file.")) from error
    if not isinstance(table.get("data"), str) or not isinstance(table.get("name"), str):
        what = tr("the key {key!r} is missing", key="name" if "data" in table else "data")
        raise FournilError(what, where=path, fix=tr("docs/own-sets.md says what it means."))
    rows = [_usual(row, table) for row in _rows(path.parent / table["data"])]
    return Benchmark(table["name"], items_of(rows), path.name)


def _usual(row: Row, table: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the choices, the right one and the gap called as they usually are."""
    usual = dict(row)
    choices = table.get("choices", "choices")
    if isinstance(choices, list):
        usual["choices"] = [str(usual.pop(name)) for name in choices if name in row]
    elif choices in row:
        usual["choices"] = usual.pop(choices)
    for key in ("gold", "answer", "reference", "source"):
        if table.get(key) in row:
            usual[key] = usual.pop(table[key])
    gap = table.get("gap")
    if isinstance(gap, str) and gap and isinstance(usual.get("question"), str):
        usual["question"] = usual["question"].replace(gap, "<...>")
    return usual


def _task(task: Named, asked: str, data: Path | None, progress: Progress) -> Benchmark:
    """The items of a task of lm_eval, those that it is scored on."""
    try:
        loaded = load_task(task, shots=0, seed=0, data=data)
    except FournilError as error:
        if task.name == asked or not is_task(asked):
            raise
        progress.note(tr("{name} is not looked for: {error}", name=task.name, error=error))
        return Benchmark(task.name, ())
    rows = [dict(row) for each in loaded.tasks.values() for row in each.eval_docs]
    return Benchmark(task.name, items_of(rows), loaded.source)
