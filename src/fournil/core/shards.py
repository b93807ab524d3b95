"""Parquet shards: written one by one, whole or not at all, and read back in batches in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path
from fournil.core.speech import tr

DEFAULT_MAX_BYTES = 64 * 2**20
_REPEATED = {
    **{name: name for name in ("language", "source", "licence", "evidence", "author", "date", "category")},
    **{name: name for name in ("step", "rule", "bound", "kept_source", "grade", "package", "version")},
    "texts": "texts.key_value.key",
    "turns": "turns.list.element.speaker",
}
"""Columns, or parts of one, in which the same values stand again and again."""


class ShardWriter:
    """Writes rows as `folder/PREFIX-00000.parquet`, `-00001` … (zstd), each shard whole or not at all.

    The bytes depend on the rows, their grouping in shards and the pyarrow version alone. A folder that got no row
    gets no file; the folder itself is made.

    Args:
        folder: Where the shards go.
        schema: The columns of every shard.
        max_bytes: A shard is closed once its rows take this much memory as Arrow.
        prefix: How the file names begin.
    """

    def __init__(
        self, folder: Path, schema: pa.Schema, *, max_bytes: int = DEFAULT_MAX_BYTES, prefix: str = "part"
    ) -> None:
        self.folder = Path(folder)
        self.schema = schema
        self.max_bytes = max_bytes
        self.prefix = prefix
        self.num_rows = 0
        self.num_shards = 0
        self._tables: list[pa.Table] = []
        self._bytes = 0
        self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> ShardWriter:
        """Start writing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left, unless an error is on its way."""
        if kind is None:
            self.close()

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows that are Arrow already; their columns are put in the schema's order and types."""
        if isinstance(rows, pa.RecordBatch):
            rows = pa.Table.from_batches([rows])
        if rows.num_rows == 0:
            return
        table = rows.select(self.schema.names).cast(self.schema)
        self._tables.append(table)
        self._bytes += table.nbytes
        self.num_rows += table.num_rows
        if self._bytes >= self.max_bytes:
            self._flush()

    def write_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that are dictionaries."""
        if rows:
            self.write(pa.Table.from_pylist(list(rows), schema=self.schema))

    def close(self) -> None:
        """Write the last shard."""
        if self._tables:
            self._flush()

    def _flush(self) -> None:
        path = self.folder / f"{self.prefix}-{self.num_shards:05d}.parquet"
        write_table(path, pa.concat_tables(self._tables).combine_chunks())
        self._tables, self._bytes = [], 0
        self.num_shards += 1


def repeated(names: Sequence[str]) -> Any:  # noqa: ANN401 - pyarrow's annotations know no list
    """Which of some columns are written with a dictionary of their values.

    Of texts and identifiers one is begun, grows too large and is thrown away: time lost, and no byte saved.
    """
    return [_REPEATED[name] for name in names if name in _REPEATED]


def write_table(path: Path, table: pa.Table) -> None:
    """Write one Parquet file (zstd), whole or not at all."""
    with atomic_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=3,
            row_group_size=16384,
            use_dictionary=repeated(table.column_names),
        )


def shard_paths(place: Path, *, prefix: str | None = None) -> list[Path]:
    """Return the Parquet files of a folder (or the one file named), sorted; an absent folder has none.

    Args:
        place: A folder or a file.
        prefix: Only files whose names begin so.
    """
    place = Path(place)
    if place.is_file():
        return [place]
    return sorted(p for p in place.glob("*.parquet") if not p.name.startswith(".") and p.name.startswith(prefix or ""))


def read_batches(
    place: Path, *, columns: Sequence[str] | None = None, batch_rows: int = 4096, prefix: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Read the shards of a folder (or one file) in sorted order, a batch at a time.

    Args:
        place: A folder of shards or one file; an absent folder has no rows.
        columns: The columns wanted; all by default.
        batch_rows: Rows in a batch at most.
        prefix: Only files whose names begin so.

    Raises:
        FournilError: When a file is no Parquet, is cut short, or lacks a column.
    """
    for path in shard_paths(place, prefix=prefix):
        try:
            with pq.ParquetFile(path) as file:
                missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
                if missing:
                    what = tr("no column {name!r}", name=missing[0])
                    raise FournilError(what, where=path, fix=tr("Is this a shard of another kind?"))
                yield from file.iter_batches(batch_size=batch_rows, columns=list(columns) if columns else None)
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path) from error


def read_all(place: Path, schema: pa.Schema, *, prefix: str | None = None) -> pa.Table:
    """Read all shards into one table of the schema given; an absent folder gives an empty table."""
    batches = list(read_batches(place, columns=schema.names, prefix=prefix))
    return pa.Table.from_batches(batches).cast(schema) if batches else schema.empty_table()


def count_rows(place: Path, *, prefix: str | None = None) -> int:
    """Count the rows of a folder's shards from their footers.

    Raises:
        FournilError: When a file is no Parquet, or is cut short.
    """
    return sum(_num_rows(path) for path in shard_paths(place, prefix=prefix))


def _num_rows(path: Path) -> int:
    try:
        return pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path) from error


def _unreadable(path: Path) -> FournilError:
    return FournilError(
        tr("this Parquet file cannot be read"), where=path, fix=tr("It may be cut short: make or fetch it again.")
    )
