"""Postal addresses: those that a label or a word of residence announces, and those written out down to the postcode.

A street in a story, a timetable or a guide has neither, and stays.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from fournil.core.languages import Language
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window, alternatives, cue_words

_CAPITAL = r"[A-ZÀ-ÖØ-Þ]"
_SMALL = r"(?:sur|sous|en|de|du|des|la|le|les|lès|aux?|à|upon|on|of|the|in|les)"
_TOWN = (
    rf"(?:Co\. |Ste?\. |Mt\. )?(?![A-Z]{{1,2}}\b){_CAPITAL}[\w'-]*"
    rf"(?:[ -](?:{_SMALL}[ -]|[dl]'){{0,2}}{_CAPITAL}[\w'-]*){{0,4}}"
)
_COUNTRY = (
    r"(?:France|Belgique|Belgium|Suisse|Switzerland|Luxembourg|Canada|Norway|Norvège|Ireland|Irlande|UK|USA|Germany"
    r"|Allemagne|Spain|Espagne|Italy|Italie|England|Scotland|Wales|United Kingdom|United States|Netherlands|Pays-Bas)"
)
_BEFORE_TOWN = re.compile(
    rf"(?:[A-Z]{{1,2}}-)?\d{{4,5}} (?P<town>{_TOWN})(?: (?:cedex|CEDEX|Cedex)(?: \d{{1,2}})?)?"
    rf"(?:,? \({_CAPITAL}[\w'-]+\))?(?:, {_COUNTRY}\b)?"
)
_AFTER_TOWN = re.compile(
    r"(?:[A-Z]{2} \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
    rf"|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]\d[\dW] ?[A-Z\d]{{4}})(?!\w)(?:, {_COUNTRY}\b)?"
)
_SPLIT = re.compile(r",\s*|\s*\n\s*|\s+[–—·|-]\s+|\s?: +|;\s*|\s\(|\)\s?,?\s*")
_ABBREVIATED = re.compile(
    r"(?:^|[\s,.'])(?:r|av|bd|boul|imp|all|pl|ch|app|apt|bât|bat|st|rd|ave|dr|co|esc|bte|succ|[a-z]|no|rte|ln|ct|sq|ste)$",
    re.IGNORECASE,
)
_REACH = 170
_MOST_PARTS = 6
_SHORT = ("rue", "zi", "za", "zac", "lot", "mas")
"""Short words for streets that are known as such without a number before them."""


class _Grammar(NamedTuple):
    street: re.Pattern[str]
    box: re.Pattern[str]
    building: re.Pattern[str]
    part: re.Pattern[str]
    known: re.Pattern[str]
    """A street or a box by its own word."""


_NUMBER = r"(?:n° ?)?\d{1,5}(?:-\d{1,4})?(?: ?(?:bis|ter|quater)\b| ?[a-zA-Z](?!\w))?"
_OTHER_END = re.compile(rf"(?<!\d)\d{{5}} {_TOWN}$")
"""The end of another address."""
_NUMBER_AT_END = re.compile(rf"(?:^|\s)({_NUMBER})$")
_HAMLET = re.compile(rf"(?<!\w){_TOWN} \d{{1,4}}[a-z]?$")
_NUMBER_ALONE = re.compile(rf"{_NUMBER}$")
_ENGLISH = (
    rf"(?<![\w.])\d{{1,5}}[a-zA-Z]?,? (?:[NSEW]\. )?{_CAPITAL}[\w'.-]*(?: (?:{_CAPITAL}[\w'.-]*|\d{{1,4}}|of|the|and))*"
)


@cache
def _grammar(languages: tuple[Language, ...]) -> _Grammar:
    streets, boxes = cue_words(languages, "streets"), cue_words(languages, "boxes")
    alone = alternatives(word for each in languages for word in each.cues.streets if len(word) > 3 or word in _SHORT)
    buildings = cue_words(languages, "buildings")
    street = (
        rf"(?<![\w.-])(?:{_NUMBER},? ?(?:de l[ea] |de l'|du )?(?i:{streets})|(?i:{alone}))(?![\w])(?!-\d)"
        rf"|{_ENGLISH}"
        rf"|(?<![\w.-])(?:[A-ZÀ-Þ][\w'-]*\s)+(?i:{streets})(?![\w])"
        rf"|(?<!\w){_CAPITAL}\w*(?:straat|strasse|straße|gata|laan|weg)(?: \d+)"
    )
    box = rf"(?<!\w)(?i:{boxes})\.? ?\d+"
    building = rf"(?<!\w)(?:\d+(?:st|nd|rd|th|e|er)? )?(?:[A-Z][\w'-]* ){{0,2}}(?i:{buildings})(?!\w)"
    return _Grammar(
        re.compile(street),
        re.compile(box),
        re.compile(building),
        re.compile(rf"(?:{street}|{box}|{building})"),
        re.compile(
            rf"(?<![\w.-])(?:{_NUMBER},? ?(?i:{streets})|(?i:{alone}))(?!\w)|{box}|(?<=\w )(?i:{streets})(?!\w)"
        ),
    )


class _Tail(NamedTuple):
    """Postcode and town: where they begin and end, and whether the town stands before the postcode."""

    start: int
    end: int
    town_before: bool


def _tail(text: str, start: int, end: int) -> _Tail | None:
    """The end of an address around the postcode between two places."""
    for back in (0, 2, 3):
        match = _BEFORE_TOWN.match(text, max(0, start - back))
        if (
            match is not None
            and match.end() > end
            and not re.match(r"\w", text[max(0, start - back) - 1 : start - back] or " ")
        ):
            return _Tail(match.start(), match.end(), town_before=False)
    for match in _AFTER_TOWN.finditer(text, max(0, start - 5), end + 12):
        if (
            match.start() <= start
            and end <= match.end()
            and not re.match(r"\w", text[match.start() - 1 : match.start()])
        ):
            return _Tail(match.start(), match.end(), town_before=True)
    return None


def postal_addresses(window: Window, start: int, end: int) -> Iterator[Found]:
    """The address that ends with the postcode at a place: back, part by part, to its street or box."""
    tail = _tail(window.text, start, end)
    if tail is None:
        return
    begin = _begin(window, tail)
    if begin is None or tail.end - begin > _REACH + 40:
        return
    # Four digits are a year more often than a town's: a house number must stand before them.
    before, code = window.text[begin : tail.start], window.text[start:end]
    if end - start == 4 and not (
        re.search(r"\d", before) and (code < "1899" or code > "2035" or _grammar(window.languages).known.search(before))
    ):
        return
    yield Found("address", begin, tail.end)


def _parts_before(text: str, stop: int) -> list[tuple[int, int]]:
    """The parts of a text before a place, the nearest first."""
    low = max(0, stop - _REACH)
    paragraph = text.rfind("\n\n", low, stop)
    low = paragraph + 2 if paragraph >= 0 else low
    cuts = [(low, low), *((match.start(), match.end()) for match in _SPLIT.finditer(text, low, stop))]
    if cuts[-1][1] < stop:
        cuts.append((stop, stop))
    parts = [(cuts[at][1], cuts[at + 1][0]) for at in range(len(cuts) - 1)]
    return [part for part in reversed(parts) if part[0] < part[1]]


def _begin(window: Window, tail: _Tail) -> int | None:
    grammar = _grammar(window.languages)
    text, begin, found, known = window.text, None, False, False
    stop = tail.start
    for number, (low, high) in enumerate(_parts_before(text, stop)[:_MOST_PARTS]):
        piece = text[low:high]
        sentence = max(_last_sentence(piece), 0)
        low, piece = low + sentence, piece[sentence:]
        if _OTHER_END.search(piece):
            break
        match = _first(piece, grammar)
        if match is not None and not (known and match.start() > 0):
            begin, found = low + match.start(), True
            known = known or bool(grammar.known.search(piece))
            if match.start() > 0 or sentence:
                break
            continue
        if found:
            alone = _NUMBER_AT_END.search(piece)
            if alone is not None:
                begin = low + alone.start(1)
            break
        hamlet = None if tail.town_before or number else _HAMLET.search(piece)
        if hamlet is not None:
            begin, found = low + hamlet.start(), True
            continue
        # Between street and postcode: a town, a county, a station, in capitals.
        if number < (3 if tail.town_before else 2) and re.fullmatch(
            rf"{_TOWN}(?: \({_TOWN}\))?|\(?{_TOWN}\)?|Co\. {_TOWN}", piece.strip()
        ):
            continue
        break
    return begin


def _first(piece: str, grammar: _Grammar) -> re.Match[str] | None:
    """Where a street, a box or a building begins in a part of an address."""
    matches = [match for pattern in (grammar.street, grammar.box) if (match := pattern.search(piece)) is not None]
    building = grammar.building.match(piece)
    if building is not None:
        matches.append(building)
    return min(matches, key=lambda match: match.start(), default=None)


def _last_sentence(piece: str) -> int:
    """Where the last sentence of a part begins."""
    place = -1
    for match in re.finditer(r"[.!?]\s+(?=[^\W\d_]|\d)", piece):
        if piece[match.start()] != "." or not _ABBREVIATED.search(piece[: match.start()]):
            place = match.end()
    return place


_TOWN_PART = re.compile(rf",\s*{_TOWN}(?: \d{{1,3}})?$")
_CONNECTOR = re.compile(
    r"(?:\s*\([^)\n]{1,20}\))?\s*"
    r"(?:(?:est|is|sera|becomes|suivante|following address|ensemble|désormais|now|actuellement|still)\s*)*"
    r"(?:[:=,]\s*|\s)(?:[\"'«]\s?)?"
    r"(?:(?:est|is|à l'adresse|au|à|at|chez moi au|the|of|ensemble|désormais|l')\s+(?=[\dA-ZÀ-Þcnrlabv]))?"
)
_NAME_FIRST = re.compile(
    rf"(?:(?:M|Mme|Mlle|Mr|Mrs|Ms|Dr|Me)\.? )?{_CAPITAL}[\w'.-]+(?: {_CAPITAL}[\w'.&-]+){{0,4}},\s*"
)
_TOWN_FIRST = re.compile(rf"(?P<town>{_TOWN}) \(\d{{5}}\), ")
_STOPS = re.compile(r"[;)\"»<>|]|\((?![A-ZÀ-Þ][\w' -]{1,25}\))|\n\n|\s[–—·-]\s|\s:\s|: |\n(?=[^\n,]{0,30} ?:)")
_PART_END = re.compile(r",\s*|\n")


def announced_addresses(window: Window, start: int, end: int) -> Iterator[Found]:
    """The address that the label at a place announces."""
    text = window.text
    connector = _CONNECTOR.match(text, end)
    if connector is None:
        return
    begin = connector.end()
    first = _TOWN_FIRST.match(text, begin)
    stop = len(text) if (cut := _STOPS.search(text, first.end() if first else begin)) is None else cut.start()
    stop = min(stop, begin + _REACH)
    grammar = _grammar(window.languages)
    places = [begin]
    name = _NAME_FIRST.match(text, begin, stop)
    if name is not None and _first(name.group(), grammar) is None:
        named = re.match(r"(?:M|Mme|Mlle|Mr|Mrs|Ms|Dr|Me)\b", name.group()) or grammar.box.match(text, name.end())
        places = [name.end(), begin] if named else [begin, name.end()]
    for place in places:
        span = _span(text, place, stop, grammar, skip=first.end() - begin if first else 0)
        if span is not None:
            yield Found("address", *span)
            return


def _span(text: str, begin: int, stop: int, grammar: _Grammar, *, skip: int) -> tuple[int, int] | None:
    """The address that begins at a place, part by part, if it has a street or a box, and a town."""
    place, end, num, known, numbered = begin + skip, begin, 0, False, False
    if begin >= stop or not (text[begin].isdigit() or text[begin].isupper() or grammar.part.match(text, begin)):
        return None
    while place < stop and num < _MOST_PARTS:
        cut = _PART_END.search(text, place, stop)
        high = stop if cut is None else cut.start()
        piece = text[place:high]
        sentence = _sentence_end(piece)
        if sentence is not None:
            piece = piece[:sentence]
        match = _first(piece, grammar)
        usual = match is not None and (match.start() == 0 or num == 0)
        tail = _BEFORE_TOWN.match(piece)
        code = _AFTER_TOWN.search(piece)
        town = re.match(rf"(?:{_TOWN})(?: \({_TOWN}\))?(?: {_AFTER_TOWN.pattern}| \d{{1,3}}(?!\d)|  ?[A-Z]\w+)?", piece)
        if tail is not None:
            end = place + tail.end()
            follows = re.match(rf",\s{_COUNTRY}\b", text[end : end + 20])
            return (begin, end + (follows.end() if follows else 0)) if numbered else None
        if code is not None and (numbered or usual) and code.start() <= 40:
            return begin, place + code.end()
        if not (usual or _NUMBER_ALONE.fullmatch(piece) or (town is not None and len(piece) <= 45)):
            break
        known = known or bool(grammar.known.search(piece))
        numbered = numbered or match is not None or bool(_NUMBER_ALONE.fullmatch(piece))
        # A part in capitals ends where words in small letters go on.
        end = place + (_capitals_end(piece) if match is None and town is not None else _street_end(piece))
        num += 1
        if sentence is not None or end < place + len(piece.rstrip()):
            break
        place = high if cut is None else cut.end()
    town = _TOWN_PART.search(text[begin:end]) if not skip else True
    if not known or not town or num + bool(skip) < 2 or not any(character.isdigit() for character in text[begin:end]):
        return None
    return begin, end


def _sentence_end(piece: str) -> int | None:
    for match in re.finditer(r"[.!?](?=\s|$)", piece):
        if piece[match.start()] != "." or not _ABBREVIATED.search(piece[: match.start()]):
            return match.start()
    return None


def _capitals_end(piece: str) -> int:
    match = re.match(rf"{_TOWN}(?: \({_TOWN}\))?(?: (?:HT)?\d{{1,5}})?", piece)
    return match.end() if match is not None else len(piece.rstrip())


def _street_end(piece: str) -> int:
    match = re.search(r"\s(?:et|où|and|as|pour|qui|dans|avant|before|with|avec|is|est|until|jusqu')(?=\s|$)", piece)
    return match.start() if match is not None else len(piece.rstrip())
