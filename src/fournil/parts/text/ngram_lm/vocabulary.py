"""Pieces: frequent words whole, and parts of words for all others.

A word that is no piece is cut into the longest pieces from the left, so nothing but a character that the training text
hardly has is unknown. What is misread falls into many small pieces, and each of them is a surprise.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fournil.parts.text.hashes import mix
from fournil.parts.text.kernels.lm_costs import FIRST_PIECE, MAX_PIECE, WITHIN, cut_words, fill
from fournil.parts.text.kernels.lm_words import HASH_PRIME, HASH_SEED
from fournil.parts.text.ngram_lm.folding import Words

_WORD_SHARE = 0.75
"""Share of the vocabulary that goes to whole words; the rest are parts of the other words."""

_LEAST_PARTS = 8
"""A part of words is a piece when it stands so often in words that are none themselves."""

_LEAST_SHARE = 1e-6
"""A character that is a smaller share of the text is unknown."""


class Pieces(NamedTuple):
    """Texts as pieces (P pieces, D documents)."""

    values_P: np.ndarray
    """int32."""

    bounds_D: np.ndarray
    """int64: the pieces of document d are values_P[bounds_D[d]:bounds_D[d + 1]]."""


@dataclass(frozen=True)
class Vocabulary:
    """The pieces that words are cut into."""

    initial: tuple[str, ...]
    """Pieces that begin a word, whole words among them."""

    within: tuple[str, ...]
    """Pieces that go on."""

    def __len__(self) -> int:
        """Pieces, those without letters among them."""
        return FIRST_PIECE + len(self.initial) + len(self.within)

    @cached_property
    def table_S(self) -> np.ndarray:
        """Where the kernel finds pieces."""
        keys = np.concatenate([_hashes(self.initial), _hashes(self.within) ^ np.uint64(WITHIN)])
        return filled_table(mix(keys), np.arange(FIRST_PIECE, len(self), dtype=np.uint32))

    def cut(self, words: Words) -> Pieces:
        """Cut the words of a batch."""
        out_P = np.empty(len(words.points_C) + len(words.hashes_W), np.int32)
        bounds_D = np.empty(len(words.first_D), np.int64)
        num = cut_words(*words, self.table_S, out_P, bounds_D)
        return Pieces(out_P[:num], bounds_D)


def filled_table(keys: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A table of uint64 slots, two thirds full at most, that holds uint32 values under uint64 keys."""
    table_S = np.zeros(1 << max(4, (len(keys) * 3 // 2).bit_length()), np.uint64)
    fill(keys, values, table_S)
    return table_S


def _hashes(words: tuple[str, ...]) -> np.ndarray:
    """FNV-1a over code points, as `lm_words` computes it."""
    out = np.empty(len(words), np.uint64)
    for place, word in enumerate(words):
        running = HASH_SEED
        for character in word:
            running = ((running ^ ord(character)) * HASH_PRIME) & 0xFFFFFFFFFFFFFFFF
        out[place] = running
    return out


def count_words(batches: Iterable[Words]) -> Counter[str]:
    """How often each word stands in batches of texts."""
    counts: dict[int, int] = {}
    written: dict[int, str] = {}
    for words in batches:
        hashes, places, numbers = np.unique(words.hashes_W, return_index=True, return_counts=True)
        for key, place, number in zip(hashes.tolist(), places.tolist(), numbers.tolist(), strict=True):
            if key not in counts:
                counts[key] = 0
                written[key] = words.word(place)
            counts[key] += number
    return Counter({written[key]: number for key, number in counts.items() if written[key]})


def choose_pieces(counts: Counter[str], *, size: int) -> Vocabulary:
    """Choose the pieces for words that stand in the text so many times.

    Args:
        counts: from `count_words`.
        size: pieces at most, single characters not counted: every frequent one is a piece.
    """
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    letters: Counter[str] = Counter()
    for word, number in ranked:
        for letter in word:
            letters[letter] += number
    least = max(2, int(letters.total() * _LEAST_SHARE))
    single = sorted(letter for letter, number in letters.items() if number >= least)
    whole = [word for word, number in ranked[: int(size * _WORD_SHARE)] if number > 1 and set(word) <= set(single)]
    found: Counter[tuple[bool, str]] = Counter()
    for word, number in ranked[len(whole) :]:
        for part in _parts(word):
            found[part] += number
    taken = set(whole)
    scores = [(-number * (len(part[1]) - 1), part) for part, number in found.items() if number >= _LEAST_PARTS]
    parts = [part for _, part in sorted(scores)]
    parts = [part for part in parts if part[0] or part[1] not in taken][: size - len(whole)]
    initial = dict.fromkeys([*single, *whole, *(text for is_within, text in parts if not is_within)])
    within = dict.fromkeys([*single, *(text for is_within, text in parts if is_within)])
    return Vocabulary(tuple(initial), tuple(within))


def _parts(word: str) -> Iterator[tuple[bool, str]]:
    """The pieces that a word could be cut into: those that go on are marked True."""
    for start in range(len(word) - 1):
        for end in range(start + 2, min(len(word), start + MAX_PIECE // 2) + 1):
            yield start > 0, word[start:end]
