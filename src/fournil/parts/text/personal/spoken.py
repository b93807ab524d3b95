"""Telephone numbers said in words, as transcripts of speech have them: « zéro six douze trente-quatre … »."""

import re
from collections.abc import Iterator
from functools import cache

from fournil.core.languages import Language
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.phone import _exists, _regions
from fournil.parts.text.personal.window import Window, alternatives

_FEWEST_WORDS = 5


@cache
def _words(language: Language) -> tuple[re.Pattern[str], dict[str, int]]:
    values = dict(language.cues.number_words)
    word = alternatives(values)
    doubled = "double |triple " if language.tag == "en" else ""
    return re.compile(
        rf"(?<!\w)(?:{doubled})?(?:{word})(?!\w)(?:(?:[\s,-]|\bet\b)*(?:{doubled})?(?:{word})(?!\w))+", re.IGNORECASE
    ), values


def spoken_phones(window: Window, start: int, end: int) -> Iterator[Found]:
    """The number that begins with the zero at a place."""
    for language in window.languages:
        if not language.cues.number_words:
            continue
        pattern, values = _words(language)
        match = pattern.match(window.text, start, end + 200)
        if match is None or len(re.findall(r"\w+", match.group())) < _FEWEST_WORDS:
            continue
        digits = _digits(match.group().lower(), values)
        if _exists(digits, _regions(window.languages), window.spare):
            yield Found("phone", match.start(), match.end())
            return


def _digits(said: str, values: dict[str, int]) -> str:
    """The digits of a number said in groups: hundreds, tens and units join where they would in a number."""
    digits, group = "", 0
    times = 1
    for word in re.findall(r"\w+", said):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
            continue
        if word not in values:  # « et » of vingt et un
            continue
        value = values[word]
        if value == 100:
            if 2 <= group <= 9:
                group *= 100
            else:
                digits, group = digits + _shown(group), 100
        elif value == 20 and group % 100 == 4:  # quatre-vingts
            group += 76
        elif group and _joins(group, value):
            group += value
        else:
            digits, group = digits + _shown(group), value
            if value == 0:
                digits += "0"
        if times > 1:
            digits, group, times = digits + str(group) * (times - 1), group, 1
    return digits + _shown(group)


def _shown(group: int) -> str:
    return str(group) if group else ""


def _joins(group: int, value: int) -> bool:
    if group % 100 == 0:
        return 0 < value < 100
    tens = group % 100
    if tens % 10 or tens < 20:
        return False
    return 0 < value < 10 or (tens in (60, 80) and 10 <= value < 20)
