"""Dates of birth that a label or a sentence announces: day, month and year.

A date that announces an animal's birth, a firm's or a law's stays, and so do those of people whom nobody alive has
met: a page on Victor Hugo is no file on a person.
"""

import datetime
import re
from collections.abc import Iterator
from functools import cache

from fournil.core.languages import Language
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window, alternatives, cue_words

_OLDEST = 1905
_WORDS = re.compile(r"\w[\w-]*")


@cache
def _date(languages: tuple[Language, ...]) -> re.Pattern[str]:
    months = alternatives(word for each in languages for month in each.cues.months for word in month)
    return re.compile(
        rf"(?<![\w/.-])(?:(?P<y1>\d{{4}})[-/.](?P<m1>\d{{1,2}})[-/.](?P<d1>\d{{1,2}})"
        rf"|(?P<d2>\d{{1,2}}) ?[-/.] ?(?P<m2>\d{{1,2}}) ?[-/.] ?(?P<y2>\d{{4}}|\d\d)"
        rf"|(?P<d3>\d{{1,2}})(?:er|st|nd|rd|th|ᵉʳ)?(?: of)?[ -](?P<m3>{months})\.?,?[ -](?P<y3>\d{{4}}|\d\d)"
        rf"|(?P<m4>{months})\.? (?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y4>\d{{4}}))(?![\w]|[/-]\d)",
        re.IGNORECASE,
    )


@cache
def _not_persons(languages: tuple[Language, ...]) -> frozenset[str]:
    return frozenset(word for each in languages for word in each.cues.not_persons)


def _is_on_form(window: Window, start: int, end: int) -> bool:
    """Whether the word for birth stands as a label: « date de naissance », a colon, an element of XML."""
    return bool(re.search(r"(?:date|jour|lieu) de\s$", window.before(start, 10), re.IGNORECASE)) or bool(
        re.match(r"[\"']?\s?[:>=|]", window.after(end, 4))
    )


@cache
def _label(languages: tuple[Language, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:{cue_words(languages, 'birth_labels')})$", re.IGNORECASE)


def birth_dates(window: Window, start: int, end: int) -> Iterator[Found]:
    """The date behind the word for birth at a place, or before it."""
    pattern = _date(window.languages)
    label = bool(_label(window.languages).search(window.text, max(0, start - 24), end))
    word = window.text[start:end].lower()
    if word == "naissance" and not _is_on_form(window, start, end):
        return
    before = re.split(r"[.!?\n](?=\s)|\n", window.before(start, 70))[-1]
    if not label and not _not_persons(window.languages).isdisjoint(_WORDS.findall(before.lower())):
        return
    if label and re.search(r"(?:dog|cat|chat|chien|animal|pet)\b", window.before(start, 60), re.IGNORECASE):
        return
    stop = end + 64
    paragraph = window.text.find("\n\n", end, stop)
    match = pattern.search(window.text, end, stop if paragraph < 0 else paragraph)
    if match is not None and not label and _of_what_is_no_person(window, match.end()):
        return
    if (
        match is not None
        and _reaches(window.text[end : match.start()], label=label)
        and _is_birth(match, window.languages)
    ):
        yield Found("birth-date", match.start(), match.end())
        return
    if label:
        for match in pattern.finditer(window.text, max(0, start - 40), start):
            if re.fullmatch(r"\W{1,4}", window.text[match.end() : start]) and _is_birth(match, window.languages):
                yield Found("birth-date", match.start(), match.end())


def _of_what_is_no_person(window: Window, place: int) -> bool:
    """Whether the clause behind a date says that an association or the like was born."""
    clause = re.match(r"[^.;\n]{0,60}?, (?:l'|la |le |cette |notre |the |our )([\w-]+)", window.after(place, 100))
    return clause is not None and clause.group(1).lower() in _not_persons(window.languages)


def _reaches(between: str, *, label: bool) -> bool:
    """Whether a word for birth still speaks of the date behind these words."""
    if re.search(r"\d{4}|[;!]|[.](?=\s+[A-ZÀ-Ý])", between) or between.count("\n") > 1:
        return False
    if "\n" in between:
        head, tail = between.split("\n")
        return len(tail) <= 24 and (
            bool(re.search(r"[:?]\s*\w*$|\?$", head.strip()[-1:])) or not tail.strip() or ":" in tail
        )
    if re.search(
        r"(?<!\w)(?:and|et|avant|après|before|after|since|depuis|entre|between|jusqu|until|mort|décéd|died|décès|death|marri|épous|wed|left|separated|joined|moved)",
        between,
        re.IGNORECASE,
    ):
        return False
    return len(between) <= (48 if label else 44)


def _is_birth(match: re.Match[str], languages: tuple[Language, ...]) -> bool:
    """Whether the date exists and somebody born on it may live."""
    groups = {name[0]: value for name, value in match.groupdict().items() if value is not None}
    year = int(groups["y"])
    if len(groups["y"]) == 2:
        year += 2000 if year <= 30 else 1900
    month, day = groups["m"], int(groups["d"])
    number = int(month) if month.isdigit() else _month(month.lower(), languages)
    candidates = [(number, day), (day, number)] if month.isdigit() else [(number, day)]
    for real_month, real_day in candidates:
        try:
            datetime.date(year, real_month, real_day)
        except ValueError:
            continue
        return _OLDEST <= year <= 2100
    return False


def _month(name: str, languages: tuple[Language, ...]) -> int:
    for each in languages:
        for number, names in enumerate(each.cues.months, 1):
            if name in names:
                return number
    return 0


@cache
def _said_date(languages: tuple[Language, ...]) -> re.Pattern[str]:
    words = alternatives(word for each in languages for word, _ in each.cues.number_words)
    months = alternatives(word for each in languages for month in each.cues.months for word in month)
    number = rf"(?:{words})(?:[ -](?:et[ -])?(?:{words}))*"
    return re.compile(
        rf"(?:premier|{number}) (?:{months})"
        rf" (?:(?:mil|mille|dix)[ -]neuf[ -]cents?|deux[ -]mille)(?:[ -](?:et[ -])?{number})?",
        re.IGNORECASE,
    )


def said_birth_dates(window: Window, start: int, end: int) -> Iterator[Found]:
    """A date in words behind « né le », as deeds and transcripts of speech have it."""
    place = window.text.lower().find(" le ", start, end)
    match = _said_date(window.languages).match(window.text, place + 4) if place >= 0 else None
    if match is not None:
        yield Found("birth-date", match.start(), match.end())


def born_columns(window: Window, start: int, end: int) -> Iterator[Found]:
    """Dates in a table's column of births, in a number that stands there."""
    if not re.search(r"naissance|birth|\bdob\b|\bddn\b|né\(?e?\)? le|born", window.column(start)):
        return
    for match in _date(window.languages).finditer(window.text, max(0, start - 1), end + 1):
        if _is_birth(match, window.languages):
            yield Found("birth-date", match.start(), match.end())
