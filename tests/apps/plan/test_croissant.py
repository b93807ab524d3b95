"""The published figures of CroissantLLM, reproduced from its recipe alone."""

import pytest

PUBLISHED = {
    "fr": (0.415, 1240e9, 4.09),
    "en": (0.415, 1240e9, 1.89),
    "parallel": (0.073, 219e9, 6.11),
    "code": (0.097, 289e9, 2.04),
}
"""Group → share of the mix, tokens seen, epochs."""


def test_the_published_table_of_tokens_within_one_per_cent(planned):
    table = planned("croissant").tokens
    assert table.tokens_seen == pytest.approx(2.988e12, rel=0.001)
    assert {row.group for row in table.groups} == set(PUBLISHED)
    for row in table.groups:
        share, seen, epochs = PUBLISHED[row.group]
        assert row.share == pytest.approx(share, rel=0.01)
        assert row.tokens_seen == pytest.approx(seen, rel=0.01)
        assert row.epochs == pytest.approx(epochs, rel=0.01)
    french, english = (row.tokens_seen for row in table.groups[:2])
    assert french == english  # the weights are 4151 and 4151


def test_sources_are_read_as_their_published_weights_ask(planned):
    seen = {row.text.key: row.tokens_seen for row in planned("croissant").tokens.sources}
    french = [seen[f"french-303b-{number}"] for number in (1, 2, 3)]
    for tokens, weight in zip(french, (146, 2025, 1980), strict=True):
        assert tokens / sum(french) == pytest.approx(weight / 4151, rel=0.01)
    english = [seen[f"english-660b-{number}"] for number in (11, 12, 13, 21, 22, 23)]
    for tokens, weight in zip(english, (606, 881, 880, 536, 529, 719), strict=True):
        assert tokens / sum(english) == pytest.approx(weight / 4151, rel=0.01)


def test_hours_energy_and_emissions_beside_the_published_ones(planned):
    plan = planned("croissant")
    pretrain = next(estimate for estimate in plan.estimates if estimate.stage == "pretrain")
    assert pretrain.device_hours == pytest.approx(99_648, rel=0.15)
    assert pretrain.seconds == pytest.approx(17.3 * 86400, rel=0.15)
    assert not pretrain.at_least
    cost = plan.cost(pretrain)
    assert cost.kwh == pytest.approx(47_800, rel=0.15)
    assert cost.kg_co2e == pytest.approx(2_800, rel=0.15)
    assert plan.six_n_d == pytest.approx(2.41e22, rel=0.005)
    assert pretrain.flops > plan.six_n_d  # attention is counted


def test_the_stated_utilisation_is_what_the_published_hours_imply(planned):
    plan = planned("croissant")
    pretrain = next(estimate for estimate in plan.estimates if estimate.stage == "pretrain")
    assert pretrain.flops / (312e12 * 99_648 * 3600) == pytest.approx(plan.order.settings.utilisation, rel=0.02)
    default = planned("croissant", "plan.utilisation=0.4")
    hours = next(estimate.device_hours for estimate in default.estimates if estimate.stage == "pretrain")
    assert hours == pytest.approx(55_095, rel=0.01)  # what docs/plan.md says of the default


def test_other_hardware_needs_not_be_there(planned):
    a100, h100 = (planned("croissant", f'plan.hardware="{name}"', "plan.device_watts=0") for name in ("A100", "H100"))
    hours = [next(e.device_hours for e in plan.estimates if e.stage == "pretrain") for plan in (a100, h100)]
    assert hours[0] / hours[1] == pytest.approx(989 / 312)
    assert (h100.hardware.device_watts, h100.hardware.memory_bytes) == (700, 80e9)
    assert planned("croissant", 'plan.hardware="h200"').hardware.memory_bytes == 141e9


def test_what_this_version_cannot_do_is_said(planned):
    said = [warning["message"] for warning in planned("croissant").warnings]
    assert not any("would need {need:,.1f} TB of memory" in message for message in said)
    assert any("divided evenly among" in message for message in said)
    assert not any("uses one of them" in message for message in said)  # it finetunes nothing
    large = planned("croissant", "pretrain.micro_batch_rows=16")
    assert any("GB of memory, and there are" in warning["message"] for warning in large.warnings)


@pytest.mark.parametrize("devices", [1, 4])
def test_finetuning_is_said_to_use_one_of_several_devices(planned, devices):
    plan = planned("petit", 'plan.hardware="A100"', f"plan.num_devices={devices}")
    said = [warning["values"]["count"] for warning in plan.warnings if "uses one of them" in warning["message"]]
    assert said == ([devices] if devices > 1 else [])
