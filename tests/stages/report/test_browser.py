"""The page in a browser: it asks for nothing, fits a phone, sorts and reads charts in its language, needs no script."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import chromium
import pytest

from fournil.core.context import Context
from fournil.stages.report import Config, run

FILES = ("index.html", "index.fr.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Chromium]:
    path = chromium.find()
    if path is None:
        pytest.skip("needs Chromium")
    with chromium.Chromium(path) as found:
        yield found


@pytest.fixture
def folder(make_run: Callable[..., Path], tmp_path: Path) -> Path:
    context = Context(name="loaf", title="A small loaf", description="A model.\n\nUn modèle de la maison.")
    run(Config(), {"run": make_run()}, tmp_path / "page", context)
    return tmp_path / "page"


@pytest.mark.parametrize("file", FILES)
def test_no_request_no_complaint_and_the_policy_holds(browser: chromium.Chromium, folder: Path, file: str) -> None:
    page = browser.page((folder / file).as_uri())
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [(folder / file).as_uri()]
    assert (
        page.run("getComputedStyle(document.querySelector('.label')).borderTopWidth") == "2px"
    )  # the style is allowed
    refused = page.ask("() => fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.close()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(browser: chromium.Chromium, folder: Path, file: str, width: int) -> None:
    page = browser.page((folder / file).as_uri())
    page.resize(width, 800, touch=True)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    outside = """(width) => [...document.querySelectorAll('body *')]
      .filter((one) => !one.closest('.scroll, .skip, .hearing, .bar'))
      .filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 80))"""
    assert page.ask(outside, width) == []
    assert page.run("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("file", FILES)
def test_tables_sort_by_the_figures_of_their_language(browser: chromium.Chromium, folder: Path, file: str) -> None:
    page = browser.page((folder / file).as_uri())
    sort = """(column) => {
      const table = document.querySelector("#funnel table.sortable");
      table.tHead.rows[0].cells[column].querySelector("button").click();
      const figures = [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
      return [table.tHead.rows[0].cells[column].ariaSort, ...figures];
    }"""
    order, *figures = page.ask(sort, 1)
    found = [int("".join(filter(str.isdigit, figure))) for figure in figures]
    assert order == "descending"
    assert found == sorted(found, reverse=True)
    assert found[0] == 20_260
    order, *figures = page.ask(sort, 1)
    assert order == "ascending"
    assert [int("".join(filter(str.isdigit, figure))) for figure in figures] == sorted(found)
    page.close()


@pytest.mark.parametrize(("file", "figure"), [("index.html", "1,200"), ("index.fr.html", "1\u202f200")])
def test_charts_are_read_at_the_pointer(browser: chromium.Chromium, folder: Path, file: str, figure: str) -> None:
    page = browser.page((folder / file).as_uri())
    read = """() => {
      const chart = document.querySelector("#pretraining svg.chart");
      const { right, top } = chart.getBoundingClientRect();
      chart.dispatchEvent(new PointerEvent("pointermove", { clientX: right, clientY: top }));
      return chart.parentElement.querySelector(".reading").textContent;
    }"""
    said = page.ask(read)
    assert figure in said
    mark = "," if file == "index.fr.html" else "."
    assert f"\u00a02{mark}7" in said
    page.close()


@pytest.mark.parametrize("file", FILES)
def test_without_scripts_everything_is_there(browser: chromium.Chromium, folder: Path, file: str) -> None:
    page = browser.page()
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.go((folder / file).as_uri())
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
    assert roles.count("table") + roles.count("LayoutTable") >= 12
    assert "button" not in roles  # nothing offers what only a script could do
    assert {"main", "navigation", "contentinfo", "banner"} <= set(roles)
    page.close()


@pytest.mark.parametrize("file", FILES)
def test_headings_are_in_order_and_everything_to_press_can_be_reached(
    browser: chromium.Chromium, folder: Path, file: str
) -> None:
    page = browser.page((folder / file).as_uri())
    levels = page.run("[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    nameless = """() => [...document.querySelectorAll('a, button, summary')]
      .filter((one) => !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML)"""
    assert page.ask(nameless) == []
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.run("document.activeElement.getBoundingClientRect().left") >= 0
    page.close()


def test_motion_is_reduced_where_the_reader_asks(browser: chromium.Chromium, folder: Path) -> None:
    page = browser.page((folder / "index.html").as_uri())
    assert page.run("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    assert page.run("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.close()


def test_the_switch_leads_to_the_other_page(browser: chromium.Chromium, folder: Path) -> None:
    page = browser.page((folder / "index.html").as_uri())
    for language in ("fr", "en"):
        page._loaded.clear()
        page.run("document.querySelector('a[hreflang]').click()")
        assert page._loaded.wait(30)
        assert page.run("document.documentElement.lang") == language
    page.close()
