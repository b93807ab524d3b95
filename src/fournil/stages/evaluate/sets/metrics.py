"""Scores of written answers and translations, item by item, with several right ones."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from fournil.core.languages import language
from fournil.parts.corpus_metrics import chrf_of_sums, chrf_statistics


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


def chrf_best(text: str, references: Sequence[str]) -> list[int]:
    """Statistics of chrF with the reference that is nearest, as sacrebleu takes several."""
    found = [chrf_statistics(text, reference) for reference in references]
    return found[int(np.argmax(chrf_of_sums(np.array(found))))]


def bleu_best(text: str, references: Sequence[str]) -> list[int]:
    """Statistics of BLEU with several references."""
    found = BLEU(effective_order=True).sentence_score(text, list(references))
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]
