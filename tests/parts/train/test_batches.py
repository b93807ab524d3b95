import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.batches import Batches
from fournil.parts.train.mixture import Mixture, PhaseMixture, Sampling
from fournil.parts.train.streams import document_streams, pair_streams, streams_by_group

LANGUAGES = ("fr", "en")
TOKENS = {"fr": 6, "en": 7}


@pytest.fixture
def groups(shards, pairs):
    return streams_by_group(document_streams(shards) + pair_streams(pairs, TOKENS, 0))


def make(shards, pairs, phases):
    streams = document_streams(shards) + pair_streams(pairs, TOKENS, 0)
    return Mixture(streams_by_group(streams), phases, LANGUAGES, 0, Sampling(50.0))


def test_a_batch_is_a_function_of_its_step(shards, pairs):
    phases = [PhaseMixture(20, 4, 32, code=0.1, parallel=0.3), PhaseMixture(10, 2, 48)]
    first, second = (Batches(make(shards, pairs, phases)) for _ in range(2))
    for step in (25, 3, 19, 20, 3):
        one, other = first(step), second(step)
        assert one.ids_BT.equal(other.ids_BT)
        assert one.targets_BT.equal(other.targets_BT)
        assert one.ids_BT[:, 1:].equal(one.targets_BT[:, :-1])
        assert one.group_B == other.group_B
    assert first(25).ids_BT.shape == (2, 48)
    assert not first(3).ids_BT.equal(first(4).ids_BT)


def test_the_documents_of_a_step_hold_its_tokens(shards, pairs):
    batches = Batches(make(shards, pairs, [PhaseMixture(40, 4, 64, code=0.25)]))
    source = TokenShards(shards)
    offsets = dict(zip(source.document_ids(), source.index.offset.tolist(), strict=True))
    for step in range(40):
        batch, seen = batches(step), batches.documents_of_step(step)
        for row in range(4):
            stretches = [entry for entry in seen if entry.row == row]
            tokens = [source.ids(offsets[entry.id] + entry.first_token, entry.num_tokens) for entry in stretches]
            expected = np.concatenate(tokens)
            assert np.array_equal(expected[:-1], batch.ids_BT[row].numpy())
            assert expected[-1] == batch.targets_BT[row, -1]
            assert {entry.group for entry in stretches} == {batch.group_B[row]}


def test_a_text_is_one_segment_with_its_end(pairs, shards):
    batch = Batches(make(shards, pairs, [PhaseMixture(10, 4, 64, parallel=0.5)]), apart=True)(4)
    assert batch.segments_BT is not None
    ends = (batch.ids_BT == 2).long()
    for row in range(4):
        expected = [int(ends[row, :column].sum()) for column in range(64)]
        assert batch.segments_BT[row].tolist() == expected
    assert batch.segments_BT.max() >= 2


PHASES = st.lists(
    st.builds(
        lambda steps, rows, length, code, ends, ramp: PhaseMixture(
            steps + sum(count for count, _ in ramp), 12 * rows, length, code, *ends, tuple(ramp)
        ),
        st.integers(1, 6),
        st.integers(1, 2),
        st.sampled_from([8, 16, 33]),
        st.sampled_from([0.0, 0.1, 0.25]),
        st.tuples(st.sampled_from([0.0, 0.3, 0.6]), st.sampled_from([None, 0.0, 0.5])),
        st.lists(st.tuples(st.integers(1, 2), st.just(12)), max_size=1),
    ),
    min_size=1,
    max_size=3,
)


@given(phases=PHASES, ranks=st.sampled_from([2, 3, 4, 6, 12]), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_processes_together_have_the_rows_of_one(groups, phases, ranks, data):
    """Whatever their number: the global batch is the same, row by row, segments and all."""
    step = data.draw(st.integers(0, sum(phase.steps for phase in phases) - 1))
    whole, *parts = (
        Batches(Mixture(groups, phases, LANGUAGES, 0, Sampling(50.0)), apart=True, rank=rank, ranks=count)(step)
        for rank, count in [(0, 1), *((rank, ranks) for rank in range(ranks))]
    )
    assert {part.ids_BT.shape for part in parts} == {(whole.ids_BT.shape[0] // ranks, whole.ids_BT.shape[1])}
    for name in ("ids_BT", "targets_BT", "segments_BT"):
        assert torch.cat([getattr(part, name) for part in parts]).equal(getattr(whole, name))
    assert [group for part in parts for group in part.group_B] == list(whole.group_B)
    assert list(whole.group_B).count("fr") == list(whole.group_B).count("en")


def test_a_process_makes_no_rows_but_its_own(shards, pairs, monkeypatch):
    mixture = make(shards, pairs, [PhaseMixture(10, 8, 32)])
    read = []
    for stream in (stream for streams in mixture.groups.values() for stream in streams):
        original = stream.windows

        def windows(starts, num_tokens, keys, original=original):
            read.extend(starts)
            return original(starts, num_tokens, keys)

        monkeypatch.setattr(stream, "windows", windows)
    Batches(mixture, rank=1, ranks=4)(3)
    assert sorted(read) == sorted(place.start for _, place in mixture.rows(0, 3)[2:4])


def test_a_batch_that_does_not_divide_among_the_processes_is_refused(shards, pairs):
    mixture = make(shards, pairs, [PhaseMixture(4, 8, 32), PhaseMixture(9, 8, 32, ramp=((3, 6),))])
    with pytest.raises(FournilError, match=r"batch of 6 rows .* among 4 processes \[pretrain.phase\[1\]\]"):
        Batches(mixture, ranks=4)
    assert Batches(mixture, ranks=2)(0).ids_BT.shape == (4, 32)


def test_a_batch_grows(shards, pairs):
    batches = Batches(make(shards, pairs, [PhaseMixture(9, 8, 32, ramp=((3, 2), (2, 4)))]))
    assert [batches(step).ids_BT.shape[0] for step in range(9)] == [2, 2, 2, 4, 4, 8, 8, 8, 8]
    assert {entry.row for entry in batches.documents_of_step(4)} == set(range(4))
