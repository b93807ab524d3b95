"""Passages that are cut from texts because others have them too."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pyarrow as pa

from fournil.core.document import EDITS
from fournil.parts.text.normalise import replace
from fournil.stages.curate.names import DUPLICATES


def apply_cuts(rows: pa.Table, cuts: pa.Table, start: int) -> tuple[pa.Table, pa.Table]:
    """Cut passages from documents.

    Args:
        rows: Of one chunk.
        cuts: As compared.CUTS has them, of these rows.
        start: The first row's number.

    Returns:
        The rows with their new texts, and the edits.
    """
    if not cuts.num_rows:
        return rows, EDITS.empty_table()
    column, ids = rows.column("text").combine_chunks(), rows.column("id")
    new: dict[int, str] = {}
    edits: list[dict[str, Any]] = []
    for row, group in groupby(cuts.to_pylist(), key=lambda cut: cut["row"]):
        place = row - start
        data = column[place].as_py().encode()
        kept: list[bytes] = []
        last = 0
        for left, was, cut, at in _passages(data, group):
            kept.append(left)
            last = cut["end"]
            where = {"start": at, "end": at + len(was)}
            edits.append(
                {"id": ids[place].as_py(), "step": DUPLICATES, "rule": cut["rule"], **where, "was": was, "now": ""}
            )
        new[place] = (b"".join(kept) + data[last:]).decode()
    number = rows.schema.get_field_index("text")
    rows = rows.set_column(number, rows.schema.field("text"), replace(column, new))
    return rows, pa.Table.from_pylist(edits, schema=EDITS)


def _passages(data: bytes, cuts: Iterator[dict[str, Any]]) -> Iterator[tuple[bytes, str, dict[str, Any], int]]:
    """What stands before each cut since the last one, what is cut, the cut, and where that begins in code points."""
    behind = characters = 0
    for cut in cuts:
        left, was = data[behind : cut["start"]], data[cut["start"] : cut["end"]].decode()
        characters += len(left.decode())
        yield left, was, cut, characters
        characters += len(was)
        behind = cut["end"]
