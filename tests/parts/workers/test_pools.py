"""Threads and processes: the same results, in the calls' order; errors and deaths end the work with one line."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fournil.core.errors import FournilError
from fournil.core.files import write_text
from fournil.core.shards import count_rows
from fournil.core.speech import speaking
from fournil.parts.workers import ProcessWorkers, ThreadWorkers, Workers, open_workers
from fournil.parts.workers.opening import LARGE_BYTES
from fournil.parts.workers.pools import _submit

MAKERS = [Workers, lambda: ThreadWorkers(1), lambda: ThreadWorkers(3), lambda: ProcessWorkers(2)]


@pytest.fixture(params=MAKERS, ids=["here", "one thread", "threads", "processes"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with request.param() as made:
        yield made


def test_results_come_in_the_order_of_the_calls_and_all_are_told(workers: Workers, tmp_path: Path) -> None:
    told: list[int] = []
    assert workers.run(divmod, ((n, 7) for n in range(40)), lambda pair: told.append(pair[1])) == [
        divmod(n, 7) for n in range(40)
    ]
    assert sorted(told) == sorted(n % 7 for n in range(40))
    workers.run(write_text, [(tmp_path / str(n), f"{n}") for n in range(5)])
    assert [(tmp_path / str(n)).read_text() for n in range(5)] == list("01234")
    assert workers.run(divmod, []) == []


def test_an_error_of_a_call_is_raised_as_it_is_and_in_the_language_spoken(workers: Workers, tmp_path: Path) -> None:
    bad = tmp_path / "a.parquet"
    bad.write_text("text")
    with speaking("fr"), pytest.raises(FournilError) as caught:
        workers.run(count_rows, [(bad,)] * 3)
    assert caught.value.where == str(bad)
    assert "Parquet" in caught.value.what
    assert "cannot" not in caught.value.what


def test_calls_are_not_read_far_ahead(workers: Workers) -> None:
    read: list[int] = []

    def calls() -> Iterator[tuple[int, int]]:
        for number in range(200):
            read.append(number)
            yield number, 3

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers.run(divmod, calls(), stop)
    assert len(read) <= 8


def test_a_process_that_is_killed_is_named_and_the_next_work_is_done() -> None:
    with ProcessWorkers(2) as workers:
        with pytest.raises(FournilError, match="a worker process was killed"):
            workers.run(os._exit, [(9,), (9,)])
        assert workers.run(divmod, [(1, 1), (2, 1)]) == [(1, 0), (2, 0)]


def test_one_call_alone_starts_no_process() -> None:
    with ProcessWorkers(2) as workers:
        assert workers.run(os.getpid, [()]) == [os.getpid()]
        assert os.getpid() not in workers.run(os.getpid, [()] * 4)


def test_small_work_is_done_by_threads_and_large_work_by_processes(tmp_path: Path) -> None:
    made = {
        (kind, num, num_bytes): type(open_workers(kind, num, num_bytes=num_bytes, folder=tmp_path))
        for kind, num, num_bytes in [
            ("auto", 2, 0), ("auto", 2, LARGE_BYTES), ("auto", 1, LARGE_BYTES),
            ("threads", 2, LARGE_BYTES), ("processes", 2, 0), ("processes", 1, 0),
        ]
    }  # fmt: skip
    assert [place.__name__ for place in made.values()] == [
        "ThreadWorkers", "ProcessWorkers", "ThreadWorkers", "ThreadWorkers", "ProcessWorkers", "ThreadWorkers"
    ]  # fmt: skip


def test_fewer_work_where_memory_is_short(tmp_path: Path) -> None:
    nums = [
        open_workers("processes", 8, num_bytes=0, folder=tmp_path, memory_bytes=memory).num
        for memory in (0, 10**8, 2 * 10**9, 10**11)
    ]
    assert nums == [8, 1, 3, 8]


def test_whatever_process_starts_for_a_call_inherits_that_ctrl_c_waits() -> None:
    class Starting(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            inherited.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
            return super().submit(fn, *args, **kwargs)

    inherited: list[set[int]] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with Starting(1) as pool:
        assert _submit(pool, divmod, 7, 2).result() == (3, 1)
    assert [signal.SIGINT in mask for mask in inherited] == [True]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert signal.SIGINT not in before
