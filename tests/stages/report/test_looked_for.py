"""What the page says of evaluation items and of words that were counted."""

import re
from collections.abc import Callable
from pathlib import Path

from strict_html import Page


def section(page: str) -> str:
    found = re.search(r'<section[^>]*id="looked-for".*?</section>', page, re.DOTALL)
    return found.group(0) if found else ""


def test_only_lines_with_something_found(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    page = draw_page(make_run())
    drawn = section(page)
    assert "245 items of 2 evaluation sets were looked for: 3 stood in the text." in drawn
    assert "counted in 100 documents; refused for them: 2." in drawn
    assert "essai" in drawn
    assert "fidelity-fr" not in drawn
    assert "French (fr-CA)" in drawn
    assert drawn.count("<tr") == 4  # two tables of a head and a line
    assert Page(page).wrong == []


def test_without_these_facts_there_is_no_section(make_run: Callable[..., Path], draw_page: Callable[..., str]) -> None:
    assert section(draw_page(make_run(stages=("sources",)))) == ""
