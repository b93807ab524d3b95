"""Training texts that are near duplicates of held-out ones: all of them, found by an exact index.

The join by MinHash keys, on which the split rests, misses a few pairs in a hundred at the threshold itself. What it
missed is refused here, so that the proof at the end finds nothing.
"""

import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.parts.arrays import load, save
from fournil.parts.text.probing import ExactIndex
from fournil.parts.workers import Workers
from fournil.stages.curate.together.compared import REFUSALS
from fournil.stages.curate.together.duplicates import refusals_for
from fournil.stages.curate.together.heldout import Split, letters, owners
from fournil.stages.curate.together.repeats import Changed
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import SetFiles, cut_by_size

HELD_OUT = "near-held-out"

_INDEX_SHINGLES = 1 << 22
"""An index of so many takes 130 MB, and 80 more while it is made."""
_CALL_SHINGLES = 1 << 27

_PAIR = np.dtype([("text", "<i8"), ("held", "<i8"), ("similarity", "<f8")])


def near_held_out(
    documents: Rows,
    pairs: Rows,
    alive: np.ndarray,
    split: Split,
    sets: SetFiles,
    work: Path,
    *,
    threshold: float,
    workers: Workers,
) -> dict[str, pa.Table]:
    """Rows for training of which a text is a near duplicate of a held-out one.

    Args:
        documents: All documents.
        pairs: All pairs.
        alive: Which rows are looked at, pairs after documents; rows that are not are neither trained on nor held out.
        split: Who is held out.
        sets: Of all texts.
        work: The folder of the join.
        threshold: Jaccard similarity.
        workers: Who works.

    Returns:
        Refused rows by kind.
    """
    owner_T = owners(documents, pairs)
    held = np.concatenate([split.documents, split.pairs])
    some = sets.sizes(np.arange(len(sets))) > 0
    held_texts = np.flatnonzero(some & (held & alive)[owner_T])
    texts = np.flatnonzero(some & (~held & alive)[owner_T])
    found = _hold(held_texts, texts, sets, work, threshold, workers)
    rows = owner_T[found["text"]]
    parts = ((documents.kind, 0, len(documents)), (pairs.kind, len(documents), len(alive)))
    tables: dict[str, pa.Table] = {}
    for kind, start, stop in parts:
        there = (rows >= start) & (rows < stop)
        tables[kind] = _refused(
            documents, pairs, rows[there] - start, owner_T[found["held"][there]], found["similarity"][there], threshold
        )
    return tables


def near_held_out_when_cut(
    documents: Rows,
    pairs: Rows,
    held_rows: np.ndarray,
    cut: Iterable[Changed],
    sets: SetFiles,
    work: Path,
    *,
    threshold: float,
) -> pa.Table:
    """Documents that are near duplicates of a held-out text, or have its letters, once passages are cut from them.

    Args:
        documents: All documents.
        pairs: All pairs.
        held_rows: True for rows that are held out, pairs after documents.
        cut: Documents that are cut.
        sets: Of all texts.
        work: The folder of the join, where near_held_out noted what is held out.
        threshold: Jaccard similarity.
    """
    changed = list(cut)
    if not changed:
        return REFUSALS.empty_table()
    owner_T = owners(documents, pairs)
    found = [_same_letters(documents, pairs, np.flatnonzero(held_rows[owner_T]), each) for each in changed]
    path = work / "held-out" / "held.npy"
    held = load(path) if path.exists() else np.zeros(0, np.int64)
    for start, stop in pairwise(cut_by_size(sets.sizes(held), _INDEX_SHINGLES)):
        index = ExactIndex(sets.read(held[start:stop]))
        for each in changed:
            near, true = index.near(each.sets, threshold=threshold)
            found.append(_found(each.rows[near[:, 0]], held[start:stop][near[:, 1]], true))
    all_found = np.concatenate(found)
    return _refused(documents, pairs, all_found["text"], owner_T[all_found["held"]], all_found["similarity"], threshold)


