"""Who may be near whom: keys sorted, buckets of equal keys, true similarities, connected components.

N entries (a key and a text), T texts, P pairs.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

_BITS = 11
_TURNS = 6


@kernel
def sort_entries(keys_N: np.ndarray, texts_N: np.ndarray, other_keys_N: np.ndarray, other_texts_N: np.ndarray) -> None:
    """Sort by key, in place; entries with equal keys keep their order.

    Args:
        keys_N: uint64.
        texts_N: uint32, moved along.
        other_keys_N: uint64, of the same length; overwritten.
        other_texts_N: uint32, of the same length; overwritten.
    """
    num = len(keys_N)
    mask = np.uint64((1 << _BITS) - 1)
    places = np.empty(1 << _BITS, np.int64)
    # An even number of turns, so that the result is where the entries came from.
    for turn in range(_TURNS):
        shift = np.uint64(turn * _BITS)
        places[:] = 0
        for entry in range(num):
            places[(keys_N[entry] >> shift) & mask] += 1
        total = 0
        for digit in range(1 << _BITS):
            count = places[digit]
            places[digit] = total
            total += count
        for entry in range(num):
            digit = (keys_N[entry] >> shift) & mask
            place = places[digit]
            places[digit] += 1
            other_keys_N[place] = keys_N[entry]
            other_texts_N[place] = texts_N[entry]
        keys_N, other_keys_N = other_keys_N, keys_N
        texts_N, other_texts_N = other_texts_N, texts_N


@kernel
def shared_entries(keys_N: np.ndarray, kept_N: np.ndarray) -> None:
    """Mark entries whose key another one has too.

    Args:
        keys_N: uint64, sorted.
        kept_N: bool; overwritten.
    """
    num = len(keys_N)
    for entry in range(num):
        kept_N[entry] = (entry > 0 and keys_N[entry - 1] == keys_N[entry]) or (
            entry + 1 < num and keys_N[entry + 1] == keys_N[entry]
        )


@kernel
def leader_pairs(
    keys_N: np.ndarray,
    texts_N: np.ndarray,
    labels_T: np.ndarray,
    order_T: np.ndarray,
    round_: int,
    pairs_P: np.ndarray,
    open_N: np.ndarray,
) -> int:
    """Pair the leader of each bucket with all its texts that lie in other components.

    Leaders are taken in a fixed order, each from a component of which none has been a leader of this bucket: the first
    round takes the first, the second the next, if the bucket is not one component by then.

    Args:
        keys_N: uint64, sorted.
        texts_N: uint32.
        labels_T: uint32, each text's component.
        order_T: uint64; the greatest leads.
        round_: 0 in the first round.
        pairs_P: uint64, as long as the entries; gets the pairs, the smaller text in the upper half.
        open_N: bool; gets True for entries of buckets that another round may look at.

    Returns:
        How many pairs there are.
    """
    num = len(keys_N)
    used = np.empty(64, np.uint32)
    num_pairs = 0
    start = 0
    while start < num:
        stop = start + 1
        while stop < num and keys_N[stop] == keys_N[start]:
            stop += 1
        leader = np.int64(-1)
        for num_used in range(round_ + 1):
            leader = -1
            for entry in range(start, stop):
                label = labels_T[texts_N[entry]]
                taken = False
                for place in range(num_used):
                    if used[place] == label:
                        taken = True
                        break
                if not taken and (leader < 0 or order_T[texts_N[entry]] > order_T[leader]):
                    leader = np.int64(texts_N[entry])
            if leader < 0:
                break
            used[num_used] = labels_T[leader]
        some = False
        if leader >= 0:
            for entry in range(start, stop):
                text = np.int64(texts_N[entry])
                if labels_T[text] != labels_T[leader]:
                    some = True
                    low, high = min(text, leader), max(text, leader)
                    pairs_P[num_pairs] = (np.uint64(low) << np.uint64(32)) | np.uint64(high)
                    num_pairs += 1
        for entry in range(start, stop):
            open_N[entry] = some and stop - start > 2
        start = stop
    return num_pairs


@kernel
def similarities(
    sets_S: np.ndarray,
    starts_U: np.ndarray,
    counts_U: np.ndarray,
    others_S: np.ndarray,
    other_starts_U: np.ndarray,
    other_counts_U: np.ndarray,
    one_P: np.ndarray,
    other_P: np.ndarray,
    threshold: float,
    out_P: np.ndarray,
) -> None:
    """Jaccard similarities of pairs of sets.

    Args:
        sets_S: uint32; each set is sorted and has nothing twice.
        starts_U: int64, where each set begins.
        counts_U: int64, how many members it has.
        others_S: uint32, the sets with which they are compared.
        other_starts_U: int64.
        other_counts_U: int64.
        one_P: int64, a set of the first ones.
        other_P: int64, a set of the others.
        threshold: Pairs whose sizes alone keep them below it get 0.
        out_P: float64; overwritten.
    """
    for pair in range(len(one_P)):
        one, other = int(one_P[pair]), int(other_P[pair])
        out_P[pair] = _jaccard(
            sets_S, starts_U[one], counts_U[one], others_S, other_starts_U[other], other_counts_U[other], threshold
        )


@kernel
def _jaccard(
    sets_S: np.ndarray, start: int, num: int, others_S: np.ndarray, other_start: int, other_num: int, threshold: float
) -> float:
    least, most = min(num, other_num), max(num, other_num)
    if least == 0 or least < threshold * most:
        return 0.0
    place, end = start, start + num
    other, other_end = other_start, other_start + other_num
    common = 0
    while place < end and other < other_end:
        one_value, other_value = sets_S[place], others_S[other]
        common += one_value == other_value
        place += one_value <= other_value
        other += other_value <= one_value
    return common / (num + other_num - common)


@kernel
def settle(
    sets_S: np.ndarray,
    starts_M: np.ndarray,
    counts_M: np.ndarray,
    bounds_C: np.ndarray,
    fixed_C: np.ndarray,
    threshold: float,
    most_kept: int,
    passed_on: bool,
    kept_M: np.ndarray,
    similarity_M: np.ndarray,
) -> None:
    """Decide in each component who stays: in order, whoever is no near duplicate of one that stays.

    Args:
        sets_S: uint32, sorted sets.
        starts_M: int64, where each member's set begins; the members of a component stand in order, the best first.
        counts_M: int64.
        bounds_C: int64; component c has members bounds_C[c]:bounds_C[c + 1].
        fixed_C: int64; so many members at the head of each stay anyhow.
        threshold: Jaccard similarity.
        most_kept: A member is compared with so many that stay, the first ones.
        passed_on: Whether all but the first go, however unlike it they are.
        kept_M: int64; gets the member that stays in each one's place, itself if it stays.
        similarity_M: float64; gets the similarity with it.
    """
    stays = np.empty(max(1, most_kept), np.int64)
    for component in range(len(bounds_C) - 1):
        num_stays = 0
        for member in range(bounds_C[component], bounds_C[component + 1]):
            kept_M[member] = member
            similarity_M[member] = 1.0
            if member - bounds_C[component] >= fixed_C[component]:
                for place in range(num_stays):
                    other = int(stays[place])
                    similarity = _jaccard(
                        sets_S,
                        starts_M[member],
                        counts_M[member],
                        sets_S,
                        starts_M[other],
                        counts_M[other],
                        0.0 if passed_on else threshold,
                    )
                    if passed_on or similarity >= threshold:
                        kept_M[member] = other
                        similarity_M[member] = similarity
                        break
            if kept_M[member] == member and num_stays < most_kept:
                stays[num_stays] = member
                num_stays += 1


@kernel
def join_nodes(labels_N: np.ndarray, one_E: np.ndarray, other_E: np.ndarray) -> None:
    """Put the ends of each edge into one component (union-find, the smallest node leads).

    Args:
        labels_N: uint32; the parent of each node, itself at first; each node's component afterwards.
        one_E: uint32, a node.
        other_E: uint32, another node.
    """
    for edge in range(len(one_E)):
        one, other = np.int64(one_E[edge]), np.int64(other_E[edge])
        while labels_N[one] != one:
            labels_N[one] = labels_N[labels_N[one]]
            one = np.int64(labels_N[one])
        while labels_N[other] != other:
            labels_N[other] = labels_N[labels_N[other]]
            other = np.int64(labels_N[other])
        if one < other:
            labels_N[other] = one
        elif other < one:
            labels_N[one] = other
    # A node's parent is never greater than the node: one pass from below reaches every root.
    for node in range(len(labels_N)):
        labels_N[node] = labels_N[labels_N[node]]
