"""Rates, memory and energy of a training."""

import re
from dataclasses import replace

import pytest
import torch
from small_training import CONFIG, SETTINGS, batch

from fournil.core.context import Context
from fournil.core.progress import Bar, Progress
from fournil.core.speech import speaking
from fournil.parts.model.transformer import Llama
from fournil.parts.train.loop import train
from fournil.parts.train.schedule import Phase
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


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_rate_is_that_of_the_fastest_of_several_large_products(precision, monkeypatch):
    now, taken, product = [100.0], iter([0.008, 0.002, 0.005, 0.007, 0.004]), torch.mm

    def mm(left, right):
        now[0] += next(taken)
        assert left.dtype == right.dtype == getattr(torch, precision)
        assert left.shape == right.shape == (512, 512)
        return product(left, right)

    monkeypatch.setattr("fournil.parts.train.throughput.time.perf_counter", lambda: now[0])
    monkeypatch.setattr(torch, "mm", mm)
    assert dense_rate("cpu", precision) == pytest.approx(512**2 * (2 * 512) / 0.002)
    assert list(taken) == [0.004]  # 20 ms are enough


@pytest.mark.parametrize(
    ("language", "begins", "ends"),
    [
        ("en", r"loss en 4\.\d\d, fr 4\.\d\d; [\d,]+ tokens/s, ", r"% of the machine, \d+\.\d GB, 0\.\d{3} kWh"),
        ("fr", "perte en 4,\\d\\d, fr 4,\\d\\d\u202f; ", "\u202f% de la machine, \\d+,\\d\xa0Go, 0,\\d{3}\xa0kWh"),
    ],
)
def test_the_bar_is_written_as_its_reader_writes(tmp_path, monkeypatch, language, begins, ends):
    shown: list[str] = []
    monkeypatch.setattr(Bar, "_show", lambda _, note: shown.append(note))
    settings = replace(SETTINGS, phases=(Phase(1),))
    with speaking(language):
        train(Llama(CONFIG).reset(0), batch, settings, tmp_path, Context(threads=1, progress=Progress()))
    (line,) = filter(None, shown)
    assert re.match(begins, line)
    assert re.search(ends + "$", line)
