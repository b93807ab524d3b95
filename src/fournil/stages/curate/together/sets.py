"""The sets of shingles of all texts, read from the chunks' files when they are asked for.

A text is a document or a side of a pair; documents are counted first.
"""

import json
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.speech import tr
from fournil.parts.arrays import load, save
from fournil.parts.text.joining import Sets
from fournil.parts.text.minhash import sketch
from fournil.stages.curate.chunks import Chunk
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.together.rows import Rows

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
        self._starts = load(folder / _STARTS, "r")

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._starts) - 1

    def sizes(self, texts: np.ndarray) -> np.ndarray:
        """How many shingles some texts have (int64)."""
        texts = np.asarray(texts, np.int64)
        return np.asarray(self._starts[texts + 1]) - np.asarray(self._starts[texts])

    def read(self, texts: np.ndarray) -> Sets:
        """The sets of some texts, in the order asked for; quickest where that is ascending.

        Nothing but these sets is read: files that do not fit into memory are not read over and over for their
        neighbours.

        Raises:
            FournilError: A file ends before its last set.
        """
        texts = np.asarray(texts, np.int64)
        counts = self.sizes(texts)
        values = np.empty(int(counts.sum()), np.uint32)
        into = values.view(np.uint8).data
        files = np.searchsorted(self._first, texts, side="right") - 1
        new = (np.diff(texts) != 1) | (np.diff(files) != 0)
        firsts = np.concatenate([np.zeros(min(1, len(texts)), np.int64), np.flatnonzero(new) + 1])
        ends = 4 * np.cumsum(counts)[np.append(firsts[1:], len(texts)) - 1] if len(texts) else firsts
        begin = 0
        stretches = zip(files[firsts].tolist(), texts[firsts].tolist(), ends.tolist(), strict=True)
        for number, wanted in groupby(stretches, key=itemgetter(0)):
            with _opened(self._paths[number]) as file:
                data = _data(file)
                for _, text, end in wanted:
                    file.seek(data + 4 * int(self._starts[text] - self._starts[self._first[number]]))
                    _fill(file, into[begin:end])
                    begin = end
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


def _opened(path: Path) -> FileIO:
    """A file that is read here and there, without what stands around it."""
    file = FileIO(path)
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
    return file


def _data(file: FileIO) -> int:
    """Where the values of an array's file begin."""
    try:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
    except ValueError:
        raise _cut(file) from None
    return file.tell()


def _fill(file: FileIO, buffer: memoryview) -> None:
    while len(buffer):
        read = file.readinto(buffer)
        if not read:
            raise _cut(file)
        buffer = buffer[read:]


def _cut(file: FileIO) -> FournilError:
    return FournilError(
        tr("this file is cut short"), where=file.name, fix=tr("Delete the folder that it stands in and bake again.")
    )


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
        save(folder / _STARTS, np.cumsum(np.concatenate(counts), dtype=np.int64))
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
