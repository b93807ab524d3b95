"""The middle loaf is planned: an hour on one GPU, as much of each language, nothing that would be refused."""

import pytest


def test_an_hour_on_one_h100(planned):
    plan = planned("moyen")
    assert not plan.warnings
    known = {estimate.stage: estimate.seconds for estimate in plan.estimates if estimate.seconds is not None}
    assert 45 * 60 < sum(known.values()) < 60 * 60  # and evaluation, which is not foretold
    assert known["pretrain"] > 0.5 * sum(known.values())
    memory = next(estimate.memory_bytes for estimate in plan.estimates if estimate.stage == "pretrain")
    assert memory is not None
    assert memory < 0.6 * 80e9  # what libraries keep aside fits beside it


def test_as_much_french_as_english_and_nothing_read_twice(planned):
    french, english, pairs = planned("moyen").tokens.groups
    assert (french.group, english.group, pairs.group) == ("fr", "en", "parallel")
    assert french.tokens_seen == english.tokens_seen
    assert pairs.share == pytest.approx(0.12, abs=0.005)  # from 0.05 to 0.15, and then 0.2
    assert max(row.epochs for row in (french, english, pairs)) < 1.1


def test_the_second_phase_reads_more_of_the_encyclopedias(planned):
    epochs = {row.text.key: row.epochs for row in planned("moyen").tokens.sources}
    assert epochs["wikipedia-fr"] > 1.2 * epochs["web-fr"]
    assert epochs["wikipedia-en"] > 1.2 * epochs["web-en"]


@pytest.mark.parametrize(("device", "hours"), [("A100", 1.8), ("H200", 0.58)])
def test_on_other_devices(planned, device, hours):
    pretrain = [e.device_hours for e in planned("moyen", f'plan.hardware="{device}"').estimates if e.device_hours]
    assert pretrain[0] == pytest.approx(hours, rel=0.1)
