"""How the program leaves when it has to: interrupted, within two seconds whatever runs; by a bug, with its trace."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from fournil.core.errors import EXIT_FAILED, EXIT_INTERRUPTED
from fournil.core.speech import tr

PATIENCE_SECONDS = 1.0
"""How long an interrupted program may take to leave by itself. To kill it is safe: final names hold finished things."""

SHOW_TRACEBACK = "FOURNIL_TRACEBACK"
"""The environment variable that has bugs shown with their traceback, as `--traceback` does."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_said, _signalled = threading.Event(), threading.Event()


@contextmanager
def interruptible(*, goes_on: bool) -> Iterator[None]:
    """While the block runs, SIGINT and SIGTERM end the program: by KeyboardInterrupt, or else by force.

    Python raises KeyboardInterrupt between two of its own instructions, and a long call of a library is one. So a
    thread is told by the signal itself, and ends the process, and what it has started, when that takes too long.

    Args:
        goes_on: Whether the same command will go on where it stopped; the sentence says it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    watcher = threading.Thread(target=_watch, args=(reading, goes_on), name="interrupted", daemon=True)
    watcher.start()
    try:
        yield
    except KeyboardInterrupt:
        raise  # the watcher stays: to leave can take long too
    except BaseException:
        _stop(wakeup, writing, handlers)
        raise
    _stop(wakeup, writing, handlers)


def _stop(wakeup: int, writing: int, handlers: dict[signal.Signals, Any]) -> None:
    signal.set_wakeup_fd(wakeup)
    os.close(writing)  # which ends the watcher
    for number, handler in handlers.items():
        signal.signal(number, handler)


def say_interrupted(goes_on: bool) -> int:
    """Say that the program was interrupted, and return the exit code for that; after a signal, end it with that."""
    if not _said.is_set():
        _said.set()
        text = tr("fournil: stopped. The same command goes on from here.") if goes_on else tr("fournil: stopped.")
        print(f"\n{text}", file=sys.stderr, flush=True)
    if _signalled.is_set():
        _end()  # nothing is left to do, and Python's own end of large libraries takes seconds
    return EXIT_INTERRUPTED


def say_bug(error: BaseException, *, whole: bool) -> int:
    """Say in one line that something is wrong with Fournil itself, and where its traceback is.

    Args:
        error: What was raised.
        whole: Show the traceback here instead of keeping it in a file.

    Returns:
        The exit code.
    """
    import traceback

    trace = "".join(traceback.format_exception(error))
    kind = type(error).__name__
    what = f"{kind}: {' '.join(str(error).split())[:200]}" if str(error).strip() else kind
    place = None if whole else _keep(trace)
    if place is None:
        print(trace, end="", file=sys.stderr)
        print(tr("fournil: this is a bug in Fournil, please report it: {what}", what=what), file=sys.stderr)
    else:
        message = tr(
            "fournil: this is a bug in Fournil, please report it with the file {place} (or see it with --traceback): "
            "{what}",
            what=what,
            place=place,
        )
        print(message, file=sys.stderr)
    return EXIT_FAILED


def say_refused(error: OSError) -> int:
    """Say in one line what the system refused, and return the exit code."""
    places = [str(name) for name in (error.filename, error.filename2) if name is not None]
    place = f" [{', '.join(places)}]" if places else ""
    reason = error.strerror or str(error) or type(error).__name__
    print(tr("fournil: the system says no: {reason}{place}", reason=reason, place=place), file=sys.stderr)
    return EXIT_FAILED


def _keep(trace: str) -> str | None:
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="fournil-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(trace)
    except OSError:
        return None
    return file.name


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _signalled.set()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # whoever presses Ctrl-C twice gets one sentence
    sys.unraisablehook = lambda _: None  # where this comes amid an import or a clean-up, Python would print its own
    raise KeyboardInterrupt


def _watch(reading: int, goes_on: bool) -> None:
    """Wait for a signal, then for the program to leave by itself, then end it."""
    told = os.read(reading, 1)
    while told and told[0] not in _SIGNALS:
        told = os.read(reading, 1)
    if not told:
        os.close(reading)
        return
    time.sleep(PATIENCE_SECONDS)
    if sys.stdout.isatty():
        os.write(sys.stdout.fileno(), b"\x1b[?25h")  # bars hide the cursor
    _signalled.set()
    say_interrupted(goes_on)


def _end() -> NoReturn:
    multiprocessing = sys.modules.get("multiprocessing")
    for child in multiprocessing.active_children() if multiprocessing else ():
        child.kill()
    os._exit(EXIT_INTERRUPTED)
