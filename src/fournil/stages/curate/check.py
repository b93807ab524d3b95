"""Proof that nothing held out leaked: computed from the final shards alone, by another way than the split.

The split goes by MinHash keys, and the exact index that mends it (holding.py) by the rarest shingles of each text; here
the shingles that every training text has in common with the held-out ones are simply counted.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.document import DOCUMENTS, PAIRS
from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.languages import known_languages, primary
from fournil.core.shards import read_batches, shard_paths
from fournil.core.speech import tr, trn
from fournil.parts.text.keys import letter_keys
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import scan
from fournil.parts.workers import Workers
from fournil.stages.curate.documents import slices, translation_groups
from fournil.stages.curate.judging import SHINGLE_WORDS
from fournil.stages.curate.near import save
from fournil.stages.curate.pairs import shingles_of_sides

_KINDS = ("documents", "pairs")
_RULES = ("same_letters", "near_duplicate", "translation_group")
_KNOWN_BITS = 24
_ROUNDING = 1e-9


@dataclass(frozen=True)
class _Texts:
    """The texts of a batch: documents, or all sides of pairs."""

    ids: list[str]
    letters: np.ndarray
    shingles: np.ndarray
    counts: np.ndarray
    groups: set[str]


def _read(path: Path, kind: str) -> Iterator[_Texts]:
    """The texts of a shard of `documents` or `pairs`."""
    if kind == "documents":
        whole = read_batches(path, columns=DOCUMENTS.names, batch_rows=4096)
        for batch in (part for each in whole for part in slices(each)):
            tags = batch.column("language").to_pylist()
            texts = batch.column("text")
            hashes, counts = _document_shingles(texts, tags)
            yield _Texts(batch.column("id").to_pylist(), letter_keys(texts), hashes, counts, _groups(batch))
        return
    for batch in read_batches(path, columns=PAIRS.names, batch_rows=2048):
        column: pa.MapArray = batch.column("texts")
        offsets = column.offsets.to_numpy()
        tags = column.keys.slice(offsets[0], offsets[-1] - offsets[0]).to_pylist()
        sides = column.items.slice(offsets[0], offsets[-1] - offsets[0])
        ids = np.repeat(np.array(batch.column("id").to_pylist(), object), np.diff(offsets)).tolist()
        hashes, counts = shingles_of_sides(sides, tags)
        yield _Texts(ids, letter_keys(sides), hashes, counts, _groups(batch))


def _groups(batch: pa.RecordBatch) -> set[str]:
    return {group for group in translation_groups(pa.Table.from_batches([batch])) if group is not None}


def _document_shingles(texts: pa.Array, tags: list[str]) -> tuple[np.ndarray, np.ndarray]:
    wanted = np.array([primary(tag) in known_languages() for tag in tags], bool)
    return shingles(scan(texts, tags).words, SHINGLE_WORDS, wanted=wanted)


def _distinct(texts: _Texts) -> tuple[np.ndarray, np.ndarray]:
    """The shingles of all texts without repeats, folded to 32 bits: owners and shingles, sorted by both."""
    owners = np.repeat(np.arange(len(texts.counts), dtype=np.uint64), texts.counts)
    both = np.unique((owners << np.uint64(32)) | (texts.shingles >> np.uint64(32)))
    return (both >> np.uint64(32)).astype(np.int64), both.astype(np.uint32)


@dataclass(frozen=True)
class _Held:
    """All held-out texts, as files: ids are read for what is found alone."""

    folder: Path

    @classmethod
    def of(cls, heldout: Path, folder: Path) -> "_Held":
        """Read all held-out texts."""
        ids: list[str] = []
        groups: set[str] = set()
        letters, owners, shingles_ = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)]
        for kind in _KINDS:
            for path in shard_paths(heldout / kind):
                for texts in _read(path, kind):
                    one, other = _distinct(texts)
                    owners.append((one + len(ids)).astype(np.uint32))
                    shingles_.append(other)
                    letters.append(texts.letters)
                    ids += texts.ids
                    groups |= texts.groups
        owner, shingle = np.concatenate(owners), np.concatenate(shingles_)
        order = np.argsort(shingle, kind="stable")
        known = np.zeros(1 << _KNOWN_BITS, bool)
        known[shingle >> np.uint32(32 - _KNOWN_BITS)] = True
        arrays = {
            "owners": owner[order],
            "shingles": shingle[order],
            "sizes": np.bincount(owner, minlength=len(ids)),
            "letters": np.unique(np.concatenate(letters)),
            "known": known,
        }
        for name, values in arrays.items():
            save(folder / f"{name}.npy", values)
        write_json(folder / "said.json", {"ids": ids, "groups": sorted(groups)})
        return cls(folder)

    def array(self, name: str) -> np.ndarray:
        """One of the arrays, mapped into memory."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")

    def said(self) -> dict[str, list[str]]:
        """Ids and groups."""
        return json.loads((self.folder / "said.json").read_text("utf-8"))


