"""One quick pass that finds texts which may hold a text of another collection, and passes over all others.

Of each text it counts how many of its runs of words the other collection may have, by a table of bits; nothing is
kept of the words. What it does not let through has too little in common with all of that collection together.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.repetition import STEP
from fournil.parts.text.kernels.scan import DIGIT, HALF, LAST_ENTRY, LETTER, ONE, TWO, decoded, read_word

_BYTE, _WORD = np.uint64(7), np.uint64(3)
_FEWEST_MARKS, _MOST_MARKS = 6, 15
"""Bits of the number of marks, of a short text and of a long one."""
_ROUNDING = 1e-9


@kernel
def set_bits(values: np.ndarray, bits: np.ndarray, shift: int) -> None:
    """Make a table of bits that says « perhaps » of some numbers.

    Args:
        values: uint32.
        bits: uint8, all 0.
        shift: A number's bit is that of number >> shift.
    """
    narrow = np.uint32(shift)
    for number in range(len(values)):
        place = np.uint64(values[number] >> narrow)
        bits[place >> _WORD] |= np.uint8(1) << np.uint8(place & _BYTE)


@kernel
def known(value: np.uint32, bits: np.ndarray, shift: np.uint32) -> np.int64:
    """1 where a table of bits says « perhaps » of a number, else 0."""
    place = np.uint64(value >> shift)
    return np.int64((bits[place >> _WORD] >> np.uint8(place & _BYTE)) & np.uint8(1))


@kernel
def stands_in(value: np.uint32, ordered: np.ndarray) -> bool:
    """Whether a number is among sorted ones."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low < len(ordered) and ordered[low] == value


@kernel
def shared_runs(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    profile_D: np.ndarray,
    least_D: np.ndarray,
    flags_PC: np.ndarray,
    lower_C: np.ndarray,
    elides_P: np.ndarray,
    size: int,
    bits: np.ndarray,
    shift: int,
    ordered: np.ndarray,
    threshold: float,
    shares_D: np.ndarray,
    asked_D: np.ndarray,
) -> None:
    """Which texts share runs of words with a collection, and which of them so many that they are to be compared.

    Words and runs are those of scan_bytes and of shingles, folded to 32 bits.

    Args:
        bytes_B: UTF-8.
        bounds_D: Text d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        profile_D: int64, how each is read.
        least_D: int64; a text with fewer words has no runs.
        flags_PC: As in scan_bytes, like the next two.
        lower_C: Lower-case code points.
        elides_P: Whether an apostrophe ends a word.
        size: Words in a run.
        bits: uint8, a bit for each number >> shift of the collection's.
        shift: See bits.
        ordered: uint32, the collection's runs, sorted.
        threshold: Share of a text's own runs, each counted once, that are to be the collection's.
        shares_D: bool, gets True where a run is the collection's.
        asked_D: bool, gets True where the share may be reached; False is sure.
    """
    power = np.uint64(1)
    for _ in range(size - 1):
        power *= STEP
    recent = np.zeros(size, np.uint64)
    marks = np.zeros(1 << _MOST_MARKS, np.uint8)
    narrow = np.uint32(shift)
    for document in range(len(bounds_D) - 1):
        profile = np.uint64(profile_D[document])
        flags, elides = flags_PC[profile], elides_P[profile]
        at, end = np.uint64(bounds_D[document]), np.uint64(bounds_D[document + 1])
        # How many of them get marked is no more than the text has different runs, and not many fewer.
        mark_bits = _FEWEST_MARKS
        while mark_bits < _MOST_MARKS and (4 << mark_bits) < bounds_D[document + 1] - bounds_D[document]:
            mark_bits += 1
        marks[: 1 << mark_bits] = 0
        narrow_mark = np.uint32(32 - mark_bits)
        num_words = num_shared = num_marks = slot = 0
        shares = False
        run = np.uint64(0)
        while at < end:
            byte = bytes_B[at]
            code, step = np.int64(byte), np.uint64(1)
            if byte >= 0x80:
                code, width = decoded(bytes_B, np.int64(at))
                step = np.uint64(width)
            kind = np.int64(flags[min(code, LAST_ENTRY)])
            if not kind & (LETTER | DIGIT):
                at += step
                continue
            word = read_word(
                bytes_B, np.int64(at), bounds_D[document + 1], code, np.int64(step), kind, flags, lower_C, elides
            )
            value, at = word[0], np.uint64(word[6])
            if num_words >= size:
                run -= recent[slot] * power
            run = run * STEP + value
            recent[slot] = value
            slot += 1
            if slot == size:
                slot = 0
            num_words += 1
            if num_words < size:
                continue
            folded = spread(run)
            mark = np.uint64(folded >> narrow_mark)
            num_marks += 1 - np.int64(marks[mark])
            marks[mark] = 1
            perhaps = known(folded, bits, narrow)
            num_shared += perhaps
            if not shares and perhaps:
                shares = stands_in(folded, ordered)
        if 0 < num_words < size:
            folded = spread(run)
            num_marks = 1
            num_shared = known(folded, bits, narrow)
            shares = stands_in(folded, ordered)
        enough = num_words > 0 and least_D[document] <= num_words
        shares_D[document] = enough and shares
        asked_D[document] = enough and shares and num_shared >= threshold * num_marks - _ROUNDING


@kernel
def spread(run: np.uint64) -> np.uint32:
    """The shingle of a run of words, folded to 32 bits."""
    value = (run ^ (run >> HALF)) * ONE
    value = (value ^ (value >> HALF)) * TWO
    return np.uint32((value ^ (value >> HALF)) >> np.uint64(32))
