"""Words of a batch of texts."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fournil.core.languages import Language
from fournil.parts.text.codepoints import APOSTROPHE, HYPHEN, LETTER, PUNCTUATION, SPACE, WORD, CodePoints
from fournil.parts.text.hashes import lowered, prefix_sums, slice_hashes


@dataclass(frozen=True)
class Words:
    """Words in reading order."""

    starts_W: np.ndarray
    ends_W: np.ndarray
    """Where each word lies in the batch's code points."""

    hashes_W: np.ndarray
    """uint64, of the word in lower case."""

    bounds_D: np.ndarray
    """Text d has words bounds_D[d]:bounds_D[d + 1]."""

    @property
    def lengths_W(self) -> np.ndarray:
        """Length of each word in code points."""
        return self.ends_W - self.starts_W


def split_words(points: CodePoints, *, language: Language) -> Words:
    """Find the words.

    A word is a run of letters, marks and digits; a hyphen between two of them belongs to it (« peut-être » is one
    word). An apostrophe between two of them belongs to the word (English "don't") or ends it, where the language
    elides: French « l’homme » is two words, « l’ » and « homme » (and so, as a price, « aujourd’hui » is « aujourd’ »
    and « hui »).
    """
    flags_C = points.flags_C
    num = len(flags_C)
    inside_C = (flags_C & WORD) != 0
    first_C = np.zeros(num + 1, bool)
    first_C[points.bounds_D] = True
    if num == 0:
        empty = np.zeros(0, np.int64)
        return Words(empty, empty, np.zeros(0, np.uint64), np.zeros(len(points.bounds_D), np.int64))
    joiners = np.flatnonzero(flags_C & (APOSTROPHE | HYPHEN))
    joiners = joiners[(joiners > 0) & (joiners < num - 1)]
    joiners = joiners[
        inside_C[joiners - 1] & inside_C[np.minimum(joiners + 1, num - 1)] & ~first_C[joiners] & ~first_C[joiners + 1]
    ]
    inside_C[joiners] = True
    if language.apostrophe_ends_word:
        eliding = joiners[(flags_C[joiners] & APOSTROPHE) != 0]
        first_C[eliding + 1] = True
    before_C = np.zeros(num, bool)
    before_C[1:] = inside_C[:-1]
    starts_W = np.flatnonzero(inside_C & (~before_C | first_C[:num]))
    after_C = np.zeros(num, bool)
    after_C[:-1] = inside_C[1:]
    ends_W = np.flatnonzero(inside_C & (~after_C | first_C[1:])) + 1
    running = prefix_sums(lowered(points))
    return Words(starts_W, ends_W, slice_hashes(running, starts_W, ends_W), np.searchsorted(starts_W, points.bounds_D))


@cache
def word_hashes(words: frozenset[str]) -> np.ndarray:
    """Sorted hashes of single words in lower case, to be compared with Words.hashes_W."""
    hashes = []
    for word in sorted(words):
        values = np.array([ord(character) for character in word], np.uint64)
        hashes.append(slice_hashes(prefix_sums(values), np.array([0]), np.array([len(values)]))[0])
    return np.sort(np.array(hashes, np.uint64))


def tokens_with_letters(points: CodePoints) -> tuple[np.ndarray, np.ndarray]:
    """Count, in each text, what stands between white space.

    Tokens of nothing but punctuation are not counted: French sets « ; : ! ? » apart with a space, and a rule that took
    them for words without letters would hold that against it.

    Returns:
        Numbers of tokens and of tokens that hold a letter, by text (int64).
    """
    flags_C, bounds_D = points.flags_C, points.bounds_D
    num = len(flags_C)
    if num == 0:
        zeros = np.zeros(points.num_texts, np.int64)
        return zeros, zeros
    solid_C = (flags_C & SPACE) == 0
    first_C = np.zeros(num + 1, bool)
    first_C[bounds_D] = True
    before_C = np.zeros(num, bool)
    before_C[1:] = solid_C[:-1]
    starts_T = np.flatnonzero(solid_C & (~before_C | first_C[:num]))
    if len(starts_T) == 0:
        zeros = np.zeros(points.num_texts, np.int64)
        return zeros, zeros
    kinds_T = np.bitwise_or.reduceat(
        np.where(flags_C & LETTER, 1, np.where(flags_C & (PUNCTUATION | SPACE), 0, 2)).astype(np.uint8), starts_T
    )
    spans = np.searchsorted(starts_T, bounds_D)
    counted = np.concatenate([[0], np.cumsum(kinds_T != 0)])
    lettered = np.concatenate([[0], np.cumsum(kinds_T & 1)])
    return counted[spans[1:]] - counted[spans[:-1]], lettered[spans[1:]] - lettered[spans[:-1]]
