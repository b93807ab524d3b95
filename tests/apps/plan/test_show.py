"""A plan as people read it, and as JSON."""

import io
import json

import pytest

from fournil.apps.plan import as_json, print_plan
from fournil.apps.plan.rates import Speed
from fournil.apps.plan.written import amount, energy, mass, money, size, time
from fournil.core.speech import speaking

KEYS = {
    "format",
    "recipe",
    "hardware.name",
    "hardware.num_devices",
    "hardware.num_cores",
    "hardware.device_memory_bytes",
    "hardware.flops_per_second",
    "sources[].source",
    "sources[].group",
    "sources[].unit",
    "sources[].num_texts",
    "sources[].text_bytes",
    "sources[].text_bytes_are_lower_bound",
    "sources[].size_from",
    "sources[].kept_bytes",
    "sources[].tokens",
    "sources[].tokens_seen",
    "sources[].epochs",
    "groups[].group",
    "groups[].tokens",
    "groups[].tokens_seen",
    "groups[].share",
    "groups[].epochs",
    "model.num_parameters",
    "model.num_embedding_parameters",
    "model.num_non_embedding_parameters",
    "pretraining.tokens",
    "pretraining.flops_by_products",
    "pretraining.flops_six_n_d",
    "stages[].stage",
    "stages[].finished",
    "stages[].seconds",
    "stages[].seconds_are_lower_bound",
    "stages[].memory_bytes",
    "stages[].disk_bytes",
    "stages[].flops",
    "stages[].device_hours",
    "stages[].energy_kwh",
    "stages[].price_eur",
    "stages[].emissions_kg_co2e",
    "curation_on_a_cluster[].name",
    "curation_on_a_cluster[].text_bytes",
    "curation_on_a_cluster[].num_texts",
    "curation_on_a_cluster[].core_hours.clean",
    "curation_on_a_cluster[].core_hours.compare",
    "curation_on_a_cluster[].core_hours.write",
    "curation_on_a_cluster[].core_hours.check",
    "curation_on_a_cluster[].shuffle_bytes",
    "curation_on_a_cluster[].work_bytes",
    "curation_on_a_cluster[].driver_memory_bytes",
    "total.seconds",
    "total.seconds_are_lower_bound",
    "total.disk_bytes",
    "total.device_hours",
    "total.energy_kwh",
    "total.price_eur",
    "total.emissions_kg_co2e",
    "published.device_hours",
    "published.energy_kwh",
    "published.emissions_kg_co2e",
    "published.evidence",
    "assumptions.utilisation",
    "assumptions.device_watts",
    "assumptions.core_watts",
    "assumptions.pue",
    "assumptions.grid_g_co2e_per_kwh",
    "assumptions.eur_per_kwh",
    "assumptions.eur_per_device_hour",
    "assumptions.kept_share",
    "assumptions.bytes_per_token",
    "assumptions.measured_how",
    "assumptions.measured_seconds",
    "assumptions.text_times_reference",
    "assumptions.matrix_times_reference",
    "warnings[]",
}
"""When one goes or changes its meaning, JSON_FORMAT rises."""


