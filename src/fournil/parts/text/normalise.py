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
from fournil.parts.text.kernels.characters import CHARACTERS, COMPOSITION, WHITE_SPACE

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
# A run is looked at once, from its beginning, and never given back piece by piece: a megabyte of spaces takes no longer
# than a megabyte of letters.
_TRAILING = re.compile("(?<![{0}])[{0}]++(?=\n|\\Z)".format(" \t\xa0\u2000-\u200a\u202f\u205f\u3000"))
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


@cache
def _suspicious_table() -> np.ndarray:
    table = np.zeros(0x10000, np.uint8)
    for code in range(0x10000):
        character = chr(code)
        if any(rule.match(character) for rule in (_LINE_ENDS, _CONTROL, _ZERO_WIDTH, _BIDI, _SOFT_HYPHEN)):
            table[code] = CHARACTERS
        # Below U+0300 everything is its own NFC, and so is general punctuation but for two spaces.
        elif code >= 0x300 and not (0x2010 <= code <= 0x206F):
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
        uint8 by text: CHARACTERS where one stands that some rule removes or replaces, COMPOSITION where the text may
        not be in NFC, WHITE_SPACE where a line or the text ends in white space or line ends follow each other.
    """
    out = np.zeros(len(texts), np.uint8)
    kernel.suspects(*utf8_bytes(texts), _ascii_table(), _suspicious_table(), flag_table(), out)
    return out


def normalise_text(
    text: str, *, code: bool = False, suspect: int = CHARACTERS | COMPOSITION | WHITE_SPACE
) -> tuple[str, list[Edit]]:
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

    if suspect & CHARACTERS:
        apply("line-ends", _LINE_ENDS, None)
        apply("control", _CONTROL, "")
        apply("zero-width", _ZERO_WIDTH, "")
        if _BIDI.search(text) and not _RIGHT_TO_LEFT.search(text):
            apply("bidi", _BIDI, "")
        apply("soft-hyphen", _SOFT_HYPHEN, "")
    if suspect & (CHARACTERS | COMPOSITION) and _MANY_MARKS.search(text):
        apply("stacked-marks", _stacked_marks(), "")
    # What was removed may have stood between a letter and its accent, or at the end of a line.
    if suspect & (CHARACTERS | COMPOSITION) and not unicodedata.is_normalized("NFC", text):
        edits.append(_nfc_edit(text))
        text = unicodedata.normalize("NFC", text)
    if suspect & (CHARACTERS | WHITE_SPACE):
        apply("trailing-space", _TRAILING, "")
        if not code:
            apply("blank-lines", _BLANK_LINES, "\n\n\n")
        text = _trim(text, edits)
    return text, edits


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


def _nfc_edit(text: str) -> Edit:
    """The first stretch between two starters that NFC changes, and where the last one ends."""
    start, end, was, now, count = 0, len(text), "", "", 0
    for match in re.finditer("[^\u0300-\U0010ffff]?[\u0300-\U0010ffff]+", text):
        changed = unicodedata.normalize("NFC", match.group())
        if changed != match.group():
            if not count:
                start, was, now = match.start(), match.group(), changed
            end = match.end()
            count += 1
    return Edit("nfc", start, end, was, now, max(count, 1))


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
