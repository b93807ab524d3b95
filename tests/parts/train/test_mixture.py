import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.core.errors import FournilError
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.interleave import Interleave
from fournil.parts.train.mixture import Mixture, PhaseMixture, Sampling
from fournil.parts.train.permutation import key_of, permuted, permuted_one
from fournil.parts.train.quotas import Rule
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


def test_orders_do_not_change_from_one_release_to_the_next():
    """Runs that were killed under an older release go on under a newer one."""
    assert permuted(np.arange(8), 8, key_of("golden", 0)).tolist() == [6, 0, 4, 3, 5, 2, 7, 1]
    order = Interleave([5, 2, 1], key_of("golden", 1))
    assert [order.place(number)[0] for number in range(8)] == [1, 0, 0, 2, 0, 1, 0, 0]


def test_batches_do_not_change_from_one_release_to_the_next(shards, pairs):
    mixture = make(shards, pairs, [PhaseMixture(30, 4, 32, 0.1, 0.1, 0.3), PhaseMixture(20, 4, 32)])
    places = [(group, place.stream.source, place.start) for step in (0, 29) for group, place in mixture.rows(0, step)]
    places += [(group, place.stream.source, place.start) for group, place in mixture.rows(1, 7)]
    assert places == [
        ("fr", "manpages", 1417),
        ("fr", "handbook", 565),
        ("en", "manpages", 1240),
        ("en", "manpages", 1592),
        ("fr", "handbook", 2037),
        ("en", "manpages", 440),
        ("code", "stdlib", 1815),
        ("parallel", "gettext", 949),
        ("fr", "handbook", 2741),
        ("fr", "manpages", 2185),
        ("en", "manpages", 888),
        ("en", "manpages", 2062),
    ]


def make(shards, pairs, phases, **options):
    streams = document_streams(shards) + pair_streams(pairs, TOKENS, 0)
    return Mixture(streams_by_group(streams), phases, LANGUAGES, 0, Sampling(**({"max_epochs": 50.0} | options)))


def test_each_window_is_read_once_before_any_is_read_again(shards, pairs):
    mixture = make(shards, pairs, [PhaseMixture(400, 2, 32)])
    order = mixture.orders[0]["fr"]
    rows = [order.place(draw) for draw in range(400)]
    for stream, windows in zip(order.streams, order.windows, strict=True):
        seen = [place.start for place in rows if place.stream is stream]
        assert len(seen) > 2 * windows
        for epoch in (0, 1):
            starts = seen[epoch * windows : (epoch + 1) * windows]
            assert len(set(starts)) == windows
            covered = np.zeros(stream.num_tokens, dtype=int)
            for start in starts:
                covered[(start + np.arange(32)) % stream.num_tokens] += 1
            assert covered.max() == 1
            assert (covered == 0).sum() < 32
        assert set(seen[:windows]) != set(seen[windows : 2 * windows])


def test_a_phase_with_rows_of_the_same_length_reads_on(shards, pairs):
    """What the main phase did not read comes first in the cooldown, whatever the weights there."""
    phases = [PhaseMixture(20, 4, 32), PhaseMixture(9, 4, 48), PhaseMixture(30, 2, 32, weights={"handbook": 0.5})]
    mixture = make(shards, pairs, phases)
    order = mixture.orders[0]["fr"]
    for number, stream in enumerate(order.streams):
        windows, seen = order.windows[number], []
        for phase in (0, 2):
            rows = [place for step in range(phases[phase].steps) for _, place in mixture.rows(phase, step)]
            seen += [place.start for place in rows if place.stream is stream]
        assert len(seen) > 20
        assert len(set(seen[:windows])) == min(len(seen), windows)


