"""Which documents and pairs a sample shows: some that were refused, beside ones that were kept, and some changed."""

from __future__ import annotations

import hashlib
from bisect import insort
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from fournil.apps.inspect.look.evidence import Span, common_runs, find_evidence, merged, other_lines
from fournil.core.errors import FournilError
from fournil.core.languages import known_languages, primary
from fournil.core.shards import read_batches
from fournil.core.speech import tr

pc: Any = pyarrow.compute  # its functions are made when it is imported: no type checker sees them

REFUSED = ("01-sources/refused", "02-curate/refused")
EDITS = "02-curate/edits"
KEPT = tuple(f"02-curate/{part}{kind}" for part in ("", "heldout/") for kind in ("documents", "pairs"))
_LANGUAGE = "language"


@dataclass
class Part:
    """A text, or a side of a pair, and what is highlighted in it."""

    language: str
    text: str
    spans: list[Span] = field(default_factory=list)


@dataclass
class Shown:
    """A row of the sample."""

    id: str
    source: str
    parts: list[Part]


@dataclass
class Specimen:
    """A row that a step refused or changed, and one beside it that was kept."""

    step: str
    rule: str
    row: Shown
    value: str | None = None
    bound: str | None = None
    kept: Shown | None = None
    same: bool = False
    """Whether the kept one is the very duplicate, not just any other."""

    edits: list[dict[str, Any]] = field(default_factory=list)
    """What was changed in the row; it was kept itself."""


@dataclass(frozen=True)
class Wanted:
    """Which rows are asked for."""

    step: str | None
    rule: str | None
    num: int
    seed: int


def choose_sample(run: Path, wanted: Wanted) -> list[Specimen]:
    """Choose rows by a hash of the seed and their ids, so that the same question gives the same sample.

    Args:
        run: The run's folder.
        wanted: Which.

    Returns:
        Refused rows first, then rows that were changed and kept, each in the order of their steps, rules and ids.

    Raises:
        FournilError: No step did such a thing.
    """
    counts = _count(run)
    fits = {name: num for name, num in counts.items() if _fits(name, wanted)}
    if not fits:
        raise _nothing(run, wanted, counts)
    return _refused(run, wanted) + _edited(run, wanted)


def _fits(name: tuple[str, str], wanted: Wanted) -> bool:
    return wanted.step in (None, name[0]) and wanted.rule in (None, name[1])


def _count(run: Path) -> Counter[tuple[str, str]]:
    """How often each step and rule refused or changed something."""
    counts: Counter[tuple[str, str]] = Counter()
    for place in (*REFUSED, EDITS):
        for batch in read_batches(run / place, columns=["step", "rule"]):
            counts.update(zip(_steps(batch), _rules(batch), strict=True))
    return counts


def _steps(batch: pa.RecordBatch) -> list[str]:
    return batch.column("step").to_pylist()


def _rules(batch: pa.RecordBatch) -> list[str]:
    """The rules, without the language before that of a pair's side."""
    return [rule.rpartition(":")[2] for rule in batch.column("rule").to_pylist()]


def _nothing(run: Path, wanted: Wanted, counts: Mapping[tuple[str, str], int]) -> FournilError:
    names = Counter[str]()
    by_rule = wanted.rule is not None and any(wanted.step in (None, step) for step, _ in counts)
    for (step, rule), num in counts.items():
        if not by_rule:
            names[step] += num
        elif wanted.step in (None, step):
            names[rule] += num
    known = ", ".join(f"{name} ({num:,})" for name, num in names.most_common(12))
    asked = "/".join(filter(None, (wanted.step, wanted.rule)))
    what = tr("nothing in this run was refused or changed by {name!r}", name=asked)
    if not asked:
        what = tr("nothing in this run was refused or changed")
    fix = tr("There are: {known}.", known=known) if known else tr("Try another run.")
    return FournilError(what, where=run, fix=fix)


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"look\0{seed}\0{name}".encode(), digest_size=8).digest()


def _smallest(names: Iterator[str], wanted: Wanted) -> set[str]:
    """The names with the smallest hashes."""
    best: list[tuple[bytes, str]] = []
    for name in names:
        best.append((_rank(wanted.seed, name), name))
        if len(best) > wanted.num + 4096:
            best = sorted(set(best))[: wanted.num]
    return {name for _, name in sorted(set(best))[: wanted.num]}


def _ids(run: Path, place: str, wanted: Wanted) -> Iterator[str]:
    for batch in read_batches(run / place, columns=["id", "step", "rule"]):
        for name, step, rule in zip(batch.column("id").to_pylist(), _steps(batch), _rules(batch), strict=True):
            if _fits((step, rule), wanted):
                yield name


def _rows(run: Path, places: tuple[str, ...], ids: set[str]) -> list[dict[str, Any]]:
    names = pa.array(sorted(ids), pa.string())
    found = []
    for place in places if ids else ():
        for batch in read_batches(run / place):
            found += batch.filter(pc.is_in(batch.column("id"), value_set=names)).to_pylist()
    return found


