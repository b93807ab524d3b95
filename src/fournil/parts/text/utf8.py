"""Whether a string is text: Python reads bytes that are none as halves of characters."""

from collections.abc import Iterable

from fournil.core.errors import FournilError
from fournil.core.speech import tr


def is_text(text: str) -> bool:
    """Whether a string can be written as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_halves(texts: Iterable[str]) -> None:
    """Refuse strings that cannot be written as UTF-8.

    Raises:
        FournilError: One of them holds half a character.
    """
    if not all(map(is_text, texts)):
        raise FournilError(tr("a text holds halves of characters"), fix=tr("Give text in UTF-8."))
