"""Passes over UTF-8 bytes that look for single characters: what normalisation may change, the letters of a text."""

import numpy as np

from fournil.parts.text.kernels.bits import HIGH_BITS, eight
from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.scan import LETTER, ONE_BIT, PRIME, SEED, SPACE, Whole, decoded, finish, hash_bytes

LINE_ENDS, CONTROL, ZERO_WIDTH, BIDI, SOFT_HYPHEN, COMPOSITION, WHITE_SPACE = 1, 2, 4, 8, 16, 32, 64
"""What suspects looks for."""

_LOOK = 1
_LONGEST_TAG, _LONGEST_PLACE = 80, 40
_TO_SPACE, _TO_DELETE, _LINE_FEEDS = (np.uint64(0x0101010101010101 * byte) for byte in (0x60, 0x01, 0x0A))
EIGHT = np.uint64(8)


@kernel
def whole(place: np.uint64) -> int:
    """The same place as most kernels take it: signed."""
    return np.int64(place)  # pyright: ignore[reportReturnType] - numba's whole numbers are these


@kernel
def has_line_feed(block: np.uint64) -> bool:
    """Whether one of eight bytes is a line feed."""
    other = block ^ _LINE_FEEDS
    return (other - _TO_DELETE) & ~other & HIGH_BITS != 0


@kernel
def is_plain(block: np.uint64) -> bool:
    """Whether eight bytes are all printable ASCII."""
    if block & HIGH_BITS or (block + _TO_DELETE) & HIGH_BITS:
        return False
    return (block + _TO_SPACE) & HIGH_BITS == HIGH_BITS


@kernel
def suspects(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    ascii: np.ndarray,
    table: np.ndarray,
    flags: np.ndarray,
    out_D: np.ndarray,
) -> None:
    """Which rules of normalisation may find something in each text.

    Args:
        bytes_B: UTF-8.
        bounds_D: Text d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        ascii: uint8 by byte; 0 for the bytes that never matter, which are passed over quickly.
        table: uint8 by code point: one of the other bits, or none; the last entry for all that follow.
        flags: uint8 by code point, see codepoints.flag_table.
        out_D: uint8, gets the bits of what was found.
    """
    for document in range(len(bounds_D) - 1):
        place, stop = bounds_D[document], bounds_D[document + 1]
        found = 0
        if place < stop:
            code, _ = decoded(bytes_B, place)
            found |= WHITE_SPACE if flags[min(code, len(flags) - 1)] & SPACE else 0
            if space_before(bytes_B, place, stop, flags):
                found |= WHITE_SPACE
        newlines = 0
        while place < stop:
            if place + 8 <= stop and is_plain(eight(bytes_B, np.uint64(place))):
                place += 8
                newlines = 0
                continue
            byte = bytes_B[place]
            if ascii[byte] == 0:
                place += 1
                newlines = 0
                continue
            if byte == 0x0A:
                newlines += 1
                if newlines >= 4 or (newlines == 1 and space_before(bytes_B, bounds_D[document], place, flags)):
                    found |= WHITE_SPACE
                place += 1
                continue
            code, width = decoded(bytes_B, place)
            found |= table[min(code, len(table) - 1)]
            newlines = 0
            place += width
        out_D[document] = found


@kernel
def stretches(
    bytes_B: np.ndarray, bounds_D: np.ndarray, wanted_D: np.ndarray, table: np.ndarray, found_S3: np.ndarray
) -> int:
    """Find what NFC may change: runs of characters marked COMPOSITION, each with the character before it.

    Args:
        bytes_B: UTF-8.
        bounds_D: Text d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        wanted_D: bool, the texts to look at.
        table: uint8 by code point; the last entry for all that follow.
        found_S3: int64, gets the text, the byte at which each begins, and where it ends.

    Returns:
        How many there are; of those beyond the array's end nothing is kept.
    """
    num, room = 0, len(found_S3)
    for document in range(len(bounds_D) - 1):
        if not wanted_D[document]:
            continue
        place, stop = bounds_D[document], bounds_D[document + 1]
        before = place
        while place < stop:
            first = bytes_B[np.uint64(place)]
            if first < 0xCC:  # the first byte of all that stands before U+0300
                before = place
                place += 1 if first < 0x80 else 2
                continue
            code, width = decoded(bytes_B, place)
            if not table[min(code, len(table) - 1)] & COMPOSITION:
                before = place
                place += width
                continue
            while place < stop:
                code, width = decoded(bytes_B, place)
                if not table[min(code, len(table) - 1)] & COMPOSITION:
                    break
                place += width
            if num < room:
                found_S3[num, 0], found_S3[num, 1], found_S3[num, 2] = document, before, place
            num += 1
    return num


