"""datatrove's GopherRepetitionFilter (rules of Rae et al. 2021, table A1)."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.arrow import read_only
from fournil.parts.text.compat.characters import class_table
from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.compat.segments import duplicates
from fournil.parts.text.compat.settings import GopherRepetitionSettings
from fournil.parts.text.compat.words import num_points, split, strip
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.stretches import room_for, same

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_FIXED = ("empty", "dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac")


def judge_repetition(
    bytes_B: np.ndarray, bounds_D: np.ndarray, places: np.ndarray, settings: GopherRepetitionSettings, *, elides: bool
) -> Judged:
    """Decide which documents repeat themselves too much.

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
        settings: datatrove's.
        elides: How words are split.
    """
    shares = (
        settings.dup_para_frac,
        settings.dup_para_char_frac,
        settings.dup_line_frac,
        settings.dup_line_char_frac,
    )
    code_D, value_D = _judge(
        read_only(bytes_B),
        read_only(bounds_D),
        read_only(places),
        np.array(shares, np.float64),
        np.array(settings.top_n, np.int64),
        np.array(settings.top_n_frac, np.float64),
        np.array(settings.dup_n, np.int64),
        np.array(settings.dup_n_frac, np.float64),
        elides,
        class_table(),
        np.uint64(_BASE),
        np.uint64(_INVERSE),
    )
    tops = tuple(f"top_{size}_gram" for size in settings.top_n)
    repeated = tuple(f"duplicated_{size}_n_grams" for size in settings.dup_n)
    bounds = (1.0, *shares, *settings.top_n_frac, *settings.dup_n_frac)
    return Judged(code_D, value_D, (*_FIXED, *tops, *repeated), bounds)


@kernel
def _judge(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    shares: np.ndarray,
    top_sizes: np.ndarray,
    top_shares: np.ndarray,
    dup_sizes: np.ndarray,
    dup_shares: np.ndarray,
    elides: bool,
    classes: np.ndarray,
    base: int,
    inverse: int,
) -> tuple[np.ndarray, np.ndarray]:
    num = len(places)
    code_D, value_D = np.zeros(num, np.int64), np.zeros(num, np.float64)
    largest = 0
    for place in places:
        largest = max(largest, bounds_D[place + 1] - bounds_D[place])
    starts_W, ends_W = np.empty(largest + 1, np.int64), np.empty(largest + 1, np.int64)
    lengths_W, kinds_W = np.empty(largest, np.int64), np.empty(largest, np.uint8)
    joined_B = np.empty(largest, np.uint8)
    slots = np.full(16, -1, np.int64)
    generation = 0
    for number in range(num):
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        if start == end:
            code_D[number] = 1
            continue
        length = num_points(bytes_B, start, end)
        code, value = _lines(bytes_B, start, end, length, shares, classes, starts_W, ends_W)
        if code:
            code_D[number], value_D[number] = code, value
            continue
        num_words = split(bytes_B, start, end, elides, classes, starts_W, ends_W, lengths_W, kinds_W)
        # The words end to end, with their places in code points and in bytes, and running sums to hash any run of them.
        points_W, offsets_W = np.zeros(num_words + 1, np.int64), np.zeros(num_words + 1, np.int64)
        sums_W, powers_W = np.zeros(num_words + 1, np.uint64), np.ones(num_words + 1, np.uint64)
        offset, total, power, back = 0, np.uint64(0), np.uint64(1), np.uint64(1)
        for word in range(num_words):
            for place in range(starts_W[word], ends_W[word]):
                joined_B[offset] = bytes_B[place]
                total += (np.uint64(bytes_B[place]) + np.uint64(1)) * power
                power *= base
                back *= inverse
                offset += 1
            points_W[word + 1] = points_W[word] + lengths_W[word]
            offsets_W[word + 1], sums_W[word + 1], powers_W[word + 1] = offset, total, back
        if len(slots) < room_for(num_words):
            slots = np.full(room_for(num_words), -1, np.int64)
        counts_W = np.zeros(num_words, np.int64)
        for which in range(len(top_sizes)):
            size = top_sizes[which]
            if code or num_words < size:
                continue
            generation += 1
            most = _top(joined_B, offsets_W, sums_W, powers_W, points_W, num_words, size, slots, generation, counts_W)
            if most / length > top_shares[which]:
                code, value = 6 + which, most / length
        for which in range(len(dup_sizes)):
            if code:
                break
            generation += 1
            size = dup_sizes[which]
            most = _repeated(joined_B, offsets_W, sums_W, powers_W, points_W, num_words, size, slots, generation)
            if most / length > dup_shares[which]:
                code, value = 6 + len(top_sizes) + which, most / length
        code_D[number], value_D[number] = code, value
    return code_D, value_D


@kernel
def _lines(
    bytes_B: np.ndarray,
    start: int,
    end: int,
    length: int,
    shares: np.ndarray,
    classes: np.ndarray,
    starts_L: np.ndarray,
    ends_L: np.ndarray,
) -> tuple[int, float]:
    """The rules for paragraphs and lines: the number of the one that is broken, and its figure."""
    first, last = strip(bytes_B, start, end, classes)
    num = _pieces(bytes_B, first, last, 2, starts_L, ends_L)
    elements, points = duplicates(bytes_B, starts_L, ends_L, num)
    if shares[0] and elements / num > shares[0]:
        return 2, elements / num
    if shares[1] and points / length > shares[1]:
        return 3, points / length
    num = _pieces(bytes_B, start, end, 1, starts_L, ends_L)
    elements, points = duplicates(bytes_B, starts_L, ends_L, num)
    if shares[2] and elements / num > shares[2]:
        return 4, elements / num
    if shares[3] and points / length > shares[3]:
        return 5, points / length
    return 0, 0.0


@kernel
def _pieces(bytes_B: np.ndarray, start: int, end: int, least: int, starts_L: np.ndarray, ends_L: np.ndarray) -> int:
    """What stands between runs of `least` line ends or more; at least one piece, which may be empty."""
    num, first, place = 0, start, start
    while place < end:
        if bytes_B[place] != 10:
            place += 1
            continue
        run = place
        while run < end and bytes_B[run] == 10:
            run += 1
        if run - place >= least:
            starts_L[num], ends_L[num] = first, place
            num += 1
            first = run
        place = run
    starts_L[num], ends_L[num] = first, end
    return num + 1


@kernel
def _find(
    joined_B: np.ndarray,
    offsets_W: np.ndarray,
    sums_W: np.ndarray,
    powers_W: np.ndarray,
    word: int,
    size: int,
    whole: bool,
    slots: np.ndarray,
    generation: int,
) -> int:
    """The first run of words that equals the one that begins at `word`; -1 where there is none, and it is noted.

    Args:
        joined_B: The words end to end.
        offsets_W: Where each begins.
        sums_W: Running sums.
        powers_W: What moves such a sum to the origin.
        word: Where the run begins.
        size: How many words it has.
        whole: Whether the same letters parted otherwise are another run.
        slots: The table, which holds earlier generations' entries too.
        generation: Marks the entries of this one.
    """
    start = offsets_W[word]
    length = offsets_W[word + size] - start
    value = (sums_W[word + size] - sums_W[word]) * powers_W[word]
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(29)
    mask = len(slots) - 1
    slot = np.int64(value & np.uint64(mask))
    while True:
        entry = slots[slot]
        if entry < 0 or entry >> 32 != generation:
            slots[slot] = generation << 32 | word
            return -1
        first = entry & 0xFFFFFFFF
        if offsets_W[first + size] - offsets_W[first] == length and same(joined_B, offsets_W[first], start, length):
            equal = True
            if whole:
                for step in range(1, size):
                    if offsets_W[first + step] - offsets_W[first] != offsets_W[word + step] - start:
                        equal = False
                        break
            if equal:
                return first
        slot = (slot + 1) & mask


@kernel
def _top(
    joined_B: np.ndarray,
    offsets_W: np.ndarray,
    sums_W: np.ndarray,
    powers_W: np.ndarray,
    points_W: np.ndarray,
    num_words: int,
    size: int,
    slots: np.ndarray,
    generation: int,
    counts_W: np.ndarray,
) -> int:
    """Code points of the most frequent run of words, of the earliest one among equals, times its number."""
    for word in range(num_words - size + 1):
        first = _find(joined_B, offsets_W, sums_W, powers_W, word, size, True, slots, generation)
        counts_W[word] = 0
        counts_W[word if first < 0 else first] += 1
    best = 0
    for word in range(num_words - size + 1):
        if counts_W[word] > counts_W[best]:
            best = word
    return (points_W[best + size] - points_W[best] + size - 1) * counts_W[best]


@kernel
def _repeated(
    joined_B: np.ndarray,
    offsets_W: np.ndarray,
    sums_W: np.ndarray,
    powers_W: np.ndarray,
    points_W: np.ndarray,
    num_words: int,
    size: int,
    slots: np.ndarray,
    generation: int,
) -> int:
    """Code points in runs of words that stood there before, runs that overlap one already counted left out."""
    points, word = 0, 0
    while word < num_words - size + 1:
        if _find(joined_B, offsets_W, sums_W, powers_W, word, size, False, slots, generation) < 0:
            word += 1
        else:
            points += points_W[word + size] - points_W[word]
            word += size
    return points
