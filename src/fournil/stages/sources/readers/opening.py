"""Files as streams of bytes: decompressed on the way, within a bound, and loud when they are cut short."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr

COMPRESSIONS = (".gz", ".xz", ".zst")
_CHUNK = 2**20
_BOMB_RATIO = 100
"""Text is packed to a tenth; what unpacks to so many times its size, and more than `_BOMB_BYTES`, was made to harm."""
_BOMB_BYTES = 256 * 2**20


class DamagedFileError(ValueError):
    """A compressed file that is cut short or wrong; says what its bytes say."""


class TooLargeError(ValueError):
    """A file that unpacks to more than its bound, or to far more than text ever does."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        super().__init__(f"more than {bound:,} bytes")


@contextmanager
def open_stream(path: Path, *, max_bytes: int) -> Iterator[io.BufferedReader]:
    """Open a file, plain or compressed as its last suffix says, as a buffered stream of its unpacked bytes.

    Raises:
        FournilError: the file is missing or may not be read.
        DamagedFileError, TooLargeError: while reading.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        what = tr("cannot read the file: {reason}", reason=error.strerror)
        raise FournilError(what, where=path, fix=tr("Check the path")) from None
    with raw:
        stream: Any = raw
        packed = raw.seek(0, io.SEEK_END)
        raw.seek(0)
        suffix = path.suffix.lower()
        if suffix == ".gz":
            stream = gzip.GzipFile(fileobj=raw)
        elif suffix == ".xz":
            stream = lzma.LZMAFile(raw)  # noqa: SIM115 - it ends with the file below it
        elif suffix == ".zst":
            stream = _ZstdStream(raw)
        if stream is not raw:
            max_bytes = min(max_bytes, max(_BOMB_BYTES, _BOMB_RATIO * packed))
        yield io.BufferedReader(_Checked(stream, max_bytes), _CHUNK)


def read_whole(path: Path, *, max_bytes: int) -> bytes:
    """Read all unpacked bytes of a file; errors as `open_stream`."""
    with open_stream(path, max_bytes=max_bytes) as stream:
        return stream.read()


class _Checked(io.RawIOBase):
    """Counts the bytes of another stream against a bound and gives its many errors one name."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer has no name in Python 3.11
        try:
            data = self._stream.read(len(buffer))
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            raise DamagedFileError(str(error).rstrip(".") or "damaged") from None
        self._seen += len(data)
        if self._seen > self._max_bytes:
            raise TooLargeError(self._max_bytes)
        buffer[: len(data)] = data
        return len(data)


class _ZstdStream:
    """Frames of zstd one after the other; the library's own reader takes a cut file for a whole one."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        self._raw = raw
        self._new = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj
        self._error = zstandard.ZstdError
        self._unpacker = self._new()
        self._ready = b""
        self._begun = False

    def read(self, size: int) -> bytes:
        while not self._ready:
            packed = self._raw.read(min(size, 2**16))
            if not packed:
                if self._begun:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                return b""
            self._ready = self._unpack(packed)
        data, self._ready = self._ready[:size], self._ready[size:]
        return data

    def _unpack(self, packed: bytes) -> bytes:
        parts: list[bytes] = []
        while packed:
            try:
                parts.append(self._unpacker.decompress(packed))
            except self._error as error:
                raise EOFError(f"zstd: {error}") from None
            self._begun = not self._unpacker.eof
            if self._begun:
                break
            packed = self._unpacker.unused_data
            self._unpacker = self._new()
        return b"".join(parts)
