"""The ledger of a run: one line per record, each holding the hash of the line before; the head's hash stands beside it.

Only the flow appends. Whoever cuts or edits a line breaks the chain, and `read_ledger` names the line.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.files import write_text
from fournil.core.record import Record, record_from_json

FILE_NAME = "ledger.jsonl"
HEAD_NAME = "ledger.head"
START = "0" * 64
"""What the first line holds in place of a hash of a line before."""


def read_ledger(run: Path) -> list[Record]:
    """Read all records of a run, oldest first, and check the chain.

    A last line without its end was being written when the process was killed; it never counted and is left out.

    Raises:
        FournilError: When a line was cut, edited, moved or taken away.
    """
    return [record_from_json(entry["record"]) for entry, _ in _entries(run)]


def latest(records: list[Record]) -> dict[tuple[str, str], Record]:
    """Return the newest record of each stage and name."""
    return {(record.stage, record.name): record for record in records}


def newest_records(run: Path) -> list[Record]:
    """Return the newest record of each step of a run, in the order in which the steps were first made.

    Raises:
        FournilError: When the folder is no run, or its ledger was altered.
    """
    records = list(latest(read_ledger(run)).values())
    if not records:
        fix = "Name a folder that `fournil bake` made, such as runs/petit."
        raise FournilError("this is no run: it has no ledger", where=run, fix=fix)
    return records


def append(run: Path, record: Record) -> None:
    """Append a record, flushed to the disk, and write the new head."""
    entries = _entries(run)
    previous = entries[-1][1] if entries else START
    line = _line({"number": len(entries), "previous": previous, "record": record.to_json()})
    path = run / FILE_NAME
    sound = sum(len(_line(entry).encode()) + 1 for entry, _ in entries)
    try:
        with path.open("ab") as file:
            file.truncate(sound)  # what a killed process left of a line
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FournilError("the ledger cannot be written", where=path, fix="Is the disk full or read-only?") from error
    write_text(run / HEAD_NAME, _hash(line) + "\n")


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8")).hexdigest()


def _entries(run: Path) -> list[tuple[dict[str, Any], str]]:
    path = run / FILE_NAME
    if not path.exists():
        return []
    *lines, _unfinished = path.read_bytes().split(b"\n")
    entries: list[tuple[dict[str, Any], str]] = []
    previous = START
    for number, raw in enumerate(lines):
        try:
            entry = json.loads(raw)
            sound = entry["number"] == number and entry["previous"] == previous and _line(entry).encode() == raw
        except (ValueError, KeyError, TypeError) as error:
            raise _broken(path, number + 1) from error
        if not sound:
            raise _broken(path, number + 1)
        previous = hashlib.sha256(raw).hexdigest()
        entries.append((entry, previous))
    _check_head(run, entries)
    return entries


def _check_head(run: Path, entries: list[tuple[dict[str, Any], str]]) -> None:
    path = run / HEAD_NAME
    head = path.read_text().strip() if path.exists() else START
    # A process killed between the line and the head leaves the head one line behind.
    known = [START, *(digest for _, digest in entries)][-2:]
    if head not in known:
        raise _broken(path, len(entries))


def _broken(path: Path, line: int) -> FournilError:
    return FournilError(
        f"the ledger was altered at line {line}: its hash does not fit the chain",
        where=path,
        fix="Restore the file from a copy, or delete the run folder and bake again.",
    )
