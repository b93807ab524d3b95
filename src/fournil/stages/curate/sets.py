"""The sets of shingles of all texts, read from the chunks' files when they are asked for.

A text is a document or a side of a pair; documents are counted first.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from fournil.core.files import atomic_path, write_json
from fournil.parts.text.joining import Sets
from fournil.parts.text.minhash import sketch
from fournil.stages.curate.chunks import Chunk
from fournil.stages.curate.rows import Rows
from fournil.stages.curate.sections.duplicates import DuplicateSettings

BLOCK_SHINGLES = 1 << 23
"""So many are in memory at once (32 MB), and a text at least."""

_INDEX, _STARTS = "sets.json", "starts.npy"


def sketch_chunk(chunk: Chunk, settings: DuplicateSettings) -> None:
    """Put sorted sets in place of a chunk's shingles, and keep the keys under which near duplicates meet."""
    bounds = np.concatenate([[0], np.cumsum(chunk.arrays["shingle_counts"])])
    made = sketch(chunk.shingles, bounds, num_bands=settings.num_bands, band_rows=settings.band_rows)
    chunk.shingles = made.sets.values
    chunk.arrays["shingle_counts"] = made.sets.counts
    chunk.arrays["keys"] = made.keys


class SetFiles:
    """All texts' sets.

    Args:
        folder: Where `index_sets` left its files.
    """

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / _INDEX).read_text("utf-8"))
        self._paths = [Path(path) for path in told["paths"]]
        self._first = np.array(told["first"], np.int64)
        self._starts = np.load(folder / _STARTS, mmap_mode="r")

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._starts) - 1

    def sizes(self, texts: np.ndarray) -> np.ndarray:
        """How many shingles some texts have (int64)."""
        texts = np.asarray(texts, np.int64)
        return np.asarray(self._starts[texts + 1]) - np.asarray(self._starts[texts])

    def read(self, texts: np.ndarray) -> Sets:
        """The sets of some texts, in the order asked for; quickest where that is ascending."""
        from fournil.parts.text.kernels.join import gather

        texts = np.asarray(texts, np.int64)
        counts = self.sizes(texts)
        values = np.empty(int(counts.sum()), np.uint32)
        files = np.searchsorted(self._first, texts, side="right") - 1
        edges = np.flatnonzero(np.diff(files)) + 1
        place = 0
        for part in np.split(np.arange(len(texts)), edges):
            if len(part) == 0:
                continue
            file = int(files[part[0]])
            held = np.load(self._paths[file], mmap_mode="c")
            starts = np.asarray(self._starts[texts[part]]) - int(self._starts[self._first[file]])
            place = gather(np.asarray(held), starts, np.ascontiguousarray(counts[part]), values, place)
        return Sets(values, counts)

    def blocks(self, texts: np.ndarray) -> Iterator[tuple[np.ndarray, Sets]]:
        """Some texts with their sets, as many at once as fit."""
        for part in self.parts(texts):
            yield part, self.read(part)

    def parts(self, texts: np.ndarray) -> Iterator[np.ndarray]:
        """Consecutive texts whose sets fit into memory together."""
        edges = cut_by_size(self.sizes(texts), BLOCK_SHINGLES)
        for start, stop in pairwise(edges):
            yield texts[start:stop]


def cut_by_size(sizes: np.ndarray, most: int) -> list[int]:
    """Edges of consecutive parts, each with one entry at least and, if it has more, with sizes that sum to `most`."""
    running = np.cumsum(sizes)
    edges = [0]
    while edges[-1] < len(sizes):
        before = int(running[edges[-1] - 1]) if edges[-1] else 0
        stop = int(np.searchsorted(running, before + most, side="right"))
        edges.append(max(stop, edges[-1] + 1))
    return edges


def index_sets(folder: Path, kinds: Sequence[Rows]) -> SetFiles:
    """Note where each text's set lies, and open them.

    Args:
        folder: Where the notes are kept.
        kinds: Documents and pairs; pairs have "side_counts".
    """
    if not (folder / _INDEX).exists():
        folder.mkdir(parents=True, exist_ok=True)
        paths: list[str] = []
        first: list[int] = []
        counts: list[np.ndarray] = [np.zeros(1, np.int64)]
        num = 0
        for rows in kinds:
            bounds = text_bounds(rows)
            paths += [str(place / "shingles.npy") for place in rows.chunks.folders()]
            first += (bounds[:-1] + num).tolist()
            if len(rows):
                counts.append(np.asarray(rows.arrays["shingle_counts"]))
            num += int(bounds[-1])
        with atomic_path(folder / _STARTS) as temporary, temporary.open("wb") as file:
            np.save(file, np.cumsum(np.concatenate(counts), dtype=np.int64))
        write_json(folder / _INDEX, {"paths": paths, "first": first})
    return SetFiles(folder)


def text_bounds(rows: Rows) -> np.ndarray:
    """Where each chunk's texts begin, counted from the first of their kind, and where the last one's end."""
    if rows.kind == "documents":
        return rows.bounds
    return np.concatenate([[0], np.cumsum(rows.arrays["side_counts"])]).astype(np.int64)[rows.bounds]


def num_texts(rows: Rows) -> int:
    """How many texts the rows have."""
    return int(text_bounds(rows)[-1])