def check_leaks(out: Path, *, threshold: float, workers: Workers | None = None) -> dict[str, Any]:
    """Compare the training shards below `out` with the held-out ones.

    Args:
        out: The stage's folder.
        threshold: Jaccard similarity.
        workers: Who works; this thread, if nobody is named.

    Returns:
        What was compared, and the counts of violations, all 0.

    Raises:
        FournilError: when a held-out text, its translation or a near copy is in a training shard.
    """
    work = out / ".work" / "check"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    held = _Held.of(out / "heldout", work)
    calls = [(path, kind, held, threshold) for kind in _KINDS for path in shard_paths(out / kind)]
    told = (workers or Workers()).run(check_shard, calls)
    num_held = len(held.said()["ids"])
    shutil.rmtree(work, ignore_errors=True)
    leaks = {rule: [name for each in told for name in each[rule]] for rule in _RULES}
    for rule, found in leaks.items():
        if found:
            raise FournilError(
                trn(
                    "{count} held-out text leaked into the training shards ({rule}: {names})",
                    "{count} held-out texts leaked into the training shards ({rule}: {names})",
                    len(found),
                    rule=rule,
                    names=", ".join(found[:3]),
                ),
                where=out,
                fix=tr("This is a fault in Fournil: please report it with the recipe."),
            )
    num_trained = sum(each["num_texts"] for each in told)
    return {
        "num_heldout_texts": num_held,
        "num_training_texts": num_trained,
        "num_comparisons": num_trained * num_held,
        "num_sharing_words": sum(each["num_sharing"] for each in told),
        "threshold": threshold,
        "violations": {rule: len(found) for rule, found in leaks.items()},
    }


def check_shard(path: Path, kind: str, held: _Held, threshold: float) -> dict[str, Any]:
    """Compare one training shard with all that is held out.

    Returns:
        The names of what leaked, by rule; how many texts there are; how many of them share a run of words with any
        held-out one.
    """
    letters, said = np.asarray(held.array("letters")), held.said()
    groups, ids = set(said["groups"]), said["ids"]
    leaks: dict[str, list[str]] = {rule: [] for rule in _RULES}
    num_texts = num_sharing = 0
    for texts in _read(path, kind):
        num_texts += len(texts.ids)
        places = np.minimum(np.searchsorted(letters, texts.letters), max(len(letters) - 1, 0))
        if len(letters):
            for place in np.flatnonzero(letters[places] == texts.letters).tolist():
                leaks["same_letters"].append(texts.ids[place])
        leaks["translation_group"] += sorted(texts.groups & groups)
        similar, sharing = _similar(texts, held, threshold)
        num_sharing += sharing
        leaks["near_duplicate"] += [f"{texts.ids[one]} ~ {ids[other]}" for one, other in similar]
    return {**leaks, "num_texts": num_texts, "num_sharing": num_sharing}


def _similar(texts: _Texts, held: _Held, threshold: float) -> tuple[list[tuple[int, int]], int]:
    """Pairs of training and held-out texts as similar as the threshold, and how many texts share any shingle."""
    if len(texts.shingles) == 0 or len(held.array("shingles")) == 0:
        return [], 0
    owners, shingles_ = _distinct(texts)
    sizes = np.bincount(owners, minlength=len(texts.ids))
    # The table says no, or perhaps: where it says perhaps, the shingle itself is looked for.
    maybe = np.flatnonzero(held.array("known")[shingles_ >> np.uint32(32 - _KNOWN_BITS)])
    indexed = held.array("shingles")
    low = np.searchsorted(indexed, shingles_[maybe], side="left")
    num = np.searchsorted(indexed, shingles_[maybe], side="right") - low
    there = num > 0
    shared = np.bincount(owners[maybe[there]], minlength=len(texts.ids))
    # Whoever has too little in common with all of them together is near none of them.
    there &= (shared >= threshold * sizes - _ROUNDING)[owners[maybe]]
    owners, low, num = owners[maybe[there]], low[there], num[there]
    if len(owners) == 0:
        return [], int((shared > 0).sum())
    positions = np.arange(num.sum()) - np.repeat(np.cumsum(num) - num, num) + np.repeat(low, num)
    num_held = len(held.array("sizes"))
    keys = np.repeat(owners, num) * num_held + held.array("owners")[positions]
    pairs, common = np.unique(keys, return_counts=True)
    one, other = pairs // num_held, pairs % num_held
    similarity = common / (sizes[one] + held.array("sizes")[other] - common)
    near = similarity >= threshold
    return list(zip(one[near].tolist(), other[near].tolist(), strict=True)), int((shared > 0).sum())