def test_no_stream_is_read_more_often_than_the_cap_allows(shards, pairs):
    # By weight, the handbook would be read 3 times; capped at 2, the man pages give the rest.
    groups = streams_by_group(document_streams(shards))
    phases = [PhaseMixture(300, 1, 32)]
    mixture = Mixture(groups, phases, ("fr",), 0, Sampling(2.0, weights={"handbook": 100.0}))
    table = {row["source"]: row for row in mixture.tokens() if row["group"] == "fr"}
    assert 1.95 < table["handbook"]["epochs"] <= 2.0
    assert 0.3 < table["manpages"]["epochs"] < 1.5
    (ran_out,) = mixture.ran_out
    assert (ran_out.phase, ran_out.group, ran_out.source) == (0, "fr", "handbook")
    assert ran_out.epochs == table["handbook"]["epochs"]
    assert ran_out.given_tokens == table["handbook"]["tokens_seen"]
    assert ran_out.asked_tokens == pytest.approx(300 * 32 * 100 / 101, rel=0.01)


def test_a_source_may_have_a_cap_of_its_own(shards, pairs):
    groups = streams_by_group(document_streams(shards))
    mixture = Mixture(groups, [PhaseMixture(200, 1, 32)], ("fr",), 0, Sampling(4.0, caps={"handbook": 0.5}))
    epochs = {row["source"]: row["epochs"] for row in mixture.tokens() if row["group"] == "fr"}
    assert 0.45 < epochs["handbook"] <= 0.5
    assert [entry.source for entry in mixture.ran_out] == ["handbook"]


def test_nothing_is_said_to_run_out_where_there_is_enough(shards, pairs):
    assert make(shards, pairs, [PhaseMixture(20, 4, 32, code=0.1, parallel=0.2)]).ran_out == []


def test_weights_change_from_one_phase_to_the_next(shards, pairs):
    """A source kept for the end, and another of which less is read then."""
    phases = [PhaseMixture(60, 2, 32, weights={"handbook": 0.0}), PhaseMixture(40, 2, 32, weights={"manpages": 0.25})]
    mixture = make(shards, pairs, phases, max_epochs=1.5)
    read = [
        {stream.source: rows for stream, rows in zip(mixture.groups["fr"], seen["fr"], strict=True)}
        for seen in mixture.rows_seen
    ]
    assert read == [{"handbook": 0, "manpages": 60}, {"handbook": 32, "manpages": 8}]
    counts = Counter(place.stream.source for step in range(60) for _, place in mixture.rows(0, step))
    assert counts == {"manpages": 120}


def test_too_little_text_is_said_before_training_with_what_would_do(shards, pairs):
    # There is more French than English: what English lacks is said, and the steps that it has enough for.
    with pytest.raises(FournilError, match=r"'en' has .* more than 2 epochs \[pretrain.phase\[0\]\]") as caught:
        make(shards, pairs, [PhaseMixture(4000, 2, 32)], max_epochs=2.0)
    advice = re.search(r"Train ([\d,]+) steps at most .* raise max_epochs to ([\d.]+)\.", caught.value.fix or "")
    assert advice is not None
    steps, epochs = int(advice[1].replace(",", "")), float(advice[2])
    make(shards, pairs, [PhaseMixture(steps, 2, 32)], max_epochs=2.0)
    with pytest.raises(FournilError, match="more than 2 epochs"):
        make(shards, pairs, [PhaseMixture(steps + 1, 2, 32)], max_epochs=2.0)
    make(shards, pairs, [PhaseMixture(4000, 2, 32)], max_epochs=epochs)
    with pytest.raises(FournilError, match="epochs"):
        make(shards, pairs, [PhaseMixture(4000, 2, 32)], max_epochs=round(epochs - 0.1, 1))


def test_a_group_without_text_is_said(shards):
    groups = streams_by_group(document_streams(shards))
    with pytest.raises(FournilError, match=r"no text for 'parallel' \[pretrain.phase\[0\]\]"):
        Mixture(groups, [PhaseMixture(10, 4, 32, parallel=0.5)], LANGUAGES, 0)
    with pytest.raises(FournilError, match="no text for 'code'"):
        Mixture(groups, [PhaseMixture(10, 4, 32, code=0.5)], LANGUAGES, 0, Sampling(weights={"stdlib": 0.0}))


def test_what_earlier_phases_have_read_is_said(shards, pairs):
    phases = [PhaseMixture(50, 2, 32), PhaseMixture(60, 2, 32)]
    with pytest.raises(FournilError, match=r"1,600 were read before: more than 1 epochs \[pretrain.phase\[1\]\]"):
        make(shards, pairs, phases, max_epochs=1.0)


