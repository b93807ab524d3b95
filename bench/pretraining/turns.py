"""Workers that take turns on one machine: all but one are stopped by a signal, so that each pair of figures is taken
within seconds, whatever else the machine does."""

import contextlib
import itertools
import json
import os
import queue
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pretraining.worker import Work

BENCH = Path(__file__).resolve().parents[1]


class WorkerError(Exception):
    """A worker ended before it had done what it was asked."""


class Worker:
    """A process that trains; it stands still but for its turns."""

    def __init__(self, work: Work) -> None:
        self.work = work
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(BENCH), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "OMP_NUM_THREADS": str(work.settings.threads),
            "TOKENIZERS_PARALLELISM": "false",
        }
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pretraining.worker", work.told()],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
            start_new_session=True,  # signals reach what it starts to compile, too
        )
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._lines.put(json.loads(line))
        self._lines.put(None)

    def line(self, seconds: float) -> dict[str, Any]:
        """The next thing that it says.

        Raises:
            WorkerError: It has ended, or says nothing for so long.
        """
        try:
            told = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise WorkerError(f"no step within {seconds:.0f} s") from None
        if told is None:
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
            raise WorkerError(said[-1] if said else f"it ended with {self._process.wait()}")
        return told

    def turn(self, steps: int, *, seconds: float = 600.0) -> list[float]:
        """Let it run for so many whole steps.

        Returns:
            Seconds of each: the first one that begins in this turn is the first one counted.
        """
        self._signal(signal.SIGCONT)
        began = time.monotonic()
        times: list[float] = []
        while len(times) <= steps:
            at = self.line(seconds)["at"]
            if at >= began:
                times.append(at)
        self._signal(signal.SIGSTOP)
        while not self._lines.empty() and "at" in (self._lines.queue[0] or ()):
            self._lines.get()
        return [after - before for before, after in itertools.pairwise(times)]

    def end(self) -> None:
        """End it, whatever it does."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@contextlib.contextmanager
def workers(works: list[Work], *, warm: int, seconds: float = 600.0) -> Iterator[list[Worker]]:
    """Start workers one after the other; each has done `warm` steps (and compiled) when it is stopped."""
    started: list[Worker] = []
    try:
        for work in works:
            started.append(Worker(work))
            started[-1].turn(warm, seconds=seconds)
        yield started
    finally:
        for worker in started:
            worker.end()


def in_turn(
    works: list[Work],
    *,
    rounds: int,
    steps: int,
    warm: int = 2,
    further: Callable[[list[list[float]]], int] = lambda _: 0,
) -> list[list[float]]:
    """Seconds of a step, a figure for each worker and round: the median of the steps of its turn.

    `further` sees them and says how many more rounds there are to be.
    """
    found: list[list[float]] = [[] for _ in works]
    with workers(works, warm=warm) as started:
        for more in (lambda _: rounds, further):
            for _ in range(more(found)):
                for times, worker in zip(found, started, strict=True):
                    times.append(statistics.median(worker.turn(steps)))
    return found


def losses(work: Work, *, seconds: float = 600.0) -> list[float]:
    """Let one work to its end; the losses of its steps."""
    worker = Worker(work)
    try:
        while True:
            told = worker.line(seconds)
            if "losses" in told:
                return told["losses"]
    finally:
        worker.end()
