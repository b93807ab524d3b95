"""Near duplicates among all documents and all longer sides of pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fournil.core.files import atomic_path
from fournil.parts.text.hashes import mix
from fournil.parts.text.minhash import candidate_pairs, jaccard, signatures, verified
from fournil.stages.curate.chunks import Chunks

_SLACK = 0.2
"""How far below the threshold an estimate from 128 permutations may lie and still be verified: more than five
sigmas."""


class Shingles:
    """Shingles of all texts that have any, read from the chunks when asked."""

    def __init__(self, chunks: list[Chunks]) -> None:
        self._files: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        file_of: list[np.ndarray] = []
        starts: list[np.ndarray] = []
        for each in chunks:
            for file, length in zip(each.shingles(), _counts_by_chunk(each), strict=True):
                file_of.append(np.full(len(length), len(self._files)))
                starts.append(np.cumsum(length) - length)
                counts.append(length)
                self._files.append(file)
        none = np.zeros(0, np.int64)
        self.counts = np.concatenate([none, *counts])
        self._file_of = np.concatenate([none, *file_of])
        self._starts = np.concatenate([none, *starts])

    def of(self, text: int) -> np.ndarray:
        """Shingles of one text."""
        start = self._starts[text]
        return np.asarray(self._files[self._file_of[text]][start : start + self.counts[text]])

    def by_file(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Each chunk's shingles and their number by text."""
        bounds = np.searchsorted(self._file_of, np.arange(len(self._files) + 1))
        for number, file in enumerate(self._files):
            yield np.asarray(file), self.counts[bounds[number] : bounds[number + 1]]


def _counts_by_chunk(chunks: Chunks) -> Iterator[np.ndarray]:
    for number in range(chunks.num):
        with np.load(chunks.folder / f"{number:06d}" / "arrays.npz", allow_pickle=False) as file:
            yield file["shingle_counts"]


@dataclass(frozen=True)
class Near:
    """Texts gathered in groups with equal signatures, and the groups that are near duplicates of each other."""

    group_T: np.ndarray
    """For each text the first text of its group; -1 for texts without shingles."""

    edges: np.ndarray
    """int64, N x 2: first texts of groups whose true Jaccard similarity reaches the threshold."""


def find_near(shingles: Shingles, *, seed: int, threshold: float, kept: Path) -> Near:
    """Find near duplicates: MinHash, bands, then the true similarity.

    Args:
        shingles: Of all texts.
        seed: Chooses the permutations.
        threshold: Jaccard similarity.
        kept: File in which the result is kept for the next try.
    """
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            return Near(file["group_T"], file["edges"])
    parts = [
        signatures(values, np.concatenate([[0], np.cumsum(counts)]), seed=seed) for values, counts in shingles.by_file()
    ]
    group_T = np.full(len(shingles.counts), -1)
    some = np.flatnonzero(shingles.counts)
    edges: list[tuple[int, int]] = []
    if len(some):
        signatures_TP = np.concatenate(parts)[some]
        keys = np.zeros(len(some), np.uint64)
        for column in range(signatures_TP.shape[1]):
            keys = mix(keys ^ signatures_TP[:, column].astype(np.uint64))
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        group_T[some] = some[first[inverse]]
        # Equal signatures are equal sets but for one chance in millions, which is looked for all the same.
        for text in some[group_T[some] != some].tolist():
            if jaccard(np.unique(shingles.of(text)), np.unique(shingles.of(int(group_T[text])))) < threshold:
                group_T[text] = text
        firsts = np.flatnonzero(group_T == np.arange(len(group_T)))
        positions = np.searchsorted(some, firsts)
        pairs = firsts[candidate_pairs(signatures_TP[positions], least=threshold - _SLACK)]
        edges = [(one, other) for one, other, _ in verified(pairs, shingles.of, threshold=threshold)]
    near = Near(group_T, np.array(edges, np.int64).reshape(-1, 2))
    with atomic_path(kept) as temporary, temporary.open("wb") as file:
        np.savez(file, group_T=near.group_T, edges=near.edges)
    return near
