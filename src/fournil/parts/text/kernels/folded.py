"""Words that are compared without case, accents and punctuation, and searches among them.

Shapes: B bytes, D documents, W words, T texts that are searched for, L words of all these texts, P places in them, S
slots of a table, a power of two.
"""

from __future__ import annotations

import numpy as np

from fournil.parts.text.kernels.characters import whole
from fournil.parts.text.kernels.compile import kernel

SKIPPED = 0xE000
"""In a fold table, what belongs to the word before it and has no part in its hash: a combining accent."""
PAIRS = (("œ", "oe"), ("æ", "ae"), ("ß", "ss"), ("\u0132", "ij"), ("\u0133", "ij"))
"""Characters that two letters are written for; a fold table holds SKIPPED + 1 + their place."""
WIDE = 0xFFFF
"""In an ASCII table, what stands for bytes of other characters."""
NUM_WORDS = 8
"""Words in a row that are looked up at once; shorter runs are never found."""
STEP = 0x9E3779B97F4A7C15
"""A run's value is that of the run without its last word times this, and the last word's hash."""

_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(STEP)
_POWER = np.uint64(pow(STEP, NUM_WORDS - 1, 1 << 64))
_SPREAD = np.uint64(0xFF51AFD7ED558CCD)
_LETTERS = np.array([[ord(letter) for letter in letters] for _, letters in PAIRS], np.uint64)
_ONE, _SKIPPED, _LAST, _WIDE = np.uint64(1), np.uint64(SKIPPED), np.uint64(SKIPPED + len(PAIRS)), np.uint64(WIDE)


@kernel
def fold_words(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    table: np.ndarray,
    ascii_table: np.ndarray,
    hashes_W: np.ndarray,
    starts_W: np.ndarray,
    words_D: np.ndarray,
) -> int:
    """Find all words.

    Args:
        bytes_B: uint8, UTF-8.
        bounds_D: int64.
        table: uint16 by code point of the BMP: the character that stands for it, 0 where it ends a word.
        ascii_table: uint64 by byte: the same for ASCII, WIDE for the bytes of all other characters.
        hashes_W: uint64, filled with each word's hash; one entry for every two bytes, one for
            each document, and two more.
        starts_W: uint32, as long, filled with each word's first byte.
        words_D: int64, filled with the bounds of each document's words.

    Returns:
        How many words there are.
    """
    # Without branches but for other characters than ASCII: where a word ends cannot be foreseen. Unsigned, so that
    # nobody asks of each place whether it is negative.
    num = np.uint64(0)
    for document in range(len(bounds_D) - 1):
        words_D[document] = num
        place, stop = np.uint64(bounds_D[document]), np.uint64(bounds_D[document + 1])
        value, start = _BASIS, place
        while place < stop:
            first = bytes_B[place]
            folded = ascii_table[first]
            if folded == _WIDE:
                lead, second = np.uint32(first), np.uint32(bytes_B[place + _ONE]) & 0x3F
                place += _ONE
                if lead < 0xE0:
                    code = ((lead & 0x1F) << 6) | second
                else:
                    place += _ONE
                    code = (lead & 0x0F) << 12 | second << 6 | np.uint32(bytes_B[place]) & 0x3F
                    if lead >= 0xF0:
                        place += _ONE
                        code = (code & 0x7FFF) << 6 | np.uint32(bytes_B[place]) & 0x3F
                if code < 0x10000:
                    folded = np.uint64(table[code])
                else:  # of what lies beyond, pictures and signs are no words
                    folded = np.uint64(0) if 0x1F000 <= code < 0x20000 else np.uint64(code)
                if _SKIPPED <= folded <= _LAST:
                    if folded == _SKIPPED:
                        place += _ONE
                        start = place if value == _BASIS else start
                        continue
                    pair = folded - _SKIPPED - _ONE
                    value = (value ^ _LETTERS[pair, 0]) * _PRIME
                    folded = _LETTERS[pair, 1]
            place += _ONE
            hashes_W[num], starts_W[num] = value, start
            ends = folded == 0
            num += np.uint64(ends & (value != _BASIS))
            start = place if ends else start
            value = _BASIS if ends else (value ^ folded) * _PRIME
        hashes_W[num], starts_W[num] = value, start
        num += np.uint64(value != _BASIS)
    words_D[len(bounds_D) - 1] = num
    return whole(num)


@kernel
def _mask_of(spread: np.uint64) -> np.uint64:
    """Three bits of the one number in which a run is noted: a small filter stays in the processor's cache."""
    one = np.uint64(1)
    mask = one << ((spread >> np.uint64(20)) & np.uint64(63))
    mask |= one << ((spread >> np.uint64(26)) & np.uint64(63))
    return mask | (one << ((spread >> np.uint64(32)) & np.uint64(63)))


