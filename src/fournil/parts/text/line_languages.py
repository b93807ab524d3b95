"""Where in a document the language changes: the share of each language, line by line, and lines that mix two.

Suffixes: D documents, L lines, N languages.
"""

from typing import NamedTuple

import numpy as np

from fournil.parts.text.function_words import FunctionWords
from fournil.parts.text.kernels.lines import UNDECIDED, label_lines

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
    label_L, words_DN = np.empty(num_lines, np.int8), np.zeros((num_documents, num), np.int64)
    mixing_D = np.zeros(num_documents, np.int64)
    label_lines(
        np.ascontiguousarray(counted.counts_LM),
        counted.bounds_L,
        counted.lines_D,
        num,
        _STRONG,
        label_L,
        words_DN,
        mixing_D,
        np.empty(num_lines, np.bool_),
    )
    # Words, not bytes: lines of code and numbers between two paragraphs would count for either.
    share_DN = words_DN / np.maximum(words_DN.sum(1), 1)[:, None]
    share_DN[words_DN < _FEWEST_WORDS] = 0.0
    share_DN /= np.maximum(share_DN.sum(1), 1e-9)[:, None]
    bytes_D = np.diff(counted.bounds_L[counted.lines_D])
    return LineLanguages(label_L, share_DN, mixing_D / np.maximum(bytes_D, 1))
