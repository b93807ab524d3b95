import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.joining import (
    Sets,
    candidates,
    components,
    packed,
    settled,
    shared,
    similarity,
    sorted_entries,
    unpacked,
)
from fournil.parts.text.probing import ExactIndex

compiling = settings(deadline=None)  # the first call compiles
NUMBERS = st.sets(st.integers(0, 60), max_size=30)


def sets_of(*members: set[int]) -> Sets:
    return Sets(
        np.array([each for one in members for each in sorted(one)], np.uint32),
        np.array([len(one) for one in members], np.int64),
    )


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


@compiling
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=300))
def test_entries_are_sorted_and_equal_keys_keep_their_order(keys: list[int]):
    entries = sorted_entries(np.array(keys, np.uint64), np.arange(len(keys)))
    assert entries.texts.tolist() == sorted(range(len(keys)), key=lambda place: keys[place])
    assert entries.keys.tolist() == sorted(keys)
    assert shared(entries).keys.tolist() == [key for key in sorted(keys) if keys.count(key) > 1]


@compiling
@given(NUMBERS, NUMBERS)
def test_similarity_is_that_of_sets(one: set[int], other: set[int]):
    both = sets_of(one, other)
    (found,) = similarity(both, both, np.array([0]), np.array([1]))
    assert found == pytest.approx(jaccard(one, other))


def test_sizes_alone_rule_a_pair_out():
    both = sets_of(set(range(10)), set(range(5)))
    pair = np.array([0]), np.array([1])
    assert similarity(both, both, *pair, threshold=0.5).tolist() == [0.5]
    assert similarity(both, both, *pair, threshold=0.51).tolist() == [0.0]


@compiling
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_components_are_those_of_a_walk(edges: list[tuple[int, int]]):
    neighbours = {node: {node} for node in range(20)}
    for one, other in edges:
        neighbours[one].add(other)
        neighbours[other].add(one)
    expected = []
    for node in range(20):
        seen, todo = {node}, [node]
        while todo:
            for each in neighbours[todo.pop()] - seen:
                seen.add(each)
                todo.append(each)
        expected.append(min(seen))
    assert components(20, np.array(edges, np.int64).reshape(-1, 2)).tolist() == expected


def test_a_bucket_is_compared_with_its_leader_alone():
    entries = sorted_entries(np.full(5, 7), np.arange(5))
    order = np.array([0, 4, 1, 2, 3], np.uint64)
    pairs, left = candidates(entries, np.arange(5, dtype=np.uint32), order, 0)
    assert pairs.tolist() == packed(np.array([0, 1, 1, 1]), np.array([1, 2, 3, 4])).tolist()
    assert len(left) == 5


def test_the_next_leader_comes_from_another_component():
    entries = sorted_entries(np.full(5, 7), np.arange(5))
    order = np.array([0, 4, 1, 2, 3], np.uint64)
    labels = np.array([0, 1, 0, 1, 4], np.uint32)  # 1 has led, and 3 is tied to it
    pairs, _ = candidates(entries, labels, order, 1)
    assert pairs.tolist() == packed(np.array([0, 1, 2, 3]), np.array([4, 4, 4, 4])).tolist()
    none, left = candidates(entries, np.zeros(5, np.uint32), order, 1)
    assert (len(none), len(left)) == (0, 0)


@compiling
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_pairs_come_out_as_they_went_in(one: int, other: int):
    low, high = unpacked(packed(np.array([one]), np.array([other])))
    assert (int(low[0]), int(high[0])) == (min(one, other), max(one, other))


def test_who_stays_is_no_near_duplicate_of_anybody_who_stays():
    base = set(range(100))
    one, near, chained = base, set(range(10, 110)), set(range(20, 120))
    members = sets_of(one, near, chained, base, set(range(200, 210)))
    made = settled(members, np.array([0, 4, 5]), threshold=0.8)
    assert made.kept.tolist() == [0, 0, 2, 0, 4]
    assert made.similarity[1] == pytest.approx(90 / 110)
    whole = settled(members, np.array([0, 4, 5]), threshold=0.8, passed_on=True)
    assert whole.kept.tolist() == [0, 0, 0, 0, 4]
    assert whole.similarity[2] == pytest.approx(80 / 120)


def test_heads_of_a_component_stay_whatever_they_are():
    members = sets_of(set(range(50)), set(range(50)), set(range(49)))
    made = settled(members, np.array([0, 3]), fixed=np.array([2]), threshold=0.8)
    assert made.kept.tolist() == [0, 1, 0]


def test_only_the_first_who_stay_are_compared():
    members = sets_of({1, 2}, {3, 4}, {5, 6}, {5, 6})
    assert settled(members, np.array([0, 4]), threshold=0.8, most_kept=2).kept.tolist() == [0, 1, 2, 3]
    assert settled(members, np.array([0, 4]), threshold=0.8, most_kept=3).kept.tolist() == [0, 1, 2, 2]


@compiling
@given(
    st.lists(NUMBERS, min_size=1, max_size=12),
    st.lists(NUMBERS, max_size=12),
    st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]),
)
def test_the_index_finds_every_pair(held: list[set[int]], texts: list[set[int]], threshold: float):
    pairs, true = ExactIndex(sets_of(*held)).near(sets_of(*texts), threshold=threshold)
    expected = [
        (one, other)
        for one, other in itertools.product(range(len(texts)), range(len(held)))
        if jaccard(texts[one], held[other]) >= threshold
    ]
    assert [tuple(pair) for pair in pairs.tolist()] == expected
    assert true.tolist() == pytest.approx([jaccard(texts[one], held[other]) for one, other in expected])


def test_the_index_hands_out_many_pairs_in_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fournil.parts.text.probing._MOST_PAIRS", 1)
    held = sets_of(*[set(range(20)) for _ in range(7)])
    pairs, _ = ExactIndex(held).near(sets_of(*[set(range(19)) for _ in range(9)]), threshold=0.9)
    assert [tuple(pair) for pair in pairs.tolist()] == list(itertools.product(range(9), range(7)))
