"""Reading packages side by side."""

import operator
import os
from functools import partial
from typing import Any

import pytest

from fournil.core.errors import FournilError
from fournil.parts.workers import Workers
from fournil.stages.sources import tasks


@pytest.fixture(autouse=True)
def a_task_is_called(monkeypatch) -> None:
    monkeypatch.setattr(tasks, "_read", operator.call)


def _task(num_bytes: int, *call: Any) -> Any:
    """What read_all asks of a task; a process that begins anew can read it."""
    task: Any = partial(*call)
    task.num_bytes = num_bytes
    return task


def test_the_largest_is_read_first(monkeypatch):
    told: list[Any] = []
    monkeypatch.setattr(tasks, "ProcessWorkers", lambda jobs: Workers())
    tasks.read_all([_task(size, str, size) for size in (1, 3, 2)], 2, told.append)
    assert told == ["3", "2", "1"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_so_many_processes_as_there_are_jobs(jobs):
    told: list[Any] = []
    tasks.read_all([_task(1, os.getpid)] * 4, jobs, told.append)
    assert len(told) == 4
    assert (os.getpid() in told) is (jobs == 1)
    assert len(set(told)) <= jobs


def test_a_reading_process_that_is_killed_is_said():
    with pytest.raises(FournilError, match="a worker process was killed") as caught:
        tasks.read_all([_task(1, os._exit, 9)] * 3, 2, print)
    assert "--threads" in str(caught.value.fix)
