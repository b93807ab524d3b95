import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.train.interleave import Interleave

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=9).filter(any)


@given(lengths=LENGTHS, key=st.integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_each_queue_gives_its_elements_in_order_and_all_of_them(lengths, key):
    order = Interleave(lengths, key)
    given_so_far = [0] * len(lengths)
    for number in range(sum(lengths)):
        assert order.counts(number) == given_so_far
        queue, element = order.place(number)
        assert element == given_so_far[queue]
        given_so_far[queue] += 1
    assert given_so_far == lengths == order.counts(sum(lengths))


@given(lengths=LENGTHS, key=st.integers(0, 2**64 - 1), start=st.floats(0, 1), end=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_any_stretch_holds_each_queue_by_its_share(lengths, key, start, end):
    total = sum(lengths)
    first, last = sorted((round(start * total), round(end * total)))
    order = Interleave(lengths, key)
    before, after = order.counts(first), order.counts(last)
    for length, a, b in zip(lengths, before, after, strict=True):
        assert abs(b - a - length * (last - first) / total) < 5  # one for each halving of nine queues, and one


def test_it_takes_no_longer_for_a_trillion():
    order = Interleave([3 * 10**12, 10**12, 7], 5)
    assert order.counts(4 * 10**12 + 7) == [3 * 10**12, 10**12, 7]
    queue, element = order.place(2 * 10**12)
    assert queue in (0, 1)
    assert element == pytest.approx([1.5e12, 0.5e12][queue], abs=4)


def test_the_key_moves_the_order():
    first, second = ([Interleave([50, 30, 9], key).place(n) for n in range(89)] for key in (1, 2))
    assert first != second
    assert sorted(first) == sorted(second)


@pytest.mark.parametrize("lengths", [[], [0, 0], [3, -1]])
def test_no_order_of_nothing(lengths):
    with pytest.raises(ValueError, match="no order"):
        Interleave(lengths, 0)
