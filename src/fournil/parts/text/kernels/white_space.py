"""White space at the ends of lines and texts, and blank lines in a row: found and taken out in one pass over UTF-8.

Shapes: B bytes, D documents, E edits.
"""

import numpy as np

from fournil.parts.text.kernels.bits import eight
from fournil.parts.text.kernels.characters import EIGHT, has_line_feed, space_before, whole
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.scan import ONE_BIT, SPACE, decoded

TRAILING, BLANK_LINES, EDGES = 0, 1, 2
"""The rules, in the order in which they are applied."""

MOST_BLANK = 3
"""Line ends in a row, at most."""

DOCUMENT, RULE, START, END, NUM, WAS_FROM, WAS_TO, FIELDS = range(8)
"""Columns of edits_EF; FIELDS is their number."""

_NO_TRAILING = 0x1680
"""The Ogham space is a visible line: it stays where a line ends."""


@kernel
def num_characters(bytes_B: np.ndarray, start: int, stop: int) -> int:
    """How many characters begin in a slice of UTF-8."""
    num = 0
    for place in range(np.uint64(start), np.uint64(max(start, stop))):
        num += (bytes_B[place] & 0xC0) != 0x80
    return num


@kernel
def _spaces_before(bytes_B: np.ndarray, start: int, place: int, flags: np.ndarray) -> int:
    """Where the white space begins that ends at a place, no further back than `start`."""
    while space_before(bytes_B, start, place, flags):
        before = place - 1
        while bytes_B[before] & 0xC0 == 0x80:
            before -= 1
        if bytes_B[before] == 0xE1 and decoded(bytes_B, before)[0] == _NO_TRAILING:
            break
        place = before
    return place


@kernel
def line_end(bytes_B: np.ndarray, start: int, end: int) -> int:
    """Where the next line feed stands, or the end."""
    place, last = np.uint64(start), np.uint64(end)
    while place + EIGHT <= last and not has_line_feed(eight(bytes_B, place)):
        place += EIGHT
    while place < last and bytes_B[place] != 0x0A:
        place += ONE_BIT
    return whole(place)


@kernel
def _note(
    edits_EF: np.ndarray, edit: int, document: int, rule: int, start: int, end: int, num: int, was: int, was_end: int
) -> int:
    edits_EF[edit, DOCUMENT], edits_EF[edit, RULE] = document, rule
    edits_EF[edit, START], edits_EF[edit, END], edits_EF[edit, NUM] = start, end, num
    edits_EF[edit, WAS_FROM], edits_EF[edit, WAS_TO] = was, was_end
    return edit + 1


@kernel
def _copy(from_B: np.ndarray, start: int, stop: int, to_B: np.ndarray, place: int) -> int:
    """Copy a slice; where it ends in the other array."""
    # Unsigned: what may be negative is checked for each byte, and one by one.
    source, target = np.uint64(start), np.uint64(place)
    for number in range(np.uint64(max(stop - start, 0))):
        to_B[target + number] = from_B[source + number]
    return place + (stop - start)