def paths(value, path=""):
    if isinstance(value, dict) and path != "warnings[]":
        for key, inner in value.items():
            yield from paths(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")
    else:
        yield path


def shown(plan):
    file = io.StringIO()
    print_plan(plan, file)
    return file.getvalue()


@pytest.mark.parametrize("name", ["mie", "petit", "croissant"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_plan_fits_in_80_columns(planned, name, language):
    with speaking(language):
        lines = shown(planned(name)).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) > 30


def test_every_part_of_a_plan_is_there(planned):
    text = " ".join(shown(planned("croissant")).split())
    for part in (
        "fr 303 G 1.24 T 41.5% 4.09",
        "parallel 35.8 G 219 G 7.3% 6.11",
        "1,345,423,360 parameters, 1,214,351,360 of them not embedding",
        "2.48·10^22 FLOP",
        "04-pretrain",
        "17.4 days",
        "48.1 MWh",
        "99,648",
        "22.0%",
        "400 W",
        "1.20 for the building",
        "58 g CO2e",
        "fr 1.26 TB",
        "a large crawl 15.0 TB",
        "comparing grows as n log n",
    ):
        assert part in text, part


def test_lower_bounds_and_unknowns_are_marked(planned, planned_table, hub):
    lines = {line.split()[0]: line for line in shown(planned("petit")).splitlines() if line.strip()}
    assert "≥" in lines["01-sources"]  # fetching comes on top
    assert "≥" not in lines["04-pretrain"]
    plan = planned_table({"sources": {"hub": [hub("web", language="fr")]}})
    lines = {line.split()[0]: line.split() for line in shown(plan).splitlines() if line.strip()}
    assert lines["web"][1:] == ["fr", "?", "?", "?"]
    assert lines["02-curate"][1] == "?"


def test_a_model_too_small_for_a_device_is_a_lower_bound(planned):
    plan = planned("petit", 'plan.hardware="H100"')
    assert next(estimate for estimate in plan.estimates if estimate.stage == "pretrain").at_least
    assert not next(e for e in planned("croissant").estimates if e.stage == "pretrain").at_least


def test_the_way_of_measuring_is_said(planned):
    said = {way: shown(planned("mie", speed=Speed(way=way))) for way in ("reference", "probe", "measured")}
    assert "was not measured" in said["reference"]
    assert "scaled by a probe" in said["probe"]
    assert "few steps of the recipe's own" in said["measured"]


def test_a_rented_device_costs_its_hours(planned):
    plan = planned("croissant", "plan.eur_per_device_hour=1.5")
    pretrain = next(estimate for estimate in plan.estimates if estimate.stage == "pretrain")
    assert plan.cost(pretrain).eur == pytest.approx(1.5 * pretrain.device_hours)
    assert "1.50 € for each hour" in shown(plan)


@pytest.mark.parametrize("name", ["mie", "petit", "croissant"])
def test_json_has_the_keys_that_it_is_known_by(planned, name):
    found = json.loads(as_json(planned(name)))
    where_there_is_much = {key for key in KEYS if key.startswith("curation_on_a_cluster[")}
    known = KEYS if name == "croissant" else KEYS - where_there_is_much | {"curation_on_a_cluster[]"}
    maybe_empty = {"warnings[]", "curation_on_a_cluster[]"}
    assert set(paths(found)) - maybe_empty == known - maybe_empty
    assert found["format"] == 1
    assert found["total"]["seconds"] == pytest.approx(sum(stage["seconds"] or 0 for stage in found["stages"]))


def test_json_is_the_same_in_every_language(planned):
    plan = planned("croissant")
    with speaking("fr"):
        assert as_json(plan) == as_json(planned("croissant"))
    assert json.loads(as_json(plan))["warnings"][0]["message"].startswith("training is divided evenly among")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (amount(None), "?"),
        (amount(0), "0"),
        (amount(59), "59"),
        (amount(9_999), "9,999"),
        (amount(12_345), "12.3 k"),
        (amount(999_960_000), "1.00 G"),
        (amount(303.51e9), "304 G"),
        (size(613), "0.61 kB"),
        (size(45_547_758), "45.5 MB"),
        (size(4.09e12), "4.09 TB"),
        (time(None), "?"),
        (time(12.4), "12 s"),
        (time(86400 * 17.4), "17.4 days"),
        (energy(0.0001), "100 mWh"),
        (energy(48_083), "48.1 MWh"),
        (mass(0.00000824), "8.24 mg"),
        (mass(2789), "2.79 t"),
        (money(0.001), "<0.01"),
        (money(9617.4), "9,617"),
    ],
)
def test_amounts(written, text):
    assert written.replace("\u00a0", " ") == text
    with speaking("fr"):
        assert amount(12_345) == "12,3\u00a0k"
