"""What the licence of each document rests on: a paragraph of a DEP-5 file, or a sentence that our catalogue cites.

Both are looked up in the package's own copyright file as fetched. A cited sentence that is not in it (any more) proves
nothing: such documents have no licence and are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fournil.stages.sources.catalogue import Entry
from fournil.stages.sources.dep5 import CopyrightFile, Ground, is_machine_readable

MACHINE_READABLE = "machine-readable"
STATED = "stated"


@dataclass(frozen=True)
class Evidence:
    """A row of evidence.parquet."""

    key: str
    grade: str
    licence: str
    file: str | None = None
    sha256: str | None = None
    paragraph: str | None = None
    statement: str | None = None
    package: str | None = None
    version: str | None = None

    def row(self) -> dict[str, Any]:
        """Return it as a row."""
        return asdict(self)


class PackageLicences:
    """Licences of the documents of one package.

    Args:
        entry: The catalogue's entry.
        package: Name and version of the package whose copyright file it is.
        version: Its version.
        file: The copyright file's path in the package.
        data: Its bytes, or None when the package has none.
    """

    def __init__(self, entry: Entry, package: str, version: str, file: str, data: bytes | None) -> None:
        self._entry, self._package, self._version, self._file = entry, package, version, file
        self._sha256 = hashlib.sha256(data).hexdigest() if data is not None else None
        text = (data or b"").decode("utf-8", "replace")
        self._parsed = CopyrightFile(text) if data is not None and is_machine_readable(text) else None
        statement = " ".join(entry.statement.split())
        self._is_stated = bool(statement) and statement in " ".join(text.split())

    def evidence_for(self, paths: Sequence[str]) -> Evidence | None:
        """Return what the licence of a file rests on that may have these paths in the source package; None: unknown."""
        ground = self._parsed.ground_for(paths) if self._parsed else None
        if ground is not None:
            return self._evidence(f"line-{ground.line}", MACHINE_READABLE, ground.licence, ground)
        if self._is_stated:
            return self._evidence("statement", STATED, self._entry.licence, None)
        return None

    def _evidence(self, name: str, grade: str, licence: str, ground: Ground | None) -> Evidence:
        return Evidence(
            key=f"{self._entry.key}/{self._package}/{name}",
            grade=grade,
            licence=licence,
            file=self._file,
            sha256=self._sha256,
            paragraph=ground.paragraph if ground else None,
            statement=None if ground else " ".join(self._entry.statement.split()),
            package=self._package,
            version=self._version,
        )