@kernel
def regular_spaces(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    wanted_D: np.ndarray,
    code_D: np.ndarray,
    flags: np.ndarray,
    out_B: np.ndarray,
    out_bounds_D: np.ndarray,
    was_B: np.ndarray,
    edits_EF: np.ndarray,
) -> int:
    """Write texts without white space at the ends of lines and texts, and with few blank lines in a row.

    Args:
        bytes_B: UTF-8.
        bounds_D: int64; text d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        wanted_D: bool; the others are copied as they are.
        code_D: bool, program code: its blank lines stay.
        flags: uint8 by code point, see codepoints.flag_table.
        out_B: uint8, as long as bytes_B; gets the texts.
        out_bounds_D: int64, gets their bounds.
        was_B: uint8, as long and three more for each text; gets what stood where each edit begins.
        edits_EF: int64, three rows for each text wanted; gets what each rule did: columns above, places in code points
            of the text as the rule found it.

    Returns:
        How many edits there are.
    """
    free = num_edits = said = 0
    for document in range(len(bounds_D) - 1):
        begin, end = bounds_D[document], bounds_D[document + 1]
        out_bounds_D[document] = free
        if not wanted_D[document]:
            free = _copy(bytes_B, begin, end, out_B, free)
            continue
        out_begin = free
        num = run = longest = first = last = was = 0
        line = begin
        while line <= end:
            stop = line_end(bytes_B, line, end)
            kept = _spaces_before(bytes_B, line, stop, flags)
            if kept < stop:
                if num == 0:
                    first = kept
                    was = said
                    said = _copy(bytes_B, kept, stop, was_B, said)
                num += 1
                last = stop
            run = 0 if kept > line else run
            free = _copy(bytes_B, line, kept, out_B, free)
            if stop < end:
                out_B[free] = 0x0A
                free += 1
                run += 1
                longest = max(longest, run)
            line = stop + 1
        if num:
            start = num_characters(bytes_B, begin, first)
            reach = start + num_characters(bytes_B, first, last)
            num_edits = _note(edits_EF, num_edits, document, TRAILING, start, reach, num, was, said)
        if longest > MOST_BLANK and not code_D[document]:
            free, num_edits, said = _few_blank(out_B, out_begin, free, document, was_B, said, edits_EF, num_edits)
        free, num_edits, said = _trimmed(out_B, out_begin, free, document, flags, was_B, said, edits_EF, num_edits)
    out_bounds_D[len(bounds_D) - 1] = free
    return num_edits


@kernel
def _few_blank(
    out_B: np.ndarray,
    begin: int,
    end: int,
    document: int,
    was_B: np.ndarray,
    said: int,
    edits_EF: np.ndarray,
    edit: int,
) -> tuple[int, int, int]:
    """Shorten runs of line ends within a text; its new end, and the numbers of edits and of bytes said."""
    free, place, characters = begin, begin, 0
    num = start = reach = 0
    was = said
    while place < end:
        run = 0
        while place + run < end and out_B[place + run] == 0x0A:
            run += 1
        if run > MOST_BLANK:
            if num == 0:
                start = characters
                said = _copy(out_B, place, place + run, was_B, said)
            reach = characters + run
            num += 1
        for _ in range(min(run, MOST_BLANK)):
            out_B[free] = 0x0A
            free += 1
        characters += run
        place += run
        while place < end and out_B[place] != 0x0A:
            characters += (out_B[place] & 0xC0) != 0x80
            out_B[free] = out_B[place]
            free += 1
            place += 1
    return free, _note(edits_EF, edit, document, BLANK_LINES, start, reach, num, was, said), said


@kernel
def _trimmed(
    out_B: np.ndarray,
    begin: int,
    end: int,
    document: int,
    flags: np.ndarray,
    was_B: np.ndarray,
    said: int,
    edits_EF: np.ndarray,
    edit: int,
) -> tuple[int, int, int]:
    """Take blank lines off a text's beginning and white space off its end; as `_few_blank` returns."""
    start = place = begin
    while place < end:
        code, width = decoded(out_B, place)
        if not flags[min(code, len(flags) - 1)] & SPACE:
            break
        place += width
        start = place if code == 0x0A else start
    stop = end
    while stop > begin and space_before(out_B, begin, stop, flags):
        stop -= 1
        while out_B[stop] & 0xC0 == 0x80:
            stop -= 1
    if stop <= start:
        start = stop = begin
    if start == begin and stop == end:
        return end, edit, said
    low, high = (begin, start) if start > begin else (stop, end)
    was = said
    said = _copy(out_B, low, high, was_B, said)
    first = num_characters(out_B, begin, low)
    reach = num_characters(out_B, begin, end if stop < end else start)
    edit = _note(edits_EF, edit, document, EDGES, first, reach, 1, was, said)
    return stop if start == begin else _copy(out_B, start, stop, out_B, begin), edit, said
