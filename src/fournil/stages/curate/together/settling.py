"""Who stays of texts that are tied to each other: the members of components, in order, held against those who stay."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from fournil.parts.arrays import load, save
from fournil.parts.text.joining import Sets, settled
from fournil.parts.workers import Workers
from fournil.stages.curate.together.sets import BLOCK_SHINGLES, SetFiles, cut_by_size

_KEPT = np.dtype([("kept", "<i8"), ("similarity", "<f8")])
_MOST_KEPT = 64
"""A member is compared with so many that stay: a component with more is one of forms and lists, where each compares
with each else."""


@dataclass(frozen=True)
class Settled:
    """Who goes, and who stays in their stead."""

    texts: np.ndarray
    """int64: those who go."""

    kept: np.ndarray
    """int64: for each who stays."""

    similarity: np.ndarray
    """float64: of the two."""


@dataclass(frozen=True)
class _Task:
    folder: Path
    sets: Path
    threshold: float
    chains: bool


def settle(
    folder: Path,
    sets: SetFiles,
    sets_folder: Path,
    labels: np.ndarray,
    texts: np.ndarray,
    *,
    threshold: float,
    chains: bool,
    workers: Workers,
) -> Settled:
    """Decide who stays.

    Args:
        folder: Where the work is done.
        sets: Of all texts.
        sets_folder: Where they are.
        labels: The component of each text below.
        texts: Numbers of texts, the best ones first; those who have a component of their own stay.
        threshold: Jaccard similarity from which a text goes.
        chains: Whether all but the best of each component go.
        workers: Who does it.
    """
    order = np.argsort(labels, kind="stable")
    labels, texts = labels[order], np.asarray(texts, np.int64)[order]
    same = labels[1:] == labels[:-1]
    tied = np.zeros(len(labels), bool)
    tied[1:] |= same
    tied[:-1] |= same
    labels, texts = labels[tied], texts[tied]
    if not len(texts):
        return Settled(texts, texts, np.zeros(0))
    folder.mkdir(parents=True, exist_ok=True)
    bounds = np.concatenate([[0], np.flatnonzero(labels[1:] != labels[:-1]) + 1, [len(labels)]])
    save(folder / "members.npy", texts)
    save(folder / "bounds.npy", bounds)
    running = np.concatenate([[0], np.cumsum(sets.sizes(texts))])
    edges = cut_by_size(np.diff(running[bounds]), BLOCK_SHINGLES)
    task = _Task(folder, sets_folder, threshold, chains)
    workers.run(
        _settle_part,
        ((task, number, *span) for number, span in enumerate(pairwise(edges))),
    )
    parts = np.concatenate([load(_part(folder, number)) for number in range(len(edges) - 1)])
    gone = parts["kept"] != texts
    return Settled(texts[gone], parts["kept"][gone], parts["similarity"][gone])


def _part(folder: Path, number: int) -> Path:
    return folder / f"settled-{number:05d}.npy"


def _settle_part(task: _Task, number: int, first: int, stop: int) -> None:
    path = _part(task.folder, number)
    if path.exists():
        return
    bounds = np.array(load(task.folder / "bounds.npy", "r")[first : stop + 1])
    texts = np.array(load(task.folder / "members.npy", "r")[bounds[0] : bounds[-1]])
    bounds -= bounds[0]
    sets = SetFiles(task.sets)
    out = np.empty(len(texts), _KEPT)
    if stop - first == 1:
        _settle_large(task, sets, texts, out)
    else:
        made = settled(
            _read(sets, texts), bounds, threshold=task.threshold, most_kept=_MOST_KEPT, passed_on=task.chains
        )
        out["kept"], out["similarity"] = texts[made.kept], made.similarity
    save(path, out)


def _settle_large(task: _Task, sets: SetFiles, texts: np.ndarray, out: np.ndarray) -> None:
    """Settle one component, whose sets need not fit into memory together."""
    kept = np.zeros(0, np.int64)
    edges = cut_by_size(sets.sizes(texts), BLOCK_SHINGLES)
    for start, stop in pairwise(edges):
        members = np.concatenate([kept, texts[start:stop]])
        made = settled(
            _read(sets, members), np.array([0, len(members)]), fixed=np.array([len(kept)]),
            threshold=task.threshold, most_kept=_MOST_KEPT, passed_on=task.chains,
        )  # fmt: skip
        out["kept"][start:stop] = members[made.kept[len(kept) :]]
        out["similarity"][start:stop] = made.similarity[len(kept) :]
        kept = members[made.kept == np.arange(len(members))][:_MOST_KEPT]


def _read(sets: SetFiles, texts: np.ndarray) -> Sets:
    """Sets of some texts in their order, read in the order of the files."""
    ordered, places = np.unique(texts, return_inverse=True)
    return sets.read(ordered).take(places)
