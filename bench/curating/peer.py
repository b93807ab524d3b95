"""datatrove's filters with our splitter and our copy of the language model put in, so that nothing is fetched."""

import dataclasses
from typing import Any

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.filters.base_filter import BaseFilter, get_filter_result
from datatrove.utils.word_tokenizers import WordTokenizer

from fournil.parts.text.compat.settings import (
    C4QualitySettings,
    FineWebQualitySettings,
    GopherQualitySettings,
    GopherRepetitionSettings,
    LanguageFilterSettings,
)
from fournil.parts.text.compat.words import sentence_spans, split_words
from fournil.stages.curate.sections.compat import CompatRules


class Splitter(WordTokenizer):
    """Our splitter, as datatrove wants it."""

    def __init__(self, *, elides: bool) -> None:
        super().__init__()
        self.elides = elides

    def word_tokenize(self, text: str) -> list[str]:
        return split_words(text, elides=self.elides)

    def sent_tokenize(self, text: str) -> list[str]:
        return [text[start:end] for start, end in sentence_spans(text)]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return sentence_spans(text)


SPLITTERS = {False: Splitter(elides=False), True: Splitter(elides=True)}
"""Kept, since datatrove remembers the last words of each."""


class _Model:
    """A fastText model whose confidences are numpy's, as datatrove's own binding gives them."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, text: str, k: int) -> tuple[list[str], list[np.float64]]:
        found = self._model.f.predict(text + "\n", k, 0.0, "strict")
        return [label for _, label in found], [np.float64(confidence) for confidence, _ in found]


class _LanguageFilter(LanguageFilter):
    """Without the packages that it would fetch its own model with."""

    def __new__(cls, *_args: Any, **_named: Any) -> "_LanguageFilter":
        return object.__new__(cls)


def language_filter(settings: LanguageFilterSettings, languages: tuple[str, ...], model: Any) -> LanguageFilter:
    wanted = settings.languages or languages
    made = _LanguageFilter(languages=list(wanted), language_threshold=settings.language_threshold)
    made.model._model = _Model(model)
    return made


def repetition_filter(settings: GopherRepetitionSettings, splitter: Any) -> GopherRepetitionFilter:
    values = dataclasses.asdict(settings)
    tops = tuple(zip(values.pop("top_n"), values.pop("top_n_frac"), strict=True))
    repeated = tuple(zip(values.pop("dup_n"), values.pop("dup_n_frac"), strict=True))
    return GopherRepetitionFilter(top_n_grams=tops, dup_n_grams=repeated, language=splitter, **values)


def gopher_filter(settings: GopherQualitySettings, splitter: Any) -> GopherQualityFilter:
    return GopherQualityFilter(language=splitter, **dataclasses.asdict(settings))


def c4_filter(settings: C4QualitySettings, splitter: Any) -> C4QualityFilter:
    return C4QualityFilter(language=splitter, **dataclasses.asdict(settings))


def fineweb_filter(settings: FineWebQualitySettings, splitter: Any) -> FineWebQualityFilter:
    values = dataclasses.asdict(settings)
    return FineWebQualityFilter(language=splitter, **{**values, "stop_chars": values["stop_chars"] or None})


def verdict(made: BaseFilter, text: str) -> tuple[str | None, str]:
    """What a filter says of a text.

    Returns:
        The reason for which it is refused ("" where datatrove names none), None: it is kept; the text as the filter
        leaves it.
    """
    document = Document(text=text, id="0")
    kept, reason = get_filter_result(made.filter(document))
    return (None if kept else reason or ""), document.text


def filters(rules: CompatRules, splitter: Any) -> list[BaseFilter]:
    """The filters after the one for languages, in FineWeb's order.

    Args:
        rules: Settings.
        splitter: Ours, or the name of a language, whose own one datatrove then takes.
    """
    return [
        repetition_filter(rules.gopher_repetition, splitter),
        gopher_filter(rules.gopher_quality, splitter),
        c4_filter(rules.c4, splitter),
        fineweb_filter(rules.fineweb, splitter),
    ]
