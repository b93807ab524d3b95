from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.batches import Batches
from fournil.parts.train.mixture import Mixture, PhaseMixture, Shares, quotas_under_cap
from fournil.parts.train.permutation import key_of, permuted, permuted_one
from fournil.parts.train.streams import document_streams, pair_streams, streams_by_group

LANGUAGES = ("fr", "en")
TOKENS = {"fr": 6, "en": 7}


@given(size=st.integers(1, 5000), key=st.integers(0, 2**64 - 1))
@settings(max_examples=40, deadline=None)
def test_a_permutation_has_everything_once(size, key):
    order = permuted(np.arange(size), size, key)
    assert np.array_equal(np.sort(order), np.arange(size))
    some = range(0, size, size // 50 + 1)
    assert [permuted_one(position, size, key) for position in some] == order[list(some)].tolist()


def test_a_permutation_of_a_huge_range_is_a_calculation():
    found = permuted(np.array([0, 1, 10**15 - 1]), 10**15, 7)
    assert len(set(found.tolist())) == 3
    assert ((found >= 0) & (found < 10**15)).all()
    assert not np.array_equal(found, permuted(np.array([0, 1, 10**15 - 1]), 10**15, 8))


@given(
    rows=st.integers(1, 20).map(lambda n: 2 * n),
    code=st.integers(0, 50).map(lambda n: n / 100),
    parallel=st.integers(0, 50).map(lambda n: n / 100),
)
@settings(max_examples=60, deadline=None)
def test_languages_have_the_same_number_of_rows_in_every_step(rows, code, parallel):
    shares = Shares(PhaseMixture(1000, rows, 64, code, parallel), LANGUAGES)
    for step in range(60):
        before, after = shares.before(step), shares.before(step + 1)
        counts = {group: after[group] - before[group] for group in after}
        assert counts["fr"] == counts["en"]
        assert min(counts.values()) >= 0
        assert sum(counts.values()) == rows
    whole = shares.before(1000)
    assert whole["code"] == pytest.approx(code * rows * 1000, abs=3)
    assert whole["parallel"] == pytest.approx(parallel * rows * 1000, abs=3)


@pytest.mark.parametrize("mixture", [PhaseMixture(1, 3, 64), PhaseMixture(1, 4, 64, code=0.7, parallel=0.4)])
def test_impossible_shares_are_refused(mixture):
    with pytest.raises(FournilError):
        Shares(mixture, LANGUAGES)


def test_orders_do_not_change_from_one_release_to_the_next():
    """Runs that were killed under an older release go on under a newer one."""
    assert permuted(np.arange(8), 8, key_of("golden", 0)).tolist() == [6, 0, 4, 3, 5, 2, 7, 1]


def test_what_a_capped_stream_cannot_give_the_others_give():
    assert quotas_under_cap(90, [10, 80], [Fraction(5), Fraction(100)]) == [5, 85]
    assert quotas_under_cap(90, [10, 80], [Fraction(50), Fraction(100)]) == [10, 80]
    assert quotas_under_cap(90, [10, 80], [Fraction(5), Fraction(80)]) is None


def make(shards, pairs, phases, **options):
    streams = document_streams(shards) + pair_streams(pairs, TOKENS, 0)
    return Mixture(streams_by_group(streams), phases, LANGUAGES, 0, **({"max_epochs": 50.0} | options))


def test_each_window_is_read_once_before_any_is_read_again(shards, pairs):
    mixture = make(shards, pairs, [PhaseMixture(400, 2, 32)])
    order = mixture.orders[0]["fr"]
    windows = sum(order.windows)
    seen = [order.place(draw) for draw in range(2 * windows)]
    for turn in (0, 1):
        places = {(place.stream.source, place.start) for place in seen[turn * windows : (turn + 1) * windows]}
        assert len(places) == windows
        for stream in order.streams:
            covered = np.zeros(stream.num_tokens, dtype=int)
            for source, start in places:
                if source == stream.source:
                    covered[(start + np.arange(32)) % stream.num_tokens] += 1
            assert covered.max() == 1
            assert (covered == 0).sum() < 32
    assert {place.start for place in seen[:windows]} != {place.start for place in seen[windows:]}


def test_rows_are_counted_without_looking_at_each(shards, pairs):
    mixture = make(shards, pairs, [PhaseMixture(123, 4, 32, code=0.1, parallel=0.2), PhaseMixture(50, 2, 64)])
    counts: Counter[tuple[str, str]] = Counter()
    for phase, steps in ((0, 123), (1, 50)):
        for step in range(steps):
            for group, place in mixture.rows(phase, step):
                counts[group, place.stream.source] += mixture.phases[phase].context_length
    table = {(row["group"], row["source"]): row["tokens_seen"] for row in mixture.tokens()}
    assert {key: count for key, count in table.items() if count} == dict(counts)
    assert sum(table.values()) == (123 * 4 * 32) + (50 * 2 * 64)


def test_no_stream_is_read_more_often_than_the_cap_allows(shards, pairs):
    # By weight, the handbook would be read 3 times; capped at 2, the man pages give the rest.
    groups = streams_by_group(document_streams(shards))
    phases = [PhaseMixture(300, 1, 32)]
    mixture = Mixture(groups, phases, ("fr",), 0, max_epochs=2.0, weights={"handbook": 100.0})
    epochs = {row["source"]: row["epochs"] for row in mixture.tokens() if row["group"] == "fr"}
    assert 1.5 < epochs["handbook"] <= 2.05
    assert 0.3 < epochs["manpages"] < 1.5


def test_too_little_text_is_said_before_training(shards, pairs):
    with pytest.raises(FournilError, match="'fr' has .* more than 2 epochs"):
        make(shards, pairs, [PhaseMixture(4000, 2, 32)], max_epochs=2.0)
    with pytest.raises(FournilError, match="no text for 'parallel'"):
        Mixture(
            streams_by_group(document_streams(shards)),
            [PhaseMixture(10, 4, 32, parallel=0.5)],
            LANGUAGES,
            0,
            max_epochs=2.0,
        )


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


def test_pairs_name_the_language_of_each_side_and_turn_both_ways(shards, pairs):
    streams = pair_streams(pairs, TOKENS, 0)
    stream = streams[0]
    source = TokenShards(pairs)
    firsts = Counter()
    for item in range(200):
        length = int(stream.starts[item + 1] - stream.starts[item])
        ids = stream.item(item, 0, length, key=5)
        number = source.document_ids().index(stream.item_id(item))
        sides = {}
        for row in (number, number + 1):
            offset, count = int(source.index.offset[row]), int(source.index.num_tokens[row]) - 1
            sides[TOKENS[source.index.languages[source.index.language[row]]]] = source.ids(offset, count).tolist()
        first = int(ids[0])
        firsts[first] += 1
        second = 13 - first
        assert ids.tolist() == [first, *sides[first], second, *sides[second], 2]
    assert 60 < firsts[6] < 140
    assert stream.item(3, 0, 5, key=5).tolist() == stream.item(3, 0, 99, key=5)[:5].tolist()
    assert any(stream.item(i, 0, 1, key=5)[0] != stream.item(i, 0, 1, key=6)[0] for i in range(200))


def test_a_text_is_one_segment_with_its_end(pairs, shards):
    batch = Batches(make(shards, pairs, [PhaseMixture(10, 4, 64, parallel=0.5)]), apart=True)(4)
    assert batch.segments_BT is not None
    ends = (batch.ids_BT == 2).long()
    for row in range(4):
        expected = [int(ends[row, :column].sum()) for column in range(64)]
        assert batch.segments_BT[row].tolist() == expected
    assert batch.segments_BT.max() >= 2


def test_long_pairs_can_be_left_out(pairs):
    stream = pair_streams(pairs, TOKENS, 0, max_tokens=6)[0]
    lengths = stream.starts[1:] - stream.starts[:-1]
    assert 0 < len(lengths) < 200
    assert lengths.max() <= 6 + 6 + 3


def test_pairs_without_a_token_for_their_language_are_refused(pairs):
    with pytest.raises(FournilError, match="no token for language en"):
        pair_streams(pairs, {"fr": 6}, 0)


def test_order_changes_with_the_seed(shards):
    def starts(seed):
        groups = streams_by_group(document_streams(shards))
        mixture = Mixture(groups, [PhaseMixture(30, 2, 32)], LANGUAGES, seed, max_epochs=9.0)
        return [place.start for step in range(30) for _, place in mixture.rows(0, step)]

    assert starts(0) == starts(0)
    assert starts(0) != starts(1)


def test_a_stream_shorter_than_a_row_goes_round(pairs):
    stream = pair_streams(pairs, TOKENS, 0)[0]
    once = stream.window(0, stream.num_tokens, 1)
    assert np.array_equal(stream.window(0, 2 * stream.num_tokens + 3, 1), np.concatenate([once, once, once[:3]]))
