"""Where a written text ends: at the first stop string, as lm-evaluation-harness cuts it."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

LOOK_BACK = 4
"""Tokens looked at beside as many as the longest stop string has bytes: a token writes at least one."""


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before its first stop string."""
    for stop in stops:
        text = text.split(stop)[0]
    return text


class Ending:
    """Watches one text being written.

    Args:
        tokenizer: Whose tokens are written.
        stops: The strings that end it.
    """

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str]) -> None:
        self.tokenizer, self.stops = tokenizer, stops
        self.done = False
        """Whether it has ended, for whatever reason."""
        self._back = LOOK_BACK + max((len(stop.encode()) for stop in stops), default=0)

    def reached(self, ids: Sequence[int]) -> bool:
        """Whether the text that these tokens write holds a stop string; cheap while it does not."""
        if not self.stops:
            return False
        last = self.tokenizer.decode(list(ids[-self._back :]), skip_special_tokens=True)
        if not any(stop in last for stop in self.stops):
            return False
        whole = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return any(stop in whole for stop in self.stops)
