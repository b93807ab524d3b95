import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.parts.text.hashes import mix
from fournil.parts.text.minhash import candidate_pairs, components, jaccard, signatures, verified


def shingle_sets(similarities: list[float], size: int = 400) -> tuple[list[np.ndarray], list[float]]:
    """Pairs of sets with the Jaccard similarities wanted."""
    sets, true = [], []
    fresh = itertools.count(1)
    for similarity in similarities:
        common = round(size * 2 * similarity / (1 + similarity))
        base = [next(fresh) for _ in range(common)]
        both = [base + [next(fresh) for _ in range(size - common)] for _ in range(2)]
        sets += [mix(np.array(values, np.uint64)) for values in both]
        true.append(common / (2 * size - common))
    return sets, true


def test_agreement_estimates_the_similarity():
    sets, true = shingle_sets([0.2, 0.5, 0.8, 0.95])
    bounds = np.concatenate([[0], np.cumsum([len(s) for s in sets])])
    signs = signatures(np.concatenate(sets), bounds, seed=3)
    for place, similarity in enumerate(true):
        agreement = (signs[2 * place] == signs[2 * place + 1]).mean()
        assert agreement == pytest.approx(similarity, abs=0.15)


def test_near_ones_are_found_and_others_verified_away():
    sets, _ = shingle_sets([0.3] * 30 + [0.7] * 30 + [0.85] * 30)
    bounds = np.concatenate([[0], np.cumsum([len(s) for s in sets])])
    pairs = candidate_pairs(signatures(np.concatenate(sets), bounds, seed=1), least=0.6)
    found = list(verified(pairs, lambda place: sets[place], threshold=0.8))
    assert [(one, other) for one, other, _ in found] == [(place, place + 1) for place in range(120, 180, 2)]
    assert all(similarity >= 0.8 for _, _, similarity in found)


def test_a_text_without_shingles_has_no_minimum():
    signs = signatures(np.array([5, 6], np.uint64), np.array([0, 0, 2, 2]), seed=0)
    assert (signs[[0, 2]] == 0xFFFFFFFF).all()
    assert (signs[1] != 0xFFFFFFFF).any()


def test_all_pairs_of_a_bucket_are_candidates():
    same = np.tile(np.arange(128, dtype=np.uint32), (5, 1))
    assert candidate_pairs(same, least=1.0).tolist() == [list(pair) for pair in itertools.combinations(range(5), 2)]


def test_the_signature_depends_on_the_seed_alone():
    values, bounds = mix(np.arange(1, 51, dtype=np.uint64)), np.array([0, 50])
    first, again, other = (signatures(values, bounds, seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_jaccard_is_that_of_sets(one: set[int], other: set[int]):
    union = len(one | other)
    expected = len(one & other) / union if union else 0.0
    assert jaccard(np.array(sorted(one)), np.array(sorted(other))) == pytest.approx(expected)


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
