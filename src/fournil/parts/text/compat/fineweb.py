"""datatrove's FineWebQualityFilter (rules of Penedo et al. 2024)."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.arrow import read_only
from fournil.parts.text.compat.characters import TABLE_SIZE, class_table, member_table, terminal_characters
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.segments import duplicates
from fournil.parts.text.compat.settings import FineWebQualitySettings
from fournil.parts.text.compat.words import code_at, num_points, split, strip
from fournil.parts.text.kernels.compile import kernel

_REASONS = ("empty", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio")


def judge_fineweb(
    bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray, settings: FineWebQualitySettings, *, elides: bool
) -> Judged:
    """Decide which documents look like lists, menus and the like.

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
        settings: datatrove's.
        elides: How words are split.
    """
    bounds = (
        settings.line_punct_thr,
        settings.short_line_thr,
        settings.char_duplicates_ratio,
        settings.new_line_ratio,
    )
    code_D, value_D = _judge(
        read_only(bytes_B),
        read_only(bounds_D),
        read_only(places),
        np.array(bounds, np.float64),
        settings.line_punct_exclude_zero,
        settings.short_line_length,
        member_table(settings.stop_chars or terminal_characters()),
        elides,
        class_table(),
    )
    return Judged(code_D, value_D, _REASONS, (1, *bounds))


@kernel
def _judge(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    bounds: np.ndarray,
    exclude_zero: bool,
    short_line: int,
    ending: np.ndarray,
    elides: bool,
    classes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    num = len(places)
    code_D, value_D = np.zeros(num, np.int64), np.zeros(num, np.float64)
    largest = 0
    for place in places:
        largest = max(largest, bounds_D[place + 1] - bounds_D[place])
    starts_W, ends_W = np.empty(largest + 1, np.int64), np.empty(largest + 1, np.int64)
    lengths_W, kinds_W = np.empty(largest, np.int64), np.empty(largest, np.uint8)
    for number in range(num):
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        lines, ended, short, newlines = 0, 0, 0, 0
        first = start
        while first <= end:
            stop = first
            while stop < end and bytes_B[stop] != 10:
                stop += 1
            newlines += stop < end
            begin, last = strip(bytes_B, first, stop, classes)
            if begin < last:
                ended += _ends(bytes_B, first, stop, ending)
                short += num_points(bytes_B, first, stop) <= short_line
                starts_W[lines], ends_W[lines] = first, stop
                lines += 1
            first = stop + 1
        if lines == 0:
            code_D[number] = 1
            continue
        ratio = ended / lines
        if ratio < bounds[0] and not (ratio == 0 and exclude_zero):
            code_D[number], value_D[number] = 2, ratio
            continue
        ratio = short / lines
        if ratio > bounds[1]:
            code_D[number], value_D[number] = 3, ratio
            continue
        _, points = duplicates(bytes_B, starts_W, ends_W, lines)
        ratio = points / (num_points(bytes_B, start, end) - newlines)
        if ratio > bounds[2]:
            code_D[number], value_D[number] = 4, ratio
            continue
        ratio = newlines / split(bytes_B, start, end, elides, classes, starts_W, ends_W, lengths_W, kinds_W)
        if ratio > bounds[3]:
            code_D[number], value_D[number] = 5, ratio
    return code_D, value_D


@kernel
def _ends(bytes_B: np.ndarray, start: int, end: int, ending: np.ndarray) -> bool:
    """Whether the last character of a slice, which has one, is among some."""
    last = end - 1
    while bytes_B[last] & 0xC0 == 0x80 and last > start:
        last -= 1
    code, _ = code_at(bytes_B, last)
    return ending[min(code, TABLE_SIZE - 1)] != 0
