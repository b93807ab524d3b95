"""Rates, memory and energy of a training."""

import pytest

from fournil.parts.train.throughput import Throughput, dense_rate
from fournil.parts.train.world import ALONE


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("fournil.parts.train.throughput.time.monotonic", lambda: now[0])
    monkeypatch.setattr("fournil.parts.train.throughput.dense_rate", lambda *_: 1000.0)
    return now


def test_time_aside_is_no_training(clock):
    found = Throughput(ALONE, "cpu", "float32")
    clock[0] += 4.0
    found.add(80, 1200.0)
    found.aside(1.0)
    assert found.since_last() == pytest.approx((80 / 3, 0.4))
    clock[0] += 2.0
    found.add(10, 1000.0)
    assert found.since_last() == pytest.approx((5.0, 0.5))
    measured = found.measured()
    assert measured["train_seconds"] == 5.0
    assert measured["other_seconds"] == 1.0
    assert measured["tokens_per_second"] == 18.0
    assert measured["mfu"] == pytest.approx(2200 / 5 / 1000)
    assert measured["training_memory_bytes"] > 1e6
    assert measured["training_kwh"] >= 0
    assert measured["training_energy_method"].startswith(("estimated", "measured"))


def test_a_large_product_is_measured():
    assert dense_rate("cpu", "float32") > 1e8