@kernel
def find_grams(hashes_W: np.ndarray, words_D: np.ndarray, bitmap: np.ndarray, shift: int, found_F: np.ndarray) -> int:
    """Find the words at which a run of NUM_WORDS begins that a bitmap may hold.

    Args:
        hashes_W: uint64.
        words_D: int64.
        bitmap: uint64, each with the bits of some runs; a power of two of them.
        shift: 64 less the logarithm of their number.
        found_F: int64, filled with the first words' numbers.

    Returns:
        How many there are; of those beyond the array's end nothing is kept.
    """
    num, room = np.uint64(0), np.uint64(len(found_F))
    reach, narrow = np.uint64(NUM_WORDS - 1), np.uint64(shift)
    for document in range(len(words_D) - 1):
        first, stop = np.uint64(words_D[document]), np.uint64(words_D[document + 1])
        if stop - first <= reach:
            continue
        value = np.uint64(0)
        for word in range(first, first + reach):
            value = value * _PRIME + hashes_W[word]
        for word in range(first, stop - reach):
            value = value * _PRIME + hashes_W[word + reach]
            spread = (value ^ (value >> np.uint64(32))) * _SPREAD
            mask = _mask_of(spread)
            if bitmap[spread >> narrow] & mask == mask:
                if num < room:
                    found_F[num] = word
                num += _ONE
            value -= hashes_W[word] * _POWER
    return whole(num)


@kernel
def gram_bits(grams_G: np.ndarray, bitmap: np.ndarray, shift: int) -> None:
    """Set the bits of some runs.

    Args:
        grams_G: uint64, the runs' values.
        bitmap: uint64, all 0; see `find_grams`.
        shift: As for `find_grams`.
    """
    for gram in range(len(grams_G)):
        value = grams_G[gram]
        spread = (value ^ (value >> np.uint64(32))) * _SPREAD
        bitmap[np.int64(spread >> np.uint64(shift))] |= _mask_of(spread)


@kernel
def fill_slots(grams_G: np.ndarray, keys_S: np.ndarray, values_S: np.ndarray) -> None:
    """Put different runs of words into a table with open addressing.

    Args:
        grams_G: uint64, the runs' values, none twice.
        keys_S: uint64, all 0; a power of two, and more than there are runs.
        values_S: int64, filled with the run's number where `keys_S` has its value.
    """
    mask = np.uint64(len(keys_S) - 1)
    for gram in range(len(grams_G)):
        value = grams_G[gram]
        value = value if value != 0 else np.uint64(1)
        slot = ((value ^ (value >> np.uint64(32))) * _SPREAD >> np.uint64(20)) & mask
        while keys_S[np.int64(slot)] != 0:
            slot = (slot + np.uint64(1)) & mask
        keys_S[np.int64(slot)] = value
        values_S[np.int64(slot)] = gram


@kernel
def match_runs(
    hashes_W: np.ndarray,
    words_D: np.ndarray,
    found_F: np.ndarray,
    keys_S: np.ndarray,
    values_S: np.ndarray,
    places_G: np.ndarray,
    places_P: np.ndarray,
    words_L: np.ndarray,
    words_T: np.ndarray,
    usable_L: np.ndarray,
    runs_R3: np.ndarray,
) -> int:
    """Find the longest runs of words that documents and texts have in common, from where they begin.

    Args:
        hashes_W: uint64, the documents' words.
        words_D: int64, the bounds of each document's words.
        found_F: int64, words where a run may begin, ascending.
        keys_S: uint64, as `fill_slots` made it.
        values_S: int64, as `fill_slots` made it.
        places_G: int64, the bounds of each run's places in `places_P`.
        places_P: int64, the words of texts at which runs begin.
        words_L: uint64, the texts' words.
        words_T: int64, the bounds of each text's words.
        usable_L: bool, whether a run that is looked up begins at a word.
        runs_R3: int64, filled with the document's word, the text's word and the number of words in common.

    Returns:
        How many runs there are; of those beyond the array's end nothing is kept.
    """
    num, room, document = 0, len(runs_R3), 0
    mask = np.uint64(len(keys_S) - 1)
    for found in range(len(found_F)):
        word = found_F[found]
        while words_D[document + 1] <= word:
            document += 1
        first, stop = words_D[document], words_D[document + 1]
        value = np.uint64(0)
        for place in range(word, word + NUM_WORDS):
            value = value * _PRIME + hashes_W[place]
        value = value if value != 0 else np.uint64(1)
        slot = ((value ^ (value >> np.uint64(32))) * _SPREAD >> np.uint64(20)) & mask
        while keys_S[np.int64(slot)] != 0 and keys_S[np.int64(slot)] != value:
            slot = (slot + np.uint64(1)) & mask
        if keys_S[np.int64(slot)] == 0:
            continue
        gram = values_S[np.int64(slot)]
        for posting in range(places_G[gram], places_G[gram + 1]):
            begin = places_P[posting]
            if word > first and begin > 0 and usable_L[begin - 1] and hashes_W[word - 1] == words_L[begin - 1]:
                continue  # inside a run that began before
            end = words_T[np.searchsorted(words_T, begin, side="right")]
            length = 0
            while word + length < stop and begin + length < end and hashes_W[word + length] == words_L[begin + length]:
                length += 1
            if length < NUM_WORDS:
                continue
            if num < room:
                runs_R3[num, 0], runs_R3[num, 1], runs_R3[num, 2] = word, begin, length
            num += 1
    return num