def _refused(run: Path, wanted: Wanted) -> list[Specimen]:
    chosen = _smallest((name for place in REFUSED for name in _ids(run, place, wanted)), wanted)
    rows = [row for row in _rows(run, REFUSED, chosen) if _fits((row["step"], row["rule"]), wanted)]
    rows.sort(key=lambda row: (row["step"], row["rule"], row["id"]))
    kept = {row["id"]: row for row in _rows(run, KEPT, {row["kept_id"] for row in rows if row.get("kept_id")})}
    beside = _beside(run, [row for row in rows if row.get("kept_id") not in kept], wanted)
    tags = _languages(rows + list(kept.values()) + list(beside.values()))
    specimens = []
    for row in rows:
        other = kept.get(row.get("kept_id") or "")
        specimen = Specimen(
            row["step"], row["rule"], _shown(row), row.get("value"), row.get("bound"), same=other is not None
        )
        other = other or beside.get(row["id"])
        specimen.kept = None if other is None else _shown(other)
        _highlight(specimen, row.get("spans"), tags)
        specimens.append(specimen)
    return specimens


def _languages(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    tags = {primary(part.language) for row in rows for part in _shown(row).parts if part.language}
    return tuple(sorted(tags & set(known_languages())))


def _beside(run: Path, rows: list[dict[str, Any]], wanted: Wanted) -> dict[str, dict[str, Any]]:
    """For each refused row a kept one, of the same source and language if there is one, drawn by the seed."""
    best: dict[tuple[str, str, str], list[tuple[bytes, str]]] = {}
    sources = {row["source"] for row in rows}
    for place in KEPT if rows else ():
        kind = "pairs" if place.endswith("pairs") else "documents"
        columns = ["id", "source"] + (["language"] if kind == "documents" else [])
        for batch in read_batches(run / place, columns=columns):
            tags = batch.column("language").to_pylist() if kind == "documents" else [""] * batch.num_rows
            for name, source, tag in zip(*(batch.column(one).to_pylist() for one in columns[:2]), tags, strict=True):
                rank = (_rank(wanted.seed, name), name)
                for key in (kind, source, tag or ""), (kind, source, ""), (kind, "", ""):
                    drawn = best.setdefault(key, [])
                    if (source in sources or not key[1]) and (len(drawn) < wanted.num or rank < drawn[-1]):
                        insort(drawn, rank)
                        del drawn[wanted.num :]
    chosen: dict[str, str] = {}
    used: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        kind = "pairs" if row.get("texts") is not None else "documents"
        source, tag = row["source"], row.get("language") or ""
        key = next((key for key in ((kind, source, tag), (kind, source, ""), (kind, "", "")) if best.get(key)), None)
        if key is not None:
            chosen[row["id"]] = best[key][used[key] % len(best[key])][1]
            used[key] += 1
    found = {row["id"]: row for row in _rows(run, KEPT, set(chosen.values()))}
    return {name: found[other] for name, other in chosen.items()}


def _shown(row: Mapping[str, Any]) -> Shown:
    if row.get("texts") is not None:
        parts = [Part(tag, text or "") for tag, text in row["texts"]]
    else:
        parts = [Part(row.get("language") or "", row.get("text") or "")]
    return Shown(row["id"], row["source"], parts)


def _highlight(specimen: Specimen, spans: list[list[int]] | None, languages: tuple[str, ...]) -> None:
    parts = specimen.row.parts
    if spans:
        # Spans are of a document's text, or of the only side that has them.
        parts[0].spans = merged([(start, end) for start, end in spans])
        return
    if specimen.same and specimen.kept is not None and not specimen.rule.startswith("exact"):
        theirs = {part.language: part for part in specimen.kept.parts}
        for part in parts:
            other = theirs.get(part.language)
            if other is not None:
                part.spans = merged(common_runs(part.text, other.text))
                other.spans = merged(common_runs(other.text, part.text))
        return
    for part in parts:
        if specimen.step == _LANGUAGE:
            tag = primary(part.language)
            part.spans = merged(other_lines(part.text, tag, tuple({*languages, tag} & set(known_languages()))))
        else:
            part.spans = find_evidence(specimen.rule, part.text)


def _edited(run: Path, wanted: Wanted) -> list[Specimen]:
    chosen = _smallest(_ids(run, EDITS, wanted), wanted)
    edits: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(run, (EDITS,), chosen):
        if _fits((row["step"], row["rule"].rpartition(":")[2]), wanted):
            edits.setdefault(row["id"], []).append(row)
    specimens = []
    for row in sorted(_rows(run, KEPT, chosen), key=lambda row: row["id"]):
        shown = _shown(row)
        for part in shown.parts:
            # What was put there is looked for: later steps may have moved it.
            news = {edit["now"] for edit in edits[row["id"]] if _is_mark(edit["now"])}
            part.spans = merged([span for new in news for span in _places(part.text, new)])
        first = edits[row["id"]][0]
        rule = first["rule"].rpartition(":")[2]
        specimens.append(Specimen(first["step"], rule, shown, edits=edits[row["id"]]))
    return specimens


def _is_mark(now: str | None) -> bool:
    return bool(now) and len(str(now).strip()) > 2


def _places(text: str, mark: str) -> Iterator[Span]:
    start = text.find(mark)
    while start >= 0:
        yield start, start + len(mark)
        start = text.find(mark, start + len(mark))
