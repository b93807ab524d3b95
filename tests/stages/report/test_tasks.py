"""Tasks on the page: French beside English with the gap, mended editions, baselines, failures, curves, fidelity."""

import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import chromium
import pytest
from strict_html import Page
from task_records import QUESTION, evaluate_facts

from fournil.core import ledger
from fournil.stages.report import Config
from fournil.stages.report.sections.tasks import gap_of, side_by_side, value_in_words


@pytest.fixture
def with_tasks(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """Write a run whose evaluate record is of tasks; `change` may alter its facts."""

    def make(hostile: str = "", change: Callable[[dict[str, Any]], object] = dict, **more: Any) -> Path:
        folder = make_run(["pretrain", "evaluate"], hostile=hostile, **more)
        record = ledger.read_ledger(folder)[-1]
        record.facts.clear()
        record.facts.update(evaluate_facts(hostile))
        change(record.facts)
        ledger.append(folder, record)
        return folder

    return make


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def said(html: str) -> str:
    return " ".join(Page(html).text.replace("\u00a0", " ").split())


@pytest.fixture
def page(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> str:
    return draw_page(with_tasks())


def test_french_and_english_stand_side_by_side_with_the_gap(page: str) -> None:
    text = said(section(page, "tasks"))
    for words in (
        # 2 × 100 × √(0.5²/1165 + 0.5²/1172) = 4.14
        "arc_challenge acc_norm, 5 examples before 27.3 % [24.4, 30.2] 29.2 % [26.3, 32.1] −1.9 [−6.0, +2.3]",
        "wikitext bits_per_byte, 5 examples before, lower is better 1.212 [1.083, 1.342] 1.333 [1.206, 1.460] −0.121",
        "wmt14 chrf, 5 examples before 21.4 [20.6, 22.1] 19.0 [18.3, 19.7] +2.4 [+1.3, +3.4]",
        "In one language only grammar acc, 5 examples before 62.2 % [53.0, 71.4]",
        "piqa acc_norm, 5 examples before – 55.1 %",
    ):
        assert words in text, words


def test_the_mended_figure_stands_below_the_official_one_never_instead_of_it(page: str) -> None:
    text = said(section(page, "tasks"))
    assert re.search(r"grammar acc.*?62\.2 %.*?grammar, mended acc.*?67\.2 %.*?fquadv2 f1", text)


def test_a_mended_task_with_a_counterpart_stands_beside_it_too() -> None:
    row = {"task": "french_bench_x", "edition": "official", "language": "fr", "pair": "x"}
    english = row | {"task": "x", "language": "en"}
    mended = row | {"task": "french_bench_x_fixed", "edition": "fixed", "pair": "", "of": "french_bench_x"}
    lines = side_by_side([row, mended, english])
    assert [(line.label, line.fixed) for line in lines] == [("x", False), ("x", True)]
    assert [line.sides for line in lines] == [{"fr": row, "en": english}, {"fr": mended, "en": english}]


def test_what_guessing_scores_stands_with_the_small_sets(page: str) -> None:
    text = said(section(page, "tasks"))
    assert "71.7 % [58.8, 84.6] chance 25.0 %, longest 26.7 %, hidden 23.3 % 73.3 %" in text
    assert "hidden 23.3 %, not to be told" not in text
    assert "28.3 % [15.4, 41.2] chance 25.0 %, longest 28.3 %, hidden 21.7 %, not to be told from chance" in text
    rows = evaluate_facts()["scores"]
    guesses = [row for row in rows if row["system"] != "model"]
    assert {row["system"] for row in guesses} == {"chance", "longest", "hidden"}


def test_failed_tasks_say_why(page: str) -> None:
    found = section(page, "tasks")
    assert "1 task was not scored." in found
    assert "<li><code>xnli</code>: the data set has no column &#x27;endings&#x27;</li>" in found


def test_an_evaluation_whose_tasks_all_failed_says_so(
    with_tasks: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    def fail(facts: dict[str, Any]) -> None:
        facts["scores"], facts["curves"] = [], []
        facts["tasks"] = [block | {"status": "failed", "reason": "no"} for block in facts["tasks"]]

    text = said(draw_page(with_tasks(change=fail)))
    assert "23 tasks were not scored." in text
    assert "Not to be read" not in text


def test_a_task_that_failed_on_a_checkpoint_has_its_step_and_fidelity_may_fail_alone(
    with_tasks: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    failed = {"edition": "", "language": "", "pair": "", "status": "failed", "reason": "no"}

    def fail(facts: dict[str, Any]) -> None:
        facts["tasks"].append(failed | {"task": "boolq", "checkpoint": 1200})

    def fail_alone(facts: dict[str, Any]) -> None:
        facts.clear()
        facts.update(scores=[], tasks=[failed | {"task": "fidelity"}])

    assert "<li><code>boolq</code> at step 1,200: no</li>" in draw_page(with_tasks(change=fail))
    assert "1 task was not scored. fidelity: no" in said(draw_page(with_tasks(change=fail_alone, name="alone")))


def test_the_first_prompts_are_folded_away_and_cut_in_the_middle(
    with_tasks: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    def lengthen(facts: dict[str, Any]) -> None:
        facts["tasks"][0]["prompts"][0] = f"Begin{'x' * 3_000}{QUESTION}"

    folder = with_tasks(change=lengthen)
    num_bytes = [len(draw_page(folder, config=Config(max_prompts=number)).encode()) for number in (0, 1, 3)]
    assert num_bytes == sorted(num_bytes)
    page = section(draw_page(folder), "tasks")
    assert page.count("<pre ") == 22
    shown = re.findall(r"<pre [^>]*>(.*?)</pre>", page, re.DOTALL)[0]
    assert shown.startswith("Beginxxx")
    assert "characters left out]" in shown
    assert shown.endswith("Réponse:")
    assert len(shown) < 1_700
    assert "<pre " not in section(draw_page(folder, config=Config(max_prompts=0)), "tasks")


def test_conditions_say_items_cuts_and_data(page: str) -> None:
    text = said(section(page, "tasks"))
    assert "boolq 3,270 5 3 0 manu/boolq@0123456 version 1.0, seed 7 " in text


def test_checkpoints_are_curves_and_not_rows(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    def score_a_checkpoint(facts: dict[str, Any]) -> None:
        facts["scores"].append(facts["scores"][0] | {"checkpoint": 200, "value": 0.1234})

    def know_no_other(facts: dict[str, Any]) -> None:
        first = facts["scores"][0]
        facts["scores"] = [first | {"checkpoint": step, "value": step / 1000} for step in (100, 300, 200)]

    both = draw_page(with_tasks(change=score_a_checkpoint))
    assert "12.3" not in said(section(both, "tasks"))
    last = said(section(draw_page(with_tasks(change=know_no_other, name="other")), "tasks"))
    assert "30.0 %" in last
    assert "20.0 %" not in last


def test_curves_have_bands_words_and_tables(page: str) -> None:
    found = section(page, "curves")
    charts = re.findall(r'<svg viewBox="0 0 400.*?</svg>', found, re.DOTALL)
    assert [re.findall(r'class="spread (c\d)"', chart) for chart in charts] == [["c1", "c2"], ["c1", "c2"], ["c1"]]
    assert "French from 21.9 to 27.3; English from 23.3 to 29.2." in found
    assert "<b>grammar, mended</b>" in found
    assert found.count("<table ") == 3
    assert found.count("<polyline ") == 5


def test_many_curves_are_folded(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    def repeat(facts: dict[str, Any]) -> None:
        first = facts["curves"][0]
        facts["curves"] = [first | {"task": f"task-{number}"} for number in range(11)]

    found = section(draw_page(with_tasks(change=repeat)), "curves")
    assert found.count("<polyline ") == 11
    assert "<summary>3 more curves</summary>" in found


def test_sticking_to_the_language_has_its_own_section(page: str) -> None:
    text = said(section(page, "fidelity"))
    for words in (
        "after 200 prompts in each language",
        "All prompts 84.5 % [79.4, 89.6] 91.0 % [87.0, 95.0]",
        "Dialogue to go on with 76.0 % [63.9, 88.1] –",
        "Answers that drift into the other language 9.5 % [5.3, 13.7] 4.0 %",
        "Dialogues whose speakers keep their tags 62.0 %",
        "French, 576 sentences",
        "in the language 78.3 %",
        "19 answers drift into English. 6 are in it from the start. Half of the drifts have begun after 84 characters",
        "other languages: it 3, es 1.",
        "31 keep the speakers’ tags, 7 lose them, 12 begin no new turn.",
        "does not stick, Questions",
        "(nothing)",
    ):
        assert words in text, words
    assert '<blockquote lang="fr"' in section(page, "fidelity")


def test_a_model_that_never_drifts_is_said_to(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    def stay(facts: dict[str, Any]) -> None:
        facts["fidelity"] = {"fr": facts["fidelity"]["fr"] | {"drift": {"num": 0, "into": "en"}, "examples": []}}

    def begin(facts: dict[str, Any]) -> None:
        facts["fidelity"]["fr"]["drift"] |= {"num": 6, "median_characters": 0.0, "median_share": 0.0}

    text = said(section(draw_page(with_tasks(change=stay)), "fidelity"))
    assert "No answer drifts into the other language." in text
    assert "What was given" not in text
    text = said(section(draw_page(with_tasks(change=begin, name="other")), "fidelity"))
    assert "6 answers drift into English. That is what they begin with. Sentences" in text


def test_tasks_alone_make_no_section_of_held_out_scores(page: str) -> None:
    assert '<section id="scores"' not in page
    assert "Other scores" not in page
    assert "chrf" in page
    assert 'id="taste"' not in page


def test_hostile_names_stay_text(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    page = draw_page(with_tasks(hostile="<script>x</script>\u202e"))
    assert Page(page).wrong == []
    assert "<script>x" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("wrong", [{"points": 5}, {"points": [{"step": "x"}]}, {"metric": None}])
def test_curves_of_another_form_are_left_out(
    with_tasks: Callable[..., Path], draw_page: Callable[..., str], wrong: dict[str, Any]
) -> None:
    page = draw_page(with_tasks(change=lambda facts: facts.update(curves=[wrong, "x"])))
    assert '<section id="curves"' not in page
    assert '<section id="tasks"' in page


def test_gaps_are_of_one_metric_and_need_intervals_for_their_own() -> None:
    row = {"metric": "acc", "value": 0.5, "interval": [0.44, 0.58]}
    found = gap_of(row, row | {"value": 0.4, "interval": [0.34, 0.48]})
    assert found == (pytest.approx(0.1), (pytest.approx(0.1 - math.hypot(0.06, 0.08)), pytest.approx(0.2)))
    assert gap_of(row, row | {"interval": None}) == (0.0, None)
    assert gap_of(row, row | {"metric": "f1"}) is None
    assert gap_of(row, row | {"value": None}) is None
    assert gap_of(None, row) is None


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("acc", 0.25, "25.0\u00a0%"),
        ("chrf", 20.04, "20.0"),
        ("bits_per_byte", 1.2346, "1.235"),
        ("word_perplexity", 31, "31.00"),
    ],
)
def test_figures_have_the_decimals_of_their_metric(metric: str, value: float, words: str) -> None:
    assert value_in_words(metric, value) == words


def test_the_same_facts_give_the_same_bytes(with_tasks: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    pages = [draw_page(with_tasks(name=name)) for name in ("one", "two")]
    assert pages[0] == pages[1]


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Chromium]:
    path = chromium.find()
    if path is None:
        pytest.skip("needs Chromium")
    with chromium.Chromium(path) as found:
        yield found


@pytest.mark.parametrize("file", ["index.html", "index.fr.html"])
def test_it_fits_a_phone_and_its_headings_are_in_order(
    browser: chromium.Chromium, with_tasks: Callable[..., Path], draw_page: Callable[..., str], file: str
) -> None:
    folder = with_tasks()
    draw_page(folder)
    page = browser.page((folder / "page" / file).as_uri())
    page.resize(360, 800, touch=True)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    outside = """(width) => [...document.querySelectorAll('body *')]
      .filter((one) => !one.closest('.scroll, .skip, .hearing, .bar'))
      .filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 80))"""
    assert page.ask(outside, 360) == []
    assert page.run("document.querySelector('table.tasks').scrollWidth") <= 360
    levels = page.run("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.complaints == []
    page.close()
