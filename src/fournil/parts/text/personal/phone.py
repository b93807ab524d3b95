"""Telephone numbers, by libphonenumber's numbering plans.

A number with its country's code stands for itself. A national one must be grouped as the country groups it, or follow
a word such as « tél. »: ten digits in a row are as often something else.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

import phonenumbers

from fournil.core.languages import Language
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window, cue_words

_NUMBER = re.compile(
    r"(?P<number>(?:(?<![\w+])\(?\+ ?|(?<![\w.+/=-])(?<![$€£#])\(?)\d(?:(?: / |\) ?|[ .\-/]?\(|[ .\-/]?)\d){6,16})"
    r"(?![\w-]|[.,]\d|/\d)(?! ?(?:€|%|km|kg|EUR|euros|F\b))",
    re.ASCII,
)
_WRITTEN = re.compile(r"(?:\+ ?\d{1,3}|\(\+\d{1,3}\))[ .\-/]?|00(?=[1-9])")
_SEPARATOR = re.compile(r"[ .\-/()]+")
_FICTION = re.compile(
    r"^\+33(?:19900|26191|35301|46571|53649|63998)|^\+1\d{3}55501|^\+44(?:7700900|\d{2,4}4960\d|2079460|1632960|2920180)|^\+35320"
    r"91"
)
_BEHIND = re.compile(r"\s?\(?(?:whatsapp|portable|mobile|cell|fax|poste \d|ext\.? ?\d|extension)", re.IGNORECASE)
_GROUPS = frozenset(
    {
        *((2, 2, 2, 2, 2), (1, 3, 3, 3), (4, 2, 2, 2), (4, 3, 3), (4, 2, 3), (2, 3, 2, 2), (3, 2, 2, 2), (3, 3, 2, 2)),
        *((3, 4, 4), (4, 3, 4), (5, 6), (5, 3, 3), (3, 3, 4), (2, 4, 4), (3, 7), (4, 6), (4, 3, 2, 2)),
    }
)
"""How national numbers that begin with 0 are grouped."""

_ELSEWHERE = (
    *("SN", "CI", "CM", "MG", "DZ", "MA", "TN", "CD", "BF", "ML", "TG", "BJ", "NE", "GN", "GA", "CG", "HT", "MU", "DJ"),
    *("RE", "GP", "MQ", "GF", "IT", "DE", "ES", "NL", "IN", "NZ", "ZA", "NG", "GH", "KE"),
)
"""Regions whose national numbers are taken where a word announces them."""

_SURE, _PERHAPS = ("phone", "own_number"), ("phone_perhaps",)
_COUNTING = ("0123456789", "1234567890", "9876543210", "0987654321")
_NOT_BEFORE = re.compile(
    r"(?:n°|n os|\bno\.?|réf\.?|ref\.?|référence|reference|version|lot|facture|invoice|order|commande|police|policy|ean"
    r"|série|serial|ticket|dossier|contrat|compteur|isbn\d*|issn|compte|account|code|client|part|model|case|claim|chèque|cheque"
    r"|permis|patent|joint|suivi|art\.|article|carte|booking|rma|doi:?)[^\w\n]{0,4}$",
    re.IGNORECASE,
)


def phones(window: Window, start: int, end: int) -> Iterator[Found]:
    """Telephone numbers between two places."""
    for match in _NUMBER.finditer(window.text, max(0, start - 4), end + 1):
        begin, stop = match.span("number")
        for first, last in _bounds(window.text, begin, stop):
            if _is_phone(window, first, last):
                yield Found("phone", first, last)
                break


def _bounds(text: str, begin: int, stop: int) -> Iterator[tuple[int, int]]:
    """A number as it stands, then with fewer groups at its end, then without what a slash parts from it."""
    yield begin, stop
    slash = text.find(" / ", begin, stop)
    if slash >= 0:
        yield slash + 3, stop
        yield begin, slash
    for place in range(stop - 1, begin + 8, -1):
        if text[place] in " /-" and text[place - 1].isdigit() and stop - place <= 12:
            yield begin, place


def _is_phone(window: Window, begin: int, stop: int) -> bool:
    written = window.text[begin:stop]
    if written.startswith("(") and ")" not in written:
        return False
    if written.count(".") == 1 and written.lstrip("+").replace(".", "").isdigit() and not written.startswith("0"):
        return False  # a decimal fraction
    prefix = _WRITTEN.match(written)
    if prefix is not None:
        return _exists("+" + re.sub(r"\D", "", re.sub(r"\(0\)", "", written)).removeprefix("00"), (None,), window.spare)
    digits = re.sub(r"\D", "", written)
    if not 7 <= len(digits) <= 11:
        return False
    groups = tuple(map(len, _SEPARATOR.split(written.strip("()"))))
    if groups[0] <= 3 and len(groups) in (4, 5) and written.count(".") == 3 and digits[0] != "0":
        return False  # a version, or the address of a machine
    announced = _announced(window, begin, _SURE) or bool(_BEHIND.match(window.after(stop, 24)))
    if len(groups) > 1 and not announced and all(length >= 2 for length in groups[1:]):
        announced = _announced(window, begin, _PERHAPS) and not re.fullmatch(r"(?:19|20)\d\d-(?:19|20)\d\d", written)
    if digits in _COUNTING or (len(set(digits)) <= 2 and not announced):
        return False
    if not announced and (re.match(r" \d", window.after(stop, 2)) or re.search(r"\d $", window.before(begin, 2))):
        return False  # more figures before or behind: a table, or a memory's contents
    if not announced and _NOT_BEFORE.search(window.before(begin, 24)):
        return False
    # One point and no other separator: a decimal fraction.
    if not announced and written.count(".") == 1 and written.replace(".", "").isdigit():
        return False
    regions = _regions(window.languages)
    american = groups in ((3, 3, 4), (1, 3, 3, 4)) and digits[0] != "0"
    if american:
        spaced = set(_SEPARATOR.findall(written)) == {" "}
        return (announced or not spaced) and _exists(digits, ("US", "CA"), window.spare)
    cell = (
        len(digits) == 10
        and window.before(begin, 1) in tuple("'\"")
        and window.after(stop, 1) == window.before(begin, 1)
    )
    if digits[0] == "0" and (announced or cell or groups in _GROUPS) and _exists(digits, regions, window.spare):
        return True
    if not announced or len(digits) < 8 or (len(groups) == 1 and digits[:2] in ("19", "20") and len(digits) == 8):
        return False
    return _exists(digits, (*regions, *_ELSEWHERE), window.spare) or (len(groups) >= 3 and 8 <= len(digits) <= 10)


@cache
def _regions(languages: tuple[Language, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(region for each in languages for region in each.phone_regions))


@cache
def _cue(languages: tuple[Language, ...], fields: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(cue_words(languages, field) for field in fields)
    return re.compile(rf"(?<![^\W_])(?:{words})(?!\w)[^\d\n]{{0,26}}$", re.IGNORECASE)


def _announced(window: Window, place: int, fields: tuple[str, ...]) -> bool:
    pattern = _cue(window.languages, fields)
    before = window.before(place, 60)
    line = before.rsplit("\n", 1)[-1]
    # Two numbers side by side share their word.
    line = re.sub(r"[+(]?\d[\d .()/-]{6,}\d(?=\W{0,6}(?:ou|or|et|and|/|,|·)?\W{0,3}$)", "", line)
    return bool(pattern.search(line)) or bool(pattern.search(window.column(place) + " : "))


@lru_cache(maxsize=1 << 14)  # a page of tables may hold the same figures a thousand times
def _exists(written: str, regions: tuple[str | None, ...], spare: frozenset[str]) -> bool:
    for region in regions:
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        full = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if _FICTION.match(full):
            return "reserved" not in spare
        if phonenumbers.is_valid_number(number):
            return True
    return False
