"""Unicode made regular without losing meaning.

NFC; one kind of line end; no control, zero-width, bidirectional or soft-hyphen characters where they say nothing; no
white space at line ends; at most two blank lines in a row. All typography stays: U+00A0 and U+202F before ; : ! ? and
inside « » (and between groups of digits), curly quotes, dashes, ellipses, ligatures.
"""

import re
import unicodedata
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import flag_table, utf8_bytes
from fournil.parts.text.kernels import characters as kernel
from fournil.parts.text.kernels.characters import (
    BIDI,
    COMPOSITION,
    CONTROL,
    LINE_ENDS,
    SOFT_HYPHEN,
    WHITE_SPACE,
    ZERO_WIDTH,
)
from fournil.parts.text.white_space import Edit, regular_spaces

RULES = (
    "line-ends",
    "control",
    "zero-width",
    "bidi",
    "soft-hyphen",
    "stacked-marks",
    "nfc",
    "trailing-space",
    "blank-lines",
    "edges",
)
"""In the order in which they are applied."""

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028]|\u2029")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff\u180e]+")
_BIDI = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+")
_SOFT_HYPHEN = re.compile("\xad+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Joiners mean something between letters of Indic, Arabic and emoji sequences: everywhere but beside these.
_PLAIN = re.compile("[\\s\x00-\u024f\u1e00-\u1eff\u2010-\u206f]")


MOST_MARKS = 30
"""Marks on one letter, at most: those of the Stream-Safe Text Format (UAX 15). Putting more in order takes a time that
grows with the square of their number."""
_MANY_MARKS = re.compile(f"[\u0300-\U0010ffff]{{{MOST_MARKS + 1}}}")


@cache
def _stacked_marks() -> re.Pattern[str]:
    """What stands above or below a letter beyond the marks that it may have."""
    marks = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))
    return re.compile(f"(?=[{marks}])(?<=[{marks}]{{{MOST_MARKS}}})[{marks}]++")


_ANY_CHARACTER = LINE_ENDS | CONTROL | ZERO_WIDTH | BIDI | SOFT_HYPHEN
_TABLE_SIZE = 0x20001
_CHARACTER_RULES = (
    (LINE_ENDS, "line-ends", _LINE_ENDS),
    (CONTROL, "control", _CONTROL),
    (ZERO_WIDTH, "zero-width", _ZERO_WIDTH),
    (BIDI, "bidi", _BIDI),
    (SOFT_HYPHEN, "soft-hyphen", _SOFT_HYPHEN),
)


@cache
def _suspicious_table() -> np.ndarray:
    """uint8 by code point of the first planes: the bit of the rule that takes the character out, or COMPOSITION.

    COMPOSITION marks what may not be in NFC whatever stands beside it: characters that decompose, and those that may
    join the one before (NFC_Quick_Check is not Yes, or a combining class). The last entry stands for all that follow.
    """
    table = np.zeros(_TABLE_SIZE, np.uint8)
    every = "".join(map(chr, range(0xD800))) + " " * 0x800 + "".join(map(chr, range(0xE000, _TABLE_SIZE)))
    for bit, _, rule in _CHARACTER_RULES:
        for match in rule.finditer(every):
            table[match.start() : match.end()] = bit
    joining = {*map(chr, range(0x1161, 0x1176)), *map(chr, range(0x11A8, 0x11C3))}  # vowels and ends of Hangul
    for character in every[0xC0:]:
        parts = unicodedata.decomposition(character)
        if parts and parts[0] != "<":
            joining.update(chr(int(part, 16)) for part in parts.split()[1:])
    for code in range(0x300, _TABLE_SIZE):
        character = every[code]
        if unicodedata.combining(character) or character in joining or not unicodedata.is_normalized("NFC", character):
            table[code] |= COMPOSITION
    table[-1] |= COMPOSITION
    return table


