"""Modified Kneser-Ney smoothing (Chen and Goodman 1998), interpolated, by sorting hashes of runs of pieces.

P positions in the training text, N different runs of one length, V pieces.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fournil.parts.text.hashes import mix
from fournil.parts.text.kernels.lm_costs import BEGIN, OLDER, UNKNOWN

UNIT = 1 / 2048
"""What a cost of one means, in nats: costs are 16 bits, up to 32 nats."""

_MOST = 65_535


class Estimate(NamedTuple):
    """A model: costs in units, an own cost above and a cost of backing off below (16 bits each)."""

    unigrams_V: np.ndarray
    """uint32 by piece."""

    keys_S: np.ndarray
    """uint64: the hash of each longer run."""

    values_S: np.ndarray
    """uint32: its costs."""


class _Runs(NamedTuple):
    """The different runs of one length."""

    keys_N: np.ndarray
    """uint64, ascending."""

    counts_N: np.ndarray
    """float64: how often each stands in the text."""

    context_N: np.ndarray
    """The number of the run that is left without the last piece."""

    suffix_N: np.ndarray
    """The number of the run that is left without the first piece."""

    begins_N: np.ndarray
    """bool: whether it begins a paragraph."""


def estimate(pieces_P: np.ndarray, size: int, *, least: Sequence[int]) -> Estimate:
    """Estimate a model.

    Args:
        pieces_P: int32, the training text: each paragraph is BEGIN, its pieces, END.
        size: of the vocabulary.
        least: by length of run, from 1, how often it must stand in the text to be kept; never less for longer ones.
    """
    reach_P = _reach(pieces_P)
    scored_P = (pieces_P != BEGIN) & (pieces_P != UNKNOWN)
    keys_P = (pieces_P.astype(np.uint64) + np.uint64(1)) * np.uint64(OLDER)
    runs: list[_Runs] = []
    for length in range(2, len(least) + 1):
        longer_P = _longer(keys_P, pieces_P, length)
        keys_N, counts_N, last_N = _different(longer_P, np.flatnonzero(scored_P & (reach_P >= length - 1)))
        if runs:
            context_N, suffix_N = (np.searchsorted(runs[-1].keys_N, keys_P[last_N - back]) for back in (1, 0))
        else:
            context_N, suffix_N = pieces_P[last_N - 1], pieces_P[last_N]
        runs.append(_Runs(keys_N, counts_N, context_N, suffix_N, pieces_P[last_N - length + 1] == BEGIN))
        keys_P = longer_P
    occurrences_V = np.bincount(pieces_P, minlength=size).astype(np.float64)
    return _smooth(occurrences_V, runs, least)


def _smooth(occurrences_V: np.ndarray, runs: list[_Runs], least: Sequence[int]) -> Estimate:
    size = len(occurrences_V)
    counts_V = np.bincount(runs[0].suffix_N, minlength=size).astype(np.float64) if runs else occurrences_V
    counts_V[[UNKNOWN, BEGIN]] = 0
    own, rest = _discounted(counts_V, np.zeros(size, np.int64), 1, np.ones(size, bool))
    lower = own + rest[0] / max(1, size - 2)
    costs = [_units(lower)]
    # A character that the vocabulary lacks is a greater surprise than any that it has.
    costs[0][UNKNOWN] = min(_MOST, int(costs[0].max()) + round(1 / UNIT))
    backoffs: list[np.ndarray] = []
    kept = [np.ones(size, bool)]
    for place, found in enumerate(runs):
        # Of all but the longest runs it counts how many different pieces stand before them; before those that begin a
        # paragraph stands nothing, so they are counted as they are.
        counts_N = found.counts_N
        if place + 1 < len(runs):
            different_N = np.bincount(runs[place + 1].suffix_N, minlength=len(counts_N))
            counts_N = np.where(found.begins_N, counts_N, different_N)
        keep_N = found.counts_N >= least[place + 1]
        own, rest = _discounted(counts_N, found.context_N, len(costs[-1]), keep_N)
        lower = np.where(keep_N, own + rest[found.context_N] * lower[found.suffix_N], 0.0)
        backoffs.append(_units(rest))
        costs.append(_units(lower))
        kept.append(keep_N)
    backoffs.append(np.zeros(len(costs[-1]), np.int64))
    packed = [
        ((cost << 16) | backoff).astype(np.uint32)[keep]
        for cost, backoff, keep in zip(costs, backoffs, kept, strict=True)
    ]
    keys = [found.keys_N[keep] for found, keep in zip(runs, kept[1:], strict=True)]
    return Estimate(
        packed[0],
        np.concatenate([np.zeros(0, np.uint64), *keys]),
        np.concatenate([np.zeros(0, np.uint32), *packed[1:]]),
    )


def _discounted(
    counts_N: np.ndarray, context_N: np.ndarray, num_contexts: int, keep_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each run's share of its context after the discount, and by context what is left for shorter ones."""
    discount_N = _discounts(counts_N)[np.minimum(counts_N, 3).astype(np.int64)]
    sums = np.bincount(context_N, weights=counts_N, minlength=num_contexts)
    own_N = np.where(keep_N, (counts_N - discount_N) / np.maximum(sums[context_N], 1), 0.0)
    rest = 1 - np.bincount(context_N, weights=own_N, minlength=num_contexts)
    return own_N, np.clip(rest, 1e-9, 1.0)


def _discounts(counts_N: np.ndarray) -> np.ndarray:
    """What is taken off counts of 0, 1, 2 and more; the text's own figures, or usual ones where it is too short."""
    seen = [float(np.count_nonzero(counts_N == number)) for number in (1, 2, 3, 4)]
    if min(seen) > 0:
        share = seen[0] / (seen[0] + 2 * seen[1])
        found = [number - (number + 1) * share * seen[number] / seen[number - 1] for number in (1, 2, 3)]
        if all(0 < discount < number for number, discount in enumerate(found, start=1)):
            return np.array([0.0, *found])
    return np.array([0.0, 0.5, 1.0, 1.5])


def _units(probability: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(-np.log(np.clip(probability, 1e-14, 1.0)) / UNIT), 0, _MOST).astype(np.int64)


def _reach(pieces_P: np.ndarray) -> np.ndarray:
    """How many pieces before each one belong to its runs: back to BEGIN, or to what is behind an unknown one."""
    places = np.arange(len(pieces_P))
    since = np.where(pieces_P == BEGIN, places, np.where(pieces_P == UNKNOWN, places + 1, 0))
    return places - np.maximum.accumulate(since)


def _longer(keys_P: np.ndarray, pieces_P: np.ndarray, length: int) -> np.ndarray:
    """The hashes of runs of `length` pieces, by where they end, from those of one piece fewer."""
    older_P = np.zeros(len(pieces_P), np.uint64)
    older_P[length - 1 :] = pieces_P[: len(pieces_P) - length + 1].astype(np.uint64) + np.uint64(1)
    return mix((keys_P ^ older_P) * np.uint64(OLDER))


def _different(keys_P: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different keys at some places, ascending, how often each stands there, and one of its places."""
    keys = keys_P[places]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    new = np.ones(len(keys), bool)
    new[1:] = keys[1:] != keys[:-1]
    starts = np.flatnonzero(new)
    return keys[starts], np.diff(np.append(starts, len(keys))).astype(np.float64), places[order[starts]]
