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
from fournil.core.files import mending, write_text
from fournil.core.record import Record, record_from_json
from fournil.core.speech import tr

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
    records: list[Record] = []
    for entry, _ in _entries(run):
        try:
            records.append(record_from_json(entry["record"]))
        except TypeError as error:
            raise FournilError(
                tr("line {line} of the ledger holds no record that this version can read", line=len(records) + 1),
                where=run / FILE_NAME,
                fix=_anew(),
            ) from error
    return records


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
        fix = tr("Name a folder that `fournil bake` made, such as runs/petit.")
        raise FournilError(tr("this is no run: it has no ledger"), where=run, fix=fix)
    return records


def append(run: Path, record: Record) -> None:
    """Append a record, flushed to the disk, and write the new head."""
    entries = _entries(run)
    previous = entries[-1][1] if entries else START
    line = _line({"number": len(entries), "previous": previous, "record": record.to_json()})
    path = run / FILE_NAME
    sound = sum(len(_line(entry).encode()) + 1 for entry, _ in entries)
    with mending(path), path.open("ab") as file:
        file.truncate(sound)  # what a killed process left of a line
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    write_text(run / HEAD_NAME, _hash(line) + "\n")


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode("utf-8")).hexdigest()


def _entries(run: Path) -> list[tuple[dict[str, Any], str]]:
    path, head = run / FILE_NAME, run / HEAD_NAME
    try:
        data = path.read_bytes() if path.exists() else b""
        said = head.read_bytes().decode("ascii", "replace").strip() if head.exists() else None
    except OSError as error:
        what = tr("the ledger cannot be read: {reason}", reason=error.strerror or str(error))
        raise FournilError(what, where=error.filename or path) from error
    *lines, _unfinished = data.split(b"\n")
    entries: list[tuple[dict[str, Any], str]] = []
    previous = START
    for number, raw in enumerate(lines):
        try:
            entry = json.loads(raw)
            sound = entry["number"] == number and _line(entry).encode() == raw
            sound = sound and entry.keys() == {"number", "previous", "record"}
            follows = entry["previous"] == previous
        except (ValueError, KeyError, TypeError, RecursionError):
            sound, follows, entry = False, False, {}
        if sound and not follows and number:  # which of the two was edited, nobody can tell
            what = tr(
                "the ledger was altered at line {before} or {line}: the one's hash is not what the other holds",
                before=number,
                line=number + 1,
            )
            raise FournilError(what, where=path, fix=_anew())
        if not (sound and follows):
            what = tr("the ledger was altered at line {line}: its hash does not fit the chain", line=number + 1)
            raise FournilError(what, where=path, fix=_anew())
        previous = hashlib.sha256(raw).hexdigest()
        entries.append((entry, previous))
    _check_head(path, said, [digest for _, digest in entries])
    return entries


def _check_head(path: Path, head: str | None, digests: list[str]) -> None:
    # A process killed between the line and the head leaves the head one line behind.
    if (head or START) in [START, *digests][-2:]:
        return
    if head is None:
        what = tr("the file {name} beside the ledger is missing", name=HEAD_NAME)
    elif not digests:
        what = tr("the ledger was emptied")
    else:
        what = tr("the ledger was altered at line {line}, or cut after it: its head is another", line=len(digests))
    raise FournilError(what, where=path, fix=_anew())


def _anew() -> str:
    return tr(
        "Restore it from a copy; or delete {ledger} and {head}, and bake again: the records beside the outputs are "
        "entered anew.",
        ledger=FILE_NAME,
        head=HEAD_NAME,
    )
