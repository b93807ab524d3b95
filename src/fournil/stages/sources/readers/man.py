"""Man pages as plain text: paragraphs as single lines, headings as lines, examples as they stand.

Three engines give the same words: mandoc, groff, and a small reader of our own for machines that have neither.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.readers.man_engines import groff_pages, mandoc_pages
from fournil.stages.sources.readers.marks import plain_text, without_marks
from fournil.stages.sources.readers.mdoc import man_source
from fournil.stages.sources.readers.roff import Roff, split_arguments
from fournil.stages.sources.readers.roff_tables import reduce_tables
from fournil.stages.sources.readers.roff_text import unescape

ManReader = Literal["mandoc", "groff", "fournil"]
LARGEST_PAGE_BYTES = 16 * 2**20
_PAGES_PER_PROCESS = 100
_LINK = re.compile(r"\s*(?:[.'][ \t]*\\\"[^\n]*\n|\s*\n)*\.so[ \t]+[^\n]+\n?(?:[.'][ \t]*\\\"[^\n]*\n?|\s*\n?)*\s*")
_TITLE = re.compile(r"^\.[ \t]*(TH|Dt)[ \t]+(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ManPage:
    """A page: its title as `name(section)` and its text."""

    title: str
    text: str


def find_man_reader() -> ManReader:
    """The best reader that this machine has: mandoc, else groff, else our own."""
    if shutil.which("mandoc"):
        return "mandoc"
    return "groff" if shutil.which("groff") and shutil.which("preconv") else "fournil"


def read_man(data: bytes, *, reader: ManReader) -> ManPage | None:
    """Read one page; see `read_many`."""
    return read_many([data], reader=reader, jobs=1)[0]


def read_many(pages: Sequence[bytes], *, reader: ManReader, jobs: int) -> list[ManPage | None]:
    """Read man pages, gzipped or not, UTF-8 or Latin-1.

    Args:
        pages: the files' bytes.
        reader: which engine (`find_man_reader` chooses).
        jobs: how many processes of mandoc or groff run side by side; our own reader is one process always.

    Returns:
        One page each, in order; None for pages that only point to another one (`.so`).

    Raises:
        FournilError: a page is no readable gzip file or unreasonably big, or the engine is missing.
    """
    sources = [_decode(page) for page in pages]
    numbers = [number for number, source in enumerate(sources) if not _LINK.fullmatch(source)]
    if reader != "mandoc":  # which knows both sets of macros
        for number in numbers:
            sources[number] = man_source(sources[number])
    if reader == "fournil":
        marked = [_read_here(sources[number]) for number in numbers]
    else:
        engine = mandoc_pages if reader == "mandoc" else groff_pages
        size = max(1, min(_PAGES_PER_PROCESS, -(-len(numbers) // max(1, jobs))))
        readable = [sources[number] for number in numbers]
        batches = [readable[start : start + size] for start in range(0, len(readable), size)]
        with ThreadPoolExecutor(max(1, jobs)) as pool:
            marked = [page for batch in pool.map(engine, batches) for page in batch]
    read: list[ManPage | None] = [None] * len(pages)
    for number, text in zip(numbers, marked, strict=True):
        read[number] = ManPage(_title(sources[number]), plain_text(text))
    return read


def _read_here(source: str) -> str:
    roff = Roff()
    roff.run(reduce_tables(source.split("\n")))
    return roff.marked


def _decode(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(31)
        try:
            data = unpacker.decompress(data, LARGEST_PAGE_BYTES + 1)
        except zlib.error as error:
            what = tr("a man page is no readable gzip file: {error}", error=error)
            raise FournilError(what, fix=tr("Fetch its package again")) from None
        if not unpacker.eof and len(data) <= LARGEST_PAGE_BYTES:
            raise FournilError(tr("a man page's gzip file ends too early"), fix=tr("Fetch its package again"))
    if len(data) > LARGEST_PAGE_BYTES:
        what = tr("a man page is bigger than {size:,} MiB", size=LARGEST_PAGE_BYTES // 2**20)
        raise FournilError(what, fix=tr("Leave it out"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return without_marks(text.replace("\r\n", "\n").replace("\r", "\n"))


def _title(source: str) -> str:
    match = _TITLE.search(source)
    if not match:
        return ""
    words = [unescape(word) for word in split_arguments(match[2])]
    return f"{words[0]}({words[1]})" if len(words) > 1 else "".join(words)
