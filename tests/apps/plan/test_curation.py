"""What curation would take of a cluster."""

import json

import pytest

from fournil.apps.plan import rates
from fournil.apps.plan.as_json import as_json
from fournil.apps.plan.curation import curation_of


def test_the_published_french_split_and_a_large_crawl_are_extrapolated(planned):
    told = {each["name"]: each for each in json.loads(as_json(planned("croissant")))["curation_on_a_cluster"]}
    assert list(told)[-2:] == ["all", "yardstick"]
    french, crawl = told["fr"], told["yardstick"]
    assert french["text_bytes"] == pytest.approx(1.2587e12, rel=1e-4)
    assert crawl["text_bytes"] == 15e12
    assert sum(french["core_hours"].values()) > french["text_bytes"] / 1e6 * rates.CLEAN_CORE_SECONDS_PER_MB / 3600
    assert french["shuffle_bytes"] == pytest.approx(1.2587e12 / 5_000 * 168, rel=1e-3)
    parts = [each for name, each in told.items() if name not in ("all", "yardstick")]
    assert told["all"]["num_texts"] == pytest.approx(sum(each["num_texts"] for each in parts))
    assert told["parallel"]["num_texts"] > told["parallel"]["text_bytes"] / 1000


def test_little_text_needs_no_cluster(planned):
    assert planned("petit").curations == ()


def test_what_looks_at_texts_alone_grows_with_them_and_comparing_a_little_faster():
    small, large = curation_of("", 1e9, 1e5), curation_of("", 1e11, 1e7)
    for part in ("clean", "write", "check"):
        assert large.core_hours[part] == pytest.approx(100 * small.core_hours[part])
    assert 100 < large.core_hours["compare"] / small.core_hours["compare"] < 150
    assert curation_of("", 1e9, 1e5, times_reference=2).all_core_hours == pytest.approx(2 * small.all_core_hours)


def test_what_is_held_out_takes_memory_while_leaks_are_looked_for():
    none, some = (curation_of("", 1e9, 1e5, held_out=share).driver_bytes for share in (0.0, 0.02))
    assert some - none == pytest.approx(rates.HELD_OUT_BYTES_PER_BYTE * 0.02 * 1e9)


def test_the_memory_of_curation_no_longer_grows_as_the_text_does(planned_table):
    def memory(gigabytes: float) -> float:
        table = {"sources": {"hub": [
            {"key": "web", "dataset": "a/b", "language": "fr", "licence": "CC0-1.0", "statement": "x",
             "stated_bytes": gigabytes * 1e9}]}}  # fmt: skip
        return next(each.memory_bytes for each in planned_table(table).estimates if each.stage == "curate")

    assert memory(10) < 2e9
    assert memory(1000) < 0.1 * 1000e9


def test_more_than_any_machine_holds_is_said(planned):
    plan = planned("croissant", "sources.hub.0.stated_bytes=1e16")
    said = [warning["values"] for warning in plan.warnings if "TB of memory on one machine" in warning["message"]]
    assert [values["stage"] for values in said] == ["02-curate"]
