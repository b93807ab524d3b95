"""The numbers by which tax offices know persons and companies.

python-stdnum checks them; where the check is weak, a word must announce them.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.window import Window


class _Rule(NamedTuple):
    """One number: how it is written, stdnum's modules of which one must take it, the words that must announce it."""

    form: str
    pattern: re.Pattern[str]
    modules: tuple[str, ...]
    cue: re.Pattern[str] | None = None
    words: str = ""


def _whole(pattern: str) -> re.Pattern[str]:
    """A number with nothing of a longer one beside it."""
    return re.compile(rf"(?<![\w.,/-])(?<!\d )(?:{pattern})(?!\w|[.,]\d|-\d| \d{{2}})", re.ASCII)


def _rule(pattern: str, modules: str, cue: str | None = None) -> _Rule:
    words = None if cue is None else re.compile(rf"(?<![^\W_])(?:{cue})(?![^\W_])[^\d\n]{{0,45}}$", re.IGNORECASE)
    return _Rule(pattern, _whole(pattern), tuple(modules.split()), words, cue or "")


_SHARED = re.compile(r"(?<![^\W_])(?:NAS|SIN)(?![^\W_])[^\n]*$")
"""One word for several numbers: « il faut le NAS des deux parents : moi c'est …, Kevin c'est … »."""

