"""Reading several packages side by side: each source is a unit of its own, so their order does not matter."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fournil.core.files import canonical_hash, sha256_file
from fournil.parts.workers import ProcessWorkers, Workers
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


def read_all(tasks: Sequence[Task], jobs: int, done: Callable[[tuple[str, dict[str, Any], float]], None]) -> None:
    """Read all sources that are not read yet.

    Args:
        tasks: The sources.
        jobs: How many processes at most; one means this one.
        done: Told key, state and seconds of each source, as it is read.

    Raises:
        FournilError: A source cannot be read, or a process was killed.
    """
    workers = Workers()
    if jobs > 1:  # the largest first, so that no long one is left over at the end
        workers, tasks = ProcessWorkers(jobs), sorted(tasks, key=lambda task: -task.num_bytes)
    with workers:
        workers.run(_read, ((task,) for task in tasks), done)


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
