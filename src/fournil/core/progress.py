"""Bars with rates and time left on a terminal; plain lines, not too many, elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from fournil.core.speech import tr

PLAIN_SECONDS = 10.0
"""How long plain output stays silent at least between two lines of one task."""

BAR_SECONDS = 0.1
"""How long a bar stays as it is at least."""


class Bar:
    """One task under way: `advance` it."""

    def __init__(self, title: str, total: float | None, unit: str) -> None:
        self.title = title
        self.total = total
        self.unit = unit
        self.done = 0.0
        self.began = time.monotonic()

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Say that `amount` more is done; `note` is shown beside the bar."""
        self.done += amount
        self._show(note)

    def _show(self, note: str) -> None:
        """Nothing to show: quiet."""

    def _end(self) -> None:
        """Nothing to end: quiet."""


class _PlainBar(Bar):
    def __init__(self, title: str, total: float | None, unit: str, file: TextIO) -> None:
        super().__init__(title, total, unit)
        self._file = file
        self._last = self.began

    def _show(self, note: str) -> None:
        now = time.monotonic()
        if now - self._last < PLAIN_SECONDS:
            return
        self._last = now
        seconds = now - self.began
        rate = self.done / seconds if seconds else 0.0
        tail = f"  {note}" if note else ""
        self._say(f"{self._words(rate)}{tail}")

    def _words(self, rate: float) -> str:
        known = {"title": self.title, "done": self.done, "unit": self.unit, "rate": rate}
        if not self.total:
            return tr("{title}: {done:,.0f} {unit}, {rate:,.1f}/s", **known)
        if not rate:
            return tr("{title}: {done:,.0f}/{total:,.0f} {unit}, {rate:,.1f}/s", total=self.total, **known)
        left = duration((self.total - self.done) / rate)
        return tr(
            "{title}: {done:,.0f}/{total:,.0f} {unit}, {rate:,.1f}/s, {left} left", total=self.total, left=left, **known
        )

    def _end(self) -> None:
        seconds = time.monotonic() - self.began
        if seconds >= 1:
            words = {"title": self.title, "done": self.done, "unit": self.unit, "time": duration(seconds)}
            self._say(tr("{title}: {done:,.0f} {unit} in {time}", **words))

    def _say(self, text: str) -> None:
        print(f"    {text}", file=self._file, flush=True)


class _RichBar(Bar):
    def __init__(self, title: str, total: float | None, unit: str, bars: Any, escape: Callable[[str], str]) -> None:  # noqa: ANN401 - rich loads late
        super().__init__(title, total, unit)
        self._bars, self._escape = bars, escape
        self._id = bars.add_task(escape(title), total=total, state=escape(self._state()), note="")
        self._last = 0.0

    def _show(self, note: str) -> None:
        now = time.monotonic()
        if now - self._last < BAR_SECONDS and self.done != self.total:
            return
        self._last = now
        fields = {"note": self._escape(note)} if note else {}
        self._bars.update(self._id, completed=self.done, total=self.total, state=self._escape(self._state()), **fields)

    def _state(self) -> str:
        """How much is done, how fast, and how much time is left, as the reader's language writes it."""
        seconds = time.monotonic() - self.began
        rate = self.done / seconds if seconds else 0.0
        known = {"done": self.done, "unit": self.unit, "rate": rate}
        if not self.total:
            return tr("{done:,.0f} {unit}, {rate:,.1f}/s", **known)
        if not rate:
            return tr("{done:,.0f}/{total:,.0f} {unit}", done=self.done, total=self.total, unit=self.unit)
        left = duration((self.total - self.done) / rate)
        return tr("{done:,.0f}/{total:,.0f} {unit}, {rate:,.1f}/s, {left} left", total=self.total, left=left, **known)


class Progress:
    """Shows nothing. `for_terminal` and `plain` make those that show."""

    def __reduce__(self) -> tuple[type[Progress], tuple[()]]:
        """Sent to another process, it shows nothing there."""
        return (Progress, ())

    def note(self, text: str) -> None:
        """Say a line."""

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Bar]:
        """Show one task while the block runs.

        Args:
            title: What is being done.
            total: How much there is, if known.
            unit: In what it is counted, in the plural.
        """
        yield Bar(title, total, unit)


class PlainProgress(Progress):
    """Plain lines for logs: the start is silent, then at most a line in ten seconds, then the end."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdout

    def note(self, text: str) -> None:
        """Say a line."""
        print(f"    {text}", file=self._file, flush=True)

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Bar]:
        """Show one task as plain lines."""
        bar = _PlainBar(title, total, unit, self._file)
        yield bar
        bar._end()


class RichProgress(Progress):
    """Bars on a terminal."""

    def __init__(self, console: Any) -> None:  # noqa: ANN401 - rich loads late
        self._console = console

    def note(self, text: str) -> None:
        """Say a line."""
        self._console.print(f"    {text}", highlight=False, markup=False)

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Bar]:
        """Show one task as a bar with rate and time left."""
        from rich.markup import escape
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bars

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[state]}"),
            TextColumn("[dim]{task.fields[note]}"),
        )
        with Bars(*columns, console=self._console, transient=True, refresh_per_second=4) as bars:
            yield _RichBar(title, total, unit, bars, escape)


def progress_for(file: TextIO, *, quiet: bool = False) -> Progress:
    """Choose bars for a terminal that can show them, plain lines for anything else, nothing when quiet."""
    if quiet:
        return Progress()
    if not file.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        return PlainProgress(file)
    from rich.console import Console

    return RichProgress(Console(file=file))


def duration(seconds: float) -> str:
    """Return seconds as people say them: `8 s`, `2 min 05 s`, `1 h 20 min`."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return tr("{seconds} s", seconds=seconds)
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return tr("{minutes} min {seconds:02d} s", minutes=minutes, seconds=rest)
    hours, minutes = divmod(minutes, 60)
    return tr("{hours} h {minutes:02d} min", hours=hours, minutes=minutes)
