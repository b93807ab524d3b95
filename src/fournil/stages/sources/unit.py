"""One source as one unit of work: its rows become shards, and once all are written, a marker says so.

A killed stage goes on with the first source that has no marker; what that source had half written is removed first.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fournil.core.context import Count
from fournil.core.document import DOCUMENTS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS, refused_row
from fournil.core.files import write_json
from fournil.core.shards import ShardWriter
from fournil.stages.sources.licence import Evidence

STEP = "sources"
Kind = Literal["documents", "pairs"]
_PENDING_ROWS = 2048


@dataclass
class Tally:
    """What one source gave, documents or pairs."""

    num_in: int = 0
    num_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    by_language: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """Language → documents and bytes of text."""

    def count(self, key: str, unit: Kind) -> Count:
        """Return it as a checked count."""
        refused = dict(sorted(self.refused.items()))
        return Count(
            f"{STEP}/{key}",
            num_in=self.num_in,
            num_out=self.num_out,
            refused=refused,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            unit=unit,
        )


class Unit:
    """Writes the rows of one source; use it as a context manager, then `finish` it.

    Args:
        out: The stage's folder.
        key: The source's key.
        fingerprint: What the source was made from; a marker with another one does not count.
    """

    def __init__(self, out: Path, key: str, fingerprint: str) -> None:
        self._out, self._key, self._fingerprint = out, key, fingerprint
        self._marker = out / ".work" / "units" / f"{key}.json"
        self._writers: dict[tuple[Kind, bool], ShardWriter] = {}
        self._pending: dict[tuple[Kind, bool], list[dict[str, Any]]] = defaultdict(list)
        self._ids: Counter[str] = Counter()
        self._evidence: dict[str, Evidence] = {}
        self.tallies: dict[Kind, Tally] = {"documents": Tally(), "pairs": Tally()}

    def finished(self) -> dict[str, Any] | None:
        """Return what an earlier try wrote of this source, if it finished it from the same material."""
        try:
            state = json.loads(self._marker.read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return state if state.get("fingerprint") == self._fingerprint else None

    def clear(self) -> None:
        """Remove what an unfinished try left behind."""
        self._marker.unlink(missing_ok=True)
        for kind in ("documents", "pairs"):
            for folder, prefix in ((kind, self._key), ("refused", f"{kind}-{self._key}")):
                for path in (self._out / folder).glob(f"{prefix}-[0-9][0-9][0-9][0-9][0-9].parquet"):
                    path.unlink()

    def add(self, kind: Kind, row: Mapping[str, Any], evidence: Evidence, *, bytes_in: int) -> None:
        """Keep a document or a pair. A second row of the same id is called ID-2, a third ID-3."""
        tally = self.tallies[kind]
        row = {**row, "id": self._unique(row["id"])}
        self._evidence[evidence.key] = evidence
        tally.num_in += 1
        tally.num_out += 1
        tally.bytes_in += bytes_in
        tally.licences[row["licence"]] += 1
        for language, text in row["texts"] if kind == "pairs" else [(row["language"] or "und", row["text"])]:
            size = len(text.encode("utf-8"))
            tally.bytes_out += size
            tally.by_language[language][0] += 1
            tally.by_language[language][1] += size
        self._write((kind, False), row)

    def refuse(
        self, kind: Kind, row: Mapping[str, Any], rule: str, value: object, bound: object, *, bytes_in: int
    ) -> None:
        """Refuse a document or a pair, with the rule, the value found and the bound."""
        tally = self.tallies[kind]
        row = {**row, "id": self._unique(row["id"])}
        tally.num_in += 1
        tally.bytes_in += bytes_in
        tally.refused[rule] += 1
        self._write((kind, True), refused_row(row, step=STEP, rule=rule, value=value, bound=bound))

    def finish(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Write what is left and the marker; return the marker's content."""
        for place, rows in self._pending.items():
            self._writer(place).write_rows(rows)
        for writer in self._writers.values():
            writer.close()
        used: list[Kind] = [kind for kind, tally in self.tallies.items() if tally.num_in] or ["documents"]
        counts = [asdict(self.tallies[kind].count(self._key, kind)) for kind in used]
        state = {
            "fingerprint": self._fingerprint,
            "counts": counts,
            "evidence": [self._evidence[key].row() for key in sorted(self._evidence)],
            "facts": {
                **facts,
                "grades": self._grades(),
                **{kind: _facts(tally) for kind, tally in self.tallies.items()},
            },
        }
        write_json(self._marker, state)
        return json.loads(self._marker.read_text("utf-8"))

    def _grades(self) -> list[str]:
        return sorted({evidence.grade for evidence in self._evidence.values()})

    def _unique(self, name: str) -> str:
        self._ids[name] += 1
        number = self._ids[name]
        return name if number == 1 else self._unique(f"{name}-{number}")

    def _write(self, place: tuple[Kind, bool], row: dict[str, Any]) -> None:
        rows = self._pending[place]
        rows.append(row)
        if len(rows) >= _PENDING_ROWS:
            self._writer(place).write_rows(rows)
            rows.clear()

    def _writer(self, place: tuple[Kind, bool]) -> ShardWriter:
        kind, is_refused = place
        if place not in self._writers:
            folder = self._out / ("refused" if is_refused else kind)
            prefix = f"{kind}-{self._key}" if is_refused else self._key
            self._writers[place] = ShardWriter(folder, _SCHEMAS[place], prefix=prefix)
        return self._writers[place]


_SCHEMAS: dict[tuple[Kind, bool], pa.Schema] = {
    ("documents", False): DOCUMENTS,
    ("pairs", False): PAIRS,
    ("documents", True): REFUSED_DOCUMENTS,
    ("pairs", True): REFUSED_PAIRS,
}


def _facts(tally: Tally) -> dict[str, Any]:
    languages = {
        language: {"number": number, "bytes": size} for language, (number, size) in sorted(tally.by_language.items())
    }
    return {
        "number": tally.num_out,
        "bytes": tally.bytes_out,
        "refused": dict(sorted(tally.refused.items())),
        "licences": dict(sorted(tally.licences.items())),
        "languages": languages,
    }
