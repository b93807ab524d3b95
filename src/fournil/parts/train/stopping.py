"""A training that is told to end saves first: SIGTERM is what schedulers send some time before they kill.

Ctrl-C stays what it is elsewhere: it ends at once, and the last checkpoint is what is gone on from.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

TOGETHER_SECONDS = 5.0
"""Schedulers tell every process of a job, and torchrun passes on what it is told: what comes so soon after the first
SIGTERM is the same one again."""


class Stopping:
    """While the block runs, the first SIGTERM only sets `asked`; one that comes later interrupts.

    The command line has a watcher that ends a program which does not leave within a second of a signal; it reads the
    signals' numbers from a pipe (signal.set_wakeup_fd). All but that first SIGTERM, and what comes together with it,
    are passed on to it.
    """

    def __init__(self) -> None:
        self.asked, self._since = False, 0.0
        self._thread: threading.Thread | None = None
        self._handler: Any = None
        self._watcher = self._writing = -1

    def __enter__(self) -> Stopping:
        """Listen, if this is the main thread: signals come to no other."""
        if threading.current_thread() is not threading.main_thread():
            return self
        self._handler = signal.signal(signal.SIGTERM, self._told)
        self._watcher = signal.set_wakeup_fd(-1)
        if self._watcher != -1:
            reading, self._writing = os.pipe()
            os.set_blocking(self._writing, False)
            signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
            self._thread = threading.Thread(target=_pass_on, args=(reading, self._watcher), name="signals", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave signals as they were, unless they have been set aside meanwhile by an interrupt."""
        if self._handler is None:
            return
        if signal.getsignal(signal.SIGTERM) == self._told:
            signal.signal(signal.SIGTERM, self._handler)
        if self._thread is not None:
            signal.set_wakeup_fd(self._watcher, warn_on_full_buffer=False)
            os.close(self._writing)
            self._thread.join()
        self._handler = self._thread = None

    def _told(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked, self._since = True, time.monotonic()
        elif time.monotonic() - self._since < TOGETHER_SECONDS:
            return
        elif callable(self._handler):
            self._handler(number, frame)
        else:
            raise KeyboardInterrupt


def _pass_on(reading: int, watcher: int) -> None:
    """Pass signals on but for the first SIGTERM, and what comes together with it, until the other end is closed."""
    since: float | None = None
    while told := os.read(reading, 1):
        if told[0] == signal.SIGTERM and (since is None or time.monotonic() - since < TOGETHER_SECONDS):
            since = time.monotonic() if since is None else since
        else:
            os.write(watcher, told)
    os.close(reading)
