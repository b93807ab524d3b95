"""Intervals by the bootstrap, and of shares."""

import math

import numpy as np
import pytest

from fournil.parts.statistics import bootstrapped, resample_weights, share


def test_intervals_of_a_mean_are_those_of_statistics():
    values = np.random.default_rng(0).normal(5, 2, 400)
    means = resample_weights(400, 2000, seed=1) @ values / 400
    found = bootstrapped(float(values.mean()), means)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 20, rel=0.06)
    assert found.interval[1] - found.interval[0] == pytest.approx(4 * 0.98 * values.std() / 20, rel=0.08)
    assert np.array_equal(resample_weights(400, 3, seed=1), resample_weights(400, 3, seed=1))


def test_shares_have_intervals_even_at_the_ends():
    whole = share(40, 40)
    assert (whole.value, whole.interval[1]) == (1.0, 1.0)
    assert whole.interval[0] == pytest.approx(0.912, abs=0.002)
    assert math.isnan(share(0, 0).value)
