"""Tables of plain text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence


def aligned(table: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Lay rows out in columns, two spaces apart.

    Args:
        table: Rows of cells; a row may have fewer than others.
        right: Columns whose cells stand to the right.
    """
    widths = [max(_width(row[i]) for row in table if i < len(row)) for i in range(max(map(len, table)))]
    for row in table:
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=False)):
            room = " " * (width - _width(cell))
            cells.append(room + cell if column in right else cell + room)
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Columns that a terminal needs: combining marks take none."""
    return sum(not unicodedata.combining(char) for char in text)
