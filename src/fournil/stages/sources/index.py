"""Indexes of packages, tens of megabytes of text: only the stanzas that somebody wants are kept."""

from __future__ import annotations

import gzip
import io
import lzma
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from fournil.core.errors import FournilError
from fournil.core.speech import tr

MAX_INDEX_BYTES = 2**30
"""Bound on an index, packed and unpacked."""
_CHUNK_BYTES = 2**22
_HEAD = re.compile(rb"^Package:[ \t]*(\S+)", re.MULTILINE)


def stanzas(path: Path, wanted: set[str]) -> Iterator[str]:
    """Give the stanzas of the wanted packages out of an index, packed as its suffix says.

    Raises:
        FournilError: It is damaged, or unpacks to more than `MAX_INDEX_BYTES`.
    """
    openers = {".xz": lzma.open, ".gz": gzip.open}
    with openers.get(path.suffix, open)(path, "rb") as raw:
        stream = io.BufferedReader(cast(Any, _Bounded(cast(BinaryIO, raw), path)), _CHUNK_BYTES)
        rest = b""
        while chunk := stream.read(_CHUNK_BYTES):
            *stanzas, rest = (rest + chunk).split(b"\n\n")
            yield from _chosen(stanzas, wanted)
        yield from _chosen([rest], wanted)


def _chosen(stanzas: Sequence[bytes], wanted: set[str]) -> Iterator[str]:
    for stanza in stanzas:
        found = _HEAD.search(stanza)
        if found and found[1].decode("utf-8", "replace") in wanted:
            yield stanza.decode("utf-8", "replace")


class _Bounded(io.RawIOBase):
    """An unpacked index, up to the bound."""

    def __init__(self, data: BinaryIO, path: Path) -> None:
        self._data, self._path, self._left = data, path, MAX_INDEX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            out = self._data.read(len(buffer))
        except (OSError, EOFError, lzma.LZMAError) as error:
            fix = tr("Delete the file and run the same command again.")
            raise FournilError(tr("this index of packages is damaged"), where=self._path, fix=fix) from error
        self._left -= len(out)
        if self._left < 0:
            what = tr("this index of packages is larger than {size:,} MiB", size=MAX_INDEX_BYTES // 2**20)
            raise FournilError(what, where=self._path, fix=tr("Name another mirror."))
        buffer[: len(out)] = out
        return len(out)
