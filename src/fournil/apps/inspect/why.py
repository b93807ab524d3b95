"""A document's story: where it came from, what was cut or masked in it, and why it was kept, held out or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute

from fournil.core.errors import FournilError
from fournil.core.ledger import read_ledger
from fournil.core.shards import read_batches
from fournil.core.speech import Message, mark, tr, trn

pc: Any = pyarrow.compute  # its functions are made when it is imported: no type checker sees them

MAX_MATCHES = 20
EXCERPT = 400

_REFUSED = mark("refused")
_PLACES = (
    ("01-sources/documents", mark("read from its source")),
    ("01-sources/pairs", mark("read from its source")),
    ("01-sources/refused", _REFUSED),
    ("02-curate/documents", mark("kept for training")),
    ("02-curate/pairs", mark("kept for training")),
    ("02-curate/heldout/documents", mark("kept, held out: no training step sees it")),
    ("02-curate/heldout/pairs", mark("kept, held out: no training step sees it")),
    ("02-curate/refused", _REFUSED),
)


@dataclass(frozen=True)
class Found:
    """One row with the id, and the folder that it stands in."""

    place: str
    verdict: Message
    row: dict[str, Any]


def why(run: Path, id: str, file: TextIO, *, as_json: bool = False) -> int:
    """Print the story of one document or pair.

    Args:
        run: The run folder.
        id: Its id, or the beginning or a part of one that fits a single document.
        file: Where to print.
        as_json: Print the rows found as JSON instead.

    Raises:
        FournilError: When nothing has that id, or several things do, or the ledger was altered.
    """
    if not run.is_dir():
        raise FournilError(tr("no such run"), where=run)
    read_ledger(run)  # a story is told only of a run whose ledger is whole
    whole = _resolve(run, id)
    found = [item for place, verdict in _PLACES for item in _rows(run, place, verdict, whole)]
    edits = [row for batch in read_batches(run / "02-curate" / "edits") for row in _matching(batch, whole)]
    evidence = _evidence(run, found)
    if as_json:
        rows = [{"place": item.place, "verdict": item.verdict["message"], "row": item.row} for item in found]
        story = {"id": whole, "found": rows, "edits": edits, "evidence": evidence}
        print(json.dumps(story, ensure_ascii=False, indent=2, default=str), file=file)
        return 0
    for line in _story(whole, found, edits, evidence):
        print(line, file=file)
    return 0


def _resolve(run: Path, id: str) -> str:
    matches: list[str] = []
    for place, _ in _PLACES:
        for batch in read_batches(run / place, columns=["id"]):
            ids = batch.column("id")
            if pc.any(pc.equal(ids, id)).as_py():
                return id
            if len(matches) < MAX_MATCHES:
                matches += ids.filter(pc.match_substring(ids, id)).to_pylist()
    different = sorted(set(matches))
    if not different:
        fix = tr("Ids stand in the column `id` of the Parquet files under 01-sources and 02-curate.")
        raise FournilError(tr("nothing in this run is called {id!r}", id=id), where=run, fix=fix)
    if len(different) > 1:
        shown = ", ".join(different[:5]) + (" …" if len(different) > 5 else "")
        what = tr("{id!r} fits several: {shown}", id=id, shown=shown)
        raise FournilError(what, where=run, fix=tr("Give one of them whole."))
    return different[0]


def _rows(run: Path, place: str, verdict: Message, id: str) -> Iterator[Found]:
    for batch in read_batches(run / place):
        for row in _matching(batch, id):
            yield Found(place, verdict, row)


def _matching(batch: pa.RecordBatch, id: str) -> list[dict[str, Any]]:
    return batch.filter(pc.equal(batch.column("id"), id)).to_pylist()


def _evidence(run: Path, found: list[Found]) -> dict[str, Any] | None:
    keys = {str(item.row["evidence"]) for item in found if item.row.get("evidence")}
    for batch in read_batches(run / "01-sources" / "evidence.parquet") if keys else ():
        for row in batch.filter(pc.is_in(batch.column("key"), pa.array(sorted(keys)))).to_pylist():
            return row
    return None


def _story(id: str, found: list[Found], edits: list[dict[str, Any]], evidence: dict[str, Any] | None) -> Iterator[str]:
    first = found[0].row
    yield id
    if first.get("title"):
        yield f"  {tr('title'):<10} {first['title']}"
    address = f", {first['url']}" if first.get("url") else ""
    yield f"  {tr('source'):<10} {first['source']}{address}"
    grade = f" ({_grade(evidence)})" if evidence else ""
    yield f"  {tr('licence'):<10} {first['licence']}{grade}"
    yield ""
    for item in found:
        yield "  " + tr("{place}: {verdict}", place=item.place, verdict=item.verdict)
        if item.verdict is _REFUSED:
            yield from _reason(item.row)
    if edits:
        yield ""
        yield "  " + trn("edited in {count:,} place:", "edited in {count:,} places:", len(edits))
        for edit in edits[:12]:
            was = tr("(not kept)") if edit["was"] is None else tr("{text!r}", text=edit["was"])
            words = {"rule": f"{edit['step']}/{edit['rule']}", "was": was, "now": edit["now"], "start": edit["start"]}
            if edit["start"] is None:
                yield "    " + tr("{rule} {was} → {now!r}", **words)
            else:
                yield "    " + tr("{rule} at {start}: {was} → {now!r}", **words)
    yield ""
    yield from _excerpt(found[-1].row)


def _grade(evidence: dict[str, Any]) -> str:
    parts = [evidence["grade"], evidence.get("file"), evidence.get("paragraph") or evidence.get("statement")]
    text = ": ".join(" ".join(str(part).split()) for part in parts if part)
    return text if len(text) <= 160 else text[:159] + "…"


def _reason(row: dict[str, Any]) -> Iterator[str]:
    parts = [tr("step {step}, rule {rule}", step=row["step"], rule=row["rule"])]
    if row.get("value") is not None:
        parts.append(tr("value {value}", value=row["value"]))
    if row.get("bound") is not None:
        parts.append(tr("bound {bound}", bound=row["bound"]))
    if row.get("kept_id") and row.get("kept_source"):
        parts.append(tr("kept instead: {id}, of source {source}", id=row["kept_id"], source=row["kept_source"]))
    elif row.get("kept_id"):
        parts.append(tr("kept instead: {id}", id=row["kept_id"]))
    yield f"    {', '.join(parts)}"
    text = row.get("text") or ""
    for start, end in (row.get("spans") or [])[:3]:
        yield "    " + tr("at {start}: {text!r}", start=start, text=text[start : min(end, start + 160)])


def _excerpt(row: dict[str, Any]) -> Iterator[str]:
    if row.get("texts"):
        for language, text in row["texts"]:
            yield f"  {language}  {text[:EXCERPT]}"
        return
    text = row.get("text") or ""
    for line in text[:EXCERPT].splitlines():
        yield f"  | {line}"
    if len(text) > EXCERPT:
        yield "  | " + trn("… ({count:,} character)", "… ({count:,} characters)", len(text))
