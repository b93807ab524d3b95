"""Which rows are set aside for evaluation.

Documents and pairs that share a text (but for case, digits, punctuation and format directives), are near duplicates,
or are translations of each other form one cluster, across documents and pairs. A cluster is set aside as a whole or
not at all, in the order of a hash of the seed and its smallest id, until every source and language has its share. So
no held-out text, its translation or a near copy of either is ever trained on.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from fournil.parts.text.minhash import components
from fournil.stages.curate.names import LANGUAGE, NORMALISE, QUALITY
from fournil.stages.curate.near import Near
from fournil.stages.curate.rows import Rows
from fournil.stages.curate.sections.heldout import HeldoutSettings

Stratum = tuple[str, str, str]
_SHORT: Stratum = ("short pairs", "", "")
_ROOM = 8
"""A cluster is too large to be set aside when it has more rows of a stratum than this and than the stratum's share."""


@dataclass(frozen=True)
class Split:
    """Who is held out."""

    documents: np.ndarray
    pairs: np.ndarray
    """bool, by row."""

    cluster_documents: np.ndarray
    cluster_pairs: np.ndarray
    """Each row's cluster: the smallest number in it, pairs counted after documents."""


def clusters(documents: Rows, pairs: Rows, near: Near) -> np.ndarray:
    """The cluster of every document and, after them, of every pair."""
    num = len(documents) + len(pairs)
    pair_of_side = np.repeat(np.arange(len(pairs)), pairs.arrays["side_counts"]) + len(documents)
    owner_T = np.concatenate([np.arange(len(documents)), pair_of_side])
    out = np.concatenate([documents.refused_by(NORMALISE, LANGUAGE), pairs.refused_by(NORMALISE, LANGUAGE)])
    edges: list[np.ndarray] = []

    keys = np.concatenate([documents.arrays["letters"], pairs.arrays["side_letters"]]).astype(np.uint64)
    there = np.flatnonzero(~out[owner_T])
    order = there[np.argsort(keys[there], kind="stable")]
    same = keys[order[1:]] == keys[order[:-1]]
    edges.append(np.stack([owner_T[order[:-1][same]], owner_T[order[1:][same]]], 1))

    member = np.flatnonzero(near.group_T >= 0)
    edges.append(np.stack([owner_T[member], owner_T[near.group_T[member]]], 1))
    edges.append(owner_T[near.edges])

    first: dict[int, int] = {}
    linked = [
        (first.setdefault(group, row), row)
        for row, group in enumerate([*documents.groups.tolist(), *pairs.groups.tolist()])
        if group and not out[row]
    ]
    edges.append(np.array(linked, np.int64).reshape(-1, 2))
    joined = np.concatenate(edges)
    # Rows that are refused already tie nobody together.
    return components(num, joined[~out[joined].any(1)])


def choose(documents: Rows, pairs: Rows, cluster_N: np.ndarray, settings: HeldoutSettings, seed: int) -> Split:
    """Set clusters aside until every stratum has its share.

    Only rows that no quality rule refuses, and of equal ones only the first, count towards a share; the choice between
    clusters does not look at them.
    """
    num_documents = len(documents)
    strata: list[list[Stratum]] = [
        [("documents", documents.sources.names[source], documents.languages.names[tag])]
        for source, tag in zip(documents.sources.codes.tolist(), documents.languages.codes.tolist(), strict=True)
    ]
    sources = [pairs.sources.names[code] for code in pairs.sources.codes.tolist()]
    for source, longest in zip(sources, pairs.arrays["longest"].tolist(), strict=True):
        strata.append([("pairs", source, ""), _SHORT] if longest <= settings.short_pair else [("pairs", source, "")])
    refused = NORMALISE, LANGUAGE, QUALITY
    useful = ~np.concatenate([documents.refused_by(*refused), pairs.refused_by(*refused)])
    useful[:num_documents] &= _first(documents.arrays["exact"])
    useful[num_documents:] &= _first(pairs.arrays["exact"])
    weights = np.concatenate([documents.arrays["bytes"], pairs.arrays["bytes"]])

    total: dict[Stratum, int] = {}
    total_bytes: dict[Stratum, int] = {}
    for row in np.flatnonzero(useful).tolist():
        for stratum in strata[row]:
            total[stratum] = total.get(stratum, 0) + 1
            total_bytes[stratum] = total_bytes.get(stratum, 0) + int(weights[row])
    target = {stratum: _target(stratum, num, settings) for stratum, num in total.items()}
    taken = dict.fromkeys(total, 0)
    taken_bytes = dict.fromkeys(total, 0)

    unmet = {stratum for stratum in total if taken[stratum] < target[stratum]}
    held = np.zeros(len(strata), bool)
    counted = useful.tolist()
    for rows in _ranked(cluster_N, [*documents.ids.to_pylist(), *pairs.ids.to_pylist()], seed):
        if not any(stratum in unmet for row in rows if counted[row] for stratum in strata[row]):
            continue
        gain: dict[Stratum, int] = {}
        gain_bytes: dict[Stratum, int] = {}
        for row in rows:
            if counted[row]:
                for stratum in strata[row]:
                    gain[stratum] = gain.get(stratum, 0) + 1
                    gain_bytes[stratum] = gain_bytes.get(stratum, 0) + int(weights[row])
        if any(
            more > max(target[stratum], _ROOM)
            or 2 * (taken[stratum] + more) > total[stratum]
            or 2 * (taken_bytes[stratum] + gain_bytes[stratum]) > total_bytes[stratum]
            for stratum, more in gain.items()
        ):
            continue
        held[rows] = True
        for stratum, more in gain.items():
            taken[stratum] += more
            taken_bytes[stratum] += gain_bytes[stratum]
            if taken[stratum] >= target[stratum]:
                unmet.discard(stratum)
    return Split(held[:num_documents], held[num_documents:], cluster_N[:num_documents], cluster_N[num_documents:])


def _ranked(cluster_N: np.ndarray, ids: list[str], seed: int) -> list[list[int]]:
    """The rows of each cluster, the clusters in the order of a hash of the seed and their smallest id."""
    members: dict[int, list[int]] = {}
    for row, cluster in enumerate(cluster_N.tolist()):
        members.setdefault(cluster, []).append(row)
    return sorted(members.values(), key=lambda rows: _rank(seed, min(ids[row] for row in rows)))


def _target(stratum: Stratum, num: int, settings: HeldoutSettings) -> int:
    if settings.share <= 0:
        return 0
    least = {"documents": settings.min_documents, "pairs": 0}.get(stratum[0], settings.min_pairs)
    return min(max(math.ceil(settings.share * num), least), num // 2)


def _first(keys: np.ndarray) -> np.ndarray:
    """True for the first row of each key (rows of an N x 2 array)."""
    out = np.zeros(len(keys), bool)
    if len(keys):
        _, first = np.unique(keys, axis=0, return_index=True)
        out[first] = True
    return out


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"heldout\0{seed}\0{name}".encode(), digest_size=16).digest()
