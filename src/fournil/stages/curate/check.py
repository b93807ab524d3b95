"""Proof that nothing held out leaked: computed from the final shards alone, by another way than the split.

The split goes by MinHash keys, and the exact index that mends it (holding.py) by the rarest shingles of each text; here
the shingles that every training text has in common with the held-out ones are simply counted: with all of them
together first, which one pass over the bytes does, and one by one where that is as many as a near duplicate has.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.shards import read_batches, shard_paths
from fournil.core.speech import tr, trn
from fournil.parts.arrays import load, save
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.keys import letter_keys
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import profile_of, scan_bytes
from fournil.parts.text.sharing import bit_table, shared_runs
from fournil.parts.workers import Workers
from fournil.stages.curate.alone.documents import translation_groups
from fournil.stages.curate.alone.judging import SHINGLE_WORDS
from fournil.stages.curate.alone.pairs import NEAR_WORDS

_KINDS = ("documents", "pairs")
_RULES = ("same_letters", "near_duplicate", "translation_group")
_BATCH_ROWS = {"documents": 1024, "pairs": 16384}
_OPENING_LETTERS = 256
"""Texts whose first letters are those of no held-out one are not read to the end for their letters."""
_ROUNDING = 1e-9
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_COPIED = 1 << 20
"""So many numbers are copied at once."""


@dataclass(frozen=True)
class _Texts:
    """The texts of a batch: documents, or all sides of pairs."""

    ids: pa.Array
    values: pa.Array
    profile_D: np.ndarray
    least_D: np.ndarray
    """int64: a text with fewer words is compared by its letters alone."""

    groups: set[str]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: np.ndarray) -> "_Texts":
        """Some of the texts."""
        chosen = pa.array(places)
        ids, values = self.ids.take(chosen), self.values.take(chosen)
        return _Texts(ids, values, self.profile_D[places], self.least_D[places], self.groups)

    def distinct(self) -> np.ndarray:
        """The shingles of all texts without repeats, sorted: 32 bits of the text's number, 32 of the shingle."""
        words = scan_bytes(*utf8_bytes(self.values), self.profile_D).words
        hashes, counts = shingles(words, SHINGLE_WORDS, wanted=np.diff(words.bounds_D) >= self.least_D)
        owners = np.repeat(np.arange(len(self), dtype=np.uint64), counts)
        return np.unique((owners << _HALF) | (hashes >> _HALF))


def _texts(ids: pa.Array, values: pa.Array, tags: pa.Array, least: int, groups: set[str]) -> _Texts:
    coded = tags.fill_null("").dictionary_encode()
    profile_of_code = np.array([profile_of(tag) for tag in coded.dictionary.to_pylist()] or [0], np.int64)
    profile_D = profile_of_code[coded.indices.to_numpy()]
    # Who wrote in a language that nobody knows is compared by letters.
    return _Texts(ids, values, profile_D, np.where(profile_D > 0, least, np.iinfo(np.int64).max), groups)


def _read(path: Path, kind: str) -> Iterator[_Texts]:
    """The texts of a shard of `documents` or `pairs`."""
    if kind == "documents":
        columns = ["id", "text", "language", "extra"]
        for batch in read_batches(path, columns=columns, batch_rows=_BATCH_ROWS[kind]):
            yield _texts(batch.column("id"), batch.column("text"), batch.column("language"), 1, _groups(batch))
        return
    for batch in read_batches(path, columns=["id", "texts", "extra"], batch_rows=_BATCH_ROWS[kind]):
        column: pa.MapArray = batch.column("texts")
        offsets = column.offsets.to_numpy()
        tags, sides = (each.slice(offsets[0], offsets[-1] - offsets[0]) for each in (column.keys, column.items))
        pair_of = np.repeat(np.arange(batch.num_rows), np.diff(offsets))
        yield _texts(batch.column("id").take(pa.array(pair_of)), sides, tags, NEAR_WORDS, _groups(batch))


def _groups(batch: pa.RecordBatch) -> set[str]:
    return {group for group in translation_groups(pa.Table.from_batches([batch])) if group is not None}


