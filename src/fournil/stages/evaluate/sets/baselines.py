"""What can be scored without reading the question: chance, the longest choice, and a classifier of the choices alone.

A suite whose right answers give themselves away measures that, not language. Each baseline returns the credit of every
item, between 0 and 1: among n equally good guesses one of which is right, 1/n.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

TIE = 1e-9


class Item(Protocol):
    """What is asked, and what may be answered."""

    @property
    def question(self) -> str:
        """Without its context."""
        ...

    @property
    def choices(self) -> tuple[str, ...]:
        """As they are read."""
        ...

    @property
    def gold(self) -> int:
        """Place of the right one."""
        ...


_NUM_FIGURES = 8
_PIECE = 3
"""Longest run of characters that the classifier looks at."""


def chance(items: Sequence[Item]) -> np.ndarray:
    """Credit of a guess, by item."""
    return np.array([1 / len(item.choices) for item in items])


def longest(items: Sequence[Item]) -> np.ndarray:
    """Credit of the choice with the most characters, by item."""
    return np.array([_credit([len(choice) for choice in item.choices], item.gold) for item in items])


def hidden(items: Sequence[Item]) -> np.ndarray:
    """Credit of a classifier that learns from the other items what right choices look like, by item.

    It sees the choices alone, without question or context: their characters and words, their length, how much they
    resemble the other choices of their item. Where all items have the same choices (yes or no), those tell nothing,
    and it sees the question without its context instead. A choice's score is its mean likeness to the other items'
    right choices less that to their wrong ones, so that no share of right ones, and nothing that all have in common,
    tells anything.
    """
    if len({item.choices for item in items}) == 1:
        return _by_question(items)
    sides = [_described(item.choices) for item in items]
    numbers_CF = np.concatenate([numbers for numbers, _ in sides])
    numbers_CF /= np.maximum(numbers_CF.std(axis=0), TIE)
    alike_CC = _likeness([text for _, texts in sides for text in texts]) + numbers_CF @ numbers_CF.T / _NUM_FIGURES
    group_C = np.repeat(np.arange(len(items)), [len(item.choices) for item in items])
    right_C = np.concatenate([np.arange(len(item.choices)) == item.gold for item in items])
    credits_I = []
    for number, item in enumerate(items):
        own_C = group_C == number
        likeness_KC = alike_CC[own_C]
        scores = likeness_KC[:, right_C & ~own_C].mean(axis=1) - likeness_KC[:, ~right_C & ~own_C].mean(axis=1)
        credits_I.append(_credit(scores, item.gold))
    return np.array(credits_I)


BASELINES: dict[str, Callable[[Sequence[Item]], np.ndarray]] = {"chance": chance, "longest": longest, "hidden": hidden}


def _by_question(items: Sequence[Item]) -> np.ndarray:
    alike_II = _likeness([item.question for item in items])
    gold_I = np.array([item.gold for item in items])
    credits_I = []
    for number, item in enumerate(items):
        others_I = np.arange(len(items)) != number
        scores = [
            alike_II[number, others_I & (gold_I == choice)].mean() if (others_I & (gold_I == choice)).any() else 0.0
            for choice in range(len(item.choices))
        ]
        credits_I.append(_credit(scores, item.gold))
    return np.array(credits_I)


def _credit(scores: Sequence[float] | np.ndarray, gold: int) -> float:
    best = np.asarray(scores) >= np.max(scores) - TIE
    return float(best[gold] / best.sum())


def _described(choices: Sequence[str]) -> tuple[np.ndarray, list[Counter[str]]]:
    """Figures of each choice beside the others of its item, [K, F], and its pieces of text."""
    pieces = [_pieces(choice) for choice in choices]
    lengths = np.array([len(choice) for choice in choices], float)
    words = np.array([len(choice.split()) for choice in choices], float)
    near = np.array([np.mean([_overlap(one, two) for two in pieces if two is not one]) for one in pieces])
    numbers = np.stack(
        [
            lengths / lengths.mean(),
            lengths == lengths.max(),
            lengths == lengths.min(),
            words / words.mean(),
            near,
            near == near.max(),
            [choice[:1].isupper() for choice in choices],
            [bool(re.search(r"\d", choice)) for choice in choices],
        ],
        axis=1,
    ).astype(float)
    return numbers - numbers.mean(axis=0), pieces


def _pieces(text: str) -> Counter[str]:
    """Words, and runs of characters with the ends of words marked."""
    words = re.findall(r"\w+", text.lower())
    found = Counter(f"word {word}" for word in words)
    for word in words:
        marked = f"_{word}_"
        found.update(marked[i : i + n] for n in range(2, _PIECE + 1) for i in range(len(marked) - n + 1))
    return found


def _overlap(one: Counter[str], two: Counter[str]) -> float:
    return 2 * (one & two).total() / max(one.total() + two.total(), 1)


def _likeness(texts: Sequence[str] | Sequence[Counter[str]]) -> np.ndarray:
    """Cosines of texts' pieces, the rare ones weighing more, [T, T]."""
    pieces = [_pieces(text) if isinstance(text, str) else text for text in texts]
    spread = Counter(piece for one in pieces for piece in one)
    place = {piece: column for column, piece in enumerate(sorted(spread))}
    weights_TP = np.zeros((len(pieces), len(place)))
    for row, one in enumerate(pieces):
        for piece, count in one.items():
            weights_TP[row, place[piece]] = np.sqrt(count) * np.log(1 + len(pieces) / spread[piece])
    weights_TP /= np.maximum(np.linalg.norm(weights_TP, axis=1, keepdims=True), TIE)
    return weights_TP @ weights_TP.T