def _same_letters(documents: Rows, pairs: Rows, held: np.ndarray, changed: Changed) -> np.ndarray:
    """Rows with the letters of a held-out text; the split keeps these together too."""
    keys = letters(documents, pairs)[held]
    order = np.argsort(keys, kind="stable")
    low = np.searchsorted(keys[order], changed.letters, side="left")
    num = np.searchsorted(keys[order], changed.letters, side="right") - low
    places = np.arange(num.sum()) - np.repeat(np.cumsum(num) - num, num) + np.repeat(low, num)
    return _found(np.repeat(changed.rows, num), held[order[places]], np.ones(len(places)))


def _refused(
    documents: Rows, pairs: Rows, rows: np.ndarray, held: np.ndarray, similarity: np.ndarray, threshold: float
) -> pa.Table:
    """Refuse rows; the most similar held-out one is named, of equal ones the first by id."""
    if not len(rows):
        return REFUSALS.empty_table()
    names = [_name(documents, pairs, row) for row in held.tolist()]
    ids = np.array([name for name, _ in names])
    order = np.lexsort((ids, -similarity, rows))
    first = np.ones(len(order), bool)
    first[1:] = rows[order[1:]] != rows[order[:-1]]
    chosen = order[first]
    kept_ids, kept_sources = (pa.array([names[place][column] for place in chosen], pa.string()) for column in range(2))
    return refusals_for(rows[chosen], HELD_OUT, similarity[chosen], f"{threshold:g}", kept_ids, kept_sources)


def _name(documents: Rows, pairs: Rows, row: int) -> tuple[str, str]:
    """Id and source of a row."""
    rows, place = (documents, row) if row < len(documents) else (pairs, row - len(documents))
    return rows.ids[place].as_py(), rows.sources.names[rows.sources.codes[place]]


def _hold(
    held: np.ndarray, texts: np.ndarray, sets: SetFiles, work: Path, threshold: float, workers: Workers
) -> np.ndarray:
    if not len(held) or not len(texts):
        return np.zeros(0, _PAIR)
    folder = work / "held-out"
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / "held.npy", held)
    save(folder / "texts.npy", texts)
    slices = cut_by_size(sets.sizes(held), _INDEX_SHINGLES)
    spans = cut_by_size(sets.sizes(texts), _CALL_SHINGLES)
    calls = [
        (work, threshold, number * len(spans) + place, slices[number], slices[number + 1], *spans[place : place + 2])
        for number in range(len(slices) - 1)
        for place in range(len(spans) - 1)
    ]
    workers.run(_hold_part, calls)
    return np.concatenate([load(_part(folder, call[2])) for call in calls])


def _part(folder: Path, number: int) -> Path:
    return folder / f"found-{number:05d}.npy"


def _hold_part(
    work: Path, threshold: float, number: int, held_start: int, held_stop: int, start: int, stop: int
) -> None:
    folder = work / "held-out"
    path = _part(folder, number)
    if path.exists():
        return
    sets = SetFiles(work)
    index, held = _index(work, (folder / "held.npy").stat().st_mtime_ns, held_start, held_stop)
    texts = load(folder / "texts.npy", "r")[start:stop]
    found = [np.zeros(0, _PAIR)]
    for part, block in sets.blocks(np.asarray(texts)):
        pairs, true = index.near(block, threshold=threshold)
        found.append(_found(part[pairs[:, 0]], held[pairs[:, 1]], true))
    save(path, np.concatenate(found))


def _found(texts: np.ndarray, held: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    made = np.empty(len(texts), _PAIR)
    made["text"], made["held"], made["similarity"] = texts, held, similarity
    return made


_kept: dict[tuple[Path, int, int, int], tuple[ExactIndex, np.ndarray]] = {}
"""The index that was made last."""
_making = threading.Lock()


def _index(work: Path, made: int, start: int, stop: int) -> tuple[ExactIndex, np.ndarray]:
    """The index of some held-out texts, kept from one call to the next; the one before is let go first."""
    asked = (work, made, start, stop)
    with _making:
        if asked not in _kept:
            _kept.clear()
            held = np.array(load(work / "held-out" / "held.npy", "r")[start:stop])
            _kept[asked] = ExactIndex(SetFiles(work).read(held)), held
        return _kept[asked]
