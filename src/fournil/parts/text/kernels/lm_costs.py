"""Pieces of words, and what an n-gram model makes of them.

C code points, W words, V pieces of the vocabulary, S slots of a table, P pieces of a text, D documents. Tables are open
addressing over uint64: the upper half of a slot tells whose it is, the lower half holds the value; 0 is empty.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.lm_words import HASH_PRIME, HASH_SEED

UNKNOWN, END, BEGIN = range(3)
"""Pieces that stand in every vocabulary: a character that has none, the end of a paragraph, its beginning."""

FIRST_PIECE = 3
MAX_PIECE = 16
"""Code points of the longest piece that a word is cut into; a word that is a piece whole may be longer."""

MAX_ORDER = 6
WITHIN = 0x5851F42D4C957F2D
"""What sets a piece within a word apart from the same letters at its beginning."""

MIX_1 = 0xFF51AFD7ED558CCD
MIX_2 = 0xC4CEB9FE1A85EC53
OLDER = 0x9E3779B97F4A7C15


@kernel
def fill(keys: np.ndarray, values: np.ndarray, table_S: np.ndarray) -> None:
    """Put values (uint32) under keys (uint64, spread over all bits) into an empty table that has room to spare."""
    mask = np.uint64(len(table_S) - 1)
    one = np.uint64(1)
    for number in range(len(keys)):
        slot = keys[number] & mask
        while table_S[slot] != np.uint64(0):
            slot = (slot + one) & mask
        upper = (keys[number] >> np.uint64(32)) | one
        table_S[slot] = (upper << np.uint64(32)) | np.uint64(values[number])


@kernel
def cut_words(
    points_C: np.ndarray,
    bounds_W: np.ndarray,
    hashes_W: np.ndarray,
    first_D: np.ndarray,
    table_S: np.ndarray,
    out_P: np.ndarray,
    pieces_D: np.ndarray,
) -> int:
    """Cut words into pieces, the longest first from the left; out_P (int32) has room for code points + words.

    Args:
        points_C: uint32 code points of the words, as `lm_words` writes them.
        bounds_W: int32 bounds of the words in them.
        hashes_W: uint64 hashes of the words.
        first_D: int64, the words of document d are first_D[d] to first_D[d + 1].
        table_S: the vocabulary's table; values are pieces.
        out_P: the pieces.
        pieces_D: int64, the pieces of document d are pieces_D[d] to pieces_D[d + 1].

    Returns:
        How many pieces were written.
    """
    seed, prime = np.uint64(HASH_SEED), np.uint64(HASH_PRIME)
    mask, one, half = np.uint64(len(table_S) - 1), np.uint64(1), np.uint64(32)
    mix_1, mix_2, shift = np.uint64(MIX_1), np.uint64(MIX_2), np.uint64(33)
    zero, within = np.uint64(0), np.uint64(WITHIN)
    hashes = np.empty(MAX_PIECE + 1, np.uint64)
    num = 0
    for d in range(len(first_D) - 1):
        pieces_D[d] = num
        for w in range(first_D[d], first_D[d + 1]):
            start, end = np.int64(bounds_W[w]), np.int64(bounds_W[w + 1])
            if start == end:
                out_P[num] = END
                num += 1
                continue
            salt = zero
            whole = True
            while start < end:
                longest = end - start
                if not whole:
                    longest = min(longest, MAX_PIECE)
                    running = seed
                    for c in range(longest):
                        running = (running ^ np.uint64(points_C[start + c])) * prime
                        hashes[c + 1] = running
                found = np.int64(UNKNOWN)
                size = longest
                while size > 0:
                    key = (hashes_W[w] if whole else hashes[size]) ^ salt
                    key ^= key >> shift
                    key *= mix_1
                    key ^= key >> shift
                    key *= mix_2
                    key ^= key >> shift
                    upper = (key >> half) | one
                    slot = key & mask
                    while table_S[slot] != zero:
                        if table_S[slot] >> half == upper:
                            found = np.int64(table_S[slot] & np.uint64(0xFFFFFFFF))
                            break
                        slot = (slot + one) & mask
                    if found != UNKNOWN or whole:
                        break
                    size -= 1
                if found == UNKNOWN and whole:
                    whole = False
                    continue
                out_P[num] = found
                num += 1
                start += max(size, 1)
                salt, whole = within, False
    pieces_D[len(first_D) - 1] = num
    return num


@kernel
def costs(
    pieces_P: np.ndarray,
    pieces_D: np.ndarray,
    order: int,
    unigrams_V: np.ndarray,
    table_S: np.ndarray,
    out_D: np.ndarray,
) -> None:
    """What each document costs, in the model's units.

    Args:
        pieces_P: int32 pieces.
        pieces_D: int64, the pieces of document d are pieces_D[d] to pieces_D[d + 1].
        order: of the model.
        unigrams_V: uint32 by piece: its own cost above, what backing off from it costs below (16 bits each).
        table_S: the same of longer runs, under the hash of the run.
        out_D: int64, the sum of the costs of its pieces.
    """
    mask, one, half = np.uint64(len(table_S) - 1), np.uint64(1), np.uint64(32)
    mix_1, mix_2, shift, older = np.uint64(MIX_1), np.uint64(MIX_2), np.uint64(33), np.uint64(OLDER)
    zero = np.uint64(0)
    backoffs = np.zeros(MAX_ORDER + 1, np.int64)
    fresh = np.zeros(MAX_ORDER + 1, np.int64)
    start_backoff = np.int64(unigrams_V[BEGIN] & np.uint32(0xFFFF))
    for d in range(len(pieces_D) - 1):
        total = np.int64(0)
        reach = 1  # how many pieces before this one the model knows as a run
        backoffs[1] = start_backoff
        for p in range(pieces_D[d], pieces_D[d + 1]):
            piece = pieces_P[p]
            held = unigrams_V[piece]
            cost = np.int64(held >> np.uint32(16))
            if piece == UNKNOWN:
                for size in range(1, reach + 1):
                    cost += backoffs[size]
                total += cost
                reach = 0
                continue
            fresh[1] = np.int64(held & np.uint32(0xFFFF))
            key = np.uint64(piece + 1) * older
            known = 1
            while known <= reach and known < order:
                before = p - known
                back = np.uint64(BEGIN)
                if before >= pieces_D[d] and pieces_P[before] != END:
                    back = np.uint64(pieces_P[before])
                key = (key ^ (back + one)) * older
                key ^= key >> shift
                key *= mix_1
                key ^= key >> shift
                key *= mix_2
                key ^= key >> shift
                upper = (key >> half) | one
                slot = key & mask
                hit = zero
                while table_S[slot] != zero:
                    if table_S[slot] >> half == upper:
                        hit = table_S[slot]
                        break
                    slot = (slot + one) & mask
                if hit == zero:
                    break
                known += 1
                cost = np.int64((hit >> np.uint64(16)) & np.uint64(0xFFFF))
                fresh[known] = np.int64(hit & np.uint64(0xFFFF))
            for size in range(known, reach + 1):
                cost += backoffs[size]
            total += cost
            if piece == END:
                reach = 1
                backoffs[1] = start_backoff
                continue
            reach = min(known, order - 1)
            for size in range(1, reach + 1):
                backoffs[size] = fresh[size]
        out_D[d] = total
