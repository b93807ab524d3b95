"""Rows of a local file: JSON lines, CSV, TSV or Parquet."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.speech import tr

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.xz", ".csv", ".tsv", ".parquet")
MAX_ROWS = 1_000_000

Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Read a file's rows.

    Raises:
        FournilError: There is no such file, its kind is not known, or a line cannot be read; the message names it.
    """
    if not path.is_file():
        raise FournilError(tr("there is no such file"), where=path, fix=tr("`data` is beside the set's own file."))
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        ".jsonl": _json_lines,
        ".jsonl.gz": _json_lines,
        ".jsonl.xz": _json_lines,
        ".csv": _separated,
        ".tsv": _separated,
        ".parquet": _parquet,
    }
    suffix = next((suffix for suffix in sorted(readers, key=len, reverse=True) if path.name.endswith(suffix)), None)
    if suffix is None:
        raise FournilError(
            tr("files of this kind are not read"),
            where=path,
            fix=tr("Give one of {suffixes}.", suffixes=", ".join(SUFFIXES)),
        )
    rows: list[Row] = []
    try:
        for row in readers[suffix](path):
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise FournilError(tr("more than {count:,} rows", count=MAX_ROWS), where=path)
    except (UnicodeDecodeError, csv.Error, pa.ArrowException, EOFError, OSError, lzma.LZMAError) as error:
        raise FournilError(tr("cannot be read: {error}", error=error), where=path) from error
    if not rows:
        raise FournilError(tr("the file has no rows"), where=path)
    return rows


def _open(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    if path.name.endswith(".xz"):
        return lzma.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig", newline="")


def _json_lines(path: Path) -> Iterator[Row]:
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise FournilError(tr("not valid JSON: {error}", error=error), where=f"{path}:{number}") from error
            if not isinstance(row, dict):
                raise FournilError(tr("each line must be a JSON object"), where=f"{path}:{number}")
            yield row


def _separated(path: Path) -> Iterator[Row]:
    with _open(path) as file:
        reader = csv.DictReader(file, delimiter="\t" if path.name.endswith(".tsv") else ",", strict=True)
        for row in reader:
            if None in row or None in row.values():
                raise FournilError(
                    tr("a row has more or fewer fields than the first line"), where=f"{path}:{reader.line_num}"
                )
            yield dict(row)


def _parquet(path: Path) -> Iterator[Row]:
    for batch in pq.ParquetFile(path).iter_batches():
        yield from batch.to_pylist()
