"""Which rows are set aside for evaluation.

Documents and pairs that share a text (but for case, digits, punctuation and format directives), are near duplicates,
or are translations of each other form one cluster, across documents and pairs. A cluster is set aside as a whole or
not at all, in the order of a hash of the seed and its smallest id, until every source and language has its share. So
no held-out text, its translation or a near copy of either is ever trained on.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fournil.parts.text.joining import tie
from fournil.stages.curate.names import CONTAMINATION, LANGUAGE, MODELS, NORMALISE, QUALITY, TOXICITY
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.together.near import Near
from fournil.stages.curate.together.rows import Rows

_ROOM = 8
"""A cluster is too large to be set aside when it has more rows of a stratum than this and than the stratum's share."""
_BLOCK = 1 << 14
"""So many clusters are looked at before those without anything wanted are passed over."""


@dataclass(frozen=True)
class Split:
    """Who is held out."""

    documents: np.ndarray
    pairs: np.ndarray
    """bool, by row."""

    cluster_documents: np.ndarray
    cluster_pairs: np.ndarray
    """Each row's cluster: the smallest number in it, pairs counted after documents."""


def owners(documents: Rows, pairs: Rows) -> np.ndarray:
    """The row that each text belongs to, pairs counted after documents."""
    of_sides = np.repeat(np.arange(len(pairs)), pairs.arrays["side_counts"]) + len(documents)
    return np.concatenate([np.arange(len(documents)), of_sides])


def letters(documents: Rows, pairs: Rows) -> np.ndarray:
    """The key (uint64) of each text's letters, sides of pairs after documents."""
    # Each by itself: where there is no row of a kind its array is one of int64, and both together would be floats.
    parts = documents.arrays["letters"], pairs.arrays["side_letters"]
    return np.concatenate([part.astype(np.uint64) for part in parts])


def clusters(documents: Rows, pairs: Rows, near: Near) -> np.ndarray:
    """The cluster of every document and, after them, of every pair."""
    num = len(documents) + len(pairs)
    owner_T = owners(documents, pairs)
    # Rows that are refused already tie nobody together.
    out = np.concatenate([documents.refused_by(NORMALISE, LANGUAGE), pairs.refused_by(NORMALISE, LANGUAGE)])
    labels = np.arange(num, dtype=np.uint32)

    _tie_equal(labels, letters(documents, pairs), owner_T, ~out[owner_T])
    members = np.flatnonzero(near.labels_T != np.arange(len(near.labels_T)))
    # A label may be that of a text that is out: it stands for its component all the same.
    concerned = np.concatenate([members, np.unique(near.labels_T[members]).astype(np.int64)])
    _tie_equal(labels, np.asarray(near.labels_T)[concerned], owner_T[concerned], ~out[owner_T[concerned]])
    groups = np.concatenate([documents.groups, pairs.groups])
    _tie_equal(labels, groups, np.arange(num), ~out & (groups != 0))
    return labels.astype(np.int64)


def _tie_equal(labels: np.ndarray, keys: np.ndarray, rows: np.ndarray, there: np.ndarray) -> None:
    """Tie rows that have the same key."""
    places = np.flatnonzero(there)
    order = places[np.argsort(keys[places], kind="stable")]
    same = keys[order[1:]] == keys[order[:-1]]
    tie(labels, rows[order[:-1][same]], rows[order[1:][same]])


@dataclass(frozen=True)
class _Strata:
    """Kinds of rows that each give their share: documents by source and language, pairs by source, short pairs."""

    of_row: np.ndarray
    """int64, rows x 2: the strata of each; the last one, which counts nothing, where it has one only."""

    num: int
    least: np.ndarray
    """int64 by stratum: how many are wanted at least."""


def _strata(documents: Rows, pairs: Rows, settings: HeldoutSettings) -> _Strata:
    num_languages = len(documents.languages.names) + 1
    tags = documents.sources.codes.astype(np.int64) * num_languages + documents.languages.codes + 1
    names, of_document = np.unique(tags, return_inverse=True)
    num_kinds = len(names)
    num = num_kinds + len(pairs.sources.names) + 1
    of_row = np.full((len(documents) + len(pairs), 2), num, np.int64)
    of_row[: len(documents), 0] = of_document
    of_row[len(documents) :, 0] = pairs.sources.codes.astype(np.int64) + num_kinds
    of_row[len(documents) :, 1][np.asarray(pairs.arrays["longest"]) <= settings.short_pair] = num - 1
    least = np.zeros(num, np.int64)
    least[:num_kinds] = settings.min_documents
    least[num - 1] = settings.min_pairs
    return _Strata(of_row, num, least)


def choose(documents: Rows, pairs: Rows, cluster_N: np.ndarray, settings: HeldoutSettings, seed: int) -> Split:
    """Set clusters aside until every stratum has its share.

    Only rows that no quality rule refuses, and of equal ones only the first, count towards a share; the choice between
    clusters does not look at them.
    """
    num_documents = len(documents)
    strata = _strata(documents, pairs, settings)
    refused = NORMALISE, LANGUAGE, CONTAMINATION, TOXICITY, MODELS, QUALITY
    useful = ~np.concatenate([documents.refused_by(*refused), pairs.refused_by(*refused)])
    by_id = np.concatenate([_places_by_id(documents), _places_by_id(pairs)])
    useful[:num_documents] &= _first(documents, by_id[:num_documents])
    useful[num_documents:] &= _first(pairs, by_id[num_documents:])
    weights = np.concatenate([documents.arrays["bytes"], pairs.arrays["bytes"]])
    counted = strata.of_row[useful].ravel()
    total = np.bincount(counted, minlength=strata.num + 1)[: strata.num]
    total_bytes = np.bincount(counted, np.repeat(weights[useful], 2), minlength=strata.num + 1)[: strata.num]
    target = _targets(total, strata.least, settings.share)
    ranked = _ranked(cluster_N, documents, pairs, by_id, seed)
    held = _take(cluster_N, ranked, useful, strata, weights, total, total_bytes, target)
    return Split(held[:num_documents], held[num_documents:], cluster_N[:num_documents], cluster_N[num_documents:])


