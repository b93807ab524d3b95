"""Texts out of files: to train small models on, and to score."""

import gzip
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fournil.core.errors import FournilError
from fournil.core.shards import read_batches
from fournil.core.speech import tr

_TEXT, _ROWS = (".txt", ".md"), (".jsonl", ".ndjson")
_PACKED = (".gz", ".xz", ".zst")


def read_texts(paths: Sequence[Path], *, column: str = "text") -> Iterator[str]:
    """The texts of files, one after the other; see `read_rows`."""
    for row in read_rows(paths, columns=(column,)):
        value = row[column]
        if isinstance(value, str) and value:
            yield value


def read_rows(paths: Sequence[Path], *, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Some columns of the rows of files, in the order of the paths, the files of a folder sorted.

    Args:
        paths: Parquet files and JSON lines, or texts and Markdown, which are one row with the column `text` each; JSON
            lines and texts may be packed (.gz, .xz, .zst). Of a folder all such files count, also those below.
        columns: What is wanted.

    Raises:
        FournilError: A file is missing, damaged, of another kind, or lacks a column.
    """
    for path in _files(paths):
        kind = _kind(path)
        if kind == ".parquet":
            for batch in read_batches(path, columns=columns):
                yield from batch.to_pylist()
        elif kind in _TEXT:
            with _opened(path) as file:
                yield {name: file.read() if name == "text" else None for name in columns}
        else:
            yield from _json_rows(path, columns)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    known = (".parquet", *_ROWS, *_TEXT)
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.is_file() and _kind(each) in known)
            found = [each for each in found if not any(part.startswith(".") for part in each.relative_to(path).parts)]
            if not found:
                raise FournilError(tr("no texts in this folder"), where=path, fix=_fix())
            yield from found
        elif not path.exists():
            raise FournilError(tr("no such file"), where=path, fix=tr("Check the path."))
        elif _kind(path) not in known:
            raise FournilError(tr("cannot read texts from a file of this kind"), where=path, fix=_fix())
        else:
            yield path


def _fix() -> str:
    return tr("Give it .parquet, .jsonl, .txt or .md files, the last three also as .gz, .xz or .zst.")


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _PACKED else suffix


def _json_rows(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            missing = [name for name in columns if not isinstance(row, dict) or name not in row]
            if not isinstance(row, dict) or missing:
                raise FournilError(
                    tr("line {number} is no JSON object with {name!r}", number=number, name=missing[0]), where=path,
                    fix=tr("Mend the line, or name another column."),
                )  # fmt: skip
            yield row


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """A file as text, unpacked; what is no text or cut short is said with its name."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig") as file:
                yield file
        elif suffix == ".xz":
            with lzma.open(path, "rt", encoding="utf-8-sig") as file:
                yield file
        elif suffix == ".zst":
            import zstandard

            with zstandard.open(path, "rt", encoding="utf-8-sig") as file:
                yield file
        else:
            with path.open(encoding="utf-8-sig") as file:
                yield file
    except FournilError:
        raise
    except Exception as error:  # each library has exceptions of its own for a file that is cut short
        if not isinstance(error, EOFError | OSError | ValueError | lzma.LZMAError) and "zstd" not in str(error).lower():
            raise
        what = tr("this file cannot be read: {reason}", reason=str(error) or type(error).__name__)
        raise FournilError(what, where=path, fix=tr("Is it whole, and text in UTF-8?")) from error
