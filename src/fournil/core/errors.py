"""The one exception for what a user can mend, and the exit codes of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class FournilError(Exception):
    """Something that the user can mend: what is wrong, where, and how to fix it.

    Args:
        what: What is wrong, in one sentence without its full stop.
        where: The file, setting or document that it concerns.
        fix: What to do about it, as a sentence.
        code: Exit code of the command line: 1 for failures, 2 for wrong use.
    """

    def __init__(
        self, what: str, *, where: str | Path | None = None, fix: str | None = None, code: int = EXIT_FAILED
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix
        self.code = code
        super().__init__(str(self))

    def __str__(self) -> str:
        """Return the one-line message."""
        place = f" [{self.where}]" if self.where else ""
        mend = f". {self.fix}" if self.fix else ""
        return f"{self.what}{place}{mend}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the parts when the error crosses a process boundary."""
        return (_rebuild, (self.what, self.where, self.fix, self.code))


def _rebuild(what: str, where: str | None, fix: str | None, code: int) -> FournilError:
    return FournilError(what, where=where, fix=fix, code=code)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is closest to `name`, or None when none is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
