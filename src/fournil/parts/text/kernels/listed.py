"""Words and expressions of a list, found in documents and weighed by what stands around them.

Shapes: W words, D documents, S slots of a table (a power of two), E entries of the list, F finds, N groups of context
words, at most 63, G grades.
"""

from __future__ import annotations

import numpy as np

from fournil.parts.text.kernels.compile import kernel

MAX_WORDS = 6
"""Words in an expression."""
CONTEXT, LISTED, EXEMPT = 0, 1, 2
"""What an entry is: nothing but a context of others, what is looked for, what clears it when it holds it."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_SPREAD = np.uint64(0xFF51AFD7ED558CCD)
_FILTER_BITS = 16
_ONE, _SIX, _TWENTY, _LOW_SIX = np.uint64(1), np.uint64(6), np.uint64(20), np.uint64(63)
_NARROW = np.uint64(64 - _FILTER_BITS)


@kernel
def fill_list(
    keys_K: np.ndarray,
    entries_K: np.ndarray,
    lengths_K: np.ndarray,
    keys_S: np.ndarray,
    entries_S: np.ndarray,
    lengths_S: np.ndarray,
    bits: np.ndarray,
) -> None:
    """Put expressions into a table with open addressing.

    Args:
        keys_K: uint64, a value of each expression, none twice.
        entries_K: int32, the entry, or -1 for a word that only ends expressions.
        lengths_K: int32, a bit for each number of words that expressions ending with this word have.
        keys_S: uint64, all 0; more than there are expressions.
        entries_S: int32, filled.
        lengths_S: int32, filled.
        bits: uint64, 1024 of them, all 0: which values there may be.
    """
    mask = np.uint64(len(keys_S) - 1)
    for place in range(len(keys_K)):
        spread = keys_K[place] * _SPREAD
        bit = spread >> np.uint64(64 - _FILTER_BITS)
        bits[np.int64(bit >> np.uint64(6))] |= np.uint64(1) << (bit & np.uint64(63))
        slot = (spread >> np.uint64(20)) & mask
        while keys_S[np.int64(slot)] != 0:
            slot = (slot + np.uint64(1)) & mask
        keys_S[np.int64(slot)] = keys_K[place]
        entries_S[np.int64(slot)] = entries_K[place]
        lengths_S[np.int64(slot)] = lengths_K[place]


@kernel
def find_listed(
    hashes_W: np.ndarray,
    words_D: np.ndarray,
    wanted_D: np.ndarray,
    keys_S: np.ndarray,
    entries_S: np.ndarray,
    lengths_S: np.ndarray,
    bits: np.ndarray,
    finds_F2: np.ndarray,
) -> int:
    """Find all expressions of a list, by their last words.

    Args:
        hashes_W: uint64.
        words_D: int64.
        wanted_D: bool, the documents to look at.
        keys_S: uint64, as `fill_list` made it.
        entries_S: int32, as `fill_list` made it.
        lengths_S: int32, as `fill_list` made it.
        bits: uint64, as `fill_list` made it.
        finds_F2: int64, filled with the last word and the entry.

    Returns:
        How many there are; of those beyond the array's end nothing is kept.
    """
    num, room = 0, len(finds_F2)
    mask = np.uint64(len(keys_S) - 1)
    for document in range(len(words_D) - 1):
        if not wanted_D[document]:
            continue
        first, stop = np.uint64(words_D[document]), np.uint64(words_D[document + 1])
        for word in range(first, stop):
            spread = hashes_W[word] * _SPREAD
            bit = spread >> _NARROW
            if not (bits[bit >> _SIX] >> (bit & _LOW_SIX)) & _ONE:
                continue
            slot = (spread >> _TWENTY) & mask
            while keys_S[slot] != 0 and keys_S[slot] != hashes_W[word]:
                slot = (slot + _ONE) & mask
            if keys_S[slot] == 0:
                continue
            if entries_S[slot] >= 0:
                if num < room:
                    finds_F2[num, 0], finds_F2[num, 1] = word, entries_S[slot]
                num += 1
            lengths = lengths_S[slot]
            for length in range(2, MAX_WORDS + 1):
                begin = word + _ONE - np.uint64(length)
                if not (lengths >> length) & 1 or word + _ONE < first + np.uint64(length):
                    continue
                value = np.uint64(length)
                for place in range(begin, word + _ONE):
                    value = value * _STEP + hashes_W[place]
                value = value if value != 0 else _ONE
                slot = ((value * _SPREAD) >> _TWENTY) & mask
                while keys_S[slot] != 0 and keys_S[slot] != value:
                    slot = (slot + _ONE) & mask
                if keys_S[slot] != 0:
                    if num < room:
                        finds_F2[num, 0], finds_F2[num, 1] = word, entries_S[slot]
                    num += 1
    return num


@kernel
def weigh(
    finds_F2: np.ndarray,
    words_D: np.ndarray,
    kind_E: np.ndarray,
    length_E: np.ndarray,
    grade_E: np.ndarray,
    gives_E: np.ndarray,
    clears_E: np.ndarray,
    needs_E: np.ndarray,
    near: int,
    counts_DG: np.ndarray,
    counted_F: np.ndarray,
) -> None:
    """Count what is listed and not cleared by what stands around it.

    Args:
        finds_F2: int64, as `find_listed` made it.
        words_D: int64.
        kind_E: int32, CONTEXT, LISTED or EXEMPT.
        length_E: int32, words of the expression.
        grade_E: int32, of what is listed.
        gives_E: uint64, a bit for each group that the expression is a context word of.
        clears_E: uint64, a bit for each group of which a word clears what is listed.
        needs_E: uint64, a bit for each group of which a word must stand near what is listed, or it is none.
        near: How many words away is near.
        counts_DG: int64, all 0; filled with the numbers of what counts.
        counted_F: bool, all False; set for the finds that count.
    """
    num, start = len(finds_F2), 0
    about_N, clearable_N = np.zeros(64, np.int64), np.zeros(64, np.int64)
    for document in range(len(words_D) - 1):
        stop = start
        while stop < num and finds_F2[stop, 0] < words_D[document + 1]:
            stop += 1
        num_listed = 0
        for find in range(start, stop):
            num_listed += int(kind_E[finds_F2[find, 1]] == LISTED)
        if num_listed == 0:
            start = stop
            continue
        about_N[:] = 0
        clearable_N[:] = 0
        for find in range(start, stop):
            entry = finds_F2[find, 1]
            for group in range(64):
                about_N[group] += np.int64((gives_E[entry] >> np.uint64(group)) & np.uint64(1))
                clearable_N[group] += np.int64((clears_E[entry] >> np.uint64(group)) & np.uint64(1))
        subject = np.uint64(0)  # groups that the whole document is about
        for group in range(64):
            if about_N[group] > 0 and about_N[group] >= clearable_N[group]:
                subject |= np.uint64(1) << np.uint64(group)
        reached = np.int64(-1)
        for find in range(start, stop):
            word, entry = finds_F2[find, 0], finds_F2[find, 1]
            if kind_E[entry] != LISTED or (clears_E[entry] & subject) != 0:
                continue
            begin = word - length_E[entry] + 1
            around, held = np.uint64(0), False
            other = find - 1
            while other >= start and finds_F2[other, 0] >= begin - near:
                each = finds_F2[other, 1]
                around |= gives_E[each]
                if kind_E[each] != CONTEXT and finds_F2[other, 0] == word and length_E[each] > length_E[entry]:
                    held = True
                other -= 1
            other = find + 1
            while other < stop and finds_F2[other, 0] <= word + near + MAX_WORDS:
                each = finds_F2[other, 1]
                first = finds_F2[other, 0] - length_E[each] + 1
                if first <= word + near:
                    around |= gives_E[each]
                if kind_E[each] != CONTEXT and first <= begin and length_E[each] > length_E[entry]:
                    held = True
                other += 1
            if held or (clears_E[entry] & around) != 0 or (needs_E[entry] != 0 and (needs_E[entry] & around) == 0):
                continue
            if begin <= reached:
                continue  # a word of it counted already
            reached = word
            counted_F[find] = True
            counts_DG[document, grade_E[entry]] += 1
        start = stop
