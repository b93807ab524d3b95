"""The unit of work: a range of rows, worked on once, kept in `.work` until the stage is done.

A chunk's folder holds its rows as they stand after the steps that change text (with the verdict of the steps that
look at one row alone), the edits, and the arrays from which the steps that compare rows are computed. It is written
under another name and renamed, so a folder that is there is whole; who comes second with the same chunk, as on a
cluster that took a worker for lost, throws his away.
"""

import json
import os
import platform
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.document import EDITS
from fournil.core.files import TEMPORARY, mending
from fournil.core.shards import repeated
from fournil.parts.arrays import load

_CHANGES = b"changes"


@dataclass
class Chunk:
    """What is kept of a range of rows."""

    rows: pa.Table
    """All rows, with the verdict columns of core.document; `step` is null for rows that no step refused so far."""

    edits: list[dict[str, Any]]
    arrays: dict[str, np.ndarray]
    """Equal-length arrays by name, one entry a row (or a side of a pair, see pairs.py)."""

    shingles: np.ndarray
    """uint64, end to end; arrays["shingle_counts"] says how many each text has."""

    num_changes: dict[str, int]

    def write(self, folder: Path) -> None:
        """Write the chunk, whole or not at all."""
        aside = folder.with_name(f"{TEMPORARY}{os.getpid()}-{threading.get_ident()}-{platform.node()}-{folder.name}")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            with mending(folder):
                aside.mkdir(parents=True)
                pq.write_table(
                    self.rows,
                    aside / "rows.parquet",
                    compression="lz4",
                    use_dictionary=repeated(self.rows.column_names),
                    write_statistics=False,
                )
                edits = pa.Table.from_pylist(self.edits, schema=EDITS)
                changes = {_CHANGES: json.dumps(self.num_changes).encode()}
                pq.write_table(edits.replace_schema_metadata(changes), aside / "edits.parquet", compression="lz4")
                with (aside / "arrays.npz").open("wb") as file:
                    np.savez(file, allow_pickle=False, **self.arrays)
                with (aside / "shingles.npy").open("wb") as file:
                    np.save(file, self.shingles)
                for path in aside.iterdir():
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
                try:
                    aside.rename(folder)
                except OSError:
                    if not folder.exists():  # else another has made the same chunk
                        raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)


class Chunks:
    """All chunks of one kind (`documents` or `pairs`), in input order."""

    def __init__(self, folder: Path, num: int) -> None:
        self.folder = folder
        self.num = num

    def folders(self) -> list[Path]:
        """Each chunk's folder."""
        return [folder_of(self.folder, number) for number in range(self.num)]

    def rows(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Each chunk's rows."""
        for folder in self.folders():
            yield pq.read_table(folder / "rows.parquet", columns=columns)

    def edits(self) -> Iterator[pa.Table]:
        """Each chunk's edits."""
        for folder in self.folders():
            yield pq.read_table(folder / "edits.parquet")

    def shingles(self) -> list[np.ndarray]:
        """Each chunk's shingles, memory-mapped."""
        return [load(folder / "shingles.npy", "r") for folder in self.folders()]

    def num_changes(self) -> dict[str, int]:
        """How many changes all chunks made, by step and rule."""
        total: dict[str, int] = {}
        for folder in self.folders():
            told = (pq.read_schema(folder / "edits.parquet").metadata or {}).get(_CHANGES, b"{}")
            for key, count in json.loads(told).items():
                total[key] = total.get(key, 0) + count
        return dict(sorted(total.items()))


def folder_of(work: Path, number: int) -> Path:
    """The folder of a chunk."""
    return work / f"{number:06d}"
