"""The form of a dialogue: one turn a line, behind the speaker's tag, as the prompt has it.

Claire's corpora and models write `[Intervenant 1:]`, or a name in the brackets; plays and transcripts also `Camille :`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KEPT, LOST, NO_TURN = "kept", "lost", "no turn"
"""New turns all have their tags; a line has none; no line was begun, so there is nothing to tell."""

_NUMBERED = re.compile(r"\[(\w+) \d+:\]")
_NAMED = re.compile(r"\[[^\[\]\n:]{1,40}?[\s\xa0]?:\]")
_NAME = re.compile(r"[^\W\d_][\w'’.\- \xa0]{0,39}")
_BARE = re.compile(r"[^\W\d_][\w'’.\- \xa0]{0,39}?[\s\xa0]?:(?=\s|$)")


@dataclass(frozen=True)
class Form:
    """What became of a dialogue's form."""

    state: str
    """KEPT, LOST or NO_TURN."""
    tags: list[tuple[int, int]]
    """Where the continuation's own tags are."""
    lost_at: int | None = None
    """Where the first line without a tag begins."""


def form_of(prompt: str, text: str, *, cut: bool) -> Form:
    """Look at the lines of a continuation.

    Args:
        prompt: The dialogue so far; its first line shows what a tag looks like.
        text: What was written. Its first line goes on with the prompt's last one.
        cut: Whether the text ends because it had to, perhaps inside a tag.
    """
    tag, brackets = _tag(prompt)
    tags: list[tuple[int, int]] = []
    lost_at: int | None = None
    place = 0
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        words = line.strip()
        start = place + len(line) - len(line.lstrip())
        place += len(line)
        if number == 0 or not words:
            continue
        found = tag.match(words)
        if found:
            tags.append((start, start + found.end()))
        elif lost_at is None and not (cut and place == len(text) and _begun(words, brackets)):
            lost_at = start
    state = LOST if lost_at is not None else KEPT if tags else NO_TURN
    return Form(state, tags, lost_at)


def _tag(prompt: str) -> tuple[re.Pattern[str], bool]:
    """What a tag of this dialogue looks like, and whether it has brackets."""
    numbered = _NUMBERED.match(prompt)
    if numbered:
        return re.compile(rf"\[{numbered[1]}[\s\xa0]\d+[\s\xa0]?:\]"), True
    return (_NAMED, True) if prompt.startswith("[") else (_BARE, False)


def _begun(words: str, brackets: bool) -> bool:
    """Whether a tag may have begun here and been cut."""
    return (
        words.startswith("[") and "]" not in words
        if brackets
        else bool(re.fullmatch(r"[^\W\d_][\w'’.\- \xa0]{0,39}", words))
    )
