"""All rows of one kind, without their texts: what the steps that compare rows need to know."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.curate.chunks import Chunks
from fournil.stages.curate.columns import Arrays, Codes, load_columns


@dataclass(frozen=True)
class Rows:
    """Documents or pairs, in input order, as columns; large ones are mapped from files."""

    kind: str
    """`documents` or `pairs`."""

    chunks: Chunks
    ids: pa.LargeStringArray
    sources: Codes
    languages: Codes
    """Of documents; pairs have none."""

    licences: Codes
    categories: Codes
    reasons: Codes
    """"step/rule" of who refused the row, among the steps that look at one row alone; -1: nobody did."""

    arrays: Arrays
    bounds: np.ndarray
    """Where each chunk's rows begin, and where the last one's end."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def id_keys(self) -> np.ndarray:
        """A hash (uint64) of each id."""
        return self.arrays["id_keys"].astype(np.uint64, copy=False)

    @property
    def groups(self) -> np.ndarray:
        """Groups of translations: a hash (uint64) of each one's name, 0 for none."""
        return self.arrays["groups"].astype(np.uint64, copy=False)

    def refused_by(self, *steps: str) -> np.ndarray:
        """True for rows that one of these steps refused."""
        return self.reasons.where(*(name for name in self.reasons.names if name.split("/")[0] in steps))


def load_rows(chunks: Chunks, kind: str, folder: Path, place: Path) -> Rows:
    """Read all that is known of the rows but their texts.

    Args:
        chunks: The rows' chunks.
        kind: `documents` or `pairs`.
        folder: Where the columns are kept.
        place: Where the rows came from, for errors.

    Raises:
        FournilError: An id is given twice.
    """
    columns = load_columns(chunks, folder)
    coded = columns.coded
    rows = Rows(
        kind,
        chunks,
        columns.ids,
        coded["source"],
        coded["language"],
        coded["licence"],
        coded["category"],
        coded["reason"],
        columns.arrays,
        columns.bounds,
    )
    _refuse_repeated_ids(rows, place)
    return rows


def _refuse_repeated_ids(rows: Rows, place: Path) -> None:
    keys = np.sort(rows.id_keys)
    twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
    if not len(twice):
        return
    seen: set[str] = set()
    for row in np.flatnonzero(np.isin(rows.id_keys, twice)).tolist():  # few, or the first error ends it
        name = rows.ids[row].as_py()
        if name in seen:
            what = tr("the id {name!r} is given twice", name=name)
            raise FournilError(what, where=place, fix=tr("Give every row an id of its own."))
        seen.add(name)
