"""The quality rules: a name, a figure, a bound."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fournil.core.languages import Language
from fournil.stages.curate.sections.quality import Bounds, CodeBounds

_REPETITION = ("top_", "duplicate_5", "duplicate_6", "duplicate_7", "duplicate_8", "duplicate_9", "duplicate_10")


class Rule(NamedTuple):
    """A document is refused when the figure lies below `least` or above `most`."""

    name: str
    figure: str
    least: float | None = None
    most: float | None = None


def prose_rules(bounds: Bounds, language: Language) -> Iterator[Rule]:
    """The rules for natural language, in the order in which they are asked."""
    yield Rule("gopher-few-words", "num_words", least=bounds.min_words)
    yield Rule("gopher-many-words", "num_words", most=bounds.max_words)
    yield Rule("gopher-short-mean-word", "mean_word", least=language.mean_word_length[0])
    yield Rule("gopher-long-mean-word", "mean_word", most=language.mean_word_length[1])
    yield Rule("gopher-hash-signs", "hash_ratio", most=bounds.max_hash_ratio)
    yield Rule("gopher-ellipses", "ellipsis_ratio", most=bounds.max_ellipsis_ratio)
    yield Rule("gopher-bullet-lines", "bullet_lines", most=bounds.max_bullet_lines)
    yield Rule("gopher-ellipsis-lines", "ellipsis_lines", most=bounds.max_ellipsis_lines)
    yield Rule("gopher-words-without-letters", "lettered_words", least=bounds.min_lettered_words)
    if language.stop_words:
        yield Rule("gopher-few-stop-words", "stop_words", least=bounds.min_stop_words)
        yield Rule("low-stop-word-share", "stop_word_share", least=bounds.min_stop_word_share)
    yield Rule("gopher-duplicate-lines", "duplicate_lines", most=bounds.max_duplicate_lines)
    yield Rule(
        "gopher-duplicate-line-characters", "duplicate_line_characters", most=bounds.max_duplicate_line_characters
    )
    yield Rule("gopher-duplicate-paragraphs", "duplicate_paragraphs", most=bounds.max_duplicate_paragraphs)
    yield Rule(
        "gopher-duplicate-paragraph-characters",
        "duplicate_paragraph_characters",
        most=bounds.max_duplicate_paragraph_characters,
    )
    for size, most in zip((2, 3, 4), bounds.max_top_ngrams, strict=True):
        yield Rule(f"gopher-top-{size}-gram", f"top_{size}", most=most)
    for size, most in zip((5, 6, 7, 8, 9, 10), bounds.max_duplicate_ngrams, strict=True):
        yield Rule(f"gopher-duplicate-{size}-grams", f"duplicate_{size}", most=most)
    yield Rule("c4-few-sentences", "sentences", least=bounds.min_sentences)
    yield Rule("c4-long-token", "longest_token", most=bounds.max_token)
    yield Rule("c4-curly-braces", "curly_ratio", most=bounds.max_curly_ratio)
    yield Rule("c4-lorem-ipsum", "lorem_ipsum", most=bounds.max_lorem_ipsum)
    yield Rule("few-lines", "num_lines", least=bounds.min_lines)
    yield Rule("few-characters", "line_characters", least=bounds.min_characters)
    yield Rule("many-characters", "line_characters", most=bounds.max_characters)
    if bounds.min_good_lines > 0:
        yield Rule("few-good-lines", "good_lines", least=bounds.min_good_lines)
    yield Rule("unpunctuated-list", "unpunctuated_stop_word_share", least=bounds.min_unpunctuated_stop_word_share)
    yield Rule("broken-characters", "broken_characters", most=bounds.max_broken_characters)
    yield Rule("scattered-letters", "single_letters", most=bounds.max_single_letters)
    yield Rule("odd-capitals", "odd_capitals", most=bounds.max_odd_capitals)
    yield Rule("words-without-vowel", "words_without_vowel", most=bounds.max_words_without_vowel)
    yield Rule("addresses", "addresses", most=bounds.max_addresses)
    yield Rule("exclamations", "exclamations", most=bounds.max_exclamations)
    yield Rule("separators", "separators", most=bounds.max_separators)
    yield Rule("furniture", "furniture", most=bounds.max_furniture)
    yield Rule("fineweb-few-ended-lines", "ended_lines", least=bounds.min_ended_lines)
    yield Rule("fineweb-short-lines", "short_lines", most=bounds.max_short_lines)
    yield Rule("fineweb-line-ends", "newline_ratio", most=bounds.max_newline_ratio)


def code_rules(bounds: CodeBounds) -> Iterator[Rule]:
    """The rules for program code."""
    yield Rule("code-long-line", "longest_line", most=bounds.max_line)
    yield Rule("code-long-lines", "mean_line", most=bounds.max_mean_line)
    yield Rule("code-few-alphanumerics", "alphanumeric", least=bounds.min_alphanumeric)


class Verdicts(NamedTuple):
    """For each document the number of the first rule that it breaks (-1: none), the value found and the bound."""

    rule_D: np.ndarray
    value_D: np.ndarray
    bound_D: np.ndarray


def split_at_repetition(rules: Sequence[Rule]) -> tuple[Sequence[Rule], Sequence[Rule], float]:
    """Rules that need no search for repeated runs of words, those that do and what follows them, in order.

    Returns:
        Both, and the share of repeated letters that breaks none of them.
    """
    cut = next((place for place, rule in enumerate(rules) if rule.figure.startswith(_REPETITION)), len(rules))
    bounds = [rule.most for rule in rules if rule.figure.startswith(_REPETITION[1:]) and rule.most is not None]
    return rules[:cut], rules[cut:], min(bounds, default=1.0)


def judge(rules: Sequence[Rule], figures: dict[str, np.ndarray], where: np.ndarray | None = None) -> Verdicts:
    """Ask the rules in order; the first one broken counts.

    Args:
        rules: In order.
        figures: By name, one entry a document.
        where: True for the documents that are asked; all of them by default.
    """
    num = len(next(iter(figures.values())))
    if not rules or not num:
        return Verdicts(np.full(num, -1), np.zeros(num), np.zeros(num))
    figures_RD = np.stack([np.asarray(figures[rule.figure], np.float64) for rule in rules])
    least_R, most_R = (np.array(bounds) for bounds in zip(*map(_bounds, rules), strict=True))
    low_RD, high_RD = figures_RD < least_R[:, None], figures_RD > most_R[:, None]
    broken_RD = low_RD | high_RD
    broken_D = broken_RD.any(0) if where is None else broken_RD.any(0) & where
    first_D = broken_RD.argmax(0)
    places = np.arange(num)
    bound_D = np.where(low_RD[first_D, places], least_R[first_D], most_R[first_D])
    return Verdicts(
        np.where(broken_D, first_D, -1),
        np.where(broken_D, figures_RD[first_D, places], 0.0),
        np.where(broken_D, bound_D, 0.0),
    )


def _bounds(rule: Rule) -> tuple[float, float]:
    return (-np.inf if rule.least is None else rule.least, np.inf if rule.most is None else rule.most)
