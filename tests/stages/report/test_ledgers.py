"""Ledgers of other versions, with parts missing, edited by hand, or planned: a page comes out, or one clear error."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from strict_html import Page

from fournil.core import ledger
from fournil.core.errors import FournilError
from fournil.core.record import Record
from fournil.core.speech import mark
from fournil.stages.report import Config, without_measured
from fournil.stages.report.page import draw
from fournil.stages.report.story import Story, read_story

WRONG: tuple[Any, ...] = (
    None,
    "text",
    -1.5,
    [],
    {},
    [1, "x", None],
    {"a": 1},
    [{"a": {}}],
    [{"language": 5, "step": "x"}],
)
STAGES = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export")


@pytest.fixture
def tell(make_run: Callable[..., Path]) -> Callable[..., Story]:
    """Make a ledger of some stages, and read it."""

    def make(stages: Sequence[str] = STAGES) -> Story:
        return read_story(make_run(stages), name="loaf", title="A loaf", description="", languages=("fr", "en"))

    return make


def changed(story: Story, place: int, change: Callable[[Record], object]) -> Story:
    record = copy.deepcopy(story.entries[place].record)
    change(record)
    entries = list(story.entries)
    entries[place] = replace(entries[place], record=record)
    return replace(story, entries=tuple(entries))


def section_names(page: Page) -> set[str | None]:
    return {attributes.get("id") for name, attributes in page.elements if name == "section"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("where", ["facts", "measured", "config"])
def test_a_fact_of_another_form_costs_its_part_of_the_page_at_most(
    tell: Callable[..., Story], stage: str, where: str
) -> None:
    story = tell([stage])
    for key, wrong in product(getattr(story.entries[0].record, where), WRONG):
        table = {**getattr(story.entries[0].record, where), key: wrong}
        page = Page(draw(changed(story, 0, partial(_set, where, table)), Config()))
        assert page.wrong == [], (key, wrong)
        assert {"cost", "records"} <= section_names(page), (key, wrong)


@pytest.mark.parametrize("stage", STAGES)
def test_a_fact_that_is_missing_leaves_nothing_out_but_what_it_says(tell: Callable[..., Story], stage: str) -> None:
    story = tell([stage])
    whole = section_names(Page(draw(story, Config())))
    for key in story.entries[0].record.facts:
        facts = {name: value for name, value in story.entries[0].record.facts.items() if name != key}
        page = Page(draw(changed(story, 0, partial(_set, "facts", facts)), Config()))
        assert page.wrong == [], key
        assert "Not to be read" not in page.text, key
        assert len(whole - section_names(page)) <= 1, key


def _set(name: str, value: object, record: Record) -> None:
    object.__setattr__(record, name, value)


def test_a_part_that_cannot_be_read_says_so_and_how_to_mend_it(tell: Callable[..., Story]) -> None:
    story = tell()
    broken = changed(story, 2, lambda record: record.facts.update(parity={"tokens": 1.1}))
    page = Page(draw(broken, Config()))
    assert "Not to be read: tokenizer" in page.text
    assert "Bake that stage again with this version of Fournil." in page.text
    assert "What it scores" in page.text
    assert "Not to be read" not in Page(draw(story, Config())).text


def test_records_that_are_none_are_one_error(tell: Callable[..., Story]) -> None:
    broken = changed(tell(["sources"]), 0, partial(_set, "outputs", "text"))
    with pytest.raises(FournilError, match="not of the form") as caught:
        draw(broken, Config())
    assert caught.value.fix == "Bake it again with this version of Fournil."


def test_times_that_are_none_are_left_out_of_the_sum(tell: Callable[..., Story]) -> None:
    story = tell(["sources", "curate"])
    for wrong in (None, "long", float("nan")):
        page = Page(draw(changed(story, 1, partial(_set, "seconds", wrong)), Config()))
        assert "All together 13 s" in page.text.replace("\u00a0", " ")


def test_headlines_of_both_kinds_are_no_trouble(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run(["sources", "evaluate"])
    for headline in ("9,770 documents", mark("{n:,} documents", n=9770), [mark("one"), "two"], None):
        for record in ledger.latest(ledger.read_ledger(folder)).values():
            record.facts["headline"] = headline
            ledger.append(folder, record)
        assert Page(draw_page(folder)).wrong == []


def test_what_was_planned_stands_beside_what_was_taken(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    plain, planned = make_run(["curate", "pretrain"], name="a"), make_run(["curate", "pretrain"], name="b")
    for record in ledger.read_ledger(planned):
        record.measured["planned"] = {"seconds": record.seconds / 1.25, "memory_bytes": 1_680_000_000}
        ledger.append(planned, record)
    without, with_plan = draw_page(plain), draw_page(planned)
    text = Page(with_plan).text.replace("\u00a0", " ")
    assert "26 s planned 21 s, × 1.25" in text
    assert "0.42 GB planned 1.68 GB, × 0.25" in text
    assert "All together 1 min 20 s planned 1 min 04 s, × 1.25 0.84 GB planned 1.68 GB, × 0.50" in text
    assert "× 1.00 is as planned" in text
    assert "planned" not in Page(without).text
    cost = [page[page.index('id="cost"') : page.index('id="records"')] for page in (without, with_plan)]
    assert without_measured(cost[0]) == without_measured(cost[1])


def test_a_stage_without_a_plan_leaves_the_sum_without_one(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    folder = make_run(["curate", "pretrain"])
    record = ledger.read_ledger(folder)[0]
    record.measured["planned"] = {"seconds": 20.0}
    ledger.append(folder, record)
    text = Page(draw_page(folder)).text.replace("\u00a0", " ")
    assert "planned 20 s" in text
    assert "All together 1 min 20 s 0.84 GB" in text


def test_energy_known_in_two_ways_names_the_stages_of_each(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    one, two = make_run(["sources", "curate"], name="a"), make_run(["sources", "curate"], name="b", pace=2.0)
    assert "Energy. Estimated: 12 W per busy core." in Page(draw_page(one)).text
    said = "Energy. sources: measured: RAPL; curate: estimated: 12 W per busy core."
    assert said in Page(draw_page(two)).text
