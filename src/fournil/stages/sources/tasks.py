"""Reading several packages side by side: each source is a unit of its own, so their order does not matter."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from fournil.core.files import canonical_hash, sha256_file
from fournil.core.speech import speak, spoken
from fournil.stages.sources import debian
from fournil.stages.sources.debian import Choice, Reading
from fournil.stages.sources.unit import Unit


@dataclass(frozen=True)
class Task:
    """One source to read into the stage's folder."""

    choice: Choice
    reading: Reading
    out: Path

    @property
    def num_bytes(self) -> int:
        """How large its packages are."""
        return sum(package.size_bytes for package in self.choice.packages)


def read_all(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Read all sources that are not read yet; give key, state and seconds of each as it is done.

    Args:
        tasks: The sources.
        jobs: How many processes at most; one means this one.
    """
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield _read(task)
        return
    # The largest first, so that no long one is left over at the end. A fork could copy locks that threads here hold.
    order = sorted(tasks, key=lambda task: -task.num_bytes)
    context = get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), context, initializer=_begin, initargs=(spoken(),)) as pool:
        try:
            # The first task starts the processes, which inherit that Ctrl-C waits: until they have begun, they know of
            # no better way to end than with a traceback.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            futures = [pool.submit(_read, task) for task in order]
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            # An interrupted wait takes the pool's locks away from processes that are still starting.
            for process in active_children():
                process.kill()
            raise


def _begin(language: str) -> None:
    """A reading process speaks as this one does, and says nothing when Ctrl-C ends it."""
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


def _read(task: Task) -> tuple[str, dict[str, Any], float]:
    began = time.monotonic()
    entry = task.choice.entry
    reader = task.reading.man_reader if entry.reader == "man" else ""
    unit = Unit(task.out, entry.key, canonical_hash([sha256_file(entry.path), reader, task.choice.facts()]))
    state = unit.finished()
    if state is None:
        unit.clear()
        state = unit.finish(debian.read_choice(task.choice, unit, task.reading))
    return entry.key, state, time.monotonic() - began
