"""Byte-pair encoding of whole texts, with what stretches came to kept.

Two characters that stand side by side in no piece of the vocabulary can never be merged over. A text is cut at such
places, which changes no id, and the stretches between, words mostly, are looked up before they are merged.

B bytes, D texts, N ids, A characters of the alphabet, J of them that join others, P slots for pairs that merge, S slots
for stretches of text.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

MOST_KEPT = 64
"""A stretch of more bytes is merged each time it comes."""
SHORT, FEW = 16, 3
"""Bytes of a short word, and ids that stand beside it."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_NONE = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOW = np.uint64(0xFFFFFFFF)
_LAST = np.uint64(0xFF)
_HALF = np.uint64(32)
_BYTE = np.uint64(8)
_FOLD = np.uint64(29)


@kernel
def fill_pairs(left_M: np.ndarray, right_M: np.ndarray, made_M: np.ndarray, pairs_P2: np.ndarray) -> None:
    """Put merges into a table by their pair.

    Args:
        left_M: int64, ids of the left pieces, in the order of the ranks.
        right_M: int64, of the right ones.
        made_M: int64, of what they make.
        pairs_P2: uint64, P a power of two beyond M; gets pair and rank with what is made, or ones all over.
    """
    mask = np.uint64(len(pairs_P2) - 1)
    pairs_P2[:] = _NONE
    for rank in range(len(left_M)):
        pair = (np.uint64(left_M[rank]) << _HALF) | np.uint64(right_M[rank])
        hash_ = pair * _MULTIPLIER
        place = (hash_ ^ (hash_ >> _FOLD)) & mask
        while pairs_P2[place, 0] != _NONE and pairs_P2[place, 0] != pair:
            place = (place + np.uint64(1)) & mask
        pairs_P2[place, 0] = pair
        pairs_P2[place, 1] = (np.uint64(rank) << _HALF) | np.uint64(made_M[rank])


@kernel
def _found(left: int, right: int, pairs_P2: np.ndarray) -> np.uint64:
    """Rank and id of what a pair makes, or ones all over."""
    mask = np.uint64(len(pairs_P2) - 1)
    pair = (np.uint64(left) << _HALF) | np.uint64(right)
    hash_ = pair * _MULTIPLIER
    place = (hash_ ^ (hash_ >> _FOLD)) & mask
    while pairs_P2[place, 0] != pair:
        if pairs_P2[place, 0] == _NONE:
            return _NONE
        place = (place + np.uint64(1)) & mask
    return pairs_P2[place, 1]


@kernel
def _put(heap_H: np.ndarray, size: int, value: np.uint64) -> None:
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if heap_H[above] <= value:
            break
        heap_H[place] = heap_H[above]
        place = above
    heap_H[place] = value


@kernel
def _take(heap_H: np.ndarray, size: int) -> np.uint64:
    """Take the least of `size` values off; the others are the first size - 1."""
    least = heap_H[0]
    value = heap_H[size - 1]
    last = size - 1
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last and heap_H[below + 1] < heap_H[below]:
            below += 1
        if heap_H[below] >= value:
            break
        heap_H[place] = heap_H[below]
        place = below
    heap_H[place] = value
    return least


@kernel
def merge_short(ids_N: np.ndarray, pairs_P2: np.ndarray, ranks_N: np.ndarray) -> int:
    """Merge a few symbols in place, the lowest rank first and of equal ranks the leftmost; how many are left."""
    num = len(ids_N)
    for place in range(num - 1):
        ranks_N[place] = _found(ids_N[place], ids_N[place + 1], pairs_P2)
    while num > 1:
        best = 0
        for place in range(1, num - 1):
            if ranks_N[place] >> _HALF < ranks_N[best] >> _HALF:
                best = place
        if ranks_N[best] == _NONE:
            break
        ids_N[best] = np.int64(ranks_N[best] & _LOW)
        num -= 1
        for place in range(best + 1, num):
            ids_N[place] = ids_N[place + 1]
            ranks_N[place - 1] = ranks_N[place]
        if best + 1 < num:
            ranks_N[best] = _found(ids_N[best], ids_N[best + 1], pairs_P2)
        if best > 0:
            ranks_N[best - 1] = _found(ids_N[best - 1], ids_N[best], pairs_P2)
    return num


