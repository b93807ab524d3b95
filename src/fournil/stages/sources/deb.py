"""Reading .deb packages without unpacking them to the disk: the wanted files only, within bounds.

A .deb is an ar archive that holds a tar of the package's files (deb(5)). Names that leave the archive's root, devices,
and files over the bounds are counted and never read. Links are followed inside the archive and nowhere else.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from fournil.core.errors import FournilError
from fournil.core.speech import tr

_MAX_LINKS = 8
_MAX_WINDOW_BYTES = 256 * 2**20
_MAX_MEMBERS = 500_000


@dataclass(frozen=True)
class Bounds:
    """How much of a package is read."""

    member_bytes: int = 16 * 2**20
    package_bytes: int = 2 * 2**30


@dataclass
class Contents:
    """What was read from one package."""

    files: dict[str, bytes] = field(default_factory=dict)
    """Name without a leading slash → bytes, in the archive's order."""
    links: dict[str, str] = field(default_factory=dict)
    """Name of every symbolic or hard link → the name inside the archive that it stands for."""
    refused: Counter[str] = field(default_factory=Counter)
    """Rule → members that were not read: `outside`, `too-large`, `special`."""


class OverBoundError(Exception):
    """More bytes came out of an archive than allowed."""


def read_deb(path: Path, wanted: Callable[[str], bool], bounds: Bounds) -> Contents:
    """Read the wanted files of a package.

    Args:
        path: The .deb file.
        wanted: Says of a name (`usr/share/…`, no leading slash) whether its bytes are wanted.
        bounds: How much is read at most.

    Raises:
        FournilError: When the file is no .deb, is cut short, or unpacks to more than the bounds allow.
    """
    try:
        with path.open("rb") as file, _open_data(file, path) as data:
            return _read_tar(cast(BinaryIO, _Counted(data, bounds.package_bytes)), wanted, bounds)
    except OverBoundError as error:
        what = tr("this package unpacks to more than {size:,} MiB", size=bounds.package_bytes // 2**20)
        raise FournilError(what, where=path, fix=tr("Raise sources.max_unpacked_mb if you trust it.")) from error
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError, ValueError, _zstd_error()) as error:
        raise FournilError(tr("this package is damaged or cut short"), where=path, fix=_again()) from error


def follow(name: str, contents: Contents) -> str:
    """Return what a name stands for after following links, those of its folders too."""
    for _ in range(_MAX_LINKS):
        parts = name.split("/")
        for end in range(len(parts), 0, -1):
            head = "/".join(parts[:end])
            if head in contents.links:
                name = "/".join([contents.links[head], *parts[end:]])
                break
        else:
            return name
    return name


def gunzip(data: bytes, max_bytes: int) -> bytes:
    """Return the bytes of a gzip file.

    Raises:
        OverBoundError: When they are more than `max_bytes`.
        OSError, EOFError: When it is damaged.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        out = file.read(max_bytes + 1)
    if len(out) > max_bytes:
        raise OverBoundError
    return out


def _read_tar(data: BinaryIO, wanted: Callable[[str], bool], bounds: Bounds) -> Contents:
    out = Contents()
    with tarfile.open(fileobj=data, mode="r|") as tar:
        for number, member in enumerate(tar):
            if number >= _MAX_MEMBERS:
                raise OverBoundError
            if member.isdir():
                continue
            name = _inside(member.name)
            if name is None:
                out.refused["outside"] += 1
            elif member.issym() or member.islnk():
                base = posixpath.dirname(name) if member.issym() and not member.linkname.startswith("/") else ""
                target = _inside(posixpath.join(base, member.linkname.lstrip("/")), clean=True)
                if target is None:
                    out.refused["outside"] += 1
                else:
                    out.links[name] = target
            elif not member.isreg():
                out.refused["special"] += 1
            elif wanted(name):
                if member.size > bounds.member_bytes:
                    out.refused["too-large"] += 1
                    continue
                out.files[name] = cast(BinaryIO, tar.extractfile(member)).read()
                if len(out.files[name]) != member.size:
                    raise EOFError
    return out


def _inside(name: str, *, clean: bool = False) -> str | None:
    """Return a member's name without its leading `./`, or None when it is no plain name below the archive's root."""
    name = name.removeprefix("./")
    path = posixpath.normpath(name)
    if path in (".", "..") or path.startswith(("/", "../")) or any(ord(c) < 32 for c in path):
        return None
    return path if clean or path == name.rstrip("/") else None


def _open_data(file: BinaryIO, path: Path) -> BinaryIO:
    """Find the member data.tar.* of the ar archive and return its unpacked bytes as a stream."""
    if file.read(8) != b"!<arch>\n":
        raise FournilError(tr("this file is no Debian package"), where=path, fix=_again())
    while header := file.read(60):
        if len(header) < 60 or header[58:] != b"`\n":
            raise EOFError
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        size = int(header[48:58])
        if name.startswith("data.tar"):
            return _unpacked(cast(BinaryIO, _Slice(file, size)), name.removeprefix("data.tar"), path)
        file.seek(size + size % 2, io.SEEK_CUR)
    raise EOFError


def _unpacked(raw: BinaryIO, kind: str, path: Path) -> BinaryIO:
    if kind == "":
        return raw
    if kind == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if kind == ".bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if kind == ".xz":
        return cast(BinaryIO, io.BufferedReader(_Xz(raw), 2**20))
    if kind == ".zst":
        import zstandard

        unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, unpacker.stream_reader(raw)), 2**20))
    what = tr("packages packed as {name} are not known", name=f"data.tar{kind}")
    raise FournilError(what, where=path, fix=tr("Take the source out of sources.use."))


def _again() -> str:
    return tr("Delete the file and run the same command again.")


def _zstd_error() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError


class _Slice(io.RawIOBase):
    """The next `size` bytes of a file as a file of their own; missing bytes are an error."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        size = min(len(buffer), self._left)
        data = self._file.read(size)
        if len(data) < size:
            raise EOFError
        buffer[:size] = data
        self._left -= size
        return size


class _Xz(io.RawIOBase):
    """Unpacked xz with a bound on the memory that the stream may ask for (lzma.LZMAFile has none)."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._unpacker = raw, lzma.LZMADecompressor(memlimit=_MAX_WINDOW_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        while not self._unpacker.eof:
            data = self._raw.read(2**18) if self._unpacker.needs_input else b""
            if not data and self._unpacker.needs_input:
                raise EOFError
            out = self._unpacker.decompress(data, len(buffer))
            if out:
                buffer[: len(out)] = out
                return len(out)
        return 0


class _Counted(io.RawIOBase):
    """A stream that stops with OverBoundError after so many bytes."""

    def __init__(self, data: BinaryIO, max_bytes: int) -> None:
        self._data, self._left = data, max_bytes

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        out = self._data.read(size)
        self._left -= len(out)
        if self._left < 0:
            raise OverBoundError
        return out
