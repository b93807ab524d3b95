"""Rows of jsonl, csv, tsv and parquet files, one at a time, whatever the size of the file."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.readers.decode import UndecodableError, bom_encoding, guess_encoding
from fournil.stages.sources.readers.opening import open_stream
from fournil.stages.sources.readers.raw import Refused

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Row = tuple[int, Mapping[str, Any]]
_BATCH_ROWS = 1024
_SAMPLE_BYTES = 2**16
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_LFS = b"version https://git-lfs"


def json_rows(path: Path, name: str, *, max_bytes: int, max_line_bytes: int) -> Iterator[Row | Refused]:
    """Objects of a file with one JSON object a line; what is no object is refused by its line number."""
    for number, line in _lines(path, name, max_bytes, max_line_bytes):
        if isinstance(line, Refused):
            yield line
            continue
        text, _ = line
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield Refused(f"{name}#{number}", "json", str(error), "one JSON object a line", text)
            continue
        if _HALF.search(text) and not _is_whole(value):
            yield Refused(f"{name}#{number}", "encoding", "half a surrogate pair", "whole characters", text)
        elif isinstance(value, dict):
            yield number, value
        else:
            yield Refused(f"{name}#{number}", "json", type(value).__name__, "one JSON object a line", text)


def _is_whole(value: object) -> bool:
    r"""Say whether text that JSON escapes as \ud83d\ude00 has both halves of each character."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def csv_rows(
    path: Path,
    name: str,
    *,
    tabs: bool,
    known: frozenset[str],
    asked: frozenset[str],
    pair: tuple[str, str],
    max_bytes: int,
    max_line_bytes: int,
) -> Iterator[Row | Refused]:
    """Rows of a csv or tsv file as mappings.

    Args:
        path: the file.
        name: how refusals call it.
        tabs: whether tabs separate the columns and quotation marks mean themselves (tsv).
        known: column names, in lower case, by which a first line is known to be a head.
        asked: the names to tell a user whose file has none of them.
        pair: what the two columns of a tsv without a head are called.
        max_bytes: bound on the unpacked file.
        max_line_bytes: bound on a line and on a cell.
    """
    refused: list[Refused] = []
    encodings: set[str] = set()

    def lines() -> Iterator[str]:
        for _, line in _lines(path, name, max_bytes, max_line_bytes):
            if isinstance(line, Refused):
                refused.append(line)
            else:
                encodings.add(line[1])
                yield line[0]

    source = lines()
    first = next(source, None)
    if first is None:
        yield from refused
        return
    separator = "\t" if tabs else max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))

    def chained() -> Iterator[str]:
        yield first
        yield from source

    csv.field_size_limit(max_line_bytes)
    quoting = csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
    reader = csv.reader(chained(), delimiter=separator, quoting=quoting)
    head: list[str] | None = None
    number = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            number += 1
            yield Refused(f"{name}#{number}", "csv", str(error), "a row of cells")
            continue
        number += 1
        yield from refused
        refused.clear()
        if head is None:
            named = [cell.strip() for cell in cells]
            if known & {cell.lower() for cell in named}:
                head = named
                continue
            if not (tabs and len(cells) == 2):
                raise no_field(path, asked, named)
            head = list(pair)
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            text = separator.join(cells)
            yield Refused(f"{name}#{number}", "columns", str(len(cells)), str(len(head)), text)
            continue
        row: dict[str, Any] = dict(zip(head, cells, strict=True))
        if encodings - {"utf-8"}:
            row["\0encoding"] = sorted(encodings - {"utf-8"})[0]
        yield number, row
    yield from refused


def parquet_rows(file: pq.ParquetFile, columns: list[str], name: str) -> Iterator[Row | Refused]:
    """Rows of a parquet file with the columns named, a row group at a time; what nobody asks for is not read."""
    number = 0
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=columns):
            try:
                rows = batch.to_pylist(maps_as_pydicts="lossy")
            except UnicodeDecodeError:  # some row is no UTF-8: one by one
                rows = [_decoded(batch.slice(place, 1)) for place in range(batch.num_rows)]
            for row in rows:
                number += 1
                if row is None:
                    yield Refused(f"{name}#{number}", "encoding", "no UTF-8", "UTF-8 text")
                else:
                    yield number, row


