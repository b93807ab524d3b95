"""Numbers of bank accounts, cards, persons and companies: each has a check key, which must be right."""

import re
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.fr import nir, siren, siret

from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window, cue_words

_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]{4}){2,7}(?:[ .-]?[A-Z0-9]{1,3})?(?![^\W_])", re.ASCII)
_NIR = re.compile(
    r"(?<![\w.])[1-478] ?\d{2} ?\d{2} ?(?:\d{2}|2 ?[ABab]) ?\d{3} ?\d{3} ?(?:[ /-] ?|clé ?:? ?)?\d{2}(?!\w|[.,]\d)",
    re.ASCII,
)
_CARD = re.compile(
    r"(?<![\w.,-])(?<!\d )[2-6]\d{2,3}(?:([ .-]?)\d{4}\1\d{4}\1\d{1,7}|([ -]?)\d{6}\2\d{4,5})(?![\w]|[.,-]\d)"
)
_BRAND = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)\d{12,13}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35\d{14}|(?:5018|5020|5038|6304|6759|676[1-3])\d{8,15}"
)
_NO_CARD = re.compile(
    r"(?:order|serial|commande|série|suivi|tracking|imei|fidélité|isbn|ean|gtin|colis|réf|ref|reference|référence"
    r"|réservation|booking|ticket|client|customer)\W{0,3}(?:no|n°|nr|number|numéro|#)?\W{0,4}$",
    re.IGNORECASE,
)
_SIRET = re.compile(r"(?<![\w.,/-])(?<!\d )\d{3}([ .]?)\d{3}\1\d{3}[ .]?\d{5}(?!\w|[.,]\d| \d)")
_SIREN = re.compile(r"(?<![\w.,/-])(?<!\d )(?:\d{3}([ .-]?)\d{3}\1\d{3}|\d\d ?\d{3} ?\d{3} ?\d)(?!\w|[.,]\d| \d)")
_RCS_BEHIND = re.compile(r"^\W{0,3}(?:R\.?C\.?S\.?|is the company)\b")
_RCS_BEFORE = re.compile(r"\bR\.?C\.?S\.? [\w' -]{2,30}$")


def digits_of(written: str) -> str:
    """The digits of a number, without what stands between them."""
    return re.sub(r"\D", "", written)


def ibans(window: Window, start: int, end: int) -> Iterator[Found]:
    """International bank account numbers."""
    for match in _IBAN.finditer(window.text, max(0, start - 14), end + 6):
        # The pattern is greedy; a word in capitals that follows may have been taken for the last group.
        for stop in _shorter_ends(match):
            number = re.sub(r"[ .-]", "", window.text[match.start() : stop])
            if "02" <= number[2:4] <= "98" and iban.is_valid(number):
                yield Found("iban", match.start(), stop)
                break


def _shorter_ends(match: re.Match[str]) -> Iterator[int]:
    yield match.end()
    written = match.group()
    for place in range(len(written) - 1, 14, -1):
        if written[place] in " .-":
            yield match.start() + place


def nirs(window: Window, start: int, end: int) -> Iterator[Found]:
    """French social security numbers."""
    if not any("nir" in each.identifiers for each in window.languages):
        return
    for match in _NIR.finditer(window.text, max(0, start - 1), end + 10):
        if nir.is_valid(re.sub(r"[ :/-]|clé", "", match.group()).upper()):
            yield Found("nir", match.start(), match.end())


def cards(window: Window, start: int, end: int) -> Iterator[Found]:
    """Payment cards: the beginning of a brand, its length, Luhn's check."""
    for match in _CARD.finditer(window.text, max(0, start - 1), end + 1):
        number = digits_of(match.group())
        is_card = _BRAND.fullmatch(number) is not None and luhn.is_valid(number)
        if is_card and not _NO_CARD.search(window.before(match.start(), 40)):
            yield Found("card", match.start(), match.end())


def sirets(window: Window, start: int, end: int) -> Iterator[Found]:
    """Establishments of French companies."""
    for match in _SIRET.finditer(window.text, max(0, start - 1), end + 1):
        number = digits_of(match.group())
        # One number in a hundred passes the check: without a word, only the first hundred establishments do.
        if siret.is_valid(number) and (number[9:12] == "000" or _announced(window, match, "siret")):
            yield Found("siret", match.start(), match.end())


def sirens(window: Window, start: int, end: int) -> Iterator[Found]:
    """French companies; one number of nine digits in ten passes the check, so a word must announce it."""
    for match in _SIREN.finditer(window.text, max(0, start - 1), end + 1):
        if siren.is_valid(digits_of(match.group())) and (
            _announced(window, match, "siren")
            or _RCS_BEHIND.search(window.after(match.end(), 20))
            or _RCS_BEFORE.search(window.before(match.start(), 40))
        ):
            yield Found("siren", match.start(), match.end())


def _announced(window: Window, match: re.Match[str], field: str) -> bool:
    before = window.before(match.start(), 70)
    cue = re.compile(
        rf"(?<![^\W_])(?:{cue_words(window.languages, 'company')}|{field})(?![^\W_])[^\d]{{0,60}}$", re.IGNORECASE
    )
    return (
        bool(cue.search(before))
        or field in window.column(match.start())
        or (field in window.head().lower() and "(" in window.head())
    )
