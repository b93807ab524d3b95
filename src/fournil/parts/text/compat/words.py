"""A splitter of words and sentences, the same for our rules and, wrapped, for datatrove's filters.

A word is a run of letters, marks and numbers. An apostrophe or a hyphen between two of them belongs to the word; where
the language elides, an apostrophe ends it: French « l’homme » is « l’ » and « homme ». A point or a comma between two
digits belongs to the number. Any other character that is no white space is a word too, together with its repetitions:
« ... », « -- ». White space is what Python's `str.isspace` says.

A sentence ends after a run of full stops and the like, and of the quotation marks and brackets that close there, at
white space or at the text's end; not before a small letter, nor after an initial (« M. Dupont »).
"""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.compat.characters import (
    ALPHA,
    DIGIT,
    LOWER,
    SPACE,
    SYMBOL,
    TABLE_SIZE,
    TERMINAL,
    WORD,
    class_table,
)
from fournil.parts.text.kernels.compile import kernel

SOLID, LETTERED = 1, 2
"""Kinds of words: holds a character that is no symbol; holds a letter."""


@kernel
def code_at(bytes_B: np.ndarray, place: int) -> tuple[int, int]:
    """The code point that begins at a place of valid UTF-8, and its number of bytes."""
    first = np.int64(bytes_B[place])
    if first < 0x80:
        return first, 1
    second = np.int64(bytes_B[place + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = np.int64(bytes_B[place + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, 3
    return (first & 0x07) << 18 | second << 12 | third << 6 | (np.int64(bytes_B[place + 3]) & 0x3F), 4


@kernel
def class_at(bytes_B: np.ndarray, place: int, classes: np.ndarray) -> tuple[int, int]:
    """The flags of the character at a place, and its number of bytes."""
    code, width = code_at(bytes_B, place)
    return np.int64(classes[min(code, TABLE_SIZE - 1)]), width


@kernel
def strip(bytes_B: np.ndarray, start: int, end: int, classes: np.ndarray) -> tuple[int, int]:
    """A slice without the white space around it, as `str.strip` leaves it."""
    while start < end:
        flags, width = class_at(bytes_B, start, classes)
        if not flags & SPACE:
            break
        start += width
    while start < end:
        last = end - 1
        while bytes_B[last] & 0xC0 == 0x80:
            last -= 1
        flags, _ = class_at(bytes_B, last, classes)
        if not flags & SPACE:
            break
        end = last
    return start, end


@kernel
def num_points(bytes_B: np.ndarray, start: int, end: int) -> int:
    """Code points of a slice: what `len` says."""
    num = 0
    for place in range(start, end):
        num += bytes_B[place] & 0xC0 != 0x80
    return num


@kernel
def split(
    bytes_B: np.ndarray,
    start: int,
    end: int,
    elides: bool,
    classes: np.ndarray,
    starts_W: np.ndarray,
    ends_W: np.ndarray,
    lengths_W: np.ndarray,
    kinds_W: np.ndarray,
) -> int:
    """Write the words of a slice into arrays that have room for one word a byte.

    Returns:
        How many there are.
    """
    num = 0
    place = start
    while place < end:
        code, width = code_at(bytes_B, place)
        flags = np.int64(classes[min(code, TABLE_SIZE - 1)])
        if flags & SPACE:
            place += width
            continue
        first, length, kind = place, 1, 0
        place += width
        kind |= (not flags & SYMBOL) * SOLID | (flags & ALPHA != 0) * LETTERED
        if flags & WORD:
            before = flags
            while place < end:
                code, width = code_at(bytes_B, place)
                flags = np.int64(classes[min(code, TABLE_SIZE - 1)])
                if not flags & WORD:
                    apostrophe = code == 0x27 or code == 0x2019 or code == 0x2BC
                    hyphen = code == 0x2D or code == 0x2010 or code == 0x2011
                    number = (code == 0x2E or code == 0x2C) and before & DIGIT
                    if not (apostrophe or hyphen or number) or place + width >= end:
                        break
                    after, _ = class_at(bytes_B, place + width, classes)
                    if not after & WORD or (number and not after & DIGIT):
                        break
                    kind |= (not flags & SYMBOL) * SOLID
                    place += width
                    length += 1
                    if apostrophe and elides:
                        break
                    continue
                kind |= (not flags & SYMBOL) * SOLID | (flags & ALPHA != 0) * LETTERED
                place += width
                length += 1
                before = flags
        else:
            while place < end:
                again, width = code_at(bytes_B, place)
                if again != code:
                    break
                place += width
                length += 1
        starts_W[num], ends_W[num], lengths_W[num], kinds_W[num] = first, place, length, kind
        num += 1
    return num


@kernel
def sentence_end(bytes_B: np.ndarray, start: int, end: int, classes: np.ndarray) -> int:
    """Where the sentence that begins at `start` (no white space) ends, white space before the next one not included."""
    place = start
    # Bytes of the word before: an initial is one capital letter alone.
    word_points, initial = 0, False
    while place < end:
        code, width = code_at(bytes_B, place)
        flags = np.int64(classes[min(code, TABLE_SIZE - 1)])
        if not (flags & TERMINAL or code == 0x2026):
            if flags & WORD:
                word_points += 1
                initial = word_points == 1 and flags & ALPHA != 0 and flags & LOWER == 0
            else:
                word_points, initial = 0, False
            place += width
            continue
        marks, full_stop = 0, code == 0x2E
        while place < end:
            code, width = code_at(bytes_B, place)
            flags = np.int64(classes[min(code, TABLE_SIZE - 1)])
            if not (flags & TERMINAL or code == 0x2026):
                break
            marks += 1
            place += width
        stop = _closers(bytes_B, place, end)
        if stop == end:
            return end
        flags, width = class_at(bytes_B, stop, classes)
        if flags & SPACE:
            following = stop
            while following < end:
                flags, width = class_at(bytes_B, following, classes)
                if not flags & SPACE:
                    break
                following += width
            if following == end or not (flags & LOWER or (initial and full_stop and marks == 1)):
                return stop
        place = stop
        word_points, initial = 0, False
    return end


@kernel
def _closers(bytes_B: np.ndarray, place: int, end: int) -> int:
    """Where quotation marks and brackets that close are over; a space may stand before « » »."""
    while place < end:
        code, width = code_at(bytes_B, place)
        if (code == 0x20 or code == 0xA0 or code == 0x202F or code == 0x2009) and place + width < end:
            after, more = code_at(bytes_B, place + width)
            if after != 0xBB:
                break
            place += width + more
        elif (
            code == 0x22
            or code == 0x27
            or code == 0x29
            or code == 0x5D
            or code == 0x7D
            or code == 0xBB
            or code == 0x2019
            or code == 0x201D
        ):
            place += width
        else:
            break
    return place


@kernel
def _all_words(
    bytes_B: np.ndarray, elides: bool, classes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    num = len(bytes_B)
    starts_W, ends_W = np.empty(num, np.int64), np.empty(num, np.int64)
    lengths_W, kinds_W = np.empty(num, np.int64), np.empty(num, np.uint8)
    count = split(bytes_B, 0, num, elides, classes, starts_W, ends_W, lengths_W, kinds_W)
    return starts_W[:count], ends_W[:count], lengths_W[:count], kinds_W[:count]


@kernel
def _all_sentences(bytes_B: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    num = len(bytes_B)
    starts_S, ends_S = np.empty(num, np.int64), np.empty(num, np.int64)
    count = 0
    place, last = strip(bytes_B, 0, num, classes)
    while place < last:
        stop = sentence_end(bytes_B, place, last, classes)
        starts_S[count], ends_S[count] = place, stop
        count += 1
        place, _ = strip(bytes_B, stop, last, classes)
    return starts_S[:count], ends_S[:count]


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def split_words(text: str, *, elides: bool) -> list[str]:
    """The words of a text.

    Args:
        text: Any text that can be written as UTF-8.
        elides: Whether an apostrophe ends the word before it, as in French.
    """
    data = text.encode()
    starts_W, ends_W, _, _ = _all_words(_bytes(text), elides, class_table())
    return [data[start:end].decode() for start, end in zip(starts_W.tolist(), ends_W.tolist(), strict=True)]


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text stand, in code points, the white space between them left out."""
    bytes_B = _bytes(text)
    starts_S, ends_S = _all_sentences(bytes_B, class_table())
    points = np.concatenate([[0], np.cumsum(bytes_B & 0xC0 != 0x80)])
    return list(zip(points[starts_S].tolist(), points[ends_S].tolist(), strict=True))
