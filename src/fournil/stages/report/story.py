"""What the page is drawn from: the newest records of a run, in the order of the flow, each with a number."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.ledger import FILE_NAME, read_ledger
from fournil.core.record import Record
from fournil.core.speech import retell, tr

ORDER = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export")
"""The stages before this one, as the flow orders them."""
_HUGE = re.compile(r":[^{}]*\d{3}")
"""A width or a precision that no message of ours has, and that would fill the memory."""


@dataclass(frozen=True)
class Entry:
    """A record on the page."""

    number: int
    """By which the page refers to it, from 1."""
    record: Record
    line: int
    """Its line in ledger.jsonl, from 1."""
    digest: str
    """SHA-256 of that line: what the next line holds, and the head."""

    @property
    def label(self) -> str:
        """The stage, and the model's name where a stage makes several."""
        return self.record.stage if self.record.name == self.record.stage else f"{self.record.stage} {self.record.name}"

    def fact(self, *path: str) -> Any:  # noqa: ANN401 - JSON
        """Return a value among the facts, None where it is missing."""
        return dig(self.record.facts, *path)


@dataclass(frozen=True)
class Story:
    """A run, as the page tells it."""

    name: str
    title: str
    description: str
    languages: tuple[str, ...]
    entries: tuple[Entry, ...]
    lines: int
    """Lines of the ledger up to the last record that is not a page's own."""
    head: str
    """SHA-256 of the last of those lines."""

    def of(self, stage: str) -> list[Entry]:
        """Return the entries of a stage."""
        return [entry for entry in self.entries if entry.record.stage == stage]

    def one(self, stage: str) -> Entry | None:
        """Return the last entry of a stage, None when it did not run."""
        found = self.of(stage)
        return found[-1] if found else None


def dig(value: Any, *path: str) -> Any:  # noqa: ANN401 - JSON
    """Follow keys into nested tables; None where one is missing."""
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def table(value: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a table, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    """Return the tables of a list, none for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def held_out_chrf(entry: Entry | None) -> list[dict[str, Any]]:
    """The chrF scores of held-out pairs; tasks of translation have scores of their own."""
    found = rows(entry.fact("scores")) if entry else []
    return [row for row in found if row.get("metric") == "chrf" and not row.get("kind")]


def told(value: Any) -> str:  # noqa: ANN401 - JSON
    """Put into words what a record keeps: a message, a list of them, text of its own; nothing for anything else.

    A ledger may hold a message that does not fit its values, or one that was never a message: then its text is shown
    as it stands.
    """
    shown = value.get("message") if isinstance(value, dict) else ""
    if not isinstance(shown, str):
        return ""
    if _HUGE.search(shown):
        return shown
    try:
        return retell(value)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError):
        return shown


def read_story(run: Path, *, name: str, title: str, description: str, languages: tuple[str, ...]) -> Story:
    """Read a run's ledger.

    Records of models that were made from what is no longer there are left out: they are of an earlier bake.

    Raises:
        FournilError: When the ledger was altered, or holds nothing to tell.
    """
    records = read_ledger(run)
    if not any(record.stage != "report" for record in records):
        raise FournilError(tr("this run has no record yet"), where=run, fix=tr("Bake a stage before its page."))
    newest: dict[tuple[str, str], tuple[int, str, Record]] = {}
    last = (0, "")
    for line, (record, digest) in enumerate(zip(records, _digests(run), strict=True), start=1):
        if record.stage == "report":
            continue
        newest[record.stage, record.name] = (line, digest, record)
        last = (line, digest)
    made = {digest["sha256"] for digest in (record.outputs for _, _, record in newest.values())}
    places = {_folder(record) for _, _, record in newest.values()}
    kept = [found for found in newest.values() if not _is_past(found[2], made, places)]
    kept.sort(key=lambda found: _rank(found[2].stage))  # models of one stage stay in the order of their first lines
    entries = tuple(Entry(number, record, line, digest) for number, (line, digest, record) in enumerate(kept, start=1))
    return Story(name, title, description, languages, entries, *last)


def _is_past(record: Record, made: set[str], places: set[str]) -> bool:
    """Whether a record's input was made by this run and is not what this run holds now."""
    return any(entry.get("path") in places and entry.get("sha256") not in made for entry in record.inputs.values())


def _folder(record: Record) -> str:
    folder = f"{_rank(record.stage) + 1:02d}-{record.stage}"
    return f"{folder}/{record.name}" if record.stage == "finetune" else folder


def _rank(stage: str) -> int:
    return ORDER.index(stage) if stage in ORDER else len(ORDER)


def _digests(run: Path) -> Iterator[str]:
    for raw in (run / FILE_NAME).read_bytes().split(b"\n")[:-1]:
        yield hashlib.sha256(raw).hexdigest()
