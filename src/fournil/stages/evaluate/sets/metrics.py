"""Scores of written answers, item by item, with several right ones."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from fournil.core.languages import language


def answer_words(text: str, tag: str) -> list[str]:
    """Words of an answer in lower case, without punctuation and the language's articles.

    An elided article is one, however its apostrophe is written: « l’eau », « l'eau » and « eau » are the same answer.
    """
    known = language(tag)
    text = unicodedata.normalize("NFC", text).lower().replace("’", "'")
    if known.apostrophe_ends_word:
        text = re.sub(r"(?<=\w)'(?=\w)", "' ", text)
    found = re.findall(r"\w+(?:['-]\w+)*'?", text)
    return [word for word in found if word not in known.articles]


def exact(text: str, answers: Sequence[str], tag: str) -> float:
    """Whether the text is one of the answers: 0 or 1."""
    words = answer_words(text, tag)
    return float(any(words == answer_words(answer, tag) for answer in answers))


def f1(text: str, answers: Sequence[str], tag: str) -> float:
    """Harmonic mean of the shares of words in common, with the nearest answer (Rajpurkar et al. 2016)."""
    ours = Counter(answer_words(text, tag))
    best = 0.0
    for answer in answers:
        theirs = Counter(answer_words(answer, tag))
        both = ours.total() + theirs.total()
        best = max(best, 2 * (ours & theirs).total() / both if both else 1.0)
    return best