@cache
def _composing_table() -> np.ndarray:
    """COMPOSITION (uint8) by code point of the BMP, where a stretch that NFC may change is not to end.

    Below U+0300 everything is its own NFC, and so is general punctuation but for two spaces.
    """
    removed = (_suspicious_table()[:0x10000] & _ANY_CHARACTER) != 0
    table = np.where(removed, 0, COMPOSITION).astype(np.uint8)
    table[:0x300] = 0
    table[0x2010:0x2070] = 0
    table[0xFFFF] = COMPOSITION
    return table


@cache
def _ascii_table() -> np.ndarray:
    """1 for the bytes at which a sign begins that suspects() has to look at, and for the line end."""
    codes = _suspicious_table() != 0
    table = np.zeros(0x100, np.uint8)
    table[:0x80] = codes[:0x80]
    table[0x0A] = 1
    for byte in range(0xC2, 0xE0):
        table[byte] = codes[(byte & 0x1F) << 6 : ((byte & 0x1F) + 1) << 6].any()
    table[0xE0:] = 1
    return table


def suspects(texts: pa.Array) -> np.ndarray:
    """What may have to change in each text.

    Returns:
        uint8 by text: a bit for each rule of single characters that finds one, COMPOSITION where the text may not be
        in NFC, WHITE_SPACE where a line or the text ends in white space or line ends follow each other.
    """
    out = np.zeros(len(texts), np.uint8)
    kernel.suspects(*utf8_bytes(texts), _ascii_table(), _suspicious_table(), flag_table(), out)
    return out


def normalise_text(text: str, *, code: bool = False) -> tuple[str, list[Edit]]:
    """Apply the rules to one text.

    Args:
        text: any string without surrogates.
        code: program code, where blank lines and the first line's indentation are left alone.

    Returns:
        The text, and one Edit for each rule that changed it.
    """
    texts, edits = normalise(pa.array([text], pa.string()), code=np.array([code]))
    return texts[0].as_py(), edits.get(0, [])


def normalise(texts: pa.Array, *, code: np.ndarray) -> tuple[pa.Array, dict[int, list[Edit]]]:
    """Normalise a batch.

    Args:
        texts: strings without nulls.
        code: bool by text, True for program code.

    Returns:
        The texts, and the edits of those that changed, by place in the batch.
    """
    changed: dict[int, list[Edit]] = {}
    new: dict[int, str] = {}
    suspect = suspects(texts)
    wanted = (suspect & WHITE_SPACE) != 0
    removed = (suspect & _ANY_CHARACTER) != 0
    for place in np.flatnonzero(removed | _uncomposed(texts, suspect)).tolist():
        text, edits = _regular_characters(texts[place].as_py(), int(suspect[place]))
        if edits:
            changed[place], new[place] = edits, text
    # What was removed may have stood at the end of a line.
    wanted[list(new)] = True
    texts, spaced = regular_spaces(replace(texts, new), wanted=wanted, code=code)
    for place, edits in spaced.items():
        changed.setdefault(place, []).extend(edits)
    return texts, changed


def _regular_characters(text: str, suspect: int) -> tuple[str, list[Edit]]:
    """Apply the rules of single characters, and NFC, to a text in which suspects() found something."""
    edits: list[Edit] = []

    def apply(rule: str, pattern: re.Pattern[str], new: str | None) -> None:
        nonlocal text
        first: re.Match[str] | None = None
        end = num = 0

        def change(match: re.Match[str]) -> str:
            nonlocal first, end, num
            if rule == "zero-width" and not _removable(match):
                return match.group()
            first, end, num = first or match, match.end(), num + 1
            return _replacement(match.group(), new)

        changed = pattern.sub(change, text)
        if first is not None:
            was = first.group()
            edits.append(Edit(rule, first.start(), end, was, _replacement(was, new), num))
            text = changed

    for bit, rule, pattern in _CHARACTER_RULES:
        if suspect & bit and not (rule == "bidi" and _RIGHT_TO_LEFT.search(text)):
            apply(rule, pattern, None if rule == "line-ends" else "")
    # What was removed may have stood between a letter and its accent.
    if edits or suspect & COMPOSITION:
        data = text.encode()
        found = _stretches_of(data)
        if any(end - start > MOST_MARKS for start, end in found) and _MANY_MARKS.search(text):
            apply("stacked-marks", _stacked_marks(), "")
            data = text.encode()
            found = _stretches_of(data)
        text = _compose(data, found, edits)
    return text, edits


