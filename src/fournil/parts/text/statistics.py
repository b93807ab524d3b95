"""Everything that the quality rules measure, for a batch of texts in one language."""

from dataclasses import dataclass

import numpy as np

from fournil.core.languages import Language
from fournil.parts.text.codepoints import (
    NEWLINE,
    PUNCTUATION,
    SPACE,
    WORD,
    CodePoints,
    among,
    counts,
    maxima,
    merged,
    sums,
)
from fournil.parts.text.hashes import prefix_sums
from fournil.parts.text.lines import line_statistics, split_lines
from fournil.parts.text.ngrams import repetition
from fournil.parts.text.words import Words, split_words, tokens_with_letters, word_hashes


@dataclass(frozen=True)
class Statistics:
    """The words of a batch, and figures by text."""

    words: Words
    values: dict[str, np.ndarray]
    """float64 or int64, one per text, by name."""


def text_statistics(points: CodePoints, *, language: Language) -> Statistics:
    """Measure natural-language texts.

    Returns:
        Besides what line_statistics and repetition give: `num_words`; `mean_word` (letters a word);
        `stop_words` (how many words are function words) and `stop_word_share`; `hash_ratio` and `ellipsis_ratio` (of
        these signs to words); `lettered_words` (share of what stands between white space that holds a letter; 1 where
        nothing is counted); `sentences`; `longest_token` (characters without white space); `curly_ratio` (braces to
        characters); `lorem_ipsum` (how often); `newline_ratio` (line ends to words).
    """
    words = split_words(points, language=language)
    values_C, flags_C, bounds_D = points.values_C, points.flags_C, points.bounds_D
    num_words = np.diff(words.bounds_D)
    divisor = np.maximum(num_words, 1)
    num_characters = np.maximum(np.diff(bounds_D), 1)
    values: dict[str, np.ndarray] = {
        "num_words": num_words,
        "mean_word": sums(words.lengths_W, words.bounds_D) / divisor,
    }
    stops = word_hashes(language.stop_words)
    places = np.minimum(np.searchsorted(stops, words.hashes_W), max(len(stops) - 1, 0))
    is_stop_W = stops[places] == words.hashes_W if len(stops) else np.zeros(len(words.hashes_W), bool)
    values["stop_words"] = sums(is_stop_W, words.bounds_D)
    values["stop_word_share"] = values["stop_words"] / divisor

    values["hash_ratio"] = counts(values_C == 0x23, bounds_D) / divisor
    values["ellipsis_ratio"] = (counts(values_C == 0x2026, bounds_D) + _three_dots(points)) / divisor
    counted, lettered = tokens_with_letters(points)
    values["lettered_words"] = np.where(counted > 0, lettered / np.maximum(counted, 1), 1.0)
    values["sentences"] = _sentences(points, language)
    values["longest_token"] = _longest_token(points)
    values["curly_ratio"] = counts((values_C == 0x7B) | (values_C == 0x7D), bounds_D) / num_characters
    values["newline_ratio"] = counts((flags_C & NEWLINE) != 0, bounds_D) / divisor
    values["lorem_ipsum"] = _bigram_count(words, "lorem", "ipsum")
    running = prefix_sums(values_C.astype(np.uint64))
    values |= line_statistics(points, split_lines(points), running, language=language)
    values |= repetition(words)
    return Statistics(words, values)


def code_statistics(points: CodePoints, *, language: Language) -> Statistics:
    """Measure program code.

    Returns:
        What line_statistics gives, and `alphanumeric`: letters and digits among what is no white space.
    """
    running = prefix_sums(points.values_C.astype(np.uint64))
    values = line_statistics(points, split_lines(points), running, language=language)
    solid = np.maximum(counts((points.flags_C & SPACE) == 0, points.bounds_D), 1)
    values["alphanumeric"] = counts((points.flags_C & WORD) != 0, points.bounds_D) / solid
    return Statistics(split_words(points, language=language), values)


def _three_dots(points: CodePoints) -> np.ndarray:
    dot = points.values_C == 0x2E
    if len(dot) < 3:
        return np.zeros(points.num_texts, np.int64)
    start = np.zeros(len(dot), bool)
    start[:-2] = dot[:-2] & dot[1:-1] & dot[2:]
    # One ellipsis of five dots is one: only where no dot of the same text stands before.
    before = np.zeros(len(dot), bool)
    before[1:] = dot[:-1]
    bounds_D = points.bounds_D
    before[bounds_D[:-1][np.diff(bounds_D) > 0]] = False
    places = np.flatnonzero(start & ~before)
    inside = places + 2 < bounds_D[np.searchsorted(bounds_D, places, side="right")]
    return np.diff(np.searchsorted(places[inside], bounds_D))


def _sentences(points: CodePoints, language: Language) -> np.ndarray:
    """How many sentence ends: terminal punctuation (closing marks may follow) before white space or the text's end."""
    values_C, flags_C = points.values_C, points.flags_C
    ends = np.flatnonzero(flags_C & PUNCTUATION)
    ends = ends[among(values_C[ends], language.terminal_punctuation)]
    if len(ends) == 0:
        return np.zeros(points.num_texts, np.int64)
    stop = points.bounds_D[np.searchsorted(points.bounds_D, ends, side="right")]
    position = ends + 1
    for _ in range(2):
        inside = position < stop
        forward = inside & among(values_C[np.minimum(position, len(values_C) - 1)], language.closing_marks)
        position = np.where(forward, position + 1, position)
    done = (position >= stop) | ((flags_C[np.minimum(position, len(values_C) - 1)] & SPACE) != 0)
    return np.diff(np.searchsorted(ends[done], points.bounds_D))


def _longest_token(points: CodePoints) -> np.ndarray:
    """Longest run without white space."""
    edges = merged(points.bounds_D, np.flatnonzero(points.flags_C & SPACE) + 1)
    if len(edges) < 2:
        return np.zeros(points.num_texts, np.int64)
    ends_in_space = (points.flags_C[edges[1:] - 1] & SPACE) != 0
    return maxima(np.diff(edges) - ends_in_space, np.searchsorted(edges, points.bounds_D))


def _bigram_count(words: Words, first: str, second: str) -> np.ndarray:
    one, two = (word_hashes(frozenset([word]))[0] for word in (first, second))
    hits = np.zeros(len(words.hashes_W), bool)
    hits[:-1] = (words.hashes_W[:-1] == one) & (words.hashes_W[1:] == two)
    return sums(hits, words.bounds_D)
