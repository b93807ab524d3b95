"""Exact duplicates of documents and pairs, near duplicates of documents: the best one stays.

The best is the longest, then the one with the smallest id. A document is refused only if the one that stays is itself a
duplicate of it: near duplicates are not passed on along a chain.
"""

from typing import NamedTuple

import numpy as np

from fournil.parts.text.minhash import jaccard
from fournil.stages.curate.near import Near, Shingles
from fournil.stages.curate.rows import Rows


class Duplicate(NamedTuple):
    """Why a row is refused, and which row stays."""

    rule: str
    value: str
    bound: str
    kept: int


def exact_duplicates(rows: Rows, alive: np.ndarray) -> dict[int, Duplicate]:
    """Rows that equal another one to the last character, in the same language (or languages)."""
    best: dict[tuple[int, int, int], int] = {}
    refused: dict[int, Duplicate] = {}
    keys, ids, languages = rows.arrays["exact"].tolist(), rows.ids.to_pylist(), rows.languages.codes.tolist()
    for row in sorted(np.flatnonzero(alive).tolist(), key=ids.__getitem__):
        kept = best.setdefault((*keys[row], languages[row]), row)
        if kept != row:
            refused[row] = Duplicate("exact-duplicate", "1", "1", kept)
    return refused


def near_duplicates(
    rows: Rows, alive: np.ndarray, near: Near, shingles: Shingles, *, threshold: float
) -> dict[int, Duplicate]:
    """Documents whose true Jaccard similarity with one that stays reaches the threshold."""
    neighbours: dict[int, list[int]] = {}
    for one, other in near.edges.tolist():
        if one < len(rows) and other < len(rows):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    sizes, ids = rows.arrays["bytes"], rows.ids.to_pylist()
    stays: dict[int, int] = {}
    refused: dict[int, Duplicate] = {}
    for row in sorted(np.flatnonzero(alive).tolist(), key=lambda row: (-int(sizes[row]), ids[row])):
        group = int(near.group_T[row])
        if group < 0:
            continue
        candidates = sorted({stays[each] for each in (group, *neighbours.get(group, ())) if each in stays})
        for kept in candidates:
            similarity = jaccard(np.unique(shingles.of(row)), np.unique(shingles.of(kept)))
            if similarity >= threshold:
                refused[row] = Duplicate("near-duplicate", f"{similarity:.6g}", f"{threshold:g}", kept)
                break
        else:
            stays.setdefault(group, row)
    return refused
