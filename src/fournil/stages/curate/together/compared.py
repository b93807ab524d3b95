"""What comparing rows with each other came to, as files: who is refused, and what is cut from whom.

`KIND.arrow` has one row for each refused one, sorted by `row`; `KIND-cuts.arrow` one for each passage that is cut from
a text, sorted by `row` and `start`, as UTF-8 bytes of the text that the chunk holds. Both are Arrow IPC files, mapped
into memory; one that is not there says that there is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.files import atomic_path
from fournil.stages.curate.names import DUPLICATES

REFUSALS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("bound", pa.string()),
        pa.field("kept_id", pa.string()),
        pa.field("kept_source", pa.string()),
    ]
)
"""Who is refused, and which row, of which source, stays in its stead."""

CUTS = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
    ]
)
"""What is cut: bytes from start to end."""


@dataclass(frozen=True)
class Compared:
    """The two files of one kind."""

    folder: Path
    kind: str

    @property
    def refusals_path(self) -> Path:
        """The file of those refused."""
        return self.folder / f"{self.kind}.arrow"

    @property
    def cuts_path(self) -> Path:
        """The file of cuts."""
        return self.folder / f"{self.kind}-cuts.arrow"

    def refusals(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """Those refused among the rows from start to stop."""
        return _read(self.refusals_path, REFUSALS, start, stop)

    def cuts(self, start: int = 0, stop: int | None = None) -> pa.Table:
        """The cuts in rows from start to stop."""
        return _read(self.cuts_path, CUTS, start, stop)

    def reasons(self) -> dict[str, np.ndarray]:
        """Rows by "step/rule"."""
        table = self.refusals()
        rows = table.column("row").to_numpy()
        rules = table.column("rule").combine_chunks().dictionary_encode()
        codes = rules.indices.to_numpy()
        return {f"{DUPLICATES}/{rule}": rows[codes == code] for code, rule in enumerate(rules.dictionary.to_pylist())}

    def bytes_cut(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows, and bytes cut from them; a row may stand there several times."""
        table = self.cuts()
        return table.column("row").to_numpy(), table.column("end").to_numpy() - table.column("start").to_numpy()


def write_arrow(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    """Write rows as an Arrow file that can be mapped into memory, whole or not at all."""
    with atomic_path(path) as temporary, pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, schema) as to:
        for table in tables:
            to.write_table(table.select(schema.names).cast(schema))


def _read(path: Path, schema: pa.Schema, start: int, stop: int | None) -> pa.Table:
    if not path.exists():
        return schema.empty_table()
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    rows = table.column("row").to_numpy()
    low = int(np.searchsorted(rows, start))
    high = len(rows) if stop is None else int(np.searchsorted(rows, stop))
    return table.slice(low, high - low)
