"""SIGTERM saves and leaves; Ctrl-C leaves at once; a watcher of signals hears of all but the first SIGTERM."""

import os
import signal
import threading
import time

import pytest
import torch
from small_training import CONFIG, PHASES, Heard, batch, training

from fournil.core.context import Context
from fournil.parts.model.transformer import Llama
from fournil.parts.train.loop import TrainSettings, train
from fournil.parts.train.stopping import Stopping


def test_told_to_end_it_saves_and_goes_on_to_the_same_bits(tmp_path):
    whole = training(0, tmp_path / "whole")
    notes = training(0, tmp_path / "run", signals={20: signal.SIGTERM})
    assert notes[-1] == "Told to end after step 22."
    found = training(0, tmp_path / "run")
    assert found["measured"]["resumed_at_step"] == 22
    assert found["losses"] == whole["losses"]
    assert all((found["weights"][name] == weights).all() for name, weights in whole["weights"].items())
    assert all((found["moments"][name] == moments).all() for name, moments in whole["moments"].items())


def test_the_program_hears_that_it_was_stopped(tmp_path):
    def source(step):
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(step)

    before = signal.getsignal(signal.SIGTERM)
    settings = TrainSettings(PHASES, precision="float32")
    with pytest.raises(KeyboardInterrupt):
        train(Llama(CONFIG).reset(0), source, settings, tmp_path, Context(threads=1, progress=Heard()))
    assert signal.getsignal(signal.SIGTERM) == before
    assert [path.name for path in (tmp_path / ".work" / "checkpoint").iterdir()] == ["step-00000007"]
    assert torch.get_num_threads() == 1


def test_what_a_scheduler_and_torchrun_both_tell_is_one_thing(tmp_path):
    def source(step):
        if step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(step)

    settings = TrainSettings(PHASES, precision="float32")
    with pytest.raises(KeyboardInterrupt):
        train(Llama(CONFIG).reset(0), source, settings, tmp_path, Context(threads=1, progress=Heard()))
    assert [path.name for path in (tmp_path / ".work" / "checkpoint").iterdir()] == ["step-00000007"]


def test_a_watcher_hears_of_all_signals_but_the_first_sigterm(monkeypatch):
    monkeypatch.setattr("fournil.parts.train.stopping.TOGETHER_SECONDS", 0.1)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    heard = []
    handlers = {
        number: signal.signal(number, lambda told, _: heard.append(told)) for number in (signal.SIGTERM, signal.SIGUSR1)
    }
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        with Stopping() as stopping:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert os.read(reading, 1) == bytes([signal.SIGUSR1])
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopping.asked
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGTERM)
            assert os.read(reading, 1) == bytes([signal.SIGTERM])
        assert heard == [signal.SIGUSR1, signal.SIGTERM]  # the second one, given to who listened before
        assert signal.set_wakeup_fd(writing, warn_on_full_buffer=False) == writing
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)


def test_in_another_thread_nothing_is_changed():
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def work():
        with Stopping() as stopping:
            found.extend([stopping.asked, signal.getsignal(signal.SIGTERM)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [False, before]
