"""What a comparison prints and keeps: a table, and as its last line the rows as JSON.

A row is {"case", "ours", "peer", "unit", "ratio", "equal"}: `ratio` above 1 is better for us, `equal` is the share of
equal outputs from 0 to 1, null where the two are not meant to be equal. `of` says which case was asked for; rows that
say why nothing was measured have a `note` alone, and more columns do no harm.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def grid(cells: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, the first row its head."""
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def compared(rows: Iterable[Row]) -> list[str]:
    """Lines of the table of rows that have a ratio."""
    cells = [("case", "Fournil", "peer", "ratio", "equal", "unit")]
    for row in rows:
        if "ratio" in row:
            equal = "–" if row["equal"] is None else f"{row['equal']:.4g}"
            cells.append(
                (row["case"], said(row["ours"]), said(row["peer"]), f"{row['ratio']:,.4g}", equal, row["unit"])
            )
    return grid(cells)


def said(figure: float) -> str:
    """A figure as tables show it."""
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.4g}" if abs(figure) < 1000 else f"{figure:,.0f}"


def kept(path: Path) -> dict[str, list[Row]]:
    """The rows of earlier runs, by the case that was asked for."""
    held: dict[str, list[Row]] = {}
    if path.is_file():
        told = json.loads(path.read_text("utf-8").splitlines()[-1])
        for row in (*told["rows"], *told.get("tables", ())):
            held.setdefault(row["of"], []).append(row)
    return held


def last_line(name: str, rows: Iterable[Row], tables: Iterable[Row] = (), **more: Any) -> str:
    """The rows as JSON.

    Args:
        name: The script's.
        rows: Comparisons; what was found equal or not becomes 1 or 0.
        tables: What other tables are made of.
        more: Said beside them.
    """
    made = [row | {"equal": float(row["equal"])} if isinstance(row.get("equal"), bool) else row for row in rows]
    told: Mapping[str, Any] = {"bench": name, "rows": made, **({"tables": list(tables)} if tables else {}), **more}
    return json.dumps(told, ensure_ascii=False)
