"""Files that people have: text, Markdown, HTML, jsonl, csv, parquet, man pages, gettext; also compressed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.readers.decode import UndecodableError, decode
from fournil.stages.sources.readers.man import LARGEST_PAGE_BYTES
from fournil.stages.sources.readers.opening import COMPRESSIONS, DamagedFileError, TooLargeError, read_whole
from fournil.stages.sources.readers.patterns import expand, is_pattern
from fournil.stages.sources.readers.raw import RawDocument, RawPair, Refused
from fournil.stages.sources.readers.rows import Fields, converted
from fournil.stages.sources.readers.tables import csv_rows, json_rows, no_field, open_parquet, parquet_rows

Format = Literal["auto", "txt", "md", "html", "jsonl", "csv", "tsv", "parquet", "man", "mo", "po"]
_FORMATS: dict[str, Format] = {
    ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet",
    ".mo": "mo", ".po": "po",
}  # fmt: skip
_LARGEST: dict[str, int] = {"html": 8 * 2**20, "man": LARGEST_PAGE_BYTES}
"""Formats whose readers take fifty times a file's size of memory, or refuse larger ones."""
_MAN_SUFFIX = re.compile(r"\.[1-9][a-z]*")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*\n", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a file may hold before it is refused: guards against files that unpack to more than a machine has."""

    document_bytes: int = 64 * 2**20
    """A file that is one document."""
    line_bytes: int = 32 * 2**20
    """A line of jsonl, csv or tsv."""
    file_bytes: int = 2**40
    """A file of many documents, unpacked."""


def read_files(
    patterns: Sequence[str | Path],
    *,
    language: str | None = None,
    format: Format = "auto",
    text_field: str = "text",
    id_field: str = "id",
    language_field: str = "language",
    pair_fields: tuple[str, str] | None = ("en", "fr"),
    root: Path | None = None,
    bounds: Bounds | None = None,
) -> Iterator[RawDocument | RawPair | Refused]:
    """Read files one after the other, sorted by path.

    Args:
        patterns: paths or globs (`**` too; `~` is the home folder); a file that several match is read once.
        language: BCP 47 tag of the texts where the file says nothing; the target language of gettext catalogues.
        format: what the files are; "auto" goes by their suffixes, behind `.gz`, `.xz` or `.zst`.
        text_field: the column or key with the text.
        id_field: the column or key with an identifier; without one rows are called by their number.
        language_field: the column or key with the language.
        pair_fields: language tags of translations that stand in columns or keys of these names (and the order of the
            columns in a tsv file without a head); None for none.
        root: the folder below which native ids are paths; by default the one where the pattern's wildcards begin.
        bounds: how large files and lines may be.

    Yields:
        Documents and pairs as the files hold them, and what could not be read with the reason. Native ids are paths,
        and for rows `PATH#ID`.

    Raises:
        FournilError: a pattern without a match, a missing file, a table that is damaged or has no such column.
    """
    bounds = bounds or Bounds()
    fields = Fields(text_field, id_field, language_field, pair_fields, language)
    for path, name in find_files(patterns, root):
        if path.is_symlink() and not path.exists():
            yield Refused(name, "broken-link", "a link to nothing", "a file")
            continue
        kind = _format(path) if format == "auto" else format
        if path.exists() and not path.is_file():  # reading it could wait for ever, or never end
            yield Refused(name, "special", "a pipe, a socket or a device", "a file")
        elif kind is None:
            yield Refused(name, "format", path.suffix or "no suffix", "a suffix of a format that we read")
        elif kind in ("jsonl", "csv", "tsv", "parquet"):
            yield from _read_table(path, name, kind, fields, bounds)
        else:
            yield from _read_document(path, name, kind, fields, bounds)


def find_files(patterns: Sequence[str | Path], root: Path | None = None) -> list[tuple[Path, str]]:
    """The files that patterns match, each once however many links lead to it, sorted, with a name for each.

    Raises:
        FournilError: nothing is given, or one of the patterns matches no file.
    """
    if not patterns:
        raise FournilError(tr("no files are named"), fix=tr("Give at least one path or pattern"))
    found: dict[str, tuple[Path, Path]] = {}
    for pattern in patterns:
        expanded = Path(pattern).expanduser()
        if is_pattern(str(pattern)) and not expanded.exists():
            base = root or _fixed_part(expanded)
            # Several links may lead to one file: the shortest path stands for all.
            by_length = sorted(expand(expanded), key=lambda path: (len(path.parts), path))
            matches = [path for path in by_length if not path.is_dir()]
        else:
            base, matches = root or expanded.parent, [expanded]
        if not matches:
            raise FournilError(tr("no file matches the pattern"), where=str(pattern), fix=tr("Check the path"))
        for path in matches:
            if path.is_dir():
                fix = tr("Name its files, as in {pattern}", pattern=path / "**" / "*.txt")
                raise FournilError(tr("a folder, not a file"), where=path, fix=fix)
            # Links lead to files that a pattern matches anyway; a file that somebody names is meant.
            identity = str(path.absolute()) if path is expanded else _resolved(path)
            found.setdefault(identity, (path, base))
    return sorted(_named(list(found.values())))


