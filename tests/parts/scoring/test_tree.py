import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.scoring import tree

sequences = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=30), min_size=1, max_size=25)


def _arrays(rows: list[list[int]]) -> list[np.ndarray]:
    return [np.array(row, dtype=np.int32) for row in rows]


@given(sequences, st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_every_token_of_every_sequence_sees_exactly_its_own_past(rows, max_tokens):
    """A simulated cache of tokens: what a token looks at, read in order of place, is the beginning of its sequence."""
    found = tree.sort(_arrays(rows))
    seen: dict[int, set[int]] = {}
    kept: list[tuple[int, int]] = []
    for reading in tree.passes(tree.grow(found), max_tokens):
        kept = kept[: reading.past]
        assert len(kept) == reading.past
        tokens = [
            (place, int(found.sequences[node.high - 1][place]))
            for node in reading.nodes
            for place in range(node.start, node.end)
        ]
        mask = tree.mask_of(reading)
        columns = kept + tokens
        row = 0
        for node in reading.nodes:
            for place in range(node.start, node.end):
                looked = [
                    columns[i]
                    for i in range(len(kept) + row + 1 if mask is None else len(columns))
                    if mask is None or mask[row, i]
                ]
                for n in range(node.low, node.high):
                    if place < len(found.sequences[n]):
                        assert sorted(looked) == list(enumerate(found.sequences[n][: place + 1].tolist()))
                        assert place not in seen.setdefault(n, set())
                        seen[n].add(place)
                row += 1
        kept = columns
    assert {n: len(places) for n, places in seen.items()} == {n: len(ids) for n, ids in enumerate(found.sequences)}


@given(sequences)
@settings(max_examples=50, deadline=None)
def test_equal_sequences_stand_once_and_none_is_lost(rows):
    found = tree.sort(_arrays(rows))
    assert sorted(i for group in found.members for i in group) == list(range(len(rows)))
    for ids, group in zip(found.sequences, found.members, strict=True):
        assert all(rows[i] == ids.tolist() for i in group)
    assert len({ids.tobytes() for ids in found.sequences}) == len(found.sequences)


def test_a_long_shared_beginning_is_read_once():
    beginning = list(range(1000))
    rows = [[*beginning, 2000 + item, *range(50), choice] for item in range(30) for choice in range(4)]
    readings = list(tree.passes(tree.grow(tree.sort(_arrays(rows))), 512))
    assert sum(reading.num_tokens for reading in readings) == 1000 + 30 * (51 + 4)
    assert max(reading.num_tokens for reading in readings) == 1000
    assert len(readings) == 1 + 4  # nine items of 55 tokens a pass


@pytest.mark.parametrize("num", [3000])
def test_a_chain_of_beginnings_needs_no_deep_recursion(num):
    rows = [[1] * length for length in range(1, num)]
    readings = list(tree.passes(tree.grow(tree.sort(_arrays(rows))), 64))
    assert sum(reading.num_tokens for reading in readings) < 3 * num
