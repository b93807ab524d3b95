"""Which rows make which chunk, and how a worker reads them.

A chunk is a fixed range of one row group of one input file: that depends on the files alone, never on how many work.
Several chunks of a row group are one call, so that a row group is decoded once, or a few times where many work on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.shards import shard_paths
from fournil.core.speech import tr, trn

CHUNK_BYTES = 4 * 2**20
"""A chunk has about so much text, as far as its row group's mean tells."""
MAX_CHUNK_ROWS = 16384
CALL_BYTES = 64 * 2**20
_MAX_CALLS = 8
"""A row group is divided among so many calls at most: each decodes all that stands before its own rows."""
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Range:
    """Consecutive chunks of one row group."""

    path: Path
    row_group: int
    chunk_rows: int
    """Rows in each chunk, but perhaps the row group's last one."""

    skipped: int
    """Chunks of the row group that stand before."""

    first: int
    """The number of the first chunk."""

    num: int
    """How many chunks."""

    num_rows: int

    def read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Give the rows of each chunk.

        Raises:
            FournilError: The file cannot be read.
        """
        try:
            with pq.ParquetFile(self.path, buffer_size=_BUFFER_BYTES) as file:
                batches = file.iter_batches(self.chunk_rows, row_groups=[self.row_group], columns=list(columns))
                num_rows = 0
                for batch in islice(batches, self.skipped, self.skipped + self.num):
                    num_rows += len(batch)
                    yield batch
                if num_rows != self.num_rows:  # another file than when the chunks were laid out
                    raise unreadable(self.path)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.path) from error


def plan_ranges(place: Path, columns: Sequence[str], *, num_workers: int) -> list[Range]:
    """Lay out the chunks of a folder of shards, and divide them into calls.

    Args:
        place: The folder; an absent one has no rows.
        columns: That every shard must have.
        num_workers: How many calls are wanted at least for each; it changes the calls, never the chunks.

    Raises:
        FournilError: A file is no Parquet, is cut short, or lacks a column.
    """
    groups: list[tuple[Path, int, int, int]] = []
    for path in shard_paths(place):
        try:
            with pq.ParquetFile(path) as file:
                missing = sorted(set(columns) - set(file.schema_arrow.names))
                if missing:
                    what = tr("no column {name!r}", name=missing[0])
                    raise FournilError(what, where=path, fix=tr("Is this a shard of another kind?"))
                for number in range(file.metadata.num_row_groups):
                    group = file.metadata.row_group(number)
                    if group.num_rows:
                        groups.append((path, number, group.num_rows, group.total_byte_size))
        except (pa.ArrowException, OSError) as error:
            raise unreadable(path) from error
    ranges: list[Range] = []
    first = 0
    wanted = -(-4 * num_workers // max(1, len(groups))) if num_workers > 1 else 1
    for path, number, num_rows, num_bytes in groups:
        chunk_rows = int(min(max(CHUNK_BYTES * num_rows // max(1, num_bytes), 1), MAX_CHUNK_ROWS))
        num_chunks = -(-num_rows // chunk_rows)
        num_calls = min(max(-(-num_bytes // CALL_BYTES), wanted), _MAX_CALLS, num_chunks)
        edges = [num_chunks * part // num_calls for part in range(num_calls + 1)]
        for start, stop in pairwise(edges):
            rows = min(stop * chunk_rows, num_rows) - start * chunk_rows
            ranges.append(Range(path, number, chunk_rows, start, first + start, stop - start, rows))
        first += num_chunks
    return ranges


def checked(batch: pa.RecordBatch, schema: pa.Schema, path: Path) -> pa.RecordBatch:
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
            raise FournilError(what, where=path, fix=fix) from None
        if column.null_count and not wanted.nullable:
            what = trn(
                "{count:,} row has nothing in column {name!r}",
                "{count:,} rows have nothing in column {name!r}",
                column.null_count,
                name=wanted.name,
            )
            raise FournilError(what, where=path, fix=fix)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def unreadable(path: Path) -> FournilError:
    """Say that a file is no Parquet, or not all of one."""
    return FournilError(
        tr("this Parquet file cannot be read"), where=path, fix=tr("It may be cut short: make or fetch it again.")
    )