@kernel
def space_before(bytes_B: np.ndarray, start: int, place: int, flags: np.ndarray) -> bool:
    """Whether white space stands before a place of a text that begins at `start`."""
    if place <= start:
        return False
    place -= 1
    if bytes_B[place] < 0x80:
        return (flags[bytes_B[place]] & SPACE) != 0
    while bytes_B[place] & 0xC0 == 0x80:
        place -= 1
    code, _ = decoded(bytes_B, place)
    return (flags[min(code, len(flags) - 1)] & SPACE) != 0


@kernel
def is_ascii_letter(byte: int) -> bool:
    """Whether a byte is a letter from A to Z, in either case."""
    return 0x41 <= (byte & 0xDF) <= 0x5A


@kernel
def directive(bytes_B: np.ndarray, place: Whole, stop: Whole) -> Whole:
    """Where the directive, tag or accelerator ends that begins at a byte; the byte's own place where none does."""
    first = bytes_B[place]
    if first == 0x3C or first == 0x7B:
        last, longest = (0x3E, _LONGEST_TAG) if first == 0x3C else (0x7D, _LONGEST_PLACE)
        at, num = place + 1, 0
        while at < stop and num <= longest:
            byte = bytes_B[at]
            if byte == last:
                return at + 1 if num > 0 or first == 0x7B else place
            if byte == first or byte == 0x0A:
                return place
            num += (byte & 0xC0) != 0x80
            at += 1
        return place
    at = place + 1
    if at < stop and bytes_B[at] == 0x28:  # « %(name)s »
        at += 1
        begun = at
        while at < stop and (is_ascii_letter(bytes_B[at]) or 0x30 <= bytes_B[at] <= 0x39 or bytes_B[at] == 0x5F):
            at += 1
        if begun < at and at + 1 < stop and bytes_B[at] == 0x29 and is_ascii_letter(bytes_B[at + 1]):
            return at + 2
        return place
    for turn in range(2):  # flags, width and precision; « 1$ » before them
        num = 0
        while at < stop and num < 10:
            byte = bytes_B[at]
            # + - # 0 … 9 * . '
            if not (0x30 <= byte <= 0x39 or byte in (0x23, 0x27, 0x2A, 0x2B, 0x2D, 0x2E)):
                break
            at += 1
            num += 1
        if turn == 0 and at < stop and num > 0 and bytes_B[at] == 0x24:
            at += 1
            continue
        break
    if at >= stop or not is_ascii_letter(bytes_B[at]):
        return place
    end = at + 1
    byte = bytes_B[at]
    if byte in (0x68, 0x6C) and end < stop and bytes_B[end] == byte:  # hh, ll
        end += 1
    if byte in (0x68, 0x6C, 0x7A, 0x6A, 0x74, 0x4C) and end < stop and is_ascii_letter(bytes_B[end]):
        end += 1
    return end


@kernel
def letter_keys(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    ascii: np.ndarray,
    flags: np.ndarray,
    lower_C: np.ndarray,
    most: int,
    keys_D: np.ndarray,
) -> None:
    """Hash of each text's letters in lower case, without directives and markup; of its bytes where it has none.

    Args:
        bytes_B: UTF-8.
        bounds_D: Text d is bytes_B[bounds_D[d]:bounds_D[d + 1]].
        ascii: uint8 by byte: a letter in lower case, _LOOK where a directive or a wider character may begin, or 0.
        flags: uint8 by code point, see codepoints.flag_table.
        lower_C: uint32 by code point of the BMP.
        most: So many letters count, those at the beginning.
        keys_D: uint64, gets the keys.
    """
    for document in range(len(bounds_D) - 1):
        at, stop = np.uint64(bounds_D[document]), np.uint64(bounds_D[document + 1])
        value, num = SEED, 0
        while at < stop and num < most:
            byte = bytes_B[at]
            letter = ascii[byte]
            if letter != _LOOK:  # without a branch: where words end cannot be foreseen
                is_letter = letter != 0
                value = (value ^ np.uint64(letter)) * PRIME if is_letter else value
                num += is_letter
                at += ONE_BIT
                continue
            if byte < 0x80:
                after = np.uint64(directive(bytes_B, np.int64(at), np.int64(stop)))
                at = after if after > at else at + ONE_BIT
                continue
            code, width = decoded(bytes_B, np.int64(at))
            if flags[min(code, len(flags) - 1)] & LETTER:
                value = (value ^ np.uint64(lower_C[code] if code < 0x10000 else code)) * PRIME
                num += 1
            at += np.uint64(width)
        keys_D[document] = finish(value) if num else ~hash_bytes(bytes_B, bounds_D[document], bounds_D[document + 1])
