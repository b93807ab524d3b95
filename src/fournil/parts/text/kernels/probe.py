"""Texts held against an index of other texts: no pair that is as similar as the threshold is missed.

H indexed texts, K distinct shingles of theirs, E entries (a shingle of a text), D texts held against them.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

_SPREAD = 0x9E3779B1


@kernel
def fill_table(distinct_K: np.ndarray, slots: np.ndarray) -> None:
    """Make the table in which `probe` finds a shingle.

    Args:
        distinct_K: uint32.
        slots: int32, a power of two of them, all -1; gets the place of each shingle in `distinct_K`.
    """
    mask = np.uint64(len(slots) - 1)
    for place in range(len(distinct_K)):
        slot = (np.uint64(distinct_K[place]) * np.uint64(_SPREAD)) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = place


@kernel
def probe(
    sets_S: np.ndarray,
    bounds_D: np.ndarray,
    first: int,
    distinct_K: np.ndarray,
    slots: np.ndarray,
    starts_K: np.ndarray,
    owners_E: np.ndarray,
    sizes_H: np.ndarray,
    seen_H: np.ndarray,
    threshold: float,
    out_P: np.ndarray,
    state: np.ndarray,
) -> None:
    """Name the indexed texts that may be as similar as the threshold.

    A text with n shingles needs t n of them in common with a near duplicate. So a text of which fewer are in the index
    has none, and is left as soon as that is sure; and of f that are, any f - t n + 1 hold one of each near duplicate's:
    the rarest are looked at.

    Args:
        sets_S: uint32, sorted sets of the texts, end to end.
        bounds_D: int64.
        first: The text to begin with.
        distinct_K: uint32, the shingles of the index.
        slots: Made by fill_table.
        starts_K: int32, K + 1 of them; shingle k is in the texts owners_E[starts_K[k]:starts_K[k + 1]].
        owners_E: int32.
        sizes_H: int64, how many shingles each indexed text has.
        seen_H: int64, all -1 before the first call; overwritten.
        threshold: Jaccard similarity.
        out_P: int64, N x 2; gets pairs of a text and an indexed text.
        state: int64, 2 of them; gets the text to go on with and the number of pairs.
    """
    mask = np.uint64(len(slots) - 1)
    longest = 0
    for text in range(first, len(bounds_D) - 1):
        longest = max(longest, bounds_D[text + 1] - bounds_D[text])
    found = np.empty(longest, np.int32)
    num_pairs = 0
    for text in range(first, len(bounds_D) - 1):
        num = bounds_D[text + 1] - bounds_D[text]
        needed = max(1, int(np.ceil(threshold * num - 1e-9)))
        num_found = num_missing = 0
        for place in range(bounds_D[text], bounds_D[text + 1]):
            slot = (np.uint64(sets_S[place]) * np.uint64(_SPREAD)) & mask
            while slots[slot] >= 0 and distinct_K[slots[slot]] != sets_S[place]:
                slot = (slot + np.uint64(1)) & mask
            if slots[slot] >= 0:
                found[num_found] = slots[slot]
                num_found += 1
            else:
                num_missing += 1
                if num_missing > num - needed:
                    break
        if num_found + num_missing < num or num_found < needed:
            continue
        wanted = num_found - needed + 1
        most, num_rare = np.int64(1), 0
        while num_rare < wanted:
            most *= 2
            num_rare = 0
            for place in range(num_found):
                num_rare += starts_K[found[place] + 1] - starts_K[found[place]] < most
        before = num_pairs
        full = False
        for place in range(num_found):
            start, stop = starts_K[found[place]], starts_K[found[place] + 1]
            if stop - start >= most:
                continue
            for entry in range(start, stop):
                owner = owners_E[entry]
                size = sizes_H[owner]
                if seen_H[owner] == text or min(size, num) < threshold * max(size, num) - 1e-9:
                    continue
                if num_pairs == len(out_P):
                    full = True
                    break
                seen_H[owner] = text
                out_P[num_pairs, 0] = text
                out_P[num_pairs, 1] = owner
                num_pairs += 1
            if full:
                break
        if full and before > 0:
            # The text is taken up again from its first pair.
            for pair in range(before, num_pairs):
                seen_H[out_P[pair, 1]] = -1
            state[0], state[1] = text, before
            return
    state[0], state[1] = len(bounds_D) - 1, num_pairs