def _read_table(
    path: Path, name: str, kind: Format, fields: Fields, bounds: Bounds
) -> Iterator[RawDocument | RawPair | Refused]:
    if kind != "parquet" and _uncompressed(path).suffix.lower() == ".parquet":
        what = tr("a parquet file is no lines of text")
        raise FournilError(what, where=path, fix=tr("Leave the format to auto"))
    if kind == "parquet":
        yield from read_parquet(path, name, fields)
        return
    if kind == "jsonl":
        rows = json_rows(path, name, max_bytes=bounds.file_bytes, max_line_bytes=bounds.line_bytes)
    else:
        one, two = fields.pair_tags or ("en", "fr")
        rows = csv_rows(
            path,
            name,
            tabs=kind == "tsv",
            known=fields.needed,
            asked=fields.asked,
            pair=(one, two),
            max_bytes=bounds.file_bytes,
            max_line_bytes=bounds.line_bytes,
        )
    try:
        yield from converted(rows, path, name, fields)
    except DamagedFileError as error:
        what = tr("the file is damaged: {error}", error=error)
        raise FournilError(what, where=path, fix=tr("Fetch it again")) from None
    except TooLargeError as error:
        what = tr("the file unpacks to more than {bound:,} bytes", bound=error.bound)
        raise FournilError(what, where=path, fix=tr("Split it")) from None


def read_parquet(
    path: Path, name: str, fields: Fields, opened: IO[bytes] | None = None
) -> Iterator[RawDocument | RawPair | Refused]:
    """Read the rows of a parquet file, a row group at a time; errors as `open_parquet`, and for missing columns."""
    with open_parquet(path, opened) as file:
        there = list(file.schema_arrow.names)
        columns = [column for column in there if column in fields.known]
        if not fields.needed & set(columns):
            raise no_field(path, fields.asked, there)
        yield from converted(parquet_rows(file, columns, name), path, name, fields)


def _read_document(
    path: Path, name: str, kind: Format, fields: Fields, bounds: Bounds
) -> Iterator[RawDocument | RawPair | Refused]:
    try:
        data = read_whole(path, max_bytes=bounds.document_bytes)
        if kind in ("mo", "po"):
            yield from _read_messages(data, name, kind, fields, path)
            return
        bound = _LARGEST.get(kind, bounds.document_bytes)
        if len(data) > bound:
            yield Refused(name, "too-large", f"{len(data)} bytes", f"{bound} bytes")
            return
        yield _document(data, name, kind, fields.language)
    except DamagedFileError as error:
        yield Refused(name, "damaged", str(error), "a whole file")
    except TooLargeError:
        yield Refused(name, "too-large", "more", f"{bounds.document_bytes} bytes")
    except UndecodableError as error:
        yield Refused(name, "encoding", error.value, error.bound)


def _document(data: bytes, name: str, kind: Format, language: str | None) -> RawDocument | Refused:
    title: str | None = None
    extra: dict[str, str] = {}
    if kind == "html":
        from fournil.stages.sources.readers.html import read_html

        page = read_html(data)
        text, title, language = page.text, page.title or None, language or page.language
    elif kind == "man":
        from fournil.stages.sources.readers.man import read_man

        man = read_man(data, reader="fournil")
        if man is None:
            return Refused(name, "alias", "a page that points to another", "a page of its own")
        text, title = man.text, man.title or None
    else:
        text, encoding = decode(data)
        text = _plain(text)
        if encoding != "utf-8":
            extra["encoding"] = encoding
        if kind == "md":
            text, title = _markdown(text)
    if not text.strip():
        return Refused(name, "empty", "no text", "some text")
    return RawDocument(name, text, language, title=title, extra=extra)


def _read_messages(
    data: bytes, name: str, kind: Format, fields: Fields, path: Path
) -> Iterator[RawDocument | RawPair | Refused]:
    from fournil.stages.sources.readers.gettext import read_mo, read_po

    if not fields.language:
        what = tr("a catalogue does not say its language")
        raise FournilError(what, where=path, fix=tr("Set `language` to that of its translations"))
    read = read_mo if kind == "mo" else read_po
    for number, message in enumerate(read(data, where=str(path)), start=1):
        extra = {"kind": "message"} | ({"context": message.context} if message.context else {})
        yield RawPair(f"{name}#{number}", {"en": message.source, fields.language: message.target}, extra=extra)


def _markdown(text: str) -> tuple[str, str | None]:
    title = None
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :].lstrip("\n")
        title = _FRONT_TITLE.search(front[1])
    title = title or _HEADING.search(text)
    return text, title[1].strip() if title else None


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _uncompressed(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path


def _format(path: Path) -> Format | None:
    suffix = _uncompressed(path).suffix.lower()
    return _FORMATS.get(suffix) or ("man" if _MAN_SUFFIX.fullmatch(suffix) else None)


def _resolved(path: Path) -> str:
    try:
        return str(path.resolve())
    except (OSError, RuntimeError):
        return str(path)


def _fixed_part(pattern: Path) -> Path:
    fixed: list[str] = []
    for part in pattern.parts[:-1]:
        if is_pattern(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _named(found: list[tuple[Path, Path]]) -> Iterator[tuple[Path, str]]:
    """Give each file its path below the pattern's folder; where two agree, as many folders more as tell them apart."""
    names = {path: path.relative_to(base).as_posix() for path, base in found}
    by_name: dict[str, list[Path]] = {}
    for path, name in names.items():
        by_name.setdefault(name, []).append(path)
    for name, paths in by_name.items():
        depth = len(Path(name).parts)
        while len(paths) > 1 and len({path.parts[-depth:] for path in paths}) < len(paths):
            depth += 1
        for path in paths:
            yield path, Path(*path.parts[-depth:]).as_posix() if len(paths) > 1 else name
