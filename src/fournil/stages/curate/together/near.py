"""Near duplicates among all documents and all longer sides of pairs.

Keys of all texts are divided among partitions by their upper bits, on disk; in each partition texts with the same key
are proposed to each other, a leader to all others, in a few rounds; their true similarity, from the sets on disk,
decides who is tied to whom; what is tied together is a component. All of it is done in calls whose results are files,
so that it can be spread over machines and goes on where it stopped; which component a text is in depends on the texts
alone, not on their order nor on who does the work.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from fournil.core.files import write_json
from fournil.parts.arrays import load, save
from fournil.parts.text.hashes import mix
from fournil.parts.text.joining import (
    ENTRY,
    MOST_TEXTS,
    Entries,
    candidates,
    shared,
    similarity,
    sorted_entries,
    tie,
    unpacked,
)
from fournil.parts.workers import Workers
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import SetFiles, cut_by_size, num_texts

_ROUNDS = 4
"""So many leaders of a bucket are compared with all of it. Whom the first leaves over is rarely near anybody there."""
_PARTITION_ENTRIES = 1 << 22
"""About so many keys are sorted at once (100 MB)."""
_MAX_PARTITIONS = 1 << 15
_SPILL_ENTRIES = 1 << 22
_CALL_PAIRS = 1 << 20
_FEW_PAIRS = 1 << 12
_SOME_CALLS = 64
"""Pairs are divided among calls of `_CALL_PAIRS`; where there are fewer of them, among so many calls all the same."""

_DONE = "near.json"


@dataclass(frozen=True)
class Near:
    """Which texts are tied to each other by near duplicates."""

    labels_T: np.ndarray
    """uint32: the first text of each one's component; itself where it has no near duplicate."""

    num_compared: int
    """Pairs whose true similarity was taken, in all rounds."""

    num_left: int
    """Entries of buckets that were not done when the rounds were over."""

    num_spills: int
    num_partitions: int
    """How the keys lie on disk, see read_partition."""


@dataclass(frozen=True)
class _Place:
    """The files of one join."""

    folder: Path

    def entries(self, spill: int) -> Path:
        return self.folder / f"entries-{spill:05d}.npy"

    def edges(self, spill: int) -> Path:
        return self.folder / f"partitions-{spill:05d}.npy"

    def pairs(self, round_: int, partition: int) -> Path:
        return self.folder / f"pairs-{round_}-{partition:05d}.npy"

    def left(self, round_: int, partition: int) -> Path:
        return self.folder / f"left-{round_}-{partition:05d}.npy"

    def tied(self, round_: int, call: int) -> Path:
        return self.folder / f"tied-{round_}-{call:05d}.npy"

    def labels(self, round_: int) -> Path:
        return self.folder / f"labels-{round_}.npy"

    @property
    def order(self) -> Path:
        return self.folder / "order.npy"


def find_near(
    documents: Rows, pairs: Rows, sets: SetFiles, folder: Path, *, threshold: float, workers: Workers
) -> Near:
    """Find near duplicates.

    Args:
        documents: All documents.
        pairs: All pairs; their sides are texts too.
        sets: Of all texts.
        folder: Where the work is done; what is there already is not done again.
        threshold: Jaccard similarity.
        workers: Who does it.
    """
    place, done = _Place(folder), folder / _DONE
    num = len(sets)
    assert num < MOST_TEXTS
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        keys = [rows.arrays["keys"] for rows in (documents, pairs) if num_texts(rows)]
        num_bands = keys[0].shape[1] if keys else 1
        save(place.order, np.concatenate([np.zeros(0, np.uint64), *(_order(part) for part in keys)]))
        num_partitions = num_partitions_for(num * num_bands)
        num_spills = spill_keys(keys, folder, num_partitions, workers)
        told = _tie_rounds(place, num, num_spills, num_partitions, threshold, workers)
        write_json(done, {**told, "num_spills": num_spills, "num_partitions": num_partitions})
    told = json.loads(done.read_text("utf-8"))
    labels = load(place.labels(told.pop("num_rounds")), "r")
    return Near(labels, **told)


