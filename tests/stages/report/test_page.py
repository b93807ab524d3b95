"""The page as a whole: well-formed, of one piece, safe, the same for the same ledger, and true to it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from strict_html import Page

from fournil.core import ledger
from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.speech import retell
from fournil.flow import STAGES as FLOW
from fournil.stages.report import Config, run, without_measured
from fournil.stages.report.story import ORDER

HOSTILE = "</script></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' & \u202e\x00 ]]> {{7*7}}"
STAGES = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export")


@pytest.fixture
def page(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> str:
    """The page in English."""
    return draw_page(make_run())


@pytest.fixture(params=["index.html", "index.fr.html"])
def either(request: pytest.FixtureRequest, make_run: Callable[..., Path], draw_page: Callable[..., str]) -> str:
    """The page in each language."""
    return draw_page(make_run(), file=request.param)


def test_order_is_the_flows() -> None:
    assert (*ORDER, "report") == FLOW


def test_is_well_formed(either: str) -> None:
    found = Page(either)
    assert found.wrong == []
    assert either.startswith(('<!DOCTYPE html>\n<html lang="en">', '<!DOCTYPE html>\n<html lang="fr">'))
    assert [name for name, _ in found.elements].count("h1") == 1
    names = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(set(names)) == len(names)


def test_links_inside_the_page_lead_somewhere(either: str) -> None:
    found = Page(either).elements
    names = {attributes.get("id") for _, attributes in found}
    inner = {str(attributes["href"])[1:] for _, attributes in found if str(attributes.get("href")).startswith("#")}
    assert inner <= names
    assert {f"record-{number}" for number in range(1, 8)} <= inner


def test_asks_for_nothing(either: str) -> None:
    for name, attributes in Page(either).elements:
        assert "style" not in attributes, name
        assert not [key for key in attributes if key.startswith("on")], name
        assert name not in {"iframe", "object", "embed", "base", "form", "img", "audio", "video", "source"}
        assert not {"src", "srcset", "action", "poster", "data"} & set(attributes), name
        if name == "link":
            assert str(attributes["href"]).startswith("data:")
    style = re.search(r"<style>(.*?)</style>", either, re.DOTALL)
    assert style is not None
    assert "@import" not in style[1]
    assert "url(" not in style[1]
    assert not re.search(
        r"fetch|XMLHttpRequest|WebSocket|EventSource|import\(|sendBeacon|http:|https:",
        _script(either).replace("http://www.w3.org/2000/svg", ""),
    )


def _script(page: str) -> str:
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(found) == 1
    return found[0]


def test_policy_allows_this_style_and_this_script_alone(either: str) -> None:
    policy = next(a["content"] for name, a in Page(either).elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for name in ("style", "script"):
        content = re.search(rf"<{name}>(.*?)</{name}>", either, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_hostile_text_stays_text(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    page = draw_page(make_run(hostile=HOSTILE), title="Title" + HOSTILE, description="Words" + HOSTILE, name="x")
    found = Page(page)
    assert found.wrong == []
    assert [name for name, _ in found.elements].count("script") == 1
    assert "img" not in [name for name, _ in found.elements]
    assert not [key for _, attributes in found.elements for key in attributes if key.startswith("on")]
    assert "\x00" not in page
    assert "\u202e" not in page
    shown = " ".join(HOSTILE.replace("\x00", "\ufffd").replace("\u202e", "\ufffd").split())
    for before in (
        "Title",
        "Words",
        "The authors of manpages-fr",
        "The file already exists.",
        "« /etc/fstab ».",
    ):
        assert before + shown in found.text


def test_addresses_that_are_none_are_no_links(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run(["sources"])
    record = ledger.read_ledger(folder)[0]
    record.facts["sources"][0]["url"] = "javascript:alert(1)"
    record.facts["sources"][1]["url"] = "data:text/html,<script>alert(1)</script>"
    ledger.append(folder, record)
    links = {str(a["href"]) for name, a in Page(draw_page(folder)).elements if name == "a"}
    assert "https://example.org/messages" in links
    assert all(link.startswith(("#", "https://example.org/")) for link in links - {"index.fr.html"})


@pytest.mark.parametrize("left_out", [*combinations(STAGES, 1), *combinations(STAGES, 6)])
def test_every_subset_of_stages_has_a_page(
    left_out: tuple[str, ...], make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    stages = [stage for stage in STAGES if stage not in left_out]
    found = Page(draw_page(make_run(stages)))
    assert found.wrong == []
    sections = {attributes.get("id") for name, attributes in found.elements if name == "section"}
    assert {"cost", "records", "words"} <= sections
    assert ("sources" in sections) == ("sources" in stages)
    assert ("funnel" in sections) == bool({"sources", "curate"} & set(stages))
    assert ("heldout" in sections) == ("curate" in stages)
    assert ("tokenizer" in sections) == ("tokenizer" in stages)
    assert ("pretraining" in sections) == ("pretrain" in stages)
    assert ("scores" in sections) == ("translations" in sections) == ("evaluate" in stages)
    assert ("files" in sections) == ("export" in stages)
    assert any(str(name).startswith("finetune-") for name in sections) == ("finetune" in stages)


def test_a_stage_that_says_nothing_is_no_trouble(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run()
    for record in ledger.read_ledger(folder):
        record.facts.clear()
        record.measured.clear()
        record.config.clear()
        record.machine.clear()
        record.energy.clear()
        ledger.append(folder, record)
    assert Page(draw_page(folder, description="", title="")).wrong == []


def test_the_same_ledger_gives_the_same_bytes(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run()
    assert draw_page(folder) == draw_page(folder)


def test_two_bakes_differ_in_measured_elements_only(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    first, second = draw_page(make_run(name="a")), draw_page(make_run(name="b", pace=3.7))
    assert first != second
    assert without_measured(first) == without_measured(second)
    assert Page(without_measured(first)).wrong == []
    assert "6 min 11 s" in Page(first).text
    assert "6 min 11 s" not in Page(without_measured(first)).text


def test_a_training_killed_after_its_last_step_changes_nothing_else(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    first, second = draw_page(make_run(["pretrain"], name="a")), draw_page(make_run(["pretrain"], name="b", pace=0.0))
    assert "not timed" in second
    assert without_measured(first) == without_measured(second)


def test_another_output_shows_outside_of_measured_elements(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    first, second = draw_page(make_run(name="a")), draw_page(make_run(name="b", hostile="!"))
    assert without_measured(first) != without_measured(second)


def test_without_measured_takes_out_nested_and_repeated_elements() -> None:
    html = (
        "<p>a<span data-measured>1<b>2<br>3</b><span data-measured>4</span></span>b<i data-measured>5</i>&amp;c<br></p>"
    )
    assert without_measured(html) == "<p>a<span data-measured></span>b<i data-measured></i>&amp;c<br></p>"


def test_figures_are_the_ledgers(page: str) -> None:
    text = Page(page).text.replace("\u00a0", " ")
    for figure in (
        "3.34 million",  # parameters
        "1.23 million tokens in 1,200 steps",
        "French 45.0 %, English 45.0 %, code 10.0 %",
        "37.5",  # French rows per 100 tokens: (420,000 + 40,800) / 1,228,800
        "240 documents and 1,400 pairs",
        "434,720,000 comparisons",
        "640 of the pairs are short messages of at most 45 characters",
        "816 e-mail addresses, 3 telephone numbers",
        "1,204 4.9 %",  # near duplicates, of all refused
        "French takes 1.093 times as many tokens as English (1.310 with Mistral’s)",
        "At most 45 characters chrF, compared pair by pair: +17.9 [+15.6, +20.1] against copying",
        "44.3 [43.0, 45.5]",
        "26.4 [25.1, 27.6]",
        "1.624 [1.593, 1.655]",
        "97.3 % [94.0 %, 99.0 %]",
        "6 min 11 s",  # 13.25 s × (1 + … + 7)
        "5.88 Wh",
        "1.47 GB",
        "the same logits on 6 prompts (largest difference 3.4 × 10−6)",
        "11 of 12 prompts",
        "not checked: xllamacpp is not installed",
        "3.60 MB",
    ):
        assert figure in text, figure


def test_the_story_of_a_refused_document_can_be_asked_for(page: str) -> None:
    assert "fournil why RUN manpages-fr/man3/strcpy.3" in Page(page).text


def test_the_ledgers_head_and_lines_are_named(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run()
    page = draw_page(folder)
    lines = (folder / "ledger.jsonl").read_bytes().splitlines()
    assert (folder / "ledger.head").read_text().strip() in page
    for line in lines:
        assert hashlib.sha256(line).hexdigest() in page
        assert json.loads(line)["record"]["outputs"]["sha256"] in page


def test_its_own_record_changes_nothing(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run()
    before = draw_page(folder)
    report = ledger.read_ledger(folder)[-1]
    object.__setattr__(report, "stage", "report")
    object.__setattr__(report, "name", "report")
    ledger.append(folder, report)
    assert draw_page(folder) == before


def test_models_of_an_earlier_bake_are_left_out(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run(["curate", "finetune"])
    old = ledger.read_ledger(folder)[1]
    object.__setattr__(old, "name", "forgotten")
    old.inputs["curate"] = {"path": "02-curate", "sha256": "of text that is no longer there", "bytes": 1}
    ledger.append(folder, old)
    text = Page(draw_page(folder)).text
    assert "translator" in text
    assert "forgotten" not in text


def test_folders_of_this_machine_are_left_out(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run(["sources"])
    record = ledger.read_ledger(folder)[0]
    record.inputs["file-0000"] = {"path": "/home/marie/private/letters.txt", "sha256": "ab12", "bytes": 9}
    record.config["files"] = [{"paths": ["/home/marie/private/letters.txt", "recipes/own.txt"]}]
    ledger.append(folder, record)
    page = draw_page(folder)
    assert "marie" not in page
    assert page.count("…/letters.txt") == 2
    assert "recipes/own.txt" in page


def test_samples_are_in_their_language(page: str) -> None:
    assert '<dd lang="fr" dir="auto" class="answer">Voulez-vous enregistrer les changements\u202f?</dd>' in page
    assert '<dd lang="en" dir="auto">The file already exists.</dd>' in page
    assert '<blockquote lang="fr"' in page


def test_every_chart_has_words_and_a_table(either: str) -> None:
    found = Page(either)
    charts = [attributes for name, attributes in found.elements if name == "svg" and attributes.get("role") == "img"]
    others = [attributes for name, attributes in found.elements if name == "svg" and attributes.get("role") != "img"]
    assert len(charts) == 4
    for chart in charts:
        assert re.search(r"\d[.,]\d+ [^\d]+ \d[.,]\d+\.$", str(chart["aria-label"]))
    assert all(attributes.get("aria-hidden") == "true" for attributes in others)
    figures = re.findall(r"<figure.*?</figure>", either, re.DOTALL)
    assert len(figures) == 4
    assert all("<table " in figure for figure in figures)


def test_every_table_has_a_caption_and_headings(either: str) -> None:
    for table in re.findall(r"<table.*?</table>", either, re.DOTALL):
        assert "<caption" in table
        assert 'scope="col"' in table
        assert 'scope="row"' in table


def test_bounds_on_samples_hold(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    folder = make_run(["evaluate"])
    page = draw_page(folder, config=Config(max_translations=2, max_continuations=1))
    assert page.count("<dt>reference</dt>") == 2 * 2 + 2  # two each way, and the first taste
    assert page.count("<blockquote") == 2
    assert "<blockquote" not in draw_page(folder, config=Config(max_continuations=0))


def test_counts_below_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="max_rules is below 0"):
        Config(max_rules=-1)


def test_is_small_and_says_so(make_run: Callable[..., Path], tmp_path: Path) -> None:
    artifact = run(Config(), {"run": make_run()}, tmp_path / "out", Context())
    found = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    assert set(found) == {"index.html", "index.fr.html"}
    assert max(found.values()) < 120_000
    assert artifact.measured["bytes"] == found
    sizes = [f"{found[name] / 1e3:,.0f} kB" for name in ("index.html", "index.fr.html")]
    told = "the page in English, index.html ({}), and in French, index.fr.html ({})"
    assert retell(artifact.measured["headline"]) == told.format(*sizes)
    assert "headline" not in artifact.facts  # sizes depend on how times are written


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FournilError, match="no record yet"):
        run(Config(), {"run": tmp_path}, tmp_path / "out", Context())


def test_an_altered_ledger_is_refused(make_run: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_run(["sources", "curate"])
    path = folder / "ledger.jsonl"
    path.write_text(path.read_text("utf-8").replace("Manual pages", "Manual tales"), "utf-8")
    with pytest.raises(FournilError, match="altered at line 1 or 2"):
        run(Config(), {"run": folder}, tmp_path / "out", Context())


def test_cards_name_their_cells(either: str) -> None:
    cards = re.findall(r'<table class="cards[^"]*".*?</table>', either, re.DOTALL)
    assert len(cards) == 3
    for table in cards:
        assert all('data-label="' in cell for cell in re.findall(r"<td[^>]*>", table))
        assert 'role="table"' in table


def test_text_that_only_measures_is_no_ingredient(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    alone = Page(draw_page(make_run(["sources", "evaluate"])))
    assert "Ingredients" not in alone.text
    assert "What it was measured on" in alone.text


def test_files_without_a_licence_are_said_to_have_none(
    make_run: Callable[..., Path], draw_page: Callable[..., str]
) -> None:
    folder = make_run(["sources"])
    record = ledger.read_ledger(folder)[0]
    del record.facts["sources"][1:]
    record.facts["sources"][0]["documents"]["licences"] = {"LicenseRef-not-stated": 5}
    ledger.append(folder, record)
    text = Page(draw_page(folder)).text
    assert "Licences: none stated (5)." in text
    assert "machine-readable" not in text
    assert "LicenseRef" not in text
