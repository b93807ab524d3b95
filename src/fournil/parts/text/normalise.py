"""Unicode made regular without losing meaning.

NFC; one kind of line end; no control, zero-width, bidirectional or soft-hyphen characters where they say nothing; no white
space at line ends; at most two blank lines in a row. All typography stays: U+00A0 and U+202F before ; : ! ? and inside « »
(and between groups of digits), curly quotes, dashes, ellipses, ligatures.
"""

import re
import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import CodePoints, counts, utf8_bytes

RULES = ("line-ends", "control", "zero-width", "bidi", "soft-hyphen", "nfc", "trailing-space", "blank-lines", "edges")
"""In the order in which they are applied."""

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028]|\u2029")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff]")
_ZERO_WIDTH = re.compile("[\u200b-\u200d\u2060\ufeff\u180e]+")
_BIDI = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+")
_SOFT_HYPHEN = re.compile("\xad+")
_TRAILING = re.compile("[ \t\xa0\u2000-\u200a\u202f\u205f\u3000]+(?=\n|\\Z)")
_BLANK_LINES = re.compile("\n{4,}")
_EDGES = re.compile("\\A(?:[^\\S\n]*\n)+|\\s+\\Z")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Joiners mean something between letters of Indic, Arabic and emoji sequences: everywhere but beside these.
_PLAIN = re.compile("[\\s\x00-\u024f\u1e00-\u1eff\u2010-\u206f]")


class Edit(NamedTuple):
    """What one rule did to one text: `count` changes between `start` and `end` (code points of the text as the rule found
    it), the first of which made `was` into `now`."""

    rule: str
    start: int
    end: int
    was: str
    now: str
    count: int


def _suspicious_table() -> np.ndarray:
    table = np.zeros(0x10000, bool)
    for code in range(0x10000):
        character = chr(code)
        if _LINE_ENDS.match(character) or _CONTROL.match(character) or _ZERO_WIDTH.match(character):
            table[code] = True
        elif _BIDI.match(character) or _SOFT_HYPHEN.match(character):
            table[code] = True
    return table


_SUSPICIOUS: list[np.ndarray] = []


def suspects(points: CodePoints) -> np.ndarray:
    """True for texts that may change: all those that hold a character some rule removes or replaces, or white space at a
    line's end, or many line ends, or anything that may not be in NFC."""
    if not _SUSPICIOUS:
        _SUSPICIOUS.append(_suspicious_table())
    values_C = points.values_C
    clipped = np.minimum(values_C, 0xFFFF)
    # U+0300 begins the combining marks; below it everything is its own NFC.
    odd = _SUSPICIOUS[0][clipped] | (values_C == 0xFFFF)
    blank = (values_C == 0x20) | (values_C == 0x09) | (values_C == 0xA0) | ((values_C >= 0x2000) & (values_C <= 0x202F))
    ends = values_C == 0x0A
    if len(values_C):
        odd[:-1] |= blank[:-1] & ends[1:]
        last = points.bounds_D[1:][np.diff(points.bounds_D) > 0] - 1
        odd[last] |= blank[last] | ends[last]
        first = points.bounds_D[:-1][np.diff(points.bounds_D) > 0]
        odd[first] |= blank[first] | ends[first]
        odd[:-3] |= ends[:-3] & ends[1:-2] & ends[2:-1] & ends[3:]
    combining = (values_C >= 0x300) & (values_C != 0x2019) & ((values_C < 0x2010) | (values_C > 0x206F))
    return counts(odd | combining, points.bounds_D) > 0


def normalise_text(text: str, *, code: bool = False) -> tuple[str, list[Edit]]:
    """Apply the rules to one text.

    Args:
        text: any string without surrogates.
        code: program code, where blank lines and the first line's indentation are left alone.

    Returns:
        The text, and one Edit for each rule that changed it.
    """
    edits: list[Edit] = []

    def apply(rule: str, pattern: re.Pattern[str], new: str | None) -> None:
        nonlocal text
        found = [match for match in pattern.finditer(text) if rule != "zero-width" or _removable(match)]
        if not found:
            return
        pieces, place = [], 0
        for match in found:
            pieces += [text[place : match.start()], _replacement(match.group(), new)]
            place = match.end()
        pieces.append(text[place:])
        first = found[0]
        edits.append(
            Edit(
                rule, first.start(), found[-1].end(), first.group(), _replacement(first.group(), new), len(found)
            )
        )
        text = "".join(pieces)

    apply("line-ends", _LINE_ENDS, None)
    apply("control", _CONTROL, "")
    apply("zero-width", _ZERO_WIDTH, "")
    if _BIDI.search(text) and not _RIGHT_TO_LEFT.search(text):
        apply("bidi", _BIDI, "")
    apply("soft-hyphen", _SOFT_HYPHEN, "")
    if not unicodedata.is_normalized("NFC", text):
        edits.append(_nfc_edit(text))
        text = unicodedata.normalize("NFC", text)
    apply("trailing-space", _TRAILING, "")
    if not code:
        apply("blank-lines", _BLANK_LINES, "\n\n\n")
    apply("edges", _EDGES, "")
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


def normalise(texts: pa.Array, points: CodePoints, *, code: np.ndarray) -> tuple[pa.Array, dict[int, list[Edit]]]:
    """Normalise a batch.

    Args:
        texts: strings without nulls.
        points: the same, decoded.
        code: bool by text, True for program code.

    Returns:
        The texts, and the edits of those that changed, by place in the batch.
    """
    changed: dict[int, list[Edit]] = {}
    new: dict[int, str] = {}
    for place in np.flatnonzero(suspects(points)).tolist():
        text, edits = normalise_text(texts[place].as_py(), code=bool(code[place]))
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