def _replacement(found: str, new: str | None) -> str:
    if new is not None:
        return new
    return "\n\n" if found == "\u2029" else "\n"


def _removable(match: re.Match[str]) -> bool:
    """Joiners are kept beside characters that they may join; the other invisible ones always go."""
    if not set(match.group()) & {"\u200c", "\u200d"}:
        return True
    text = match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return not before or not after or bool(_PLAIN.match(before)) or bool(_PLAIN.match(after))


def _stretches(bytes_B: np.ndarray, bounds_D: np.ndarray, wanted_D: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Where NFC may change something: the text, and the bytes of the batch from which and to which (int64, S x 3)."""
    room = 1 << 12
    while True:
        found_S3 = np.empty((room, 3), np.int64)
        num = kernel.stretches(bytes_B, bounds_D, wanted_D, table, found_S3)
        if num <= room:
            return found_S3[:num]
        room = num


def _stretches_of(data: bytes) -> list[tuple[int, int]]:
    """Where NFC may change something in one text, in stretches as long as they can be."""
    bytes_B = np.frombuffer(data, np.uint8)
    found = _stretches(bytes_B, np.array([0, len(bytes_B)]), np.ones(1, np.bool_), _composing_table())
    return list(zip(*found[:, 1:].T.tolist(), strict=True))


def _uncomposed(texts: pa.Array, suspect: np.ndarray) -> np.ndarray:
    """Which texts are not in NFC, or have more marks on a letter than may stand there (bool)."""
    composed = np.zeros(len(texts), np.bool_)
    wanted = (suspect & COMPOSITION) != 0
    if wanted.any():
        bytes_B, bounds_D = utf8_bytes(texts)
        found = _stretches(bytes_B, bounds_D, wanted, _suspicious_table())
        for text, start, end in zip(*found.T.tolist(), strict=True):
            if not composed[text]:
                long = end - start > MOST_MARKS
                composed[text] = long or not _is_composed(bytes_B[start:end].tobytes())
    return composed


@lru_cache(1 << 12)
def _is_composed(piece: bytes) -> bool:
    return unicodedata.is_normalized("NFC", piece.decode())


def _compose(data: bytes, found: list[tuple[int, int]], edits: list[Edit]) -> str:
    """NFC; what lies between the stretches is its own, and is not looked at."""
    pieces: list[bytes] = []
    done = num = first = last = 0
    was = now = ""
    for start, end in found:
        piece = data[start:end].decode()
        composed = unicodedata.normalize("NFC", piece)
        if composed != piece:
            if not num:
                first, was, now = start, piece, composed
            pieces += [data[done:start], composed.encode()]
            done = last = end
            num += 1
    if num:
        edits.append(Edit("nfc", len(data[:first].decode()), len(data[:last].decode()), was, now, num))
    return b"".join([*pieces, data[done:]]).decode()


def replace(texts: pa.Array, new: dict[int, str]) -> pa.Array:
    """The same array with some texts replaced; the array itself where there are none."""
    if not new:
        return texts
    bytes_B, bounds = utf8_bytes(texts)
    data = bytes_B.tobytes()
    pieces: list[bytes] = []
    lengths = np.diff(bounds)
    place = 0
    for index in sorted(new):
        encoded = new[index].encode("utf-8")
        pieces += [data[bounds[place] : bounds[index]], encoded]
        lengths[index] = len(encoded)
        place = index + 1
    pieces.append(data[bounds[place] : bounds[-1]])
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces))]
    return pa.LargeStringArray.from_buffers(len(texts), buffers[1], buffers[2]).cast(pa.string())
