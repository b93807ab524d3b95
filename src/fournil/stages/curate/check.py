"""Proof that nothing held out leaked: computed from the final shards alone, by another way than the split.

The split compares MinHash signatures; here every training text is compared with every held-out text exactly, through an
index of the held-out shingles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.document import DOCUMENTS, PAIRS
from fournil.core.errors import FournilError
from fournil.core.languages import known_languages, primary
from fournil.core.shards import read_batches
from fournil.core.speech import tr, trn
from fournil.parts.text.codepoints import sums
from fournil.parts.text.keys import letter_keys
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import scan
from fournil.stages.curate.documents import slices, translation_groups
from fournil.stages.curate.judging import SHINGLE_WORDS
from fournil.stages.curate.pairs import shingles_of_sides


@dataclass(frozen=True)
class _Texts:
    """The texts of a batch: documents, or all sides of pairs."""

    ids: list[str]
    letters: np.ndarray
    shingles: np.ndarray
    counts: np.ndarray
    groups: set[str]


def _read(folder: Path) -> Iterator[_Texts]:
    whole = read_batches(folder / "documents", columns=DOCUMENTS.names, batch_rows=512)
    for batch in (part for each in whole for part in slices(each)):
        tags = batch.column("language").to_pylist()
        texts = batch.column("text")
        hashes, counts = _document_shingles(texts, tags)
        yield _Texts(batch.column("id").to_pylist(), letter_keys(texts), hashes, counts, _groups(batch))
    for batch in read_batches(folder / "pairs", columns=PAIRS.names, batch_rows=2048):
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


def _sets(texts: _Texts, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shingles of the texts wanted, without repeats: owners and shingles, sorted by owner."""
    owners = np.repeat(np.arange(len(texts.counts)), texts.counts)
    there = wanted[owners]
    owners, shingles = owners[there], texts.shingles[there]
    order = np.lexsort((shingles, owners))
    owners, shingles = owners[order], shingles[order]
    new = np.ones(len(owners), bool)
    new[1:] = (owners[1:] != owners[:-1]) | (shingles[1:] != shingles[:-1])
    return owners[new], shingles[new]


@dataclass
class _Index:
    """All held-out texts."""

    ids: list[str] = field(default_factory=list)
    letters: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    owners: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    shingles: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    distinct: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    groups: set[str] = field(default_factory=set)


def _index(folder: Path) -> _Index:
    index = _Index()
    letters, owners, shingles = [index.letters], [index.owners], [index.shingles]
    for texts in _read(folder):
        one, other = _sets(texts, np.ones(len(texts.counts), bool))
        owners.append(one + len(index.ids))
        shingles.append(other)
        letters.append(texts.letters)
        index.ids += texts.ids
        index.groups |= texts.groups
    index.letters = np.concatenate(letters)
    index.owners, index.shingles = np.concatenate(owners), np.concatenate(shingles)
    index.sizes = np.bincount(index.owners, minlength=len(index.ids))
    order = np.argsort(index.shingles, kind="stable")
    index.owners, index.shingles = index.owners[order], index.shingles[order]
    index.distinct = np.unique(index.shingles)
    return index


def check_leaks(out: Path, *, threshold: float) -> dict[str, Any]:
    """Compare the training shards below `out` with the held-out ones.

    Returns:
        What was compared, and the counts of violations, all 0.

    Raises:
        FournilError: when a held-out text, its translation or a near copy is in a training shard.
    """
    held = _index(out / "heldout")
    held_letters = np.unique(held.letters)
    num_trained = num_sharing = 0
    leaks: dict[str, list[str]] = {"same_letters": [], "near_duplicate": [], "translation_group": []}
    for texts in _read(out):
        num_trained += len(texts.ids)
        places = np.minimum(np.searchsorted(held_letters, texts.letters), max(len(held_letters) - 1, 0))
        if len(held_letters):
            for place in np.flatnonzero(held_letters[places] == texts.letters).tolist():
                leaks["same_letters"].append(texts.ids[place])
        leaks["translation_group"] += sorted(texts.groups & held.groups)
        similar, sharing = _similar(texts, held, threshold)
        num_sharing += sharing
        leaks["near_duplicate"] += [f"{texts.ids[one]} ~ {held.ids[other]}" for one, other in similar]
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
    return {
        "num_heldout_texts": len(held.ids),
        "num_training_texts": num_trained,
        "num_comparisons": num_trained * len(held.ids),
        "num_sharing_words": num_sharing,
        "threshold": threshold,
        "violations": {rule: len(found) for rule, found in leaks.items()},
    }


def _similar(texts: _Texts, held: _Index, threshold: float) -> tuple[list[tuple[int, int]], int]:
    """Pairs of training and held-out texts as similar as the threshold, and how many share any shingle at all."""
    if len(held.shingles) == 0 or len(texts.shingles) == 0:
        return [], 0
    # Most texts share nothing with any held-out one: only the others are sorted and counted.
    places = np.minimum(np.searchsorted(held.distinct, texts.shingles), len(held.distinct) - 1)
    shared = sums(held.distinct[places] == texts.shingles, np.concatenate([[0], np.cumsum(texts.counts)])) > 0
    owners, shingles = _sets(texts, wanted=shared)
    low = np.searchsorted(held.shingles, shingles, side="left")
    num = np.searchsorted(held.shingles, shingles, side="right") - low
    hit = np.flatnonzero(num)
    if len(hit) == 0:
        return [], 0
    num = num[hit]
    positions = np.arange(num.sum()) - np.repeat(np.cumsum(num) - num, num) + np.repeat(low[hit], num)
    keys = np.repeat(owners[hit], num) * len(held.ids) + held.owners[positions]
    pairs, common = np.unique(keys, return_counts=True)
    one, other = pairs // len(held.ids), pairs % len(held.ids)
    sizes = np.bincount(owners, minlength=len(texts.ids))
    similarity = common / (sizes[one] + held.sizes[other] - common)
    near = similarity >= threshold
    return list(zip(one[near].tolist(), other[near].tolist(), strict=True)), len(pairs)
