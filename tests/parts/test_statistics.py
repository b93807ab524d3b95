"""Intervals by the bootstrap, and of shares."""

import math
import tracemalloc

import numpy as np
import pytest

from fournil.parts import statistics
from fournil.parts.statistics import bootstrapped, resample_weights, share


def test_intervals_of_a_mean_are_those_of_statistics():
    values = np.random.default_rng(0).normal(5, 2, 400)
    means = resample_weights(400, 2000, seed=1) @ values / 400
    found = bootstrapped(float(values.mean()), means)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 20, rel=0.06)
    assert found.interval[1] - found.interval[0] == pytest.approx(4 * 0.98 * values.std() / 20, rel=0.08)


def drawn_at_once(num_items, num_bootstrap, seed):
    dice = np.random.Generator(np.random.PCG64([seed, num_items]))
    return dice.multinomial(num_items, np.full(num_items, 1 / num_items), size=num_bootstrap)


@pytest.mark.parametrize("max_bytes", [2**26, 400 * 70 * 16, 1])
def test_blocks_of_resamples_sum_to_what_one_matrix_does(max_bytes, monkeypatch):
    monkeypatch.setattr(statistics, "MAX_BYTES", max_bytes)
    values = np.random.default_rng(0).normal(size=(400, 3))
    counts = np.random.default_rng(0).integers(0, 99, (400, 2))
    weights, whole = resample_weights(400, 1003, seed=1), drawn_at_once(400, 1003, 1)
    for _ in range(2):
        np.testing.assert_allclose(weights @ values, whole @ values, rtol=0, atol=1e-11)
        np.testing.assert_allclose(weights @ values[:, 0], whole @ values[:, 0], rtol=0, atol=1e-11)
    assert np.array_equal(weights @ counts, whole @ counts)
    assert (weights @ counts).dtype == whole.dtype
    assert weights.shape == whole.shape == (len(weights), 400)
    assert (resample_weights(0, 9, seed=1) @ np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(("num_items", "bound"), [(20_000, 2**23), (200_000, 2**25)])
def test_resamples_of_many_items_take_bounded_memory(num_items, bound, monkeypatch):
    monkeypatch.setattr(statistics, "MAX_BYTES", 2**22)
    values = np.ones((num_items, 2))
    weights = resample_weights(num_items, 48, seed=0)
    tracemalloc.start()
    try:
        sums = weights @ values
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert np.array_equal(sums, np.full((48, 2), num_items))
    assert kept < 2**22
    assert most < bound


def test_shares_have_intervals_even_at_the_ends():
    whole = share(40, 40)
    assert (whole.value, whole.interval[1]) == (1.0, 1.0)
    assert whole.interval[0] == pytest.approx(0.912, abs=0.002)
    assert math.isnan(share(0, 0).value)