@kernel
def merge_long(ids_N: np.ndarray, pairs_P2: np.ndarray) -> int:
    """The same for any number of symbols, in a time that grows little faster than they do."""
    num = len(ids_N)
    ranks_N = np.empty(num, np.uint64)
    next_N = np.arange(1, num + 1)
    before_N = np.arange(-1, num - 1)
    heap_H = np.empty(3 * num, np.uint64)
    size = 0
    for place in range(num - 1):
        ranks_N[place] = _found(ids_N[place], ids_N[place + 1], pairs_P2)
        if ranks_N[place] != _NONE:
            _put(heap_H, size, (ranks_N[place] & ~_LOW) | np.uint64(place))
            size += 1
    ranks_N[num - 1] = _NONE
    while size > 0:
        least = _take(heap_H, size)
        size -= 1
        place = np.int64(least & _LOW)
        if ranks_N[place] == _NONE or (ranks_N[place] ^ least) >> _HALF:
            continue
        ids_N[place] = np.int64(ranks_N[place] & _LOW)
        gone = next_N[place]
        ranks_N[gone] = _NONE
        ids_N[gone] = -1
        after = next_N[gone]
        next_N[place] = after
        if after < num:
            before_N[after] = place
        left = before_N[place]
        for begin in (place, left):
            if begin < 0:
                continue
            end = np.int64(next_N[begin])
            ranks_N[begin] = _NONE if end >= num else _found(ids_N[begin], ids_N[end], pairs_P2)
            if ranks_N[begin] != _NONE:
                _put(heap_H, size, (ranks_N[begin] & ~_LOW) | np.uint64(begin))
                size += 1
    kept = 0
    for place in range(num):
        if ids_N[place] >= 0:
            ids_N[kept] = ids_N[place]
            kept += 1
    return kept


@kernel
def _stretch(
    bytes_B: np.ndarray,
    start: int,
    end: int,
    letters_C: np.ndarray,
    symbols_A: np.ndarray,
    byte_ids: np.ndarray,
    pairs_P2: np.ndarray,
    ids_N: np.ndarray,
    ranks_N: np.ndarray,
) -> int:
    """Encode the bytes of a stretch into the beginning of ids_N; how many ids there are."""
    num = 0
    place = start
    while place < end:
        code, width = _character(bytes_B, place)
        letter = letters_C[code]
        if letter >= 0:
            ids_N[num] = symbols_A[letter]
            num += 1
        else:
            for at in range(place, place + width):
                ids_N[num] = byte_ids[bytes_B[at]]
                num += 1
        place += width
    if num <= MOST_KEPT:
        return merge_short(ids_N[:num], pairs_P2, ranks_N)
    return merge_long(ids_N[:num], pairs_P2)


