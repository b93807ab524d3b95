"""A piece of a text around a place that is worth a look."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from fournil.core.languages import Language

_SAME = (("\u00a0", " "), ("\u202f", " "), ("\u2009", " "), ("\u2007", " "), ("\u2011", "-"), ("\u2019", "'"))
_CELLS = re.compile(r"\s*[|;\t]\s*|,(?=\S)")


@dataclass(frozen=True)
class Window:
    """A piece of a text, and what finders ask beside it."""

    text: str
    """Odd spaces, hyphens and apostrophes made plain, one for one."""

    languages: tuple[Language, ...]
    """Whose words, numbers and identifiers are looked for."""

    spare: frozenset[str]
    """Which of SPARED are left standing."""

    head: Callable[[], str]
    """The beginning of the text, plain too, where a table names its columns."""

    def before(self, place: int, num: int) -> str:
        """Characters before a place."""
        return self.text[max(0, place - num) : place]

    def after(self, place: int, num: int) -> str:
        """Characters from a place on."""
        return self.text[place : place + num]

    def column(self, place: int) -> str:
        """What the first lines of a table say over a place, in lower case; empty outside tables."""
        rows = self._headings()
        if not rows:
            return ""
        start = self.text.rfind("\n", 0, place) + 1
        stop = self.text.find("\n", place)
        width = len(_CELLS.findall(self.text, start, stop if stop >= 0 else len(self.text))) + 1
        cells = len(_CELLS.findall(self.text, start, place))
        row = next((row for row in rows if len(row) == width), ())
        return row[cells].lower() if cells < len(row) else ""

    def _headings(self) -> tuple[tuple[str, ...], ...]:
        lines = self.head().split("\n")
        return _headings(tuple(lines[:3])) if len(lines) > 1 else ()


@lru_cache(maxsize=64)
def _headings(lines: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Lines that have three cells or more."""
    return tuple(row for line in lines if len(row := tuple(_CELLS.split(line))) >= 3)


def plain(text: str) -> str:
    """A text with one kind of space, hyphen and apostrophe, as long as before."""
    for odd, same in () if text.isascii() else _SAME:
        text = text.replace(odd, same)
    return text


def alternatives(words: Iterable[str]) -> str:
    """A regular expression for any of some words, the longest first, white space of any kind for a space."""
    ordered = sorted({word for word in words if word}, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in ordered) or "(?!)"


@cache
def cue_words(languages: tuple[Language, ...], field: str) -> str:
    """A regular expression for the words of one field of the languages' cues."""
    return alternatives(word for each in languages for word in getattr(each.cues, field))


@cache
def following(languages: tuple[Language, ...], fields: tuple[str, ...], reach: int) -> re.Pattern[str]:
    """A pattern for a cue that ends some characters before the end of a string, no digit between."""
    words = "|".join(cue_words(languages, field) for field in fields)
    return re.compile(rf"(?<![^\W_])(?:{words})(?![^\W\d_])[^\d\n]{{0,{reach}}}$", re.IGNORECASE)