def _take(
    cluster_N: np.ndarray,
    ranked: np.ndarray,
    useful: np.ndarray,
    strata: _Strata,
    weights: np.ndarray,
    total: np.ndarray,
    total_bytes: np.ndarray,
    target: np.ndarray,
) -> np.ndarray:
    """Rows (bool) of the clusters that are set aside, in the order given."""
    order = np.argsort(cluster_N, kind="stable")
    bounds = np.searchsorted(cluster_N[order], ranked)
    sizes = np.bincount(cluster_N, minlength=1)[ranked] if len(ranked) else np.zeros(0, np.int64)
    held = np.zeros(len(cluster_N), bool)
    taken, taken_bytes = np.zeros(strata.num, np.int64), np.zeros(strata.num)
    for start in range(0, len(ranked), _BLOCK):
        unmet = np.append(taken < target, False)
        if not unmet.any():
            break
        wanted = np.zeros(len(cluster_N), bool)
        wanted[cluster_N[useful & unmet[strata.of_row].any(1)]] = True
        for place in (start + np.flatnonzero(wanted[ranked[start : start + _BLOCK]])).tolist():
            rows = order[bounds[place] : bounds[place] + sizes[place]]
            counted = rows[useful[rows]]
            cells = strata.of_row[counted].ravel()
            if not unmet[cells].any():
                continue
            kinds, inverse = np.unique(cells, return_inverse=True)
            gain = np.bincount(inverse)[kinds < strata.num]
            gain_bytes = np.bincount(inverse, np.repeat(weights[counted], 2))[kinds < strata.num]
            kinds = kinds[kinds < strata.num]
            if (
                (gain > np.maximum(target[kinds], _ROOM))
                | (2 * (taken[kinds] + gain) > total[kinds])
                | (2 * (taken_bytes[kinds] + gain_bytes) > total_bytes[kinds])
            ).any():
                continue
            held[rows] = True
            taken[kinds] += gain
            taken_bytes[kinds] += gain_bytes
            unmet[kinds] = taken[kinds] < target[kinds]
    return held


def _ranked(cluster_N: np.ndarray, documents: Rows, pairs: Rows, by_id: np.ndarray, seed: int) -> np.ndarray:
    """The clusters in the order of a hash of the seed and their smallest id."""
    kind = np.arange(len(cluster_N)) >= len(documents)
    # The first row of each cluster by id, among documents and among pairs; the smaller id of the two counts.
    order = np.lexsort((by_id, kind, cluster_N))
    new = np.ones(len(order), bool)
    new[1:] = (cluster_N[order[1:]] != cluster_N[order[:-1]]) | (kind[order[1:]] != kind[order[:-1]])
    firsts = order[new]
    ranks, numbers = np.empty(len(firsts), "S16"), np.empty(len(firsts), np.int64)
    num, before = 0, ""
    for name, cluster in zip(_ids(documents, pairs, firsts), cluster_N[firsts].tolist(), strict=True):
        if num and numbers[num - 1] == cluster:
            ranks[num - 1] = _rank(seed, min(before, name))
        else:
            ranks[num], numbers[num] = _rank(seed, name), cluster
            num += 1
        before = name
    return numbers[:num][np.argsort(ranks[:num], kind="stable")]


def _ids(documents: Rows, pairs: Rows, rows: np.ndarray) -> Iterator[str]:
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        is_document = part < len(documents)
        names = np.empty(len(part), object)
        names[is_document] = documents.ids.take(pa.array(part[is_document])).to_pylist()
        names[~is_document] = pairs.ids.take(pa.array(part[~is_document] - len(documents))).to_pylist()
        yield from names.tolist()


def _places_by_id(rows: Rows) -> np.ndarray:
    """Each row's place when all are sorted by id."""
    places = np.empty(len(rows), np.int64)
    places[pc.array_sort_indices(rows.ids).to_numpy()] = np.arange(len(rows))  # pyright: ignore[reportAttributeAccessIssue] - made at import
    return places


def _targets(total: np.ndarray, least: np.ndarray, share: float) -> np.ndarray:
    if share <= 0:
        return np.zeros(len(total), np.int64)
    return np.minimum(np.maximum(np.ceil(share * total).astype(np.int64), least), total // 2)


def _first(rows: Rows, by_id: np.ndarray) -> np.ndarray:
    """True for one row of each text: the one with the smallest id."""
    keys = np.asarray(rows.arrays["exact"])
    order = np.lexsort((by_id, keys[:, 1], keys[:, 0]))
    new = np.ones(len(order), bool)
    new[1:] = (keys[order[1:]] != keys[order[:-1]]).any(1)
    out = np.zeros(len(order), bool)
    out[order[new]] = True
    return out


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"heldout\0{seed}\0{name}".encode(), digest_size=16).digest()
