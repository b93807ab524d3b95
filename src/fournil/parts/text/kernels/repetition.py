"""Runs of words that a text repeats: found size by size, among fewer places each time.

Suffixes: D documents, W words, Z sizes of runs.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

STEP = np.uint64(0x9E3779B97F4A7C15)
UNIT, HALF, WORD, LOW = np.uint64(1), np.uint64(33), np.uint64(32), np.uint64(0xFFFFFFFF)
ONE, TWO = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


@kernel
def repetition(
    hashes_W: np.ndarray,
    lengths_W: np.ndarray,
    bounds_D: np.ndarray,
    wanted_D: np.ndarray,
    enough: float,
    num_top: int,
    top_DZ: np.ndarray,
    duplicate_DZ: np.ndarray,
    letters_D: np.ndarray,
    slots: np.ndarray,
    seen: np.ndarray,
    keys: np.ndarray,
    places: np.ndarray,
    rest: np.ndarray,
    link: np.ndarray,
    counts: np.ndarray,
    running: np.ndarray,
    repeated: np.ndarray,
    later: np.ndarray,
) -> None:
    """Fill top_DZ and duplicate_DZ (letters) for runs of 2, 3, … words.

    Args:
        hashes_W: uint64 of each word.
        lengths_W: int32, letters of each word.
        bounds_D: int64, document d has words bounds_D[d]:bounds_D[d + 1].
        wanted_D: bool, the others are passed over.
        enough: A document is done when this share of its letters, or less, lies in repeated runs of a size beyond the
            first num_top ones: longer runs cannot hold more. The sizes that are left get that share.
        num_top: How many sizes are looked at in any case.
        top_DZ: int64 by size from 2 to num_top + 1; letters of the most frequent run times its number, 0 where none
            occurs twice; of equally frequent runs the longest counts.
        duplicate_DZ: int64 by size from 2; letters of words in second and later occurrences, each word once; 0 for the
            first num_top sizes.
        letters_D: int64: gets the letters of all words of the documents that are wanted.
        slots: uint64, pairs of a key and a place + 1; twice as many pairs as the longest document has words, rounded up
            to a power of two. Scratch, like all that follow.
        seen: uint8, eight times as many as the longest document has words, at least 64.
        keys: uint64, as many.
        places: int32, as many.
        rest: int32, as many.
        link: int32, as many: where the same run stands first.
        counts: int32, as many: how often, at the place where a run stands first.
        running: int64, one more.
        repeated: uint8, one more.
        later: uint8, as many.
    """
    num_sizes = top_DZ.shape[1]
    for document in range(len(bounds_D) - 1):
        if not wanted_D[document]:
            continue
        first = bounds_D[document]
        num = bounds_D[document + 1] - first
        running[0] = 0
        for place in range(num):
            running[place + 1] = running[place] + lengths_W[first + place]
        letters_D[document] = running[num]
        repeated[: num + 1] = 1
        candidates = num
        for step in range(num_sizes):
            size = step + 2
            if candidates < 2:
                break
            # A run can only repeat where the run without its last word does, and the one without its first.
            num_places = 0
            for place in range(num - size + 1):
                places[num_places] = place
                num_places += repeated[place] & repeated[place + 1]
                repeated[place] = 0
            for place in range(max(num - size + 1, 0), num + 1):
                repeated[place] = 0
            best = best_length = candidates = num_rest = 0
            for number in range(num_places):
                place = places[number]
                word = hashes_W[first + place + size - 1]
                later[place] = 0
                if step == 0:
                    rest[num_rest], keys[num_rest] = place, hashes_W[first + place] * STEP + word
                    num_rest += 1
                    continue
                # Where a passage is repeated, each run is that of the passage's first place: no look-up is needed.
                leader = link[place]
                if leader == place:
                    counts[place] = 1
                elif hashes_W[first + leader + size - 1] == word:
                    counts[leader] += 1
                    if counts[leader] == 2:
                        repeated[leader] = 1
                        candidates += 1
                    repeated[place] = later[place] = 1
                    candidates += 1
                    length = running[place + size] - running[place]
                    if counts[leader] > best or (counts[leader] == best and length > best_length):
                        best, best_length = np.int64(counts[leader]), length
                else:
                    rest[num_rest], keys[num_rest] = place, np.uint64(leader + 1) * STEP + word
                    num_rest += 1
            # Most runs stand alone: a small table of "never, once, more often" by hash leaves few to be looked up.
            capacity, shift = 64, np.uint64(58)
            while capacity < 4 * num_rest:
                capacity *= 2
                shift -= UNIT
            seen[:capacity] = 0
            for number in range(num_rest):
                key = keys[number]
                key = (key ^ (key >> HALF)) * ONE
                keys[number] = key
                seen[key >> shift] = (seen[key >> shift] << 1) | 1
            num_looked = 0
            for number in range(num_rest):
                key = keys[number]
                rest[num_looked], keys[num_looked] = rest[number], key
                num_looked += (seen[key >> shift] >> 1) & 1
            capacity, shift = 4, np.uint64(62)
            while capacity < 2 * num_looked:
                capacity *= 2
                shift -= UNIT
            mask = np.uint64(capacity - 1)
            slots[: 2 * capacity] = 0
            for number in range(num_looked):
                place, key = rest[number], keys[number]
                slot = key >> shift
                while True:
                    held = slots[slot + slot + UNIT]
                    if held == 0:
                        slots[slot + slot], slots[slot + slot + UNIT] = key, np.uint64(place + 1)
                        link[place], counts[place] = place, 1
                        break
                    if slots[slot + slot] == key:
                        leader = np.int32(held) - 1
                        link[place] = leader
                        counts[leader] += 1
                        if counts[leader] == 2:
                            repeated[leader] = 1
                            candidates += 1
                        repeated[place] = later[place] = 1
                        candidates += 1
                        length = running[place + size] - running[place]
                        if counts[leader] > best or (counts[leader] == best and length > best_length):
                            best, best_length = np.int64(counts[leader]), length
                        break
                    slot = (slot + UNIT) & mask
            if step < num_top:
                top_DZ[document, step] = best * best_length
                continue
            covered = until = 0
            for number in range(num_places):
                place = np.int64(places[number])
                if later[place]:
                    covered += running[place + size] - running[max(place, until)]
                    until = place + size
            duplicate_DZ[document, step] = covered
            if covered <= enough * running[num]:
                for left in range(step + 1, num_sizes):
                    duplicate_DZ[document, left] = covered
                break


@kernel
def shingles(
    hashes_W: np.ndarray, bounds_D: np.ndarray, wanted_D: np.ndarray, size: int, out: np.ndarray, counts_D: np.ndarray
) -> int:
    """Hashes of all runs of `size` words of each document, end to end.

    A document with fewer words gives the one hash of all its words, one without words none.

    Returns:
        How many there are in `out`; counts_D says how many of each document.
    """
    power = np.uint64(1)
    for _ in range(size - 1):
        power *= STEP
    num_out = 0
    for document in range(len(bounds_D) - 1):
        first, stop = bounds_D[document], bounds_D[document + 1]
        counts_D[document] = 0
        if not wanted_D[document] or first == stop:
            continue
        value = np.uint64(0)
        for place in range(first, min(first + size, stop)):
            value = value * STEP + hashes_W[place]
        place = first + size
        begun = num_out
        while True:
            spread = (value ^ (value >> HALF)) * ONE
            spread = (spread ^ (spread >> HALF)) * TWO
            out[num_out] = spread ^ (spread >> HALF)
            num_out += 1
            if place >= stop:
                break
            value = (value - hashes_W[place - size] * power) * STEP + hashes_W[place]
            place += 1
        counts_D[document] = num_out - begun
    return num_out
