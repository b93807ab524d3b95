"""What many documents have: lines, paragraphs and passages that stay in one of them and are cut from the others.

Hashes of all pieces are divided among partitions, on disk; those that enough documents have are gathered, each with the
document in which it stays; then the chunks' texts are gone through once more. What is refused already, and what is held
out, is neither counted nor cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.languages import known_languages, primary
from fournil.parts.arrays import load, load_all, save
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.joining import Sets
from fournil.parts.text.keys import letter_keys
from fournil.parts.text.minhash import sketch
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.passages import RULES, Pieces, find_pieces, united
from fournil.parts.text.scan import scan
from fournil.parts.workers import Workers
from fournil.stages.curate.alone.judging import SHINGLE_WORDS
from fournil.stages.curate.sections.duplicates import DuplicateSettings, RepeatSettings
from fournil.stages.curate.together.compared import REFUSALS
from fournil.stages.curate.together.duplicates import ranked, refusals_for
from fournil.stages.curate.together.near import is_spilled, num_partitions_for, read_partition, spill_entries
from fournil.stages.curate.together.rows import Rows

LITTLE_LEFT = "little-left"

_CALL_CHUNKS = 8
_SLICE_BYTES = 1 << 20
_BYTES_FOR_PIECE = 25
"""About so many bytes of text give one piece: for the number of partitions."""

_FREQUENT = np.dtype([("key", "<u8"), ("owner", "<u4")])
_CUT = np.dtype([("row", "<i8"), ("kind", "<i8"), ("start", "<i8"), ("end", "<i8")])
_LEFT = np.dtype([("row", "<i8"), ("share", "<f8")])


class Changed(NamedTuple):
    """Rows from which something is cut, as they are without it."""

    rows: np.ndarray
    sets: Sets
    letters: np.ndarray
    """uint64, as parts.text.keys has them."""


@dataclass(frozen=True)
class Repeats:
    """What is cut, and who is refused since little is left."""

    cuts: np.ndarray
    """Sorted by row and start."""

    refused: pa.Table
    folder: Path
    num_parts: int

    def changed(self) -> Iterator[Changed]:
        """The rows that are cut, as they are then."""
        for number in range(self.num_parts):
            arrays = load_all(_part(self.folder, "sets", number).with_suffix(".npz"))
            yield Changed(arrays["rows"], Sets(arrays["values"], arrays["counts"]), arrays["letters"])

    def cuts_table(self, gone: np.ndarray) -> pa.Table:
        """The cuts as compared.CUTS has them, without those in rows that are gone."""
        cuts = self.cuts[~np.isin(self.cuts["row"], gone)]
        rules = pa.array(RULES, pa.string()).take(pa.array(cuts["kind"]))
        return pa.table({"row": cuts["row"], "rule": rules, "start": cuts["start"], "end": cuts["end"]})


@dataclass(frozen=True)
class _Task:
    folder: Path
    chunks: tuple[Path, ...]
    settings: RepeatSettings
    bounds: np.ndarray
    """First row of each chunk, and behind the last."""

    number: int
    bands: tuple[int, int]


def find_repeats(
    documents: Rows, alive: np.ndarray, settings: DuplicateSettings, folder: Path, workers: Workers
) -> Repeats:
    """Find what is cut.

    Args:
        documents: All documents.
        alive: Those for training that nobody refused.
        settings: What is looked for, and in whom it stays.
        folder: Where the work is done.
        workers: Who works.
    """
    repeats = settings.repeats
    looked_at = alive if "*" in repeats.categories else alive & documents.categories.where(*repeats.categories)
    if not repeats.min_documents or looked_at.sum() < repeats.min_documents:
        return Repeats(np.zeros(0, _CUT), REFUSALS.empty_table(), folder, 0)
    folder.mkdir(parents=True, exist_ok=True)
    places = np.flatnonzero(looked_at)
    rank = np.full(len(documents), len(documents), np.int64)
    rank[ranked(documents, places, settings)] = np.arange(len(places))
    save(folder / "rank.npy", rank)
    chunks = documents.chunks.folders()
    bands = settings.num_bands, settings.band_rows
    tasks = [
        _Task(
            folder, tuple(chunks[start : start + _CALL_CHUNKS]), repeats,
            documents.bounds[start : start + _CALL_CHUNKS + 1], number, bands,
        )
        for number, start in enumerate(range(0, len(chunks), _CALL_CHUNKS))
    ]  # fmt: skip
    num_bytes = int(np.asarray(documents.arrays["bytes"])[places].sum())
    num_partitions = num_partitions_for(num_bytes // _BYTES_FOR_PIECE)
    workers.run(_collect, ((task, num_partitions) for task in tasks))
    workers.run(_count, ((folder, len(tasks), number, repeats.min_documents) for number in range(num_partitions)))
    frequent = [load(_part(folder, "frequent", number)) for number in range(num_partitions)]
    save(folder / "frequent.npy", np.concatenate(frequent))
    workers.run(_cut, ((task,) for task in tasks))
    cuts = np.concatenate([load(_part(folder, "cuts", task.number)) for task in tasks])
    left = np.concatenate([load(_part(folder, "left", task.number)) for task in tasks])
    nobody = pa.nulls(len(left), pa.string())
    refused = refusals_for(left["row"], LITTLE_LEFT, left["share"], f"{repeats.min_left:g}", nobody, nobody)
    return Repeats(cuts, refused, folder, len(tasks))


def _part(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:05d}.npy"


def _texts(task: _Task) -> Iterator[tuple[np.ndarray, pa.Array, list[str]]]:
    """The documents that are looked at, some megabytes at once: rows, texts, languages."""
    rank = load(task.folder / "rank.npy", "r")
    for chunk, start, stop in zip(task.chunks, task.bounds[:-1].tolist(), task.bounds[1:].tolist(), strict=True):
        rows = start + np.flatnonzero(np.asarray(rank[start:stop]) < len(rank))
        if not len(rows):
            continue
        table = pq.read_table(chunk / "rows.parquet", columns=["text", "language"]).take(pa.array(rows - start))
        values = table.column("text").combine_chunks()
        tags = table.column("language").to_pylist()
        bounds = utf8_bytes(values)[1]
        first = 0
        while first < len(rows):
            last = int(np.searchsorted(bounds, bounds[first] + _SLICE_BYTES, side="right")) - 1
            last = min(max(last, first + 1), len(rows))
            yield rows[first:last], values.slice(first, last - first), tags[first:last]
            first = last


def _pieces(values: pa.Array, settings: RepeatSettings) -> Pieces:
    return find_pieces(
        values,
        line_characters=settings.line_characters,
        paragraph_characters=settings.paragraph_characters,
        passage_words=settings.passage_words,
    )


def _collect(task: _Task, num_partitions: int) -> None:
    if is_spilled(task.folder, task.number):
        return
    keys, texts = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)]
    for rows, values, _ in _texts(task):
        found = _pieces(values, task.settings)
        keys.append(found.keys)
        texts.append(rows[found.texts].astype(np.uint32))
    spill_entries(task.folder, task.number, np.concatenate(keys), np.concatenate(texts), num_partitions)


def _count(folder: Path, num_spills: int, partition: int, min_documents: int) -> None:
    """Keep the keys that enough documents have, with the best of these documents."""
    path = _part(folder, "frequent", partition)
    if path.exists():
        return
    entries = read_partition(folder, num_spills, partition)
    # The sort keeps the order of the rows, so a document's second piece stands right behind its first.
    new = np.ones(len(entries), bool)
    new[1:] = (entries.keys[1:] != entries.keys[:-1]) | (entries.texts[1:] != entries.texts[:-1])
    keys, rows = entries.keys[new], entries.texts[new]
    first = np.ones(len(keys), bool)
    first[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(first)
    frequent = np.zeros(0, _FREQUENT)
    if len(starts):
        rank = np.asarray(load(folder / "rank.npy", "r")[rows])
        enough = np.diff(np.append(starts, len(keys))) >= min_documents
        group = np.cumsum(first) - 1
        best = np.minimum.reduceat(rank, starts)
        owner = np.zeros(len(starts), np.uint32)
        leads = rank == best[group]
        owner[group[leads]] = rows[leads]
        frequent = np.empty(int(enough.sum()), _FREQUENT)
        frequent["key"], frequent["owner"] = keys[starts][enough], owner[enough]
    save(path, frequent)


def _cut(task: _Task) -> None:
    path = _part(task.folder, "cuts", task.number)
    if path.exists():
        return
    frequent = load(task.folder / "frequent.npy")
    keys, owners = np.ascontiguousarray(frequent["key"]), frequent["owner"]
    cuts, left = [np.zeros(0, _CUT)], [np.zeros(0, _LEFT)]
    made: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for rows, values, tags in _texts(task):
        found = _pieces(values, task.settings)
        places = np.minimum(np.searchsorted(keys, found.keys), max(len(keys) - 1, 0))
        hit = keys[places] == found.keys if len(keys) else np.zeros(len(found.keys), bool)
        hit[hit] = owners[places[hit]] != rows[found.texts[hit]]
        texts, spans, kinds = united(found.where(hit), values)
        sizes = np.diff(utf8_bytes(values)[1])
        removed = np.bincount(texts, spans[:, 1] - spans[:, 0], minlength=len(rows))
        share = 1 - removed / np.maximum(sizes, 1)
        touched = np.flatnonzero(removed > 0)
        edges = np.searchsorted(texts, touched), np.searchsorted(texts, touched, side="right")
        new = [
            _without(values[text].as_py(), spans[start:stop])
            for text, start, stop in zip(touched.tolist(), *(each.tolist() for each in edges), strict=True)
        ]
        share[touched[np.array([not text or text.isspace() for text in new], bool)]] = 0.0
        gone = (removed > 0) & ((share < task.settings.min_left) | (share <= 0))
        some = np.zeros(int(gone.sum()), _LEFT)
        some["row"], some["share"] = rows[gone], share[gone]
        left.append(some)
        kept = ~gone[texts]
        part = np.empty(int(kept.sum()), _CUT)
        part["row"], part["kind"] = rows[texts[kept]], kinds[kept]
        part["start"], part["end"] = spans[kept, 0], spans[kept, 1]
        cuts.append(part)
        changed = touched[~gone[touched]]
        if len(changed):
            left_over = pa.array([text for text, out in zip(new, gone[touched], strict=True) if not out], pa.string())
            said = [tags[text] for text in changed.tolist()]
            wanted = np.array([primary(tag) in known_languages() for tag in said], bool)
            hashes, counts = shingles(scan(left_over, said).words, SHINGLE_WORDS, wanted=wanted)
            bounds = np.concatenate([[0], np.cumsum(counts)])
            sets = sketch(hashes, bounds, num_bands=task.bands[0], band_rows=task.bands[1]).sets
            made.append((rows[changed], sets.values, sets.counts, letter_keys(left_over)))
    np.savez(
        _part(task.folder, "sets", task.number).with_suffix(".npz"),
        rows=np.concatenate([np.zeros(0, np.int64), *(each for each, _, _, _ in made)]),
        values=np.concatenate([np.zeros(0, np.uint32), *(each for _, each, _, _ in made)]),
        counts=np.concatenate([np.zeros(0, np.int64), *(each for _, _, each, _ in made)]),
        letters=np.concatenate([np.zeros(0, np.uint64), *(each for _, _, _, each in made)]),
    )
    save(_part(task.folder, "left", task.number), np.concatenate(left))
    save(path, np.concatenate(cuts))


def _without(text: str, spans: np.ndarray) -> str:
    data = text.encode()
    kept, last = [], 0
    for start, stop in spans.tolist():
        kept.append(data[last:start])
        last = stop
    return b"".join([*kept, data[last:]]).decode()
