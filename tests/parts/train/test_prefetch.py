import threading
import time

import pytest
import torch

from fournil.parts.train.loop import Batch
from fournil.parts.train.prefetch import Prefetch


def batch_of(step):
    return Batch(torch.full((2, 3), step), torch.full((2, 3), step + 1), ["fr", "en"])


def test_batches_are_those_of_the_steps_in_whatever_order():
    with Prefetch(batch_of, 10) as batches:
        for step in (0, 1, 2, 5, 6, 2, 3, 4, 9, 0, 10):  # back to a checkpoint, over a bad batch, beyond the end
            assert int(batches(step).ids_BT[0, 0]) == step
        assert batches.num_batches == batches.measured()["batches"] == 11
    assert not any(thread.name == "batches" for thread in threading.enumerate())


def test_batches_are_made_before_they_are_asked_for():
    made, asked = [], threading.Event()

    def slow(step):
        made.append(step)
        if step == 3:
            asked.set()
        return batch_of(step)

    with Prefetch(slow, 100, depth=3) as batches:
        batches(0)
        assert asked.wait(10)  # 1, 2 and 3 are made, though only 0 was asked for
        time.sleep(0.02)
        assert max(made) <= 4  # and no more than may lie ready
        batches(1)
    assert made == sorted(set(made))


def test_nothing_is_made_beyond_the_last_step():
    made = []
    with Prefetch(lambda step: made.append(step) or batch_of(step), 3) as batches:
        for step in range(3):
            batches(step)
        time.sleep(0.02)
    assert made == [0, 1, 2]


def test_waiting_is_measured():
    """A maker that needs a second for three batches makes whoever asks wait about as long."""
    gate = threading.Semaphore(1)

    def held(step):
        gate.acquire()
        return batch_of(step)

    with Prefetch(held, 9) as batches:
        batches(0)
        threading.Timer(0.2, gate.release).start()
        batches(1)
        assert batches.waited_seconds > 0.1
        assert batches.made_seconds >= batches.waited_seconds
        assert batches.first_seconds < batches.waited_seconds
        gate.release()
        gate.release()
        gate.release()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_goes_wrong_is_raised_where_the_batch_is_asked_for(error):
    def failing(step):
        if step == 2:
            raise error("broken shard")
        return batch_of(step)

    with Prefetch(failing, 9) as batches:
        batches(0)
        batches(1)
        with pytest.raises(error):
            batches(2)
        with pytest.raises(error):
            batches(2)
        assert int(batches(3).ids_BT[0, 0]) == 3
