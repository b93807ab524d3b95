"""One pass over UTF-8 bytes that counts the function words of several languages by document and by line.

Suffixes: B bytes, D documents, L lines, C classes of words, M the classes counted by line too, S slots of a table, a
power of two.
"""

import numpy as np

from fournil.parts.text.kernels.bits import HIGH_BITS, eight, letters_in, lowered, swapped, trailing_zeros
from fournil.parts.text.kernels.compile import kernel

LONGEST = 8
"""Bytes of the longest word that is looked up: a word is its own key."""

SPREAD = np.uint64(0x9E3779B97F4A7C15)

BREAK, LETTER, OTHER, NEWLINE, APOSTROPHE, DIGIT = 0, 1, 2, 3, 4, 5
"""What a byte is: OTHER begins a character of several bytes."""


@kernel
def count_function_words(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    kinds: np.ndarray,
    keys_S: np.ndarray,
    classes_S: np.ndarray,
    shift: np.uint64,
    counts_DC: np.ndarray,
    totals_D3: np.ndarray,
    counts_LM: np.ndarray,
    ends_L: np.ndarray,
    lines_D: np.ndarray,
) -> int:
    """Count.

    Args:
        bytes_B: uint8, UTF-8.
        bounds_D: int64, of the documents.
        kinds: uint8 by byte: see BREAK and those after it.
        keys_S: uint64, the words' bytes as one number each, 0 where nothing stands.
        classes_S: uint64: up to eight classes of a word, one a byte, each one more than its number.
        shift: 64 less the bits of S.
        counts_DC: int32, zeros; filled with each document's words by class, from column 1 on; what stands in column 0
            means nothing.
        totals_D3: int32, zeros; filled with words, letters, and letters of scripts that are not Latin.
        counts_LM: int32, zeros; filled with the same by line for the first classes, one row more than there are lines.
        ends_L: int64; filled with the byte at which each line ends, its newline counted in.
        lines_D: int64; filled with the bounds of each document's lines.

    Returns:
        How many lines there are.
    """
    num_lines, num_by_line = 0, counts_LM.shape[1]
    slots = np.uint64(len(keys_S) - 1)
    eight_bits, low = np.uint64(8), np.uint64(255)
    three, eight_bytes, whole = np.uint64(3), np.uint64(8), np.uint64(64)
    for doc in range(len(bounds_D) - 1):
        lines_D[doc] = num_lines
        stop = bounds_D[doc + 1]
        key, length, letters = np.uint64(0), 0, 0
        words, all_letters, foreign = 0, 0, 0
        place = bounds_D[doc]
        while place <= stop:
            # One step beyond the end, which ends the last word.
            byte = bytes_B[place] if place < stop else np.uint8(10)
            kind = kinds[byte]
            step = 1
            if kind == LETTER and place + 8 <= stop:
                block = eight(bytes_B, np.uint64(place))
                run = trailing_zeros(~letters_in(block) & HIGH_BITS) >> three
                small = swapped(lowered(block))
                key = (key << (run << three)) | (small >> (whole - (run << three))) if run < eight_bytes else small
                length += np.int64(run)
                letters += np.int64(run)
                place += np.int64(run)
                continue
            if kind == LETTER:
                key = (key << eight_bits) | np.uint64(byte | np.uint8(0x20))
                length += 1
                letters += 1
                place += 1
                continue
            if kind == DIGIT:
                key = (key << eight_bits) | np.uint64(byte)
                length += 1
                place += 1
                continue
            if kind == OTHER:
                second = bytes_B[place + 1] if place + 1 < stop else np.uint8(0)
                if byte == 0xC3 and second != 0x97 and second != 0xB7:
                    if second <= 0x9E:
                        second += np.uint8(0x20)
                    key = (((key << eight_bits) | np.uint64(byte)) << eight_bits) | np.uint64(second)
                    length += 2
                    letters += 1
                    place += 2
                    continue
                step = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
                third = bytes_B[place + 2] if place + 2 < stop else np.uint8(0)
                if byte == 0xE2 and second == 0x80 and third == 0x99:
                    kind = APOSTROPHE
                elif byte == 0xC2 or byte == 0xE2 or (byte == 0xE3 and second == 0x80) or byte == 0xC3:
                    kind = BREAK
                else:
                    if byte == 0xC5 and second == 0x92:
                        second = np.uint8(0x93)
                    if byte >= 0xCE and not (byte == 0xE1 and second >= 0xB8):
                        foreign += 1
                    key = (((key << eight_bits) | np.uint64(byte)) << eight_bits) | np.uint64(second)
                    if step > 2:
                        key = (key << eight_bits) | np.uint64(third)
                    length += step
                    letters += 1
                    place += step
                    continue
            if length > 0:
                if kind == APOSTROPHE and place + step < stop:
                    after = kinds[bytes_B[place + step]]
                    if after in (LETTER, OTHER):
                        key = (key << eight_bits) | np.uint64(0x27)
                        length += 1
                words += letters > 0
                all_letters += letters
                # Which words are function words nobody can foretell: no branch asks it. A longer word is in no table.
                key = key if length <= LONGEST else np.uint64(0)
                slot = (key * SPREAD) >> shift
                while keys_S[slot] != key and keys_S[slot] != 0:
                    slot = (slot + np.uint64(1)) & slots
                classes = classes_S[slot]
                number = np.int64(classes & low)
                counts_DC[doc, number] += 1
                counts_LM[num_lines, number if number < num_by_line else 0] += 1
                classes >>= eight_bits
                while classes != 0:
                    number = np.int64(classes & low)
                    counts_DC[doc, number] += 1
                    counts_LM[num_lines, number if number < num_by_line else 0] += 1
                    classes >>= eight_bits
                key, length, letters = np.uint64(0), 0, 0
            if kind == NEWLINE and place < stop:
                ends_L[num_lines] = place + 1
                num_lines += 1
            place += step
        if stop > bounds_D[doc] and bytes_B[stop - 1] != 10:
            ends_L[num_lines] = stop
            num_lines += 1
        totals_D3[doc, 0] = words
        totals_D3[doc, 1] = all_letters
        totals_D3[doc, 2] = foreign
    lines_D[len(bounds_D) - 1] = num_lines
    return num_lines
