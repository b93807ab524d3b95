"""All rows of one kind in memory, without their texts: what the steps that compare rows need to know."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fournil.stages.curate.chunks import Chunks
from fournil.stages.curate.documents import translation_groups

_COLUMNS = ["id", "source", "category", "extra", "step", "rule"]


@dataclass
class Rows:
    """Documents or pairs, in input order."""

    kind: str
    """`documents` or `pairs`."""

    ids: list[str]
    sources: list[str]
    languages: list[str]
    """Of documents; empty strings for pairs."""

    groups: list[str | None]
    """Groups of translations."""

    steps: list[str | None]
    rules: list[str | None]
    """Who refused the row, among the steps that look at one row alone."""

    arrays: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.ids)

    def refused_by(self, *steps: str) -> np.ndarray:
        """True for rows that one of these steps refused."""
        return np.array([step in steps for step in self.steps], bool)


def load_rows(chunks: Chunks, kind: str, arrays: tuple[str, ...]) -> Rows:
    """Read all rows' columns but their texts."""
    columns = [*_COLUMNS, "language"] if kind == "documents" else _COLUMNS
    tables = list(chunks.rows(columns))
    table = pa.concat_tables(tables) if tables else pa.table({name: pa.array([], pa.string()) for name in columns})
    table = table.combine_chunks()
    languages = table.column("language").to_pylist() if kind == "documents" else [""] * table.num_rows
    return Rows(
        kind,
        table.column("id").to_pylist(),
        table.column("source").to_pylist(),
        [tag or "" for tag in languages],
        translation_groups(table),
        table.column("step").to_pylist(),
        table.column("rule").to_pylist(),
        chunks.arrays(*arrays),
    )
