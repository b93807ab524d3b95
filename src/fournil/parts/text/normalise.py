"""Unicode made regular without losing meaning.

NFC; one kind of line end; no control, zero-width, bidirectional or soft-hyphen characters where they say nothing; no
white space at line ends; at most two blank lines in a row. All typography stays: U+00A0 and U+202F before ; : ! ? and
inside « » (and between groups of digits), curly quotes, dashes, ellipses, ligatures.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

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
_SPACES = " \t\xa0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_BLANK_LINES = re.compile("\n{4,}")
_LEADING = re.compile("(?:[^\\S\n]*\n)+")
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


class Edit(NamedTuple):
    """What one rule did to one text.

    That is `num` changes between `start` and `end`, in code points of the text as the rule found it; the first of
    them made `was` into `now`.
    """

    rule: str
    start: int
    end: int
    was: str
    now: str
    num: int


_CHARACTER_RULES = (
    (LINE_ENDS, "line-ends", _LINE_ENDS),
    (CONTROL, "control", _CONTROL),
    (ZERO_WIDTH, "zero-width", _ZERO_WIDTH),
    (BIDI, "bidi", _BIDI),
    (SOFT_HYPHEN, "soft-hyphen", _SOFT_HYPHEN),
)
_ANY_CHARACTER = LINE_ENDS | CONTROL | ZERO_WIDTH | BIDI | SOFT_HYPHEN
EVERYTHING = _ANY_CHARACTER | COMPOSITION | WHITE_SPACE


@cache
def _suspicious_table() -> np.ndarray:
    table = np.zeros(0x10000, np.uint8)
    for code in range(0x10000):
        character = chr(code)
        for bit, _, rule in _CHARACTER_RULES:
            if rule.match(character):
                table[code] = bit
        # Below U+0300 everything is its own NFC, and so is general punctuation but for two spaces.
        if not table[code] and code >= 0x300 and not (0x2010 <= code <= 0x206F):
            table[code] = COMPOSITION
    table[0xFFFF] |= COMPOSITION
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


def normalise_text(text: str, *, code: bool = False, suspect: int = EVERYTHING) -> tuple[str, list[Edit]]:
    """Apply the rules to one text.

    Args:
        text: any string without surrogates.
        suspect: what suspects() found in it; all rules are applied by default.
        code: program code, where blank lines and the first line's indentation are left alone.

    Returns:
        The text, and one Edit for each rule that changed it.
    """
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
    # What was removed may have stood between a letter and its accent, or at the end of a line.
    if edits:
        suspect |= COMPOSITION | WHITE_SPACE
    if suspect & COMPOSITION:
        found = _stretches(text)
        if any(end - start > MOST_MARKS for start, end in found) and _MANY_MARKS.search(text):
            apply("stacked-marks", _stacked_marks(), "")
            found = _stretches(text)
        text = _compose(text, found, edits)
    if suspect & WHITE_SPACE:
        text = _trailing(text, edits)
        if not code and "\n\n\n\n" in text:
            apply("blank-lines", _BLANK_LINES, "\n\n\n")
        text = _trim(text, edits)
    return text, edits


def _trailing(text: str, edits: list[Edit]) -> str:
    """White space off the ends of lines."""
    lines = text.split("\n")
    new = [line.rstrip(_SPACES) for line in lines]
    changed = [place for place, line in enumerate(new) if len(line) != len(lines[place])]
    if not changed:
        return text
    start = sum(map(len, lines[: changed[0]])) + changed[0] + len(new[changed[0]])
    end = len(text) - sum(map(len, lines[changed[-1] + 1 :])) - (len(lines) - 1 - changed[-1])
    was = lines[changed[0]][len(new[changed[0]]) :]
    edits.append(Edit("trailing-space", start, end, was, "", len(changed)))
    return "\n".join(new)


def _trim(text: str, edits: list[Edit]) -> str:
    """Blank lines off the beginning, white space off the end."""
    leading = _LEADING.match(text)
    start, end = leading.end() if leading else 0, len(text.rstrip())
    if end <= start:
        start, end = 0, 0
    if (start, end) != (0, len(text)):
        first = (0, start) if start else (end, len(text))
        edits.append(Edit("edges", first[0], len(text) if end < len(text) else start, text[first[0] : first[1]], "", 1))
    return text[start:end]


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


def _stretches(text: str) -> list[tuple[int, int]]:
    """Where NFC may change something: bytes of the text as UTF-8."""
    bytes_B = np.frombuffer(text.encode(), np.uint8)
    starts, ends = np.empty((2, len(bytes_B) // 2 + 1), np.int64)
    num = kernel.stretches(bytes_B, _suspicious_table(), starts, ends)
    return list(zip(starts[:num].tolist(), ends[:num].tolist(), strict=True))


def _compose(text: str, found: list[tuple[int, int]], edits: list[Edit]) -> str:
    """NFC; what lies between the stretches is its own, and is not looked at."""
    data = text.encode()
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
    if not num:
        return text
    edits.append(Edit("nfc", len(data[:first].decode()), len(data[:last].decode()), was, now, num))
    return b"".join([*pieces, data[done:]]).decode()


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
    for place in np.flatnonzero(suspect).tolist():
        text, edits = normalise_text(texts[place].as_py(), code=bool(code[place]), suspect=int(suspect[place]))
        if edits:
            changed[place], new[place] = edits, text
    return replace(texts, new), changed


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
