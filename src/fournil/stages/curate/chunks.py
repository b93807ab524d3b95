"""The unit of work: a batch of rows, worked on once, kept in `.work` until the stage is done.

A chunk's folder holds its rows as they stand after the steps that change text (with the verdict of the steps that
look at one row alone), the edits, and the arrays from which the steps that compare rows are computed. It is written
under another name and renamed, so a folder that is there is whole.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.context import Context
from fournil.core.document import EDITS
from fournil.core.errors import FournilError
from fournil.core.files import atomic_path, mending, write_json
from fournil.core.shards import count_rows, read_batches
from fournil.core.speech import tr, trn


@dataclass
class Chunk:
    """What is kept of a batch."""

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
        aside = folder.with_name(f".tmp-{folder.name}")
        shutil.rmtree(aside, ignore_errors=True)
        with mending(folder):
            aside.mkdir(parents=True)
            with atomic_path(aside / "rows.parquet") as path:
                pq.write_table(self.rows, path, compression="lz4")
            with atomic_path(aside / "edits.parquet") as path:
                pq.write_table(pa.Table.from_pylist(self.edits, schema=EDITS), path, compression="lz4")
            with atomic_path(aside / "arrays.npz") as path, path.open("wb") as file:
                np.savez(file, allow_pickle=False, **self.arrays)
            with atomic_path(aside / "shingles.npy") as path, path.open("wb") as file:
                np.save(file, self.shingles)
            write_json(aside / "changes.json", self.num_changes)
            aside.rename(folder)


class Chunks:
    """All chunks of one kind (`documents` or `pairs`), in input order."""

    def __init__(self, folder: Path, num: int) -> None:
        self.folder = folder
        self.num = num

    def _folders(self) -> list[Path]:
        return [self.folder / f"{number:06d}" for number in range(self.num)]

    def rows(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Each chunk's rows."""
        for folder in self._folders():
            yield pq.read_table(folder / "rows.parquet", columns=columns)

    def edits(self) -> Iterator[pa.Table]:
        """Each chunk's edits."""
        for folder in self._folders():
            yield pq.read_table(folder / "edits.parquet")

    def arrays(self, *names: str) -> dict[str, np.ndarray]:
        """Arrays of all chunks, end to end."""
        parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for folder in self._folders():
            with np.load(folder / "arrays.npz", allow_pickle=False) as file:
                for name in names:
                    parts[name].append(file[name])
        return {name: np.concatenate(part) if part else np.zeros(0, np.int64) for name, part in parts.items()}

    def column(self, name: str) -> list[Any]:
        """One column of all chunks."""
        return [value for rows in self.rows([name]) for value in rows.column(name).to_pylist()]

    def shingles(self) -> list[np.ndarray]:
        """Each chunk's shingles, memory-mapped."""
        return [np.load(folder / "shingles.npy", mmap_mode="r") for folder in self._folders()]

    def num_changes(self) -> dict[str, int]:
        """How many changes all chunks made, by step and rule."""
        total: dict[str, int] = {}
        for folder in self._folders():
            for key, count in json.loads((folder / "changes.json").read_text("utf-8")).items():
                total[key] = total.get(key, 0) + count
        return dict(sorted(total.items()))


def make_chunks(
    place: Path,
    schema: pa.Schema,
    work: Path,
    batch_rows: int,
    make: Callable[[pa.RecordBatch], Chunk],
    context: Context,
    *,
    title: str,
    unit: str,
) -> Chunks:
    """Work on all rows of a folder, several chunks at once; chunks that are there already are not made again.

    A chunk is a fixed range of one input file, whatever the number of threads.

    Raises:
        FournilError: when an id is given twice.
    """
    work.mkdir(parents=True, exist_ok=True)
    waiting: list[Future[None]] = []
    num = 0
    with (
        ThreadPoolExecutor(max(1, context.threads)) as pool,
        context.progress.task(title, total=count_rows(place), unit=unit) as bar,
    ):

        def one(batch: pa.RecordBatch, folder: Path) -> None:
            make(_checked(batch, schema, place)).write(folder)

        try:
            for batch in read_batches(place, columns=schema.names, batch_rows=batch_rows):
                folder = work / f"{num:06d}"
                num += 1
                if not folder.exists():
                    waiting.append(pool.submit(one, batch, folder))
                while len(waiting) > 2 * context.threads:
                    waiting.pop(0).result()
                bar.advance(batch.num_rows)
            for future in waiting:
                future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
    chunks = Chunks(work, num)
    _refuse_repeated_ids(chunks, place)
    return chunks


def _checked(batch: pa.RecordBatch, schema: pa.Schema, place: Path) -> pa.RecordBatch:
    """The batch in the types of the schema, proved to hold what it says.

    Raises:
        FournilError: A column is of another type, has nulls where none may be, or holds text that is no UTF-8.
    """
    fix = tr("Make these rows with fournil sources, which checks what it reads.")
    columns: list[pa.Array] = []
    for wanted in schema:
        column = batch.column(wanted.name)
        try:
            column = column if column.type == wanted.type else column.cast(wanted.type)
            column.validate(full=True)
        except (pa.ArrowException, NotImplementedError):
            what = tr("column {name!r} cannot be read as {type}", name=wanted.name, type=wanted.type)
            raise FournilError(what, where=place, fix=fix) from None
        if column.null_count and not wanted.nullable:
            what = trn(
                "{count:,} row has nothing in column {name!r}",
                "{count:,} rows have nothing in column {name!r}",
                column.null_count,
                name=wanted.name,
            )
            raise FournilError(what, where=place, fix=fix)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _refuse_repeated_ids(chunks: Chunks, place: Path) -> None:
    seen: set[str] = set()
    for name in chunks.column("id"):
        if name in seen:
            raise FournilError(
                tr("the id {name!r} is given twice", name=name), where=place, fix=tr("Give every row an id of its own.")
            )
        seen.add(name)
