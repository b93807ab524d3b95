"""Takes from texts what a language is told by: the letters of a few pieces, words apart by one space."""

# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false
# Kernels have numba's types, in which an element of an array is a number.

import numpy as np

from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.scan import APOSTROPHE, HYPHEN, LETTER, decoded

HAS_LETTER, HAS_CAPITAL, HAS_SMALL = 1, 2, 4
"""What a sample holds; HAS_SMALL knows the small letters up to U+00FF only."""


FIRST_TAG = 0xE0000
"""From here on live tags (of flags) and private use, which flag_table takes for letters."""


@kernel
def take_letters(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    num_pieces: int,
    piece: int,
    flags: np.ndarray,
    lower: np.ndarray,
    out_B: np.ndarray,
    out_bounds: np.ndarray,
    kinds: np.ndarray,
) -> None:
    """Write the samples end to end.

    Args:
        bytes_B: uint8, UTF-8.
        bounds_D: int64: where each text begins, and where the last ends.
        places: int64: which texts are asked.
        num_pieces: Of how many pieces a longer text's sample is made, the first at its start, the last at its end.
        piece: Bytes of a piece. A character that a piece cuts is left out.
        flags: By code point, see codepoints.flag_table.
        lower: uint32 by code point of the BMP, see codepoints.lower_codes.
        out_B: uint8: gets the samples; of each text no more than its bytes, nor num_pieces times (piece + 1).
        out_bounds: int64: gets where each sample begins, and where the last ends.
        kinds: uint8: gets HAS_LETTER and the others.
    """
    written = 0
    for number in range(len(places)):
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        begun, kind, gap = written, 0, False
        pieces, size, step = 1, end - start, 0.0
        if end - start > num_pieces * piece:
            pieces, size, step = num_pieces, piece, (end - start - piece) / (num_pieces - 1)
        for each in range(pieces):
            place = start + np.int64(np.rint(step * each))
            stop = place + size
            gap = True
            while place < stop and bytes_B[place] & 0xC0 == 0x80:
                place += 1
            while place < stop:
                code, width = decoded(bytes_B, place)
                if place + width > stop:
                    break
                flag = flags[min(code, len(flags) - 1)]
                if flag & (LETTER | APOSTROPHE | HYPHEN) and code < FIRST_TAG:
                    if gap and written > begun:
                        out_B[written] = 0x20
                        written += 1
                    gap = False
                    if flag & LETTER:
                        kind |= HAS_LETTER
                        if code < 0x10000 and lower[code] != code:
                            kind |= HAS_CAPITAL
                        elif 0x61 <= code <= 0x7A or 0xDF <= code <= 0xFF:
                            kind |= HAS_SMALL
                    for at in range(place, place + width):
                        out_B[written] = bytes_B[at]
                        written += 1
                else:
                    gap = True
                place += width
        out_bounds[number] = begun
        kinds[number] = kind
    out_bounds[len(places)] = written
