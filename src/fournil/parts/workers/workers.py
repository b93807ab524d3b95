"""The one way in which work is handed out, and the plainest place to do it: here, one call after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Advance = Callable[[Any], None]


class Workers:
    """Runs calls in this thread, in their order."""

    @property
    def num(self) -> int:
        """How many calls run at once."""
        return 1

    def run(
        self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], advance: Advance | None = None
    ) -> list[Any]:
        """Call a function with each tuple of arguments, several at once; in which order they end is open.

        Args:
            function: Of a module, not of another function; what it makes are files.
            calls: Arguments that can be pickled; read as they are needed, never far ahead.
            advance: Told in this thread what each call returned, as it ends.

        Returns:
            What the calls returned, in the order of the calls.

        Raises:
            FournilError: Whatever the first call that fails raises; the others are not begun any more.
        """
        results: list[Any] = []
        for call in calls:
            results.append(function(*call))
            if advance is not None:
                advance(results[-1])
        return results

    def check(self) -> None:
        """See that the workers can work: nothing to see here."""

    def renew(self) -> None:
        """Give back the memory that workers hold from what they have done; the next work may begin seconds later."""

    def close(self) -> None:
        """End what was started."""

    def __enter__(self) -> Workers:
        """Give the workers; processes start with the first work."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what was started."""
        self.close()
