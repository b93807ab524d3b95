"""Workers on this machine: threads, which suit small work, and processes, which share no lock."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import speak, spoken, tr
from fournil.parts.workers.workers import Advance, Workers

_AHEAD = 2
"""So many calls are handed over for each worker: none waits for the next one, and few are read ahead."""


class ThreadWorkers(Workers):
    """Several threads of this process: at once there, and slowed down where Python itself has the word."""

    def __init__(self, num: int) -> None:
        self._num = max(1, num)

    @property
    def num(self) -> int:
        """How many calls run at once."""
        return self._num

    def run(
        self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], advance: Advance | None = None
    ) -> list[Any]:
        """Do what Workers.run says."""
        if self._num == 1:
            return super().run(function, calls, advance)
        with ThreadPoolExecutor(self._num) as pool:
            return _hand_out(pool.submit, self._num, function, calls, advance)


class ProcessWorkers(Workers):
    """Several processes of this machine, started with the first work that is more than one call."""

    def __init__(self, num: int) -> None:
        self._num = max(1, num)
        self._pool: ProcessPoolExecutor | None = None

    @property
    def num(self) -> int:
        """How many calls run at once."""
        return self._num

    def run(
        self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], advance: Advance | None = None
    ) -> list[Any]:
        """Do what Workers.run says.

        Raises:
            FournilError: Also when a process was killed, as systems do when memory is short.
        """
        rest = iter(calls)
        first = list(islice(rest, 2))
        if len(first) < 2:
            return super().run(function, first, advance)
        if self._pool is None:
            # A fork could copy locks that threads here hold.
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(self._num, context, initializer=_begin, initargs=(spoken(),))
        try:
            with _none_survives_ctrl_c():
                return _hand_out(partial(_submit, self._pool), self._num, function, chain(first, rest), advance)
        except BrokenProcessPool as error:
            self._pool = None
            raise FournilError(
                tr("a worker process was killed"),
                fix=tr("If memory was short, use fewer workers: --threads. The same command goes on from here."),
            ) from error

    def renew(self) -> None:
        """End the processes; the next work starts others."""
        self.close()

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            with _none_survives_ctrl_c():
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


@contextmanager
def _none_survives_ctrl_c() -> Iterator[None]:
    """An interrupted wait takes the pool's locks away from processes that are still starting: they end first."""
    try:
        yield
    except KeyboardInterrupt:
        for process in active_children():
            process.kill()
        raise


def _submit(pool: Executor, function: Callable[..., Any], *call: object) -> Future[Any]:
    """Hand a call over; a process may start for it, and inherits that Ctrl-C waits.

    Until a process has begun, it knows no better end than a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(function, *call)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hand_out(
    submit: Callable[..., Future[Any]],
    num: int,
    function: Callable[..., Any],
    calls: Iterable[tuple[Any, ...]],
    advance: Advance | None,
) -> list[Any]:
    """Keep the pool busy; the first error ends it all."""
    results: dict[int, Any] = {}
    under_way: dict[Future[Any], int] = {}

    def collect() -> None:
        done, _ = wait_for(under_way, return_when=FIRST_COMPLETED)
        for future in done:
            number = under_way.pop(future)
            results[number] = future.result()
            if advance is not None:
                advance(results[number])

    try:
        for number, call in enumerate(calls):
            under_way[submit(function, *call)] = number
            while len(under_way) >= _AHEAD * num:
                collect()
        while under_way:
            collect()
    except BaseException:
        for future in under_way:
            future.cancel()
        raise
    return [results[number] for number in range(len(results))]


def _begin(language: str) -> None:
    """A process speaks as the one that started it, works on one core, and says nothing when Ctrl-C ends it."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    speak(language)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A bake that was killed leaves nobody behind who writes into its folder while the next one goes on."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
