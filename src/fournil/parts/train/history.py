"""The lines of a training's log, in a file of their own beside its checkpoints: they grow for as long as it lasts.

A checkpoint says how many of them it knows; what was written after it is taken away when the training goes on from it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.files import mending
from fournil.core.speech import tr
from fournil.parts.train.world import ALONE, World

FILE = "losses.jsonl"


class History:
    """All lines so far, in memory on every process; the first one writes them."""

    def __init__(self, work: Path, world: World = ALONE) -> None:
        """Begin without any.

        Args:
            work: The folder of unfinished things.
            world: The processes; all of them call what changes anything.
        """
        self.path, self._world = work / FILE, world
        self.lines: list[dict[str, Any]] = []

    def add(self, line: dict[str, Any]) -> None:
        """Write a line (JSON)."""
        self.lines.append(line)
        if self._world.is_first:
            with mending(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, sort_keys=True) + "\n")

    def flush(self) -> int:
        """Make sure that the lines outlast a power cut, and return how many there are: what a checkpoint is to say."""
        if self._world.is_first and self.lines:
            with mending(self.path), self.path.open("rb+") as file:
                os.fsync(file.fileno())
        return len(self.lines)

    def go_back(self, count: int) -> None:
        """Go back to the first lines, as many as a checkpoint knows.

        Raises:
            FournilError: They are not all there.
        """
        lines = self._world.first_says(self._cut(count) if self._world.is_first else None)
        if lines is None:
            raise FournilError(
                tr("of the losses before the checkpoint, some are missing"),
                where=self.path,
                fix=tr(
                    "Bring the file back; or remove the folder {folder}: training then begins again.",
                    folder=self.path.parent,
                ),
            )
        self.lines = lines

    def _cut(self, count: int) -> list[dict[str, Any]] | None:
        """Take away what is not among the first lines, such as half of one, and return those."""
        if not count:
            with mending(self.path):
                self.path.unlink(missing_ok=True)
            return []
        try:
            *whole, _ = self.path.read_bytes().split(b"\n")
            lines = [json.loads(line) for line in whole[:count]]
        except (OSError, ValueError):
            return None
        if len(lines) < count:
            return None
        with mending(self.path):
            os.truncate(self.path, sum(len(line) + 1 for line in whole[:count]))
        return lines
