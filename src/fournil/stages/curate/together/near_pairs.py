"""Pairs whose sides are all near duplicates of another pair's, and texts that were translated in several ways.

Long sides are near duplicates when their sets of runs of five words are; short ones when they have the same letters,
whatever their case, digits and punctuation.
"""

import numpy as np
import pyarrow as pa

from fournil.parts.text.hashes import mix
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.together.compared import REFUSALS
from fournil.stages.curate.together.duplicates import NEAR, ranked, refusals
from fournil.stages.curate.together.near import Near, true_similarities
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import SetFiles, text_bounds

_ROUNDS = 8
"""So many pairs of one group may stay, each compared with all after it; the others stay too."""

_SHORT, _LONG = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def near_pairs(
    pairs: Rows, alive: np.ndarray, first_text: int, near: Near, sets: SetFiles, settings: DuplicateSettings
) -> pa.Table:
    """Pairs that are near duplicates of one that stays.

    Args:
        pairs: All pairs.
        alive: Which of them are looked at.
        first_text: The number of the first side among all texts.
        near: Which texts are tied to each other.
        sets: Of all texts.
        settings: Who stays, and from which similarity on.
    """
    if not alive.any():
        return REFUSALS.empty_table()
    counts = np.asarray(pairs.arrays["side_counts"], np.int64)
    firsts = np.cumsum(counts) - counts
    letters = np.asarray(pairs.arrays["side_letters"], np.uint64)
    tags = np.asarray(pairs.arrays["side_languages"])
    texts = np.arange(first_text, first_text + int(text_bounds(pairs)[-1]))
    is_long = sets.sizes(texts) > 0
    labels = np.asarray(near.labels_T[texts], np.uint64)
    classes = np.where(is_long, mix(labels ^ _LONG), mix(letters ^ _SHORT))
    _, tag_codes = np.unique(tags, return_inverse=True)
    classes = mix(classes + tag_codes.astype(np.uint64))
    keys = np.zeros(len(pairs), np.uint64)
    np.add.at(keys, np.repeat(np.arange(len(pairs)), counts), classes)  # whatever the order of the sides

    places = np.flatnonzero(alive)
    values, num = np.unique(keys[places], return_counts=True)
    left = ranked(pairs, places[num[np.searchsorted(values, keys[places])] > 1], settings)
    gone: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    similarities: list[np.ndarray] = []
    for _ in range(_ROUNDS):
        order = np.argsort(keys[left], kind="stable")
        left = left[order]
        leads = np.ones(len(left), bool)
        leads[1:] = keys[left[1:]] != keys[left[:-1]]
        if leads.all():
            break
        leader = left[np.maximum.accumulate(np.where(leads, np.arange(len(left)), 0))]
        one, other = left[~leads], leader[~leads]
        similarity = _similarity(one, other, counts, firsts, tags, letters, is_long, texts, sets, settings.threshold)
        near_enough = similarity >= settings.threshold
        gone.append(one[near_enough])
        kept.append(other[near_enough])
        similarities.append(similarity[near_enough])
        left = one[~near_enough]
    if not gone:
        return REFUSALS.empty_table()
    bound = f"{settings.threshold:g}"
    return refusals(pairs, np.concatenate(gone), NEAR, np.concatenate(similarities), bound, np.concatenate(kept))


def _similarity(
    one: np.ndarray,
    other: np.ndarray,
    counts: np.ndarray,
    firsts: np.ndarray,
    tags: np.ndarray,
    letters: np.ndarray,
    is_long: np.ndarray,
    texts: np.ndarray,
    sets: SetFiles,
    threshold: float,
) -> np.ndarray:
    """For pairs of pairs, the similarity of those sides that are least alike; 0 where they are of other languages."""
    out = np.where(counts[one] == counts[other], 1.0, 0.0)
    for number in range(int(counts[one].max(initial=0))):
        there = np.flatnonzero((counts[one] > number) & (out > 0))
        mine, theirs = firsts[one[there]] + number, firsts[other[there]] + number
        alike = np.zeros(len(there))
        alike[(letters[mine] == letters[theirs]) & ~is_long[mine] & ~is_long[theirs]] = 1.0
        both = np.flatnonzero(is_long[mine] & is_long[theirs])
        alike[both] = true_similarities(sets, texts[mine[both]], texts[theirs[both]], threshold=threshold)
        alike[tags[mine] != tags[theirs]] = 0.0
        out[there] = np.minimum(out[there], alike)
    return out
