"""Training texts that are near duplicates of held-out ones: all of them, found by an exact index.

The join by MinHash keys, on which the split rests, misses a few pairs in a hundred at the threshold itself. What it
missed is refused here, so that the proof at the end finds nothing.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.parts.text.joining import Sets
from fournil.parts.text.probing import ExactIndex
from fournil.parts.workers import Workers
from fournil.stages.curate.compared import REFUSALS
from fournil.stages.curate.duplicates import refusals_for
from fournil.stages.curate.heldout import Split, owners
from fournil.stages.curate.near import save
from fournil.stages.curate.rows import Rows
from fournil.stages.curate.sets import SetFiles, cut_by_size

HELD_OUT = "near-held-out"

_INDEX_SHINGLES = 1 << 22
"""An index of so many takes 200 MB."""
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
    # The most similar held-out text is named; of equal ones the first by id.
    ids = [_name(documents, pairs, int(row))[0] for row in owner_T[found["held"]].tolist()]
    order = np.lexsort((np.array(ids, object).astype("U"), -found["similarity"], owner_T[found["text"]]))
    rows = owner_T[found["text"]][order]
    first = np.ones(len(rows), bool)
    first[1:] = rows[1:] != rows[:-1]
    chosen = order[first]
    tables: dict[str, pa.Table] = {}
    for kind, start, stop in (("documents", 0, len(documents)), ("pairs", len(documents), len(alive))):
        part = chosen[(owner_T[found["text"][chosen]] >= start) & (owner_T[found["text"][chosen]] < stop)]
        names = [_name(documents, pairs, int(row)) for row in owner_T[found["held"][part]].tolist()]
        tables[kind] = refusals_for(
            owner_T[found["text"][part]] - start, HELD_OUT, found["similarity"][part], f"{threshold:g}",
            pa.array([name for name, _ in names], pa.string()), pa.array([source for _, source in names], pa.string()),
        ) if len(part) else REFUSALS.empty_table()  # fmt: skip
    return tables


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
    return np.concatenate([np.load(_part(folder, call[2])) for call in calls])


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
    texts = np.load(folder / "texts.npy", mmap_mode="r")[start:stop]
    found = [np.zeros(0, _PAIR)]
    for part, block in sets.blocks(np.asarray(texts)):
        pairs, true = index.near(block, threshold=threshold)
        made = np.empty(len(pairs), _PAIR)
        made["text"], made["held"], made["similarity"] = part[pairs[:, 0]], held[pairs[:, 1]], true
        found.append(made)
    save(path, np.concatenate(found))


@lru_cache(maxsize=1)
def _index(work: Path, _made: int, start: int, stop: int) -> tuple[ExactIndex, np.ndarray]:
    """The index of some held-out texts, kept from one call to the next."""
    held = np.array(np.load(work / "held-out" / "held.npy", mmap_mode="r")[start:stop])
    made: Sets = SetFiles(work).read(held)
    return ExactIndex(made), held
