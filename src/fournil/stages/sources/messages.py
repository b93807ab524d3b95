"""Pairs out of gettext catalogues: which messages are of use, and how both sides are cleaned alike."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_CREDITS = frozenset({"translator-credits", "translator_credits", "your names", "your emails"})
"""Messages whose translation is a list of people."""
_CREDITS_CONTEXTS = ("NAME OF TRANSLATORS", "EMAIL OF TRANSLATORS")

# In each: a doubled marker stands for itself; a single one marks the letter after it.
_MARKERS = {
    "_": re.compile(r"__|_(?=\w)"),
    "&": re.compile(r"&&|&(?=\w)(?!#?\w+;)"),
    "~": re.compile(r"~(?=\w)"),
}
_CONTEXT = re.compile(r"[^|\n]{1,80}\|{1,2}(?=[^|\s])")
_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True)
class Verdict:
    """What became of a message: both texts, and the rule that refuses it, if one does."""

    source: str
    target: str
    had_mnemonic: bool
    rule: str | None = None
    value: str | None = None


def judge(source: str, target: str, context: str | None, mnemonic: str) -> Verdict:
    """Clean both sides of a message alike and say whether it is of use.

    White space around the text goes, as does the mnemonic marker (`_File` becomes `File`) when each side has at most
    one, and a context before a bar in the source that the translation lacks (`keyboard label|Del`). Everything else,
    format strings and markup included, stays as it is.

    Args:
        source: The English text.
        target: Its translation.
        context: The message's context, if it has one.
        mnemonic: The markers that this program uses, or an empty string.
    """
    source, target = _without_context(source, target).strip(), target.strip()
    stripped = source, target
    for marker in mnemonic:
        stripped = strip_mnemonics(*stripped, marker)
    had_mnemonic = stripped != (source, target)
    source, target = stripped

    def verdict(rule: str | None = None, value: str | None = None) -> Verdict:
        return Verdict(source, target, had_mnemonic, rule, value)

    if not source or not target:
        return verdict("empty", "source" if not source else "translation")
    if source.casefold() in _CREDITS or (context or "").startswith(_CREDITS_CONTEXTS):
        return verdict("credits", source)
    if "\ufffd" in source or "\ufffd" in target:
        return verdict("encoding", "U+FFFD")
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in source + target):
        return verdict("control-character", source[:40])
    if not any(map(str.isalpha, source)) or not any(map(str.isalpha, target)):
        return verdict("no-letter", source[:40])
    if source == target:
        return verdict("equal", source[:40])
    return verdict()


def _without_context(source: str, target: str) -> str:
    """Return the source without the context that older programs write before a bar."""
    found = _CONTEXT.match(source)
    return source[found.end() :] if found and "|" not in target else source


def strip_mnemonics(source: str, target: str, mnemonic: str) -> tuple[str, str]:
    """Take the marker of keyboard mnemonics out of both sides, or out of none.

    A side with several markers is not interface text with one mnemonic, and a word with the marker inside that stands
    on both sides (`xml_file`) is a name: then nothing changes.
    """
    pattern = _MARKERS.get(mnemonic)
    if pattern is None:
        return source, target

    def single(text: str) -> int:
        return sum(len(found) == 1 for found in pattern.findall(text))

    if max(single(source), single(target)) != 1:
        return source, target
    names = {word for word in _TOKEN.findall(source) if single(word)} & set(_TOKEN.findall(target))
    if mnemonic == "_" and names:
        return source, target
    return pattern.sub(_unmarked, source), pattern.sub(_unmarked, target)


def _unmarked(found: re.Match[str]) -> str:
    return found[0][1:]