def _decoded(row: pa.RecordBatch) -> Mapping[str, Any] | None:
    try:
        return row.to_pylist(maps_as_pydicts="lossy")[0]
    except UnicodeDecodeError:
        return None


@contextmanager
def open_parquet(path: Path, opened: IO[bytes] | None = None) -> Iterator[pq.ParquetFile]:
    """Open a parquet file.

    Args:
        path: the file, or what to call the one that is open already.
        opened: a file that is open already, such as one of the hub.

    Raises:
        FournilError: the file is missing, cut short, a pointer of git-lfs, or no parquet at all.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if opened is None:
            with path.open("rb") as start:
                if start.read(len(_LFS)) == _LFS:
                    what = tr("a pointer of git-lfs, not the data")
                    raise FournilError(what, where=path, fix=tr("Run `git lfs pull` at its origin"))
        with pq.ParquetFile(path if opened is None else opened) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        why = (getattr(error, "strerror", None) or str(error)).splitlines()[:1]
        what = tr("no readable parquet file: {reason}", reason="".join(why).rstrip(".") or "?")
        raise FournilError(what, where=path, fix=tr("Fetch it again")) from None


def _lines(
    path: Path, name: str, max_bytes: int, max_line_bytes: int
) -> Iterator[tuple[int, tuple[str, str] | Refused]]:
    """Lines with their number: text and its encoding, or why there is none."""
    with open_stream(path, max_bytes=max_bytes) as stream:
        encoding = bom_encoding(stream.peek(4)[:4])
        if encoding and encoding != "utf-8-sig":
            yield from _wide_lines(stream, encoding, name, max_line_bytes)
            return
        number = 0
        guessed: str | None = None
        while line := stream.readline(max_line_bytes + 1):
            number += 1
            if len(line) > max_line_bytes:
                length = len(line) + _skip_line(stream, line)
                yield number, Refused(f"{name}#{number}", "line-too-long", f"{length} bytes", f"{max_line_bytes} bytes")
                continue
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if b"\0" in line:
                yield number, Refused(f"{name}#{number}", "binary", "NUL", "text")
                continue
            try:
                yield number, (line.decode("utf-8"), "utf-8")
            except UnicodeDecodeError:
                try:
                    guessed = guessed or guess_encoding(line)
                    yield number, (line.decode(guessed), guessed)
                except (UndecodableError, UnicodeDecodeError):
                    yield number, Refused(f"{name}#{number}", "encoding", "no known encoding", "UTF-8 text")


def _wide_lines(
    stream: IO[bytes], encoding: str, name: str, max_line_bytes: int
) -> Iterator[tuple[int, tuple[str, str] | Refused]]:
    reader = io.TextIOWrapper(stream, encoding, newline="")
    number = 0
    try:
        while line := reader.readline(max_line_bytes // 2 + 1):
            number += 1
            if len(line) > max_line_bytes // 2:
                while not line.endswith("\n") and (line := reader.readline(_SAMPLE_BYTES)):
                    pass
                yield number, Refused(f"{name}#{number}", "line-too-long", "longer", f"{max_line_bytes} bytes")
                continue
            yield number, (line, encoding)
    except UnicodeError as error:
        yield number + 1, Refused(f"{name}#{number + 1}", "encoding", str(error), f"{encoding} text")
    finally:
        reader.detach()


def _skip_line(stream: IO[bytes], start: bytes) -> int:
    skipped = 0
    while not start.endswith(b"\n") and (start := stream.readline(_SAMPLE_BYTES)):
        skipped += len(start)
    return skipped


def no_field(path: Path, wanted: frozenset[str], there: Iterable[str]) -> FournilError:
    """The error for a file in which no column or key has a name that holds text."""
    names = ", ".join(list(there)[:20])
    asked = tr(" or ").join(sorted(wanted))
    fix = tr("Name the one with the text; there are: {names}", names=names)
    return FournilError(tr("no field called {names}", names=asked), where=path, fix=fix)
