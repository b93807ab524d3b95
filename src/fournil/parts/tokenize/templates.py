"""Chat templates put into text: those known by heart in this process, all others in one of their own."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import weakref
from functools import cached_property
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize import template_process

MAX_SECONDS = 10.0
"""How long a chat's rendering may take."""


class Template:
    """A chat template, in Jinja.

    Args:
        source: Its text.
        trusted: It is known to be harmless, and is rendered in this process; others get one that is bounded.
    """

    def __init__(self, source: str, *, trusted: bool) -> None:
        self.source, self.trusted = source, trusted
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def render(self, **arguments: Any) -> str:  # noqa: ANN401 - what templates take
        """The text of a chat.

        Raises:
            FournilError: The template refuses the chat, fails, or takes too much time, memory or room.
        """
        try:
            if self.trusted:
                return template_process.rendered(self._compiled, arguments)
            with self._lock:
                return self._ask(arguments)
        except ValueError as error:
            raise FournilError(
                tr("the model's chat template refuses this chat ({error})", error=error),
                fix=tr("Try a single message, or another model."),
            ) from None

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401 - jinja2 loads late
        return template_process.compiled(self.source)

    def _ask(self, arguments: dict[str, Any]) -> str:
        if self._process is None:
            self._process = _Process(self.source)
            weakref.finalize(self, self._process.close)
        line = self._process.ask(json.dumps(arguments))
        if line is None:
            self._process.close()
            self._process = None
            raise FournilError(
                tr("the model's chat template takes too much time or memory"),
                fix=tr("Take another model: this template is broken, or made to do harm."),
            )
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["text"]


class _Process:
    """A process that renders, and a thread that waits for its answers."""

    def __init__(self, source: str) -> None:
        command = [sys.executable, "-I", str(Path(template_process.__file__))]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=_read, args=(self._child.stdout, self._answers), daemon=True)
        self._reader.start()
        self._send(json.dumps(source))

    def ask(self, line: str) -> str | None:
        """The answer to a line, or None where none comes in time."""
        self._send(line)
        try:
            return self._answers.get(timeout=MAX_SECONDS) or None
        except queue.Empty:
            return None

    def _send(self, line: str) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:  # it was stopped: its reader says so
            return

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.wait()
        self._reader.join()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                _close(pipe)


def _read(pipe: Any, answers: queue.Queue[str]) -> None:  # noqa: ANN401 - a text stream
    for line in pipe:
        answers.put(line)
    answers.put("")


def _close(pipe: Any) -> None:  # noqa: ANN401 - a text stream
    try:
        pipe.close()
    except BrokenPipeError:
        return
