"""The languages that Fournil knows, one file each.

`language("fr")` and `language("fr-CA")` both give French: the primary subtag decides. Another language is one more
file in this folder that binds LANGUAGE; nothing else changes. "code" is the private role tag of program code (see
code.py).
"""

import importlib
import pkgutil
from functools import cache

from fournil.core.errors import FournilError
from fournil.core.languages.language import Language
from fournil.core.speech import Message, mark, tr

__all__ = ["CODE", "Language", "any_name_of", "known_languages", "language", "name_of", "primary", "target"]

CODE = "code"
UNKNOWN = "und"
"""BCP 47's tag of a language that nothing tells."""


@cache
def known_languages() -> tuple[str, ...]:
    """Tags of all languages in this folder, sorted, "code" among them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "language"))


@cache
def primary(tag: str) -> str:
    """The primary subtag in lower case: "fr-CA" gives "fr"."""
    return tag.replace("_", "-").split("-", 1)[0].lower()


def language(tag: str) -> Language:
    """The language of a BCP 47 tag.

    Args:
        tag: such as "fr", "en-GB", or "code".

    Raises:
        FournilError: when no file in this folder describes it.
    """
    name = primary(tag)
    if name not in known_languages():
        known = ", ".join(known_languages())
        raise FournilError(
            tr("unknown language {tag!r}", tag=tag),
            fix=tr("Use one of {known}, or add a file to fournil/core/languages.", known=known),
        )
    return importlib.import_module(f"{__name__}.{name}").LANGUAGE


def name_of(tag: str) -> Message:
    """A language's name, as a message."""
    return {"message": language(tag).name, "values": {}}


def target(direction: str) -> str:
    """The language into which a direction goes, `fr` of `en-fr`; of one language, such as `fr-CA`, its primary one."""
    into = direction.rpartition("-")[2]
    if into in known_languages():
        return into
    return primary(direction) if primary(direction) in known_languages() else direction


def any_name_of(tag: str) -> Message:
    """A language's name, as a message; the tag itself for a language without a file here."""
    if tag == UNKNOWN:
        return mark("not identified")
    return name_of(tag) if primary(tag) in known_languages() else mark("{tag}", tag=tag)
