"""Where in a document the language changes: the share of each language, line by line, and lines that mix two.

Suffixes: D documents, L lines, N languages.
"""

from typing import NamedTuple

import numpy as np

from fournil.parts.text.function_words import FunctionWords

UNDECIDED = -1
_STRONG = 2
"""A line with so many function words of a language speaks for itself; one with fewer goes with those before it."""

_FEWEST_WORDS = 6
"""A language with fewer function words in a document, all lines together, has no share in it."""


class LineLanguages(NamedTuple):
    """Languages by line and by document."""

    label_L: np.ndarray
    """int8: number of each line's language, UNDECIDED in documents without any function word."""

    share_DN: np.ndarray
    """float64: share of each language, by function words in the lines that are its own; 0 for one with very few, all 0
    where nothing is decided."""

    switching_D: np.ndarray
    """float64: share of the document's bytes in lines that hold function words of two languages."""


def line_languages(counted: FunctionWords) -> LineLanguages:
    """Tell the language of each line.

    A line takes the language with the most function words, if it has two of them and twice as many as any other
    language; other lines (headings, numbers, names) go with the last line that did, or else with the first that does.
    """
    num = len(counted.tags)
    num_lines, num_documents = len(counted.bounds_L) - 1, len(counted.lines_D) - 1
    if num == 0 or num_lines == 0:
        return LineLanguages(
            np.full(num_lines, UNDECIDED, np.int8), np.zeros((num_documents, num)), np.zeros(num_documents)
        )
    own_LN = counted.counts_LM[:, :num]
    best_L, most_L, least_L = _two_greatest(own_LN)
    _, _, second_L = _two_greatest(counted.counts_LM)
    owner_L = np.repeat(np.arange(num_documents), np.diff(counted.lines_D))
    clear_L = (most_L > 0) & (most_L >= 2 * second_L)
    strong_L = clear_L & (most_L >= _STRONG)
    # Where no line is strong, as in a poem of short verses, the weak ones have to do.
    has_strong_D = np.zeros(num_documents, bool)
    has_strong_D[owner_L[strong_L]] = True
    decided_L = strong_L | (clear_L & ~has_strong_D[owner_L])

    places_L = np.arange(num_lines)
    before_L = np.maximum.accumulate(np.where(decided_L, places_L, -1))
    after_L = np.minimum.accumulate(np.where(decided_L, places_L, num_lines)[::-1])[::-1]
    taken_L = np.where(before_L >= counted.lines_D[owner_L], before_L, after_L)
    inside_L = taken_L < counted.lines_D[owner_L + 1]
    label_L = np.where(inside_L, best_L[np.minimum(taken_L, num_lines - 1)], UNDECIDED).astype(np.int8)

    # Words, not bytes: lines of code and numbers between two paragraphs would count for either.
    words_DN = np.stack(
        [
            np.bincount(owner_L, own_LN[:, one] * (decided_L & (best_L == one)), minlength=num_documents)
            for one in range(num)
        ],
        1,
    )
    share_DN = words_DN / np.maximum(words_DN.sum(1), 1)[:, None]
    share_DN[words_DN < _FEWEST_WORDS] = 0.0
    share_DN /= np.maximum(share_DN.sum(1), 1e-9)[:, None]

    bytes_L = np.diff(counted.bounds_L).astype(np.float64)
    whole_D = np.bincount(owner_L, bytes_L, minlength=num_documents)
    mixing_L = (least_L >= _STRONG) & (3 * least_L >= most_L)
    switching_D = np.bincount(owner_L, bytes_L * mixing_L, minlength=num_documents) / np.maximum(whole_D, 1)
    return LineLanguages(label_L, share_DN, switching_D)


def _two_greatest(counts_LM: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By line the number of the first class with the most words, how many it has, and how many the second one has."""
    best_L = np.zeros(len(counts_LM), np.int64)
    most_L, second_L = counts_LM[:, 0].copy(), np.zeros(len(counts_LM), counts_LM.dtype)
    # Class by class: numpy is slow to sort thousands of lines of three.
    for number in range(1, counts_LM.shape[1]):
        count_L = counts_LM[:, number]
        second_L = np.maximum(second_L, np.minimum(most_L, count_L))
        best_L[count_L > most_L] = number
        most_L = np.maximum(most_L, count_L)
    return best_L, most_L, second_L
