"""Words as the models of text quality see them: folded letters, digits alike, spaces and line ends forgotten.

B bytes, C code points written, W words, D documents.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

IGNORED, SPACE, NEWLINE, LETTER, DIGIT, APOSTROPHE, HYPHEN, SIGN = range(8)
"""What a code point is, in the upper eight bits of the table; below stands what it is folded to."""

MAX_WORD = 64
"""Longer runs of letters are cut here."""

HASH_SEED = 0xCBF29CE484222325
HASH_PRIME = 0x100000001B3


@kernel
def lm_words(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    table: np.ndarray,
    out_C: np.ndarray,
    bounds_W: np.ndarray,
    hashes_W: np.ndarray,
    first_D: np.ndarray,
) -> int:
    """Write the words of each document; a word of no length ends a paragraph.

    Args:
        bytes_B: uint8 of UTF-8.
        bounds_D: int64, document d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        table: uint32 by code point of the BMP, see `fold_table`.
        out_C: uint32, room for as many code points as there are bytes.
        bounds_W: int32, room for bytes + documents + 1; word w is out_C[bounds_W[w]:bounds_W[w + 1]].
        hashes_W: uint64, room for bytes + documents; FNV-1a over the word's code points.
        first_D: int64, one more than documents; the words of document d are first_D[d] to first_D[d + 1].

    Returns:
        How many words were written.
    """
    seed, prime = np.uint64(HASH_SEED), np.uint64(HASH_PRIME)
    num_words, num_points = 0, 0
    bounds_W[0] = 0
    for d in range(len(bounds_D) - 1):
        first_D[d] = num_words
        place, end = bounds_D[d], bounds_D[d + 1]
        kind = SPACE  # of the word that is open
        code_hash = seed
        num_newlines, since_end = 0, 0
        joint = 0  # 1: a hyphen behind letters; 2: and a line end behind it
        while place < end:
            lead = np.int64(bytes_B[place])
            if lead < 0x80:
                point, width = lead, 1
            elif lead < 0xE0:
                point, width = lead & 0x1F, 2
            elif lead < 0xF0:
                point, width = lead & 0x0F, 3
            else:
                point, width = lead & 0x07, 4
            if place + width > end:
                break
            for further in range(1, width):
                point = (point << 6) | (np.int64(bytes_B[place + further]) & 0x3F)
            place += width
            folded = np.int64(table[point]) if point < 0x10000 else (SIGN << 24) | point
            what, now = folded >> 24, folded & 0xFFFFFF
            if what == IGNORED:
                continue
            if what in (LETTER, DIGIT):
                num_newlines = 0
                if joint == 2 and what == LETTER and now == point:
                    # A word cut at the line's end: the hyphen goes, and the word goes on.
                    num_words -= 1
                    num_points = bounds_W[num_words]
                    num_words -= 1
                    kind, code_hash = LETTER, seed
                    for c in range(bounds_W[num_words], num_points):
                        code_hash = (code_hash ^ np.uint64(out_C[c])) * prime
                    since_end -= 2
                joint = 0
                if kind != what or num_points - bounds_W[num_words] >= MAX_WORD:
                    if num_points > bounds_W[num_words]:
                        hashes_W[num_words] = code_hash
                        num_words += 1
                        since_end += 1
                        bounds_W[num_words] = num_points
                    kind, code_hash = what, seed
                out_C[num_points] = now
                num_points += 1
                code_hash = (code_hash ^ np.uint64(now)) * prime
                continue
            if what == APOSTROPHE and kind == LETTER:
                out_C[num_points] = now
                num_points += 1
                code_hash = (code_hash ^ np.uint64(now)) * prime
            was_letters = kind == LETTER
            if num_points > bounds_W[num_words]:
                hashes_W[num_words] = code_hash
                num_words += 1
                since_end += 1
                bounds_W[num_words] = num_points
            kind, code_hash = SPACE, seed
            if what == NEWLINE:
                num_newlines += 1
                if joint == 1:
                    joint = 2
                if num_newlines == 2 and since_end > 0:
                    hashes_W[num_words] = 0
                    num_words += 1
                    bounds_W[num_words] = num_points
                    since_end, joint = 0, 0
            elif what == APOSTROPHE and was_letters:
                num_newlines, joint = 0, 0
            elif what != SPACE:
                num_newlines = 0
                joint = 1 if what == HYPHEN and was_letters else 0
                out_C[num_points] = now
                num_points += 1
                hashes_W[num_words] = (seed ^ np.uint64(now)) * prime
                num_words += 1
                since_end += 1
                bounds_W[num_words] = num_points
            elif joint == 1:
                joint = 0
        if num_points > bounds_W[num_words]:
            hashes_W[num_words] = code_hash
            num_words += 1
            since_end += 1
            bounds_W[num_words] = num_points
        if since_end > 0:
            hashes_W[num_words] = 0
            num_words += 1
            bounds_W[num_words] = num_points
    first_D[len(bounds_D) - 1] = num_words
    return num_words