@kernel
def _character(bytes_B: np.ndarray, place: int) -> tuple[int, int]:
    """The code point that begins at a byte of valid UTF-8, and how many bytes it has."""
    first = np.int64(bytes_B[place])
    if first < 0x80:
        return int(first), 1
    second = np.int64(bytes_B[place + 1]) & 0x3F
    if first < 0xE0:
        return int(((first & 0x1F) << 6) | second), 2
    third = np.int64(bytes_B[place + 2]) & 0x3F
    if first < 0xF0:
        return int(((first & 0x0F) << 12) | (second << 6) | third), 3
    fourth = np.int64(bytes_B[place + 3]) & 0x3F
    return int(((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth), 4


@kernel
def _key(bytes_B: np.ndarray, start: int, length: int) -> tuple[np.uint64, np.uint64]:
    """A stretch as two words: its bytes where sixteen hold them, otherwise a hash of them and nothing."""
    first = np.uint64(0)
    second = np.uint64(0)
    if length <= SHORT:
        for at in range(min(length, 8)):
            first |= np.uint64(bytes_B[start + at]) << np.uint64(8 * at)
        for at in range(8, length):
            second |= np.uint64(bytes_B[start + at]) << np.uint64(8 * at - 64)
    else:
        for at in range(length):
            first = ((first ^ (first >> _FOLD)) + np.uint64(bytes_B[start + at])) * _MULTIPLIER
    return first, second


@kernel
def encode(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    letters_C: np.ndarray,
    symbols_A: np.ndarray,
    joined_JJ: np.ndarray,
    ascii_HH: np.ndarray,
    byte_ids: np.ndarray,
    pairs_P2: np.ndarray,
    slots_S4: np.ndarray,
    kept_bytes: np.ndarray,
    kept_ids: np.ndarray,
    free: np.ndarray,
    ids_N: np.ndarray,
    ends_D: np.ndarray,
) -> None:
    """Encode texts.

    A stretch that is kept fills 32 bytes, so that a short word with few ids is found at one place of the memory: its
    bytes (or a hash, and where its bytes are), its length with the number of its ids, and the ids (or where they are).

    Args:
        bytes_B: uint8, valid UTF-8, end to end.
        bounds_D: int64, one entry more than there are texts.
        letters_C: int32 by code point: its place in the alphabet, or -1 where it is spelled in bytes.
        symbols_A: int32, ids of the characters.
        joined_JJ: bool, of the first J characters: the two stand side by side in some piece. The others join nothing.
        ascii_HH: bool, the same by code points below 128.
        byte_ids: int32, ids of the 256 bytes.
        pairs_P2: From `fill_pairs`.
        slots_S4: uint64, S a power of two.
        kept_bytes: uint8, bytes of the stretches that are no short words.
        kept_ids: int32, ids of those that have many.
        free: int64: how many slots, bytes and ids are taken; all is forgotten where one of them would be full.
        ids_N: int32; gets the ids, at most as many as there are bytes.
        ends_D: int64; gets where each text's ids end.
    """
    mask = np.uint64(len(slots_S4) - 1)
    num_joining = len(joined_JJ)
    most_slots = len(slots_S4) // 2
    ranks_N = np.empty(MOST_KEPT, np.uint64)
    num = 0
    for text in range(len(bounds_D) - 1):
        place = bounds_D[text]
        stop = bounds_D[text + 1]
        while place < stop:
            code, width = _character(bytes_B, place)
            start = place
            place += width
            letter = letters_C[code]
            if letter < 0:
                for at in range(start, place):
                    ids_N[num] = byte_ids[bytes_B[at]]
                    num += 1
                continue
            while place < stop and letter < num_joining:
                while place < stop and code < 0x80 and bytes_B[place] < 0x80 and ascii_HH[code, bytes_B[place]]:
                    code = np.int64(bytes_B[place])
                    place += 1
                letter = letters_C[code]
                if place == stop:
                    break
                code, width = _character(bytes_B, place)
                other = letters_C[code]
                if other < 0 or other >= num_joining or not joined_JJ[letter, other]:
                    break
                letter = other
                place += width
            length = place - start
            if length > MOST_KEPT:
                num += _stretch(bytes_B, start, place, letters_C, symbols_A, byte_ids, pairs_P2, ids_N[num:], ranks_N)
                continue
            first, second = _key(bytes_B, start, length)
            hash_ = (first ^ (second * _MULTIPLIER) ^ np.uint64(length)) * _MULTIPLIER
            slot = (hash_ ^ (hash_ >> _HALF)) & mask
            while True:
                told = slots_S4[slot, 2]
                if told == 0:
                    made = _stretch(
                        bytes_B, start, place, letters_C, symbols_A, byte_ids, pairs_P2, ids_N[num:], ranks_N
                    )
                    if free[0] >= most_slots or free[1] + length > len(kept_bytes) or free[2] + made > len(kept_ids):
                        slots_S4[:, 2] = 0
                        free[:] = 0
                        slot = (hash_ ^ (hash_ >> _HALF)) & mask
                    if length > SHORT:
                        second = np.uint64(free[1])
                        for at in range(length):
                            kept_bytes[free[1] + at] = bytes_B[start + at]
                        free[1] += length
                    slots_S4[slot, 0] = first
                    slots_S4[slot, 1] = second
                    told = np.uint64(length) | (np.uint64(made) << _BYTE) | (np.uint64(ids_N[num]) << _HALF)
                    slots_S4[slot, 2] = told
                    if made > FEW:
                        slots_S4[slot, 3] = np.uint64(free[2])
                        for at in range(made):
                            kept_ids[free[2] + at] = ids_N[num + at]
                        free[2] += made
                    else:
                        rest = np.uint64(0)
                        if made > 1:
                            rest = np.uint64(ids_N[num + 1])
                        if made > 2:
                            rest |= np.uint64(ids_N[num + 2]) << _HALF
                        slots_S4[slot, 3] = rest
                    free[0] += 1
                    num += made
                    break
                if slots_S4[slot, 0] == first and np.int64(told & _LAST) == length:
                    same = True
                    if length > SHORT:
                        kept = np.int64(slots_S4[slot, 1])
                        for at in range(length):
                            if kept_bytes[kept + at] != bytes_B[start + at]:
                                same = False
                                break
                    else:
                        same = slots_S4[slot, 1] == second
                    if same:
                        made = np.int64((told >> _BYTE) & _LAST)
                        rest = slots_S4[slot, 3]
                        if made > FEW:
                            for at in range(made):
                                ids_N[num + at] = kept_ids[np.int64(rest) + at]
                        else:
                            ids_N[num] = np.int32(told >> _HALF)
                            if made > 1:
                                ids_N[num + 1] = np.int32(rest & _LOW)
                            if made > 2:
                                ids_N[num + 2] = np.int32(rest >> _HALF)
                        num += made
                        break
                slot = (slot + np.uint64(1)) & mask
        ends_D[text] = num