@dataclass(frozen=True)
class _Held:
    """All held-out texts, as files: ids are read for what is found alone."""

    folder: Path

    @classmethod
    def of(cls, heldout: Path, folder: Path) -> "_Held":
        """Read all held-out texts."""
        ids: list[str] = []
        groups: set[str] = set()
        letters, openings = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
        sizes = [np.zeros(0, np.int64)]
        with (folder / "both.bin").open("wb") as file:
            for kind in _KINDS:
                for path in shard_paths(heldout / kind):
                    for texts in _read(path, kind):
                        both = texts.distinct()
                        owners = both >> _HALF
                        sizes.append(np.bincount(owners.astype(np.int64), minlength=len(texts)))
                        ((both << _HALF) | (owners + np.uint64(len(ids)))).tofile(file)
                        letters.append(letter_keys(texts.values))
                        openings.append(letter_keys(texts.values, most=_OPENING_LETTERS))
                        ids += texts.ids.to_pylist()
                        groups |= texts.groups
        save(folder / "sizes.npy", np.concatenate(sizes))
        save(folder / "letters.npy", np.unique(np.concatenate(letters)))
        save(folder / "openings.npy", np.unique(np.concatenate(openings)))
        _save_postings(folder)
        write_json(folder / "said.json", {"ids": ids, "groups": sorted(groups)})
        return cls(folder)

    def array(self, name: str) -> np.ndarray:
        """One of the arrays, mapped into memory."""
        return load(self.folder / f"{name}.npy", "r")

    def said(self) -> dict[str, list[str]]:
        """Ids and groups."""
        return json.loads((self.folder / "said.json").read_text("utf-8"))


def _save_postings(folder: Path) -> None:
    """Sort what was laid down, a shingle and its text in each number, and part the two.

    One array of all of it is in memory, 8 bytes for each shingle of a held-out text, and no second one.
    """
    path = folder / "both.bin"
    both = np.fromfile(path, np.uint64)
    path.unlink()
    both.sort()
    for name, shift in (("shingles", _HALF), ("owners", np.uint64(0))):
        out = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint32, (len(both),))
        for start in range(0, len(both), _COPIED):
            out[start : start + _COPIED] = (both[start : start + _COPIED] >> shift) & _LOW
        out.flush()
    del both
    save(folder / "bits.npy", bit_table(load(folder / "shingles.npy", "c")))


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
    letters, openings = np.asarray(held.array("letters")), np.asarray(held.array("openings"))
    ordered, bits, said = np.asarray(held.array("shingles")), np.asarray(held.array("bits")), held.said()
    groups, ids = set(said["groups"]), said["ids"]
    leaks: dict[str, list[str]] = {rule: [] for rule in _RULES}
    num_texts = num_sharing = 0
    for texts in _read(path, kind):
        num_texts += len(texts)
        opened = texts.take(np.flatnonzero(_among(letter_keys(texts.values, most=_OPENING_LETTERS), openings)))
        same = opened.take(np.flatnonzero(_among(letter_keys(opened.values), letters)))
        leaks["same_letters"] += same.ids.to_pylist()
        leaks["translation_group"] += sorted(texts.groups & groups)
        shares, asked = shared_runs(
            texts.values, texts.profile_D, texts.least_D, ordered, bits, size=SHINGLE_WORDS, threshold=threshold
        )
        num_sharing += int(shares.sum())
        near = texts.take(np.flatnonzero(asked))
        similar = _similar(near, held, threshold)
        leaks["near_duplicate"] += [f"{near.ids[one].as_py()} ~ {ids[other]}" for one, other in similar]
    return {**leaks, "num_texts": num_texts, "num_sharing": num_sharing}


def _among(keys: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """True where a key is one of those sorted."""
    if not len(ordered):
        return np.zeros(len(keys), bool)
    return ordered[np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)] == keys


def _similar(texts: _Texts, held: _Held, threshold: float) -> list[tuple[int, int]]:
    """Pairs of training and held-out texts as similar as the threshold."""
    indexed = held.array("shingles")
    if len(texts) == 0 or len(indexed) == 0:
        return []
    both = texts.distinct()
    owners, shingles_ = (both >> _HALF).astype(np.int64), both.astype(np.uint32)
    sizes = np.bincount(owners, minlength=len(texts))
    low = np.searchsorted(indexed, shingles_, side="left")
    num = np.searchsorted(indexed, shingles_, side="right") - low
    # Whoever has too little in common with all of them together is near none of them.
    shared = np.bincount(owners[num > 0], minlength=len(texts))
    there = (num > 0) & (shared >= threshold * sizes - _ROUNDING)[owners]
    owners, low, num = owners[there], low[there], num[there]
    if len(owners) == 0:
        return []
    positions = np.arange(num.sum()) - np.repeat(np.cumsum(num) - num, num) + np.repeat(low, num)
    num_held = len(held.array("sizes"))
    keys = np.repeat(owners, num) * num_held + held.array("owners")[positions]
    pairs, common = np.unique(keys, return_counts=True)
    one, other = pairs // num_held, pairs % num_held
    similarity = common / (sizes[one] + held.array("sizes")[other] - common)
    near = similarity >= threshold
    return list(zip(one[near].tolist(), other[near].tolist(), strict=True))