_NINE = r"\d{3}[ .-]?\d{3}[ .-]?\d{3}"
_CANADIAN = r"n\.?a\.?s\.?|s\.?i\.?n\.?|assurance sociale|social insurance(?: number)?|numéro d'assurance|nas des"
_VAT = r"vat|tva|gst|t\.v\.a\.|tps|btw|mwst|ust-?id\w*|registration number|reg\.? no\.?"
_RULES = (
    _rule(r"FR ?[0-9A-Z]{2} ?\d{3}[ .]?\d{3}[ .]?\d{3}", "fr.tva mc.tva"),
    _rule(r"(?:BE ?)?[01]\d{3}[. ]\d{3}[. ]\d{3}|BE ?[01]?\d{9}", "be.vat"),
    _rule(r"\d\d\.\d\d\.\d\d-\d{3}[.-]\d\d", "be.nn"),
    _rule(r"\d{11}", "be.nn", r"niss|registre national|national register|rijksregister\w*|numéro national"),
    _rule(r"CHE[- ]?\d{3}[. ]?\d{3}[. ]?\d{3}(?:[ ,]*(?:TVA|MWST|IVA|VAT))?", "ch.uid ch.vat"),
    _rule(r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d", "ch.ssn"),
    _rule(r"LU ?\d{3} ?\d{3} ?\d\d|LU ?\d{8}|LU ?\d{6} ?\d\d", "lu.tva"),
    _rule(
        r"(?:DE|NL|IT|ES|PT|AT|IE|PL|SE|DK|FI|EL|CZ|HU|RO) ?[0-9A-Z]{1,4}(?:[ .]?[0-9A-Z]{2,4}){1,4}", "eu.vat", _VAT
    ),
    _rule(r"(?:DE|IT|PL|SE|DK|FI|EL|PT) ?\d{8,12}|AT ?U\d{8}|NL ?\d{9}B\d\d|IE ?\d{7}[A-Z]{1,2}", "eu.vat"),
    _rule(r"\d{3}[ -]?\d{3}[ -]?\d{3}|\d{5} ?\d{4}|\d{6} \d{3}", "ca.sin", _CANADIAN),
    _rule(r"\d{3}-\d{3}-\d{3}", "ca.sin"),
    _Rule("", re.compile(r"(?<=c'est )\d{3} ?\d{3} ?\d{3}(?!\w|[.,]\d)"), ("ca.sin",), _SHARED, "nas|sin"),
    _rule(r"(?:\d{5} ?\d{4}|\d{3} ?\d{3} ?\d{3}) ?R[CMPTZ] ?\d{4}", "ca.bn"),
    _rule(
        r"\d{5} ?\d{4}|\d{3} ?\d{3} ?\d{3}", "ca.bn", r"business number|bn|numéro d'entreprise|ne|tps|gst\S*(?: no\.?)?"
    ),
    _rule(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}", "us.ssn"),
    _rule(r"(?!000|666|9)\d{9}|\d{3} \d\d \d{4}", "us.ssn", r"ssn|social security(?: (?:number|no\.?))?"),
    _rule(r"9\d\d-[5-9]\d-\d{4}", "us.itin us.atin", r"itin|taxpayer id\w*|tax id\w*|tin|taxpayer"),
    _rule(
        r"\d\d-\d{7}",
        "us.ein",
        r"ein|f\.?e\.?i\.?n\.?|tax id\w*|employer id\w*(?: (?:number|no\.?))?|taxpayer id\w*|vendor",
    ),
    _rule(r"GB ?\d{3} ?\d{4} ?\d\d(?: ?\d{3})?", "gb.vat"),
    _rule(r"\d{3} ?\d{4} ?\d\d", "gb.vat", _VAT),
    _rule(r"\d{5} ?\d{5}K?", "gb.utr", r"utr|taxpayer reference|tax reference"),
    _rule(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", ""),
    _rule(r"\d{7} ?[A-W][A-IW]?", "ie.pps", None),
    _rule(r"\d{2}[ ]?\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}|[0-3]\d{12}", "fr.nif"),
    _rule(r"\d{15}|\d{3} ?\d{3} ?\d{3} ?\d{3} ?\d{3}|\d{9} ?\d{4} ?\d\d", "ma.ice", r"ice|identifiant commun\D*"),
    _rule(r"\d{7} ?[A-Z] ?/? ?[A-Z] ?/? ?[A-Z] ?/? ?\d{3}", "tn.mf"),
    _rule(
        r"\d{7,8} ?/? ?[A-Z](?: ?/? ?[A-Z]){0,2}(?: ?/? ?\d{3})?", "tn.mf", r"mf|matricule fiscale?|identifiant fiscal"
    ),
    _rule(r"\d{7}|\d{9}|\d{3} ?\d{4}|(?:\d{9}|\d{7}|\d{3} ?\d{4}) ?\d[A-Z]\d", "sn.ninea", r"ninea|n\.i\.n\.e\.a\.?"),
    _rule(_NINE, "gn.nifp", r"n\.?i\.?f\.?p?|identification fiscale|identifiant fiscal"),
    _rule(r"\d{15}|\d{20}", "dz.nif", r"n\.?i\.?f\.?|identification fiscale|identifiant fiscal"),
    _rule(r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn nz.ird", r"tfn|tax file(?: (?:number|no\.?))?|ird(?: (?:number|no\.?))?"),
    _rule(r"\d\d ?\d{3} ?\d{3} ?\d{3}", "au.abn", r"abn|business number"),
    _rule(r"\d{2,3}-\d{3}-\d{3}", "nz.ird", r"ird(?: (?:number|no\.?))?"),
    _rule(r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", "in_.pan"),
    _rule(r"\d\d[A-Z]{5}\d{4}[A-Z][0-9A-Z]Z[0-9A-Z]", "in_.gstin"),
    _rule(r"[AP]\d{9}[A-Z]", "ke.pin"),
    _rule(r"\d{10}|\d{4} ?\d{3} ?\d{3}", "za.tin", r"sars|tax (?:reference|ref\.?)(?: (?:number|no\.?))?|income tax"),
)
_PREFIX_REACH, _CUE, _FAR_CUE = 16, 70, 160


_ANNOUNCED = tuple(rule for rule in _RULES if rule.cue is not None)
_BY_FORM = tuple(rule for rule in _RULES if rule.cue is None)
_ANY_FORM = _whole("|".join(rule.form for rule in _BY_FORM))
# Of text in lower case: a search that heeds no case tries every word at every place.
_ANY_CUE = re.compile(rf"(?<![^\W_])(?:{'|'.join(rule.words for rule in _ANNOUNCED)})(?![^\W_])")


def tax_numbers(window: Window, start: int, end: int) -> Iterator[Found]:
    """Tax numbers between two places."""
    low, high = max(0, start - _PREFIX_REACH), end + 8
    rules = _BY_FORM if _ANY_FORM.search(window.text, low, high) else ()
    first = max(0, start - _FAR_CUE)
    before = window.text[max(0, first - 1) : start].lower()
    if _ANY_CUE.search(before, min(first, 1)) or _ANY_CUE.search(window.column(start)):
        rules = _RULES
    for rule in rules:
        for match in rule.pattern.finditer(window.text, low, high):
            if match.end() <= start or match.start() >= end:
                continue
            if rule.cue is not None and not _announced(rule.cue, window, match.start()):
                continue
            if not rule.modules or any(_takes(name, match.group()) for name in rule.modules):
                yield Found("tax-number", match.start(), match.end())


def _announced(cue: re.Pattern[str], window: Window, place: int) -> bool:
    reach = _FAR_CUE if cue is _SHARED else _CUE
    return bool(cue.search(window.before(place, reach))) or bool(cue.search(window.column(place)))


@cache
def _module(name: str) -> Any:  # noqa: ANN401 - python-stdnum's modules have one form, and no type
    return import_module(f"stdnum.{name}")


def _takes(name: str, written: str) -> bool:
    module = _module(name)
    return module.is_valid(written) or module.is_valid(re.sub(r"[\s.\-]", "", written))
