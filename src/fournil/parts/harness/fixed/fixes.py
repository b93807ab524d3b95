"""The functions of the `fixed` edition: gaps filled one by one, answers compared as French is written."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

GAP = "<...>"
_ANSWERS = ("answerA", "answerB", "answerC", "answerD")
_POLARITIES = ("positif", "negatif", "neutre")
"""In the order of the official choices."""
_ARTICLES = frozenset(("un", "une", "des", "le", "la", "les", "l'"))
"""The official ones, and the form that two of them take before a vowel."""
_APOSTROPHES = re.compile("[\u2019\u02bc\u2018`\u00b4]")
_ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=\w)")
_TOKEN = re.compile(r"[^\W_]+")


def fill(question: str, answer: str) -> str:
    """Put an answer into a question's gaps: the parts of `a / b` one by one when there are as many gaps.

    Otherwise the whole of it stands in every gap, as in the official edition.
    """
    gaps = question.count(GAP)
    parts = [part.strip() for part in answer.split("/")]
    if gaps < 2 or len(parts) != gaps:
        return question.replace(GAP, answer)
    for part in parts:
        question = question.replace(GAP, part, 1)
    return question


def filled_choices(doc: Mapping[str, Any]) -> list[str]:
    """Return the four sentences that a question becomes; an answer stands behind a question without a gap."""
    question = doc["question"]
    return [fill(question, doc[name]) if GAP in question else f"{question} {doc[name]}" for name in _ANSWERS]


def polarity(doc: Mapping[str, Any]) -> int:
    """Return the right choice's number, however its word is accented in the data.

    Raises:
        ValueError: The data's word is none of the three.
    """
    return _POLARITIES.index(_plain(doc["polarity"].strip().lower()))


def _plain(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))


def normalise(text: str) -> str:
    """Lower a text, and leave out its articles and punctuation: the official intent, for French.

    All apostrophes are one; elided words stand for themselves (« l’eau » is « eau », as « le pain » is « pain »);
    guillemets, dashes and other punctuation that is not ASCII go too.
    """
    text = _APOSTROPHES.sub("'", unicodedata.normalize("NFC", text).lower())
    text = _ELISION.sub(lambda found: f"{found.group()} ", text)
    words = []
    for word in text.split():
        if word in _ARTICLES:
            continue
        # ASCII punctuation goes without leaving a space, as officially; what English does not have parts words.
        kept = "".join(_kept(char) for char in word)
        words += [piece for piece in kept.split() if piece not in _ARTICLES]
    return " ".join(words)


def _kept(char: str) -> str:
    if not unicodedata.category(char).startswith(("P", "S")):
        return char
    return "" if char.isascii() else " "


def exact(predictions: Sequence[str], references: Sequence[str]) -> int:
    """1 when the answers are the same once normalised."""
    return int(normalise(references[0]) == normalise(predictions[0]))


def f1(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Return the F-measure of the words in common; of two empty answers, 1."""
    return _f_measure(normalise(references[0]).split(), normalise(predictions[0]).split())


def rouge1(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Return the F-measure of single words, of which accented letters are part; its mean owes nothing to chance."""
    gold, said = (_TOKEN.findall(unicodedata.normalize("NFC", texts[0]).lower()) for texts in (references, predictions))
    return _f_measure(gold, said) if gold and said else 0.0


def is_included(predictions: Sequence[str], references: Sequence[str]) -> int:
    """1 when the answer's words stand together in what was said, both normalised."""
    return int(f" {normalise(references[0])} " in f" {normalise(predictions[0])} ")


def _f_measure(gold: Sequence[str], said: Sequence[str]) -> float:
    if not gold or not said:
        return float(gold == said)
    common = (Counter(gold) & Counter(said)).total()
    return 2 * common / (len(gold) + len(said))
