"""How much text files hold, from their sizes and as little reading as tells it."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from fournil.apps.plan.order import PARALLEL, Text

PACKED = (".gz", ".xz", ".zst")
ROWS = (".jsonl", ".ndjson", ".csv", ".tsv")
MOST_LINES_BYTES = 64_000_000
"""Files up to here are read to count their lines; of larger ones the number stays unknown."""


def count(
    paths: Sequence[Path], key: str, language: str, text_column: str, pair_columns: Sequence[str]
) -> Iterator[Text]:
    """Count the texts of files of one source.

    Args:
        paths: The files.
        key: The source's.
        language: Of all of them; empty where it is found later.
        text_column: The column that holds text in tables.
        pair_columns: The two columns that hold pairs; empty: none.
    """
    numbers: dict[bool, float | None] = defaultdict(float)
    sizes: dict[bool, float] = defaultdict(float)
    packed: dict[bool, bool] = defaultdict(bool)
    for path in paths:
        pairs, number, size = _of_file(path, text_column, pair_columns)
        so_far = numbers[pairs]
        numbers[pairs] = None if so_far is None or number is None else so_far + number
        sizes[pairs] += size
        packed[pairs] |= path.suffix.lower() in PACKED
    for pairs, size in sorted(sizes.items()):
        group = PARALLEL if pairs else language
        yield Text(key, group, "files", numbers[pairs], size, origin="counted", at_least=packed[pairs])


def line_pairs(key: str, sides: Sequence[Sequence[Path]]) -> Iterator[Text]:
    """Count the pairs of lines of files that are translations of each other, by name, where they have as many."""
    by_name: dict[str, list[list[str]]] = defaultdict(list)
    for paths in sides:
        for path in paths:
            lines = path.read_text("utf-8", errors="replace").splitlines()
            by_name[path.name].append([line.strip() for line in lines if any(map(str.isalpha, line))])
    number = size = 0
    for texts in by_name.values():
        for first in range(len(texts)):
            for second in range(first + 1, len(texts)):
                if len(texts[first]) == len(texts[second]):
                    number += len(texts[first])
                    size += sum(len(line.encode()) for line in (*texts[first], *texts[second]))
    if number:
        yield Text(key, PARALLEL, "files", float(number), float(size), origin="counted")


def _of_file(path: Path, text_column: str, pair_columns: Sequence[str]) -> tuple[bool, float | None, float]:
    """Say whether a file holds pairs, how many texts (None: not known), and how many bytes."""
    size = float(path.stat().st_size)
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _of_parquet(path, text_column, pair_columns)
    if kind not in ROWS:
        return False, None if kind in PACKED else 1.0, size
    pairs = kind in (".tsv", ".csv") and _holds_pairs(path, text_column)
    if size > MOST_LINES_BYTES:
        return pairs, None, size
    with path.open("rb") as file:
        return pairs, float(sum(1 for line in file if line.strip())), size


def _holds_pairs(path: Path, text_column: str) -> bool:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        head = next(csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","), [])
    return text_column not in head and len(head) >= 2


def _of_parquet(path: Path, text_column: str, pair_columns: Sequence[str]) -> tuple[bool, float | None, float]:
    """Read a Parquet file's footer: it tells rows, and the bytes of each column before they were compressed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return False, None, float(path.stat().st_size)  # the stage that reads it will say what is wrong
    sizes: dict[str, float] = defaultdict(float)
    for group in range(footer.num_row_groups):
        for number in range(footer.num_columns):
            column = footer.row_group(group).column(number)
            sizes[column.path_in_schema.split(".")[0]] += column.total_uncompressed_size
    pairs = text_column not in sizes and bool(pair_columns) and set(pair_columns) <= set(sizes)
    wanted = pair_columns if pairs else (text_column,)
    return pairs, float(footer.num_rows), sum(sizes.get(name, 0.0) for name in wanted)
