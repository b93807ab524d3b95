import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.hashes import mix
from fournil.parts.text.minhash import meeting_share, sketch

compiling = settings(deadline=None)  # the first call compiles


def shingle_sets(similarity: float, num_pairs: int, size: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of sets with the Jaccard similarity wanted, and their bounds."""
    fresh = itertools.count(1 + seed * 10_000_000)
    common = round(size * 2 * similarity / (1 + similarity))
    values: list[int] = []
    for _ in range(num_pairs):
        base = [next(fresh) for _ in range(common)]
        values += [each for _ in range(2) for each in base + [next(fresh) for _ in range(size - common)]]
    return mix(np.array(values, np.uint64)), np.arange(2 * num_pairs + 1) * size


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_pairs_meet_as_often_as_the_formula_says(similarity: float):
    shingles, bounds = shingle_sets(similarity, 600)
    keys = sketch(shingles, bounds).keys
    share = (keys[0::2] == keys[1::2]).any(1).mean()
    expected = meeting_share(similarity, num_bands=14, band_rows=8)
    assert share == pytest.approx(expected, abs=4 * (expected * (1 - expected) / 600) ** 0.5 + 0.01)


def test_bands_and_rows_are_what_is_asked_for():
    shingles, bounds = shingle_sets(0.6, 400, seed=1)
    few, many = (sketch(shingles, bounds, num_bands=num, band_rows=4).keys for num in (5, 20))
    assert (few.shape, many.shape) == ((800, 5), (800, 20))
    met_few, met_many = ((keys[0::2] == keys[1::2]).any(1).mean() for keys in (few, many))
    assert met_few == pytest.approx(meeting_share(0.6, num_bands=5, band_rows=4), abs=0.1)
    assert met_many == pytest.approx(meeting_share(0.6, num_bands=20, band_rows=4), abs=0.1)


def test_other_texts_do_not_meet():
    shingles = mix(np.arange(1, 60_001, dtype=np.uint64))
    keys = sketch(shingles, np.arange(0, 60_001, 60)).keys
    assert len(np.unique(keys)) == keys.size


def test_a_text_without_shingles_has_no_key():
    made = sketch(mix(np.array([5, 6], np.uint64)), np.array([0, 0, 2, 2]))
    assert (made.keys[[0, 2]] == 0).all()
    assert (made.keys[1] != 0).all()
    assert made.sets.counts.tolist() == [0, 2, 0]


def test_order_and_repeats_do_not_matter():
    shingles = mix(np.arange(1, 501, dtype=np.uint64))
    again = np.concatenate([shingles[::-1], shingles[:100]])
    made = sketch(np.concatenate([shingles, again]), np.array([0, 500, 1100]))
    assert (made.keys[0] == made.keys[1]).all()
    assert made.sets.counts.tolist() == [500, 500]


@compiling
@given(st.lists(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 300).map(lambda n: n << 32), max_size=400)))
def test_sets_are_sorted_and_hold_everything_once(texts: list[list[int]]):
    bounds = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    sets = sketch(np.array([each for text in texts for each in text], np.uint64), bounds).sets
    starts = sets.starts
    for text, start, count in zip(texts, starts.tolist(), sets.counts.tolist(), strict=True):
        assert sets.values[start : start + count].tolist() == sorted({each >> 32 for each in text})
