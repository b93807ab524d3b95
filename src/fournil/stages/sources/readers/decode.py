"""Bytes to text: what a byte order mark, the file itself or the bytes say about their encoding."""

from __future__ import annotations

import codecs

_BOMS = (
    # UTF-32 first: its little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Files that call themselves Latin-1 mean Windows-1252, as every browser reads them.
_MEANT = {"iso8859-1": "cp1252", "ascii": "utf-8"}
_GUESS_BYTES = 64 * 2**10
_MOST_CONTROLS = 0.002


class UndecodableError(ValueError):
    """The bytes are no text: `value` says what was seen, `bound` what text would be."""

    def __init__(self, value: str, bound: str) -> None:
        self.value = value
        self.bound = bound
        super().__init__(f"{value}, not {bound}")


def bom_encoding(start: bytes) -> str | None:
    """The encoding that a byte order mark at the start names."""
    return next((encoding for mark, encoding in _BOMS if start.startswith(mark)), None)


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Decode a whole file.

    Args:
        data: its bytes.
        declared: the encoding that the file itself names, if it does; believed only where it fits.

    Returns:
        The text and the encoding used.

    Raises:
        UndecodableError: for binary data and for bytes that fit no encoding.
    """
    known = bom_encoding(data)
    if known:
        try:
            return data.decode(known), known
        except UnicodeDecodeError as error:
            raise UndecodableError(f"{known} cut at byte {error.start}", "whole characters") from None
    if b"\0" in data:
        raise UndecodableError(f"NUL at byte {data.index(0)}", "text without NUL")
    for name in (declared, "utf-8"):
        codec = _codec(name)
        if codec:
            try:
                return data.decode(codec), codec
            except UnicodeDecodeError:
                continue
    encoding = guess_encoding(data[:_GUESS_BYTES])
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def guess_encoding(sample: bytes) -> str:
    """An encoding for bytes that are not UTF-8.

    Western single-byte encodings differ in a few letters only: Windows-1252 is taken unless the bytes fit another
    alphabet clearly better.

    Raises:
        UndecodableError: for bytes that look like no text at all.
    """
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)
    if controls > max(1, _MOST_CONTROLS * len(sample)):
        raise UndecodableError(f"{controls} control characters in {len(sample)} bytes", "text")
    if _reads_as_western(sample):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, preemptive_behaviour=False).best()
    if best is None:
        raise UndecodableError("no known encoding", "text")
    return best.encoding


def _reads_as_western(sample: bytes) -> bool:
    """Whether nearly all bytes above 127 are letters and marks of Western European text, among plain letters."""
    high = [byte for byte in sample if byte >= 0x80]
    text = bytes(high).decode("cp1252", "replace")
    common = sum(letter in "éèêëàâäîïôöùûüçœæÉÈÊÀÂÎÔÙÇŒ«»’‘“”–—…€°\u00a0ñáíóúßåø" for letter in text)
    letters = sum(chr(byte).isalpha() for byte in sample if byte < 0x80)
    return bool(high) and common >= 0.95 * len(high) and letters > 2 * len(high)


def _codec(name: str | None) -> str | None:
    if not name:
        return None
    try:
        codec = codecs.lookup(name.strip()).name
    except LookupError:
        return None
    if codec in ("utf-7", "hex", "rot13", "base64", "unicode_escape", "idna", "punycode", "undefined", "mbcs"):
        return None
    return _MEANT.get(codec, codec)
