"""Sets of shingles and their MinHash minima.

D texts, S shingles; bounds_D has one entry more than there are texts.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

_RADIX_BITS = 11
_NONE, _ONE, _DIGITS = np.uint64(0), np.uint64(1), np.uint64(1 << _RADIX_BITS)
_SMALL = 128
"""So few numbers are sorted by insertion: a table of 2,048 counters is not worth it."""


@kernel
def distinct_sorted(shingles_S: np.ndarray, bounds_D: np.ndarray, out_S: np.ndarray, counts_D: np.ndarray) -> None:
    """Fold each text's shingles to 32 bits, sort them, and keep each once.

    Args:
        shingles_S: uint64, end to end.
        bounds_D: int64.
        out_S: uint32, of the same length; the sets are put end to end, from the start.
        counts_D: int64; gets how many shingles each text has left.
    """
    num_texts = len(bounds_D) - 1
    longest = 0
    for text in range(num_texts):
        longest = max(longest, bounds_D[text + 1] - bounds_D[text])
    one = np.empty(longest, np.uint32)
    other = np.empty(longest, np.uint32)
    seen = np.empty(1 << _RADIX_BITS, np.uint64)
    mask = np.uint32((1 << _RADIX_BITS) - 1)
    free = _NONE
    for text in range(num_texts):
        # Unsigned, so that nobody asks of each place whether it is negative.
        start = np.uint64(bounds_D[text])
        num = np.uint64(bounds_D[text + 1]) - start
        for place in range(num):
            one[place] = np.uint32(shingles_S[start + place] >> np.uint64(32))
        if num <= _SMALL:
            for place in range(_ONE, num):
                value = one[place]
                hole = place
                while hole > _NONE and one[hole - _ONE] > value:
                    one[hole] = one[hole - _ONE]
                    hole -= _ONE
                one[hole] = value
        else:
            for turn in range(3):
                shift = np.uint32(turn * _RADIX_BITS)
                seen[:] = 0
                for place in range(num):
                    seen[(one[place] >> shift) & mask] += _ONE
                total = _NONE
                for digit in range(_DIGITS):
                    count = seen[digit]
                    seen[digit] = total
                    total += count
                for place in range(num):
                    digit = (one[place] >> shift) & mask
                    other[seen[digit]] = one[place]
                    seen[digit] += _ONE
                one, other = other, one
        begin = free
        for place in range(num):
            # Written in any case: the next one takes the place of one that was there before.
            out_S[free] = one[place]
            free += np.uint64(place == _NONE or one[place] != one[place - _ONE])
        counts_D[text] = free - begin


@kernel
def band_keys(
    sets_S: np.ndarray, bounds_D: np.ndarray, multipliers_P: np.ndarray, addends_P: np.ndarray, keys_DB: np.ndarray
) -> None:
    """Minima of all permutations, folded band by band into 64-bit keys.

    Args:
        sets_S: uint32 shingles, end to end.
        bounds_D: int64.
        multipliers_P: uint32, odd; a permutation of the 32-bit numbers multiplies and adds.
        addends_P: uint32.
        keys_DB: uint64; gets the keys, which differ from band to band; 0 for texts without shingles.
    """
    num_permutations = len(multipliers_P)
    num_bands = keys_DB.shape[1]
    rows = num_permutations // num_bands
    least_P = np.empty(num_permutations, np.uint32)
    for text in range(len(bounds_D) - 1):
        if bounds_D[text + 1] == bounds_D[text]:
            keys_DB[text, :] = np.uint64(0)
            continue
        least_P[:] = np.uint32(0xFFFFFFFF)
        for place in range(bounds_D[text], bounds_D[text + 1]):
            shingle = sets_S[place]
            for number in range(num_permutations):
                # Narrowed back at once, so that the loop is compiled to vectors of 32-bit numbers.
                value = np.uint32(shingle * multipliers_P[number] + addends_P[number])
                least_P[number] = min(least_P[number], value)
        for band in range(num_bands):
            key = np.uint64(band + 1)
            for number in range(band * rows, (band + 1) * rows):
                key = (key ^ np.uint64(least_P[number])) * np.uint64(0xFF51AFD7ED558CCD)
                key ^= key >> np.uint64(32)
            key *= np.uint64(0xC4CEB9FE1A85EC53)
            key ^= key >> np.uint64(29)
            keys_DB[text, band] = max(key, np.uint64(1))
