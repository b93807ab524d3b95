"""The estimate against the definition of modified Kneser-Ney, written with dictionaries."""

import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from fournil.parts.text.kernels.lm_costs import BEGIN, END, costs
from fournil.parts.text.ngram_lm.estimate import UNIT, estimate
from fournil.parts.text.ngram_lm.vocabulary import filled_table

SIZE, ORDER = 12, 3


def corpus() -> list[list[int]]:
    draw = random.Random(7)
    return [[draw.choice([3, 3, 3, 4, 4, 5, 6, 7, 8, 9]) for _ in range(draw.randint(1, 9))] for _ in range(60)]


def costs_of(least: tuple[int, ...], paragraph: list[int]) -> float:
    training = np.array([piece for each in corpus() for piece in [BEGIN, *each, END]], np.int32)
    found = estimate(training, SIZE, least=least)
    out = np.zeros(1, np.int64)
    bounds = np.array([0, len(paragraph)], np.int64)
    table = filled_table(found.keys_S, found.values_S)
    costs(np.array(paragraph, np.int32), bounds, len(least), found.unigrams_V, table, out)
    return float(out[0]) * UNIT


class Definition:
    def __init__(self, order: int) -> None:
        self.raw: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order + 1)]
        for each in corpus():
            whole = [BEGIN, *each, END]
            for length in range(1, order + 1):
                for end in range(max(length, 2), len(whole) + 1):
                    self.raw[length][tuple(whole[end - length : end])] += 1
        self.counts: list[dict[tuple[int, ...], int]] = [{}]
        for length in range(1, order + 1):
            if length == order:
                self.counts.append(dict(self.raw[length]))
                continue
            before: dict[tuple[int, ...], set[int]] = defaultdict(set)
            for run in self.raw[length + 1]:
                before[run[1:]].add(run[0])
            self.counts.append({run: n if run[0] == BEGIN else len(before[run]) for run, n in self.raw[length].items()})

    def probability(self, context: tuple[int, ...], piece: int) -> float:
        counts = self.counts[len(context) + 1]
        seen = {run[-1]: number for run, number in counts.items() if run[:-1] == context}
        lower = self.probability(context[1:], piece) if context else 1 / (SIZE - 2)
        if not seen:
            return lower
        discounts = self.discounts(counts)
        total = sum(seen.values())
        left = sum(discounts[min(number, 3)] for number in seen.values()) / total
        own = seen.get(piece, 0)
        return (own - discounts[min(own, 3)]) / total + left * lower

    @staticmethod
    def discounts(counts: dict[tuple[int, ...], int]) -> list[float]:
        of = Counter(counts.values())
        if all(of[number] for number in (1, 2, 3, 4)):
            share = of[1] / (of[1] + 2 * of[2])
            found = [number - (number + 1) * share * of[number + 1] / of[number] for number in (1, 2, 3)]
            if all(0 < discount < number for number, discount in enumerate(found, start=1)):
                return [0.0, *found]
        return [0.0, 0.5, 1.0, 1.5]

    def cost(self, paragraph: list[int], order: int) -> float:
        whole = [BEGIN, *paragraph]
        return -sum(
            math.log(self.probability(tuple(whole[max(0, place - order + 1) : place]), whole[place]))
            for place in range(1, len(whole))
        )


@pytest.mark.parametrize("order", [2, 3, 4])
def test_it_is_modified_kneser_ney(order):
    definition = Definition(order)
    draw = random.Random(3)
    for _ in range(25):
        paragraph = [*(draw.randint(3, SIZE - 1) for _ in range(draw.randint(0, 7))), END]
        expected = definition.cost(paragraph, order)
        assert costs_of((1,) * order, paragraph) == pytest.approx(expected, abs=UNIT * 3 * len(paragraph))


@pytest.mark.parametrize("least", [(1,), (1, 1), (1, 1, 1), (1, 1, 2), (1, 2, 3), (1, 1, 2, 2)])
@pytest.mark.parametrize("context", [[], [3], [3, 3], [9, 4, 3], [10], [11, 3]])
def test_probabilities_of_what_may_follow_add_up_to_one(least, context):
    before = costs_of(least, context)
    following = [costs_of(least, [*context, piece]) - before for piece in [END, *range(3, SIZE)]]
    assert sum(math.exp(-cost) for cost in following) == pytest.approx(1, abs=0.004)


def test_an_unknown_piece_costs_more_than_any_other_and_breaks_the_run():
    unknown = costs_of((1, 1, 1), [0])
    assert unknown > max(costs_of((1, 1, 1), [piece]) for piece in range(3, SIZE))
    assert costs_of((1, 1, 1), [3, 0, 4, 5]) == costs_of((1, 1, 1), [3, 0]) + costs_of((1, 1, 1), [0, 4, 5]) - unknown


def test_paragraphs_of_one_text_cost_what_they_cost_alone():
    one, two = [3, 4, END], [5, 3, 3, END]
    assert costs_of((1, 1, 1), one + two) == costs_of((1, 1, 1), one) + costs_of((1, 1, 1), two)