def test_no_epochs_are_advised_where_sources_own_caps_forbid_them(shards):
    groups = {"fr": [stream for stream in document_streams(shards) if stream.source == "handbook"]}
    with pytest.raises(FournilError, match="more often than their own max_epochs"):
        Mixture(groups, [PhaseMixture(300, 1, 32)], ("fr",), 0, Sampling(9.0, caps={"handbook": 0.1}))


def test_languages_may_be_divided_otherwise(shards, pairs):
    """UniMax over languages of unlike size: alike, until the smaller has been read so often."""
    streams = [stream for stream in document_streams(shards) if (stream.group, stream.source) != ("fr", "manpages")]
    small = sum(stream.num_tokens for stream in streams if stream.group == "fr")
    phases = [PhaseMixture(300, 3, 32, code=0.1)]

    ran_out = []

    def rows(**options):
        mixture = Mixture(streams_by_group(streams), phases, LANGUAGES, 0, Sampling(50.0, **options))
        ran_out.extend(mixture.ran_out)
        steps = [mixture.rows(0, step) for step in range(300)]
        assert {len(step) for step in steps} == {3}
        counts = Counter(group for step in steps for group, _ in step)
        assert counts["code"] == 90
        return counts

    alike = rows(languages=Rule("unimax"))
    assert alike["fr"] == alike["en"] == 405
    capped = rows(languages=Rule("unimax"), caps={"handbook": 2.0})
    assert capped["fr"] == small * 2 // 32 == ran_out[-1].given_tokens // 32
    assert (ran_out[-1].group, ran_out[-1].source, ran_out[-1].asked_tokens) == ("fr", None, 405 * 32)
    weighed = rows(languages=Rule("weights"), language_weights={"fr": 1.0, "en": 3.0})
    assert weighed["en"] == pytest.approx(3 * weighed["fr"], abs=3)
    with pytest.raises(FournilError, match=r"'fr' has 2,934 tokens, .* more than 0.1 epochs"):
        rows(languages=Rule("unimax"), caps={"handbook": 0.1, "manpages": 0.1})


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


def test_pairs_name_the_language_of_each_side_and_turn_both_ways(shards, pairs):
    streams = pair_streams(pairs, TOKENS, 0)
    stream = streams[0]
    source = TokenShards(pairs)
    firsts = Counter()
    for item in range(200):
        length = int(stream.starts[item + 1] - stream.starts[item])
        ids = stream.window(int(stream.starts[item]), length, key=5)
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
    at = stream.starts[:-1].tolist()
    assert (stream.windows(at, 1, [5] * 200) != stream.windows(at, 1, [6] * 200)).any()


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
        mixture = Mixture(groups, [PhaseMixture(30, 2, 32)], LANGUAGES, seed)
        return [place.start for step in range(30) for _, place in mixture.rows(0, step)]

    assert starts(0) == starts(0)
    assert starts(0) != starts(1)


def test_a_stream_shorter_than_a_row_goes_round(pairs):
    stream = pair_streams(pairs, TOKENS, 0)[0]
    once = stream.window(0, stream.num_tokens, 1)
    assert np.array_equal(stream.window(0, 2 * stream.num_tokens + 3, 1), np.concatenate([once, once, once[:3]]))


def test_windows_are_read_at_once_as_one_by_one(shards, pairs):
    """Over the circle's end, round it, cut within a pair's side; each window with its own reading of the pairs."""
    generator = np.random.default_rng(3)
    for stream in [*document_streams(shards), *pair_streams(pairs, TOKENS, 0)]:
        for length in (1, 5, 70, 2 * stream.num_tokens + 9):
            starts = [*generator.integers(0, stream.num_tokens, 6).tolist(), 0, stream.num_tokens - 1]
            keys = generator.integers(0, 2**63, 8).tolist()
            rows = stream.windows(starts, length, keys)
            for row, start, key in zip(rows, starts, keys, strict=True):
                whole = stream.window(0, stream.num_tokens, key)
                assert np.array_equal(row, whole[(start + np.arange(length)) % stream.num_tokens])
