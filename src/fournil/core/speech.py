"""What Fournil says, in its reader's language: gettext catalogues, and figures as that language writes them.

Messages are written in English, with named places: `tr("no such recipe: {path}", path=path)`. The catalogues under
data/locale hold them in other languages. What a record keeps is kept as a message (`mark`) and put into words when it
is shown (`retell`), so that a run is the same whoever baked it.
"""

from __future__ import annotations

import gettext
import os
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

DOMAIN = "fournil"
LOCALES = Path(__file__).resolve().parent.parent / "data" / "locale"
LANGUAGES = ("en", "fr")
"""The languages that Fournil speaks; messages are written in the first."""

THIN_SPACE = "\u202f"
NO_BREAK_SPACE = "\xa0"
_FIGURES = {"fr": str.maketrans({",": THIN_SPACE, ".": ",", "%": f"{THIN_SPACE}%"})}
"""How a language writes what English writes with commas, a point and a per cent sign."""
_QUOTES = {"fr": (f"«{NO_BREAK_SPACE}", f"{NO_BREAK_SPACE}»")}
"""What a language puts around a name, where it is not what Python's repr puts."""

_SEPARATORS = {"fr": f"{THIN_SPACE}; "}
"""What stands between the parts of a list, where it is not a semicolon right behind the word."""

Message = dict[str, Any]
"""`message`, `values`, and for what has a plural `plural` and `count`: JSON that `retell` puts into words."""

_spoken = LANGUAGES[0]


def speak(language: str) -> None:
    """Speak a language from now on, argparse too.

    Raises:
        ValueError: For a language that Fournil has no catalogue of.
    """
    global _spoken  # one process speaks to one person
    if language not in LANGUAGES:
        raise ValueError(f"no catalogue of {language!r}")
    _spoken = language
    os.environ["LANGUAGE"] = language  # argparse asks the standard library's gettext, which reads this
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


def spoken() -> str:
    """Return the language that is spoken, a BCP 47 tag."""
    return _spoken


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language while the block runs: for pages, which exist in each.

    Raises:
        ValueError: For a language that Fournil has no catalogue of.
    """
    global _spoken
    if language not in LANGUAGES:
        raise ValueError(f"no catalogue of {language!r}")
    before, _spoken = _spoken, language
    try:
        yield
    finally:
        _spoken = before


def preferred(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language that LANGUAGE, LC_ALL, LC_MESSAGES or LANG ask for, the first that Fournil speaks."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    wanted = environment.get("LANGUAGE", "").split(":") if locale.split(".")[0] not in ("C", "POSIX") else []
    for tag in (*wanted, locale):
        language = tag.split(".")[0].split("_")[0].split("@")[0].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def tr(message: str, /, **values: Any) -> str:  # noqa: ANN401 - whatever can be formatted
    """Put a message into the reader's language.

    Args:
        message: The English text, a literal, so that it can be collected. With values, a format string.
        values: What stands in its places, such as `{count:,}`.
    """
    return _filled(_whole(message), values)


def trn(singular: str, plural: str, count: float, /, **values: Any) -> str:  # noqa: ANN401
    """Put a message that depends on a number into the reader's language; the number's place is `{count}`."""
    return _filled(_plural(singular, plural, count), {"count": count, **values})


def mark(message: str, /, **values: Any) -> Message:  # noqa: ANN401 - JSON
    """Keep a message for later, as JSON. Values are JSON, or messages themselves."""
    return {"message": message, "values": values}


def markn(singular: str, plural: str, count: float, /, **values: Any) -> Message:  # noqa: ANN401 - JSON
    """Keep a message that depends on a number for later, as JSON."""
    return {"message": singular, "plural": plural, "count": count, "values": values}


def retell(told: str | Message | Sequence[str | Message]) -> str:
    """Put into words what `mark` kept; text stays as it is, and semicolons part a list, whose parts hold commas."""
    if isinstance(told, str):
        return told
    if not isinstance(told, dict):
        return _SEPARATORS.get(_spoken, "; ").join(retell(part) for part in told)
    if "plural" in told:
        text = _plural(told["message"], told["plural"], told["count"])
        return _filled(text, {"count": told["count"], **told["values"]})
    return _filled(_whole(told["message"]), told["values"])


def figure(written: str) -> str:
    """Return a figure that is written as in English (1,234.5) as the reader's language writes it."""
    return written.translate(_FIGURES[_spoken]) if _spoken in _FIGURES else written


def _whole(message: str) -> str:
    return _catalogue(_spoken).gettext(message) if message else ""  # gettext calls its own header ""


def _plural(singular: str, plural: str, count: float) -> str:
    # Grammars count whole things: 1.5 is more than one in English, and not in French.
    return _catalogue(_spoken).ngettext(singular, plural, int(count) if _spoken == "fr" or count == 1 else 2)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == LANGUAGES[0]:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALES, languages=[language])


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return _WRITER.vformat(text, (), values) if values else text


class _Writer(string.Formatter):
    """Formats numbers and quotes names as the spoken language writes them, and puts kept messages into its words."""

    def convert_field(self, value: Any, conversion: str | None) -> Any:  # noqa: ANN401 - as the base class
        if conversion == "r" and isinstance(value, str) and _spoken in _QUOTES:
            before, after = _QUOTES[_spoken]
            return f"{before}{repr(value)[1:-1]}{after}"
        return super().convert_field(value, conversion)  # pyright: ignore[reportArgumentType] - None: no conversion

    def format_field(self, value: Any, format_spec: str) -> str:  # noqa: ANN401 - as the base class
        if isinstance(value, dict) and "message" in value:
            value = retell(value)
        written = super().format_field(value, format_spec)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return figure(written) if is_number and (format_spec or isinstance(value, float)) else written


_WRITER = _Writer()
