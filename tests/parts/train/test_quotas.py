import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.train.quotas import Rule, quotas_under_cap, whole_quotas


def test_what_a_capped_stream_cannot_give_the_others_give():
    assert quotas_under_cap(90, [10, 80], [Fraction(5), Fraction(100)]) == [5, 85]
    assert quotas_under_cap(90, [10, 80], [Fraction(50), Fraction(100)]) == [10, 80]
    assert quotas_under_cap(90, [10, 80], [Fraction(5), Fraction(80)]) is None


def test_without_a_claim_one_gives_nothing_even_where_others_run_out():
    assert quotas_under_cap(8, [0, 1], [100, 9]) == [0, 8]
    assert quotas_under_cap(10, [0, 1], [100, 9]) is None
    assert whole_quotas(10, [0, 0], [100, 100]) is None


ENTRIES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 40)), min_size=1, max_size=8)


@given(rows=st.integers(0, 200), entries=ENTRIES)
@settings(max_examples=150, deadline=None)
def test_whole_quotas_are_whole_and_under_the_cap(rows, entries):
    claims, room = [claim for claim, _ in entries], [capacity for _, capacity in entries]
    exact, found = quotas_under_cap(rows, claims, room), whole_quotas(rows, claims, room)
    possible = rows <= sum(capacity for claim, capacity in entries if claim)
    assert (exact is not None) == (found is not None) == possible
    if found is None or exact is None:
        return
    assert sum(found) == sum(exact) == rows
    for quota, whole, claim, capacity in zip(exact, found, claims, room, strict=True):
        assert 0 <= whole <= (capacity if claim else 0)
        assert abs(whole - quota) < 1
    # Those that are not full have rows in proportion to their claims.
    level = {quota / claim for quota, claim, most in zip(exact, claims, room, strict=True) if claim and quota < most}
    assert len(level) <= 1


def unimax(sizes: list[int], budget: Fraction, epochs: int) -> list[Fraction]:
    """The procedure as its authors publish it: from the smallest to the largest, an equal part of what is left."""
    given_, left = [Fraction(0)] * len(sizes), Fraction(budget)
    order = sorted(range(len(sizes)), key=lambda i: sizes[i])
    for place, i in enumerate(order):
        part = left / (len(order) - place)
        given_[i] = min(part, Fraction(sizes[i] * epochs))
        left -= given_[i]
    return given_


@given(sizes=st.lists(st.integers(1, 1000), min_size=1, max_size=8), epochs=st.integers(1, 6), part=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_unimax_is_that_of_its_authors(sizes, epochs, part):
    budget = math.floor(part * sum(sizes) * epochs)
    claims = Rule("unimax").claims(sizes, [1.0] * len(sizes))
    found = quotas_under_cap(budget, claims, [size * epochs for size in sizes])
    assert found == unimax(sizes, Fraction(budget), epochs)


def shares(rule: Rule, sizes, weights=None):
    claims = rule.claims(sizes, weights or [1.0] * len(sizes))
    return [float(claim / sum(claims)) for claim in claims]


def test_temperature_lies_between_size_and_alike():
    sizes = [100, 10_000]
    assert shares(Rule("size"), sizes) == pytest.approx([1 / 101, 100 / 101])
    assert shares(Rule("temperature", 1.0), sizes) == pytest.approx([1 / 101, 100 / 101])
    assert shares(Rule("temperature", 2.0), sizes) == pytest.approx([1 / 11, 10 / 11])
    assert shares(Rule("temperature", 1e6), sizes) == pytest.approx([0.5, 0.5], abs=1e-4)
    assert shares(Rule("unimax"), sizes) == [0.5, 0.5]


def test_weights_are_factors_or_the_shares_themselves():
    assert shares(Rule("size"), [100, 300], [3.0, 1.0]) == [0.5, 0.5]
    assert shares(Rule("weights"), [100, 300], [3.0, 1.0]) == [0.75, 0.25]
    assert shares(Rule("unimax"), [100, 300, 0], [3.0, 1.0, 5.0]) == [0.75, 0.25, 0.0]  # nothing of what is not there
    assert shares(Rule("temperature", 2.0), [100, 400], [0.0, 1.0]) == [0.0, 1.0]


@pytest.mark.parametrize(("name", "temperature"), [("sise", 1.0), ("temperature", 0.0)])
def test_rules_that_are_not_there(name, temperature):
    with pytest.raises(ValueError, match="no such rule"):
        Rule(name, temperature)