def _order(keys: np.ndarray) -> np.ndarray:
    """Who leads: something that the texts alone decide."""
    order = np.zeros(len(keys), np.uint64)
    for band in range(keys.shape[1]):
        order = mix(order ^ keys[:, band])
    return order


def spill_keys(keys: list[np.ndarray], folder: Path, num_partitions: int, workers: Workers) -> int:
    """Divide the keys of texts among partitions; returns how many files hold them.

    Args:
        keys: uint64, texts x bands, mapped from files; 0 is no key.
        folder: Where the entries go.
        num_partitions: How many.
        workers: Who does it.
    """
    calls = [(part, start) for part in keys for start in range(0, len(part), max(1, _SPILL_ENTRIES // part.shape[1]))]
    workers.run(_spill, _spill_calls(calls, _Place(folder), num_partitions))
    return len(calls)


def _spill_calls(
    calls: list[tuple[np.ndarray, int]], place: _Place, num_partitions: int
) -> Iterator[tuple[np.ndarray, int, _Place, int, int]]:
    first = 0
    for number, (part, start) in enumerate(calls):
        keys = np.array(part[start : start + max(1, _SPILL_ENTRIES // part.shape[1])])
        yield keys, first, place, number, num_partitions
        first += len(keys)


def _spill(keys: np.ndarray, first: int, place: _Place, number: int, num_partitions: int) -> None:
    if place.edges(number).exists():
        return
    values = keys.ravel()
    texts = np.repeat(np.arange(first, first + len(keys), dtype=np.uint32), keys.shape[1])
    spill_entries(place.folder, number, values[values != 0], texts[values != 0], num_partitions)


def spill_entries(folder: Path, number: int, keys: np.ndarray, texts: np.ndarray, num_partitions: int) -> None:
    """Write one file of keys and texts, by partition; within one they stay in their order."""
    place = _Place(folder)
    partition = ((keys >> np.uint64(32)) * np.uint64(num_partitions) >> np.uint64(32)).astype(np.uint16)
    order = np.argsort(partition, kind="stable")
    entries = np.empty(len(keys), ENTRY)
    entries["key"], entries["text"] = keys[order], texts[order]
    save(place.entries(number), entries)
    save(place.edges(number), np.searchsorted(partition[order], np.arange(num_partitions + 1)))


def is_spilled(folder: Path, number: int) -> bool:
    """Whether such a file is there."""
    return _Place(folder).edges(number).exists()


def num_partitions_for(num_entries: int) -> int:
    """Among how many partitions so many entries are divided."""
    return min(max(1, -(-num_entries // _PARTITION_ENTRIES)), _MAX_PARTITIONS)


def read_partition(folder: Path, num_spills: int, partition: int) -> Entries:
    """The entries of one partition, sorted by key."""
    place = _Place(folder)
    parts = [np.zeros(0, ENTRY)]
    for number in range(num_spills):
        start, stop = load(place.edges(number), "r")[partition : partition + 2]
        parts.append(load(place.entries(number), "r")[start:stop])
    entries = np.concatenate(parts)
    return sorted_entries(entries["key"], entries["text"])


def _tie_rounds(
    place: _Place, num: int, num_spills: int, num_partitions: int, threshold: float, workers: Workers
) -> dict[str, int]:
    labels = np.arange(num, dtype=np.uint32)
    save(place.labels(0), labels)
    num_compared = num_left = round_ = 0
    while round_ < _ROUNDS:
        counts = workers.run(_propose, ((place, num_spills, partition, round_) for partition in range(num_partitions)))
        num_pairs, num_left = (sum(count[kind] for count in counts) for kind in range(2))
        num_calls = max(-(-num_pairs // _CALL_PAIRS), min(_SOME_CALLS, -(-num_pairs // _FEW_PAIRS)))
        bounds = _spread(place, round_, num_partitions, num_pairs, num_calls)
        told = workers.run(
            _verify,
            (
                (place, num_partitions, round_, call, int(bounds[call]), int(bounds[call + 1]), threshold)
                for call in range(num_calls)
            ),
        )
        num_compared += sum(told)
        for call in range(num_calls):
            tie(labels, *unpacked(load(place.tied(round_, call))))
        round_ += 1
        save(place.labels(round_), labels)
        if not num_pairs or not num_left:
            break
    return {"num_rounds": round_, "num_compared": num_compared, "num_left": num_left}


def _propose(place: _Place, num_spills: int, partition: int, round_: int) -> tuple[int, int]:
    """Propose pairs to be compared in one partition; returns how many, and how many entries are left for later."""
    to_pairs, to_left = place.pairs(round_, partition), place.left(round_, partition)
    if not to_left.exists():
        if round_ == 0:
            entries = shared(read_partition(place.folder, num_spills, partition))
        else:
            left = load(place.left(round_ - 1, partition))
            entries = Entries(np.ascontiguousarray(left["key"]), np.ascontiguousarray(left["text"]))
        labels = np.asarray(load(place.labels(round_), "c"))
        pairs, rest = candidates(entries, labels, np.asarray(load(place.order, "c")), round_)
        save(to_pairs, pairs)
        left = np.empty(len(rest), ENTRY)
        left["key"], left["text"] = rest.keys, rest.texts
        save(to_left, left)
    return len(load(to_pairs, "r")), len(load(to_left, "r"))


def _spread(place: _Place, round_: int, num_partitions: int, num_pairs: int, num_calls: int) -> np.ndarray:
    """Edges, as packed pairs, between which each call finds about as many pairs as the others."""
    sample, step = [np.zeros(0, np.uint64)], max(1, num_pairs // (max(1, num_calls) * 256))
    for partition in range(num_partitions):
        sample.append(load(place.pairs(round_, partition), "r")[::step])
    ordered = np.sort(np.concatenate(sample))
    inner = ordered[(np.arange(1, num_calls) * len(ordered)) // max(1, num_calls)]
    return np.concatenate([[np.uint64(0)], inner, [np.uint64(0xFFFFFFFFFFFFFFFF)]]).astype(np.uint64)


def _verify(place: _Place, num_partitions: int, round_: int, call: int, low: int, high: int, threshold: float) -> int:
    """Take the true similarity of the pairs from low to high; returns how many there are."""
    found = [np.zeros(0, np.uint64)]
    for partition in range(num_partitions):
        pairs = load(place.pairs(round_, partition), "r")
        start, stop = np.searchsorted(pairs, np.array([low, high], np.uint64))
        found.append(np.asarray(pairs[start:stop]))
    pairs = np.unique(np.concatenate(found))
    if not place.tied(round_, call).exists():
        sets = SetFiles(place.folder)
        true = true_similarities(sets, *unpacked(pairs), threshold=threshold)
        save(place.tied(round_, call), pairs[true >= threshold])
    return len(pairs)


def true_similarities(sets: SetFiles, one: np.ndarray, other: np.ndarray, *, threshold: float = 0.0) -> np.ndarray:
    """Jaccard similarities of pairs of texts (float64).

    Args:
        sets: Of all texts.
        one: A text of each pair; quickest where equal ones stand together.
        other: The other one.
        threshold: Pairs whose sizes alone keep them below it get 0.
    """
    out = np.zeros(len(one))
    sizes, other_sizes = sets.sizes(one), sets.sizes(other)
    least, most = np.minimum(sizes, other_sizes), np.maximum(sizes, other_sizes)
    worth = np.flatnonzero((least > 0) & (least >= threshold * most))
    # A text that is compared with many counts once for each: blocks are smaller than they need to be, never larger.
    edges = cut_by_size((sizes + other_sizes)[worth], 1 << 23)
    for start, stop in pairwise(edges):
        part = worth[start:stop]
        texts = np.unique(np.concatenate([one[part], other[part]]))
        held = sets.read(texts)
        places = np.searchsorted(texts, one[part]), np.searchsorted(texts, other[part])
        out[part] = similarity(held, held, *places, threshold=threshold)
    return out
