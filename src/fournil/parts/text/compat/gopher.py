"""datatrove's GopherQualityFilter (rules of Rae et al. 2021, table A1)."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

from functools import cache

import numpy as np

from fournil.parts.text.arrow import read_only
from fournil.parts.text.compat.characters import LINE, class_table
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.settings import GopherQualitySettings
from fournil.parts.text.compat.words import LETTERED, SOLID, class_at, code_at, split, strip
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.stretches import hash_of, room_for

_REASONS = (
    "gopher_short_doc",
    "gopher_long_doc",
    "gopher_below_avg_threshold",
    "gopher_above_avg_threshold",
    "gopher_too_many_hashes",
    "gopher_too_many_ellipsis",
    "gopher_too_many_bullets",
    "gopher_too_many_end_ellipsis",
    "gopher_below_alpha_threshold",
    "gopher_enough_stop_words",
    "empty",
)


def judge_gopher(
    bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray, settings: GopherQualitySettings, *, elides: bool
) -> Judged:
    """Decide which documents break a rule of Gopher's.

    Where datatrove divides by zero and stops (`min_doc_words` is 0 and a text has no word), the reason is "empty".

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
        settings: datatrove's.
        elides: How words are split.
    """
    bounds = (
        settings.min_doc_words,
        settings.max_doc_words,
        settings.min_avg_word_length,
        settings.max_avg_word_length,
        settings.max_symbol_word_ratio,
        settings.max_symbol_word_ratio,
        settings.max_bullet_lines_ratio,
        settings.max_ellipsis_lines_ratio,
        settings.max_non_alpha_words_ratio,
        settings.min_stop_words,
    )
    code_D, value_D = _judge(
        read_only(bytes_B),
        read_only(bounds_D),
        places,
        np.array(bounds, np.float64),
        *_packed(settings.stop_words),
        elides,
        class_table(),
    )
    return Judged(code_D, value_D, _REASONS, (*bounds, 1))


@cache
def _packed(words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words end to end (uint8), where each begins (int64), and a table by hash of their numbers (int64, -1: none)."""
    encoded = [word.encode() for word in sorted(set(words))]
    bytes_B = np.frombuffer(b"".join(encoded), np.uint8).copy()
    bounds = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=bounds[1:])
    slots = np.full(room_for(2 * len(encoded)), -1, np.int64)
    for number in range(len(encoded)):
        slot = int(hash_of(bytes_B, bounds[number], bounds[number + 1])) & (len(slots) - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = number
    return bytes_B, bounds, slots


@kernel
def _judge(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    bounds: np.ndarray,
    stop_B: np.ndarray,
    stop_bounds: np.ndarray,
    stop_slots: np.ndarray,
    elides: bool,
    classes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    num = len(places)
    code_D, value_D = np.zeros(num, np.int64), np.zeros(num, np.float64)
    largest = 0
    for place in places:
        largest = max(largest, bounds_D[place + 1] - bounds_D[place])
    starts_W, ends_W = np.empty(largest, np.int64), np.empty(largest, np.int64)
    lengths_W, kinds_W = np.empty(largest, np.int64), np.empty(largest, np.uint8)
    values = np.empty(10, np.float64)
    seen = np.zeros(len(stop_bounds), np.int64)
    for number in range(num):
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        num_words = split(bytes_B, start, end, elides, classes, starts_W, ends_W, lengths_W, kinds_W)
        solid, solid_points, lettered, stops = 0, 0, 0, 0
        for word in range(num_words):
            if kinds_W[word] & SOLID:
                solid += 1
                solid_points += lengths_W[word]
            lettered += kinds_W[word] & LETTERED != 0
            found = _stop_word(bytes_B, starts_W[word], ends_W[word], stop_B, stop_bounds, stop_slots)
            if found >= 0 and seen[found] != number + 1:
                seen[found] = number + 1
                stops += 1
        hashes, ellipses = _signs(bytes_B, start, end)
        lines, bullets, ended = _lines(bytes_B, start, end, classes)
        # As numpy and Python divide, but that nothing stops at a division by zero.
        values[0], values[1] = solid, solid
        values[2] = values[3] = solid_points / solid
        values[4], values[5] = hashes / num_words, ellipses / num_words
        values[6], values[7] = bullets / lines, ended / lines
        values[8], values[9] = lettered / num_words, stops
        for rule in range(10):
            least = rule == 0 or rule == 2 or rule == 8 or rule == 9
            by_zero = (num_words == 0 and (bounds[4] or bounds[8])) or (lines == 0 and (bounds[6] or bounds[7]))
            if rule == 4 and by_zero:
                code_D[number] = 11
                break
            if bounds[rule] and (values[rule] < bounds[rule] if least else values[rule] > bounds[rule]):
                code_D[number], value_D[number] = rule + 1, values[rule]
                break
    return code_D, value_D


@kernel
def _stop_word(
    bytes_B: np.ndarray, start: int, end: int, stop_B: np.ndarray, stop_bounds: np.ndarray, stop_slots: np.ndarray
) -> int:
    """The number of the stop word that stands there, or -1."""
    slot = np.int64(hash_of(bytes_B, start, end) & np.uint64(len(stop_slots) - 1))
    while stop_slots[slot] >= 0:
        number = stop_slots[slot]
        first = stop_bounds[number]
        if stop_bounds[number + 1] - first == end - start:
            place = 0
            while place < end - start and bytes_B[start + place] == stop_B[first + place]:
                place += 1
            if place == end - start:
                return number
        slot = (slot + 1) & (len(stop_slots) - 1)
    return -1


@kernel
def _signs(bytes_B: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """Signs `#`, and ellipses: one sign or three full stops, none counted twice."""
    hashes, ellipses, stops = 0, 0, 0
    for place in range(start, end):
        byte = bytes_B[place]
        hashes += byte == 0x23
        if byte == 0x2E:
            stops += 1
            if stops == 3:
                ellipses += 1
                stops = 0
        else:
            stops = 0
            # U+2026 is E2 80 A6.
            if byte == 0xA6 and place - start >= 2:
                ellipses += bytes_B[place - 1] == 0x80 and bytes_B[place - 2] == 0xE2
    return hashes, ellipses


@kernel
def _lines(bytes_B: np.ndarray, start: int, end: int, classes: np.ndarray) -> tuple[int, int, int]:
    """Lines of `str.splitlines`, those that begin with a bullet, and those that end with an ellipsis."""
    lines, bullets, ended = 0, 0, 0
    first = start
    while first < end:
        stop, following = line_end(bytes_B, first, end, classes)
        lines += 1
        begin, last = strip(bytes_B, first, stop, classes)
        if begin < last:
            code, _ = code_at(bytes_B, begin)
            bullets += code == 0x2022 or code == 0x2D
            ended += ends_with_ellipsis(bytes_B, begin, last) or (
                last - begin >= 3
                and bytes_B[last - 3] == 0xE2
                and bytes_B[last - 2] == 0x80
                and bytes_B[last - 1] == 0xA6
            )
        first = following
    return lines, bullets, ended


@kernel
def ends_with_ellipsis(bytes_B: np.ndarray, start: int, end: int) -> bool:
    """Whether a slice ends with three full stops."""
    return end - start >= 3 and bytes_B[end - 1] == 0x2E and bytes_B[end - 2] == 0x2E and bytes_B[end - 3] == 0x2E


@kernel
def line_end(bytes_B: np.ndarray, start: int, end: int, classes: np.ndarray) -> tuple[int, int]:
    """Where the line that begins at `start` ends, and where the next one begins, as `str.splitlines` has it."""
    place = start
    while place < end:
        byte = bytes_B[place]
        if byte >= 0x20 and byte < 0x80:
            place += 1
            continue
        flags, width = class_at(bytes_B, place, classes)
        if flags & LINE:
            if byte == 0x0D and place + 1 < end and bytes_B[place + 1] == 0x0A:
                return place, place + 2
            return place, place + width
        place += width
    return end, end
