"""The figures of docs/personal-data.md are those of today's rules."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[4] / "tools"))
    return importlib.import_module("personal_data")


def test_the_page_holds_the_figures(tool: ModuleType) -> None:
    page = tool.PAGE.read_text(encoding="utf-8")
    figures = tool.table(tool.measure())
    assert tool.page_with(page, figures) == page
    assert tool.page_with(page, figures.replace("| iban |", "| IBAN |")) != page


def test_figures_count_what_they_say(tool: ModuleType, tmp_path: Path) -> None:
    # Two texts, of which SHA-256 keeps the second back: one span right, one with other borders, one out of nothing.
    (tmp_path / "fr-a.jsonl").write_text(
        '{"id": "fr-0001", "text": "jo@free.fr et 06 12 34 56 78", "spans": ['
        '{"start": 0, "end": 10, "type": "email"}, {"start": 14, "end": 22, "type": "phone"}]}\n'
        '{"id": "fr-0003", "text": "82.64.133.27", "spans": []}\n',
        encoding="utf-8",
    )
    sides = tool.measure(tmp_path)
    seen, back = sides[False], sides[True]
    assert (seen.num_texts, back.num_texts) == (1, 1)
    assert (seen.right["e-mail"], seen.wrong["phone"], seen.missed["phone"], seen.touched["phone"]) == (1, 1, 1, 1)
    assert (back.wrong["ip"], back.right["ip"]) == (1, 0)
    assert "| **all** | 2 | 50.0 | 50.0 | 100.0 | 0 | 0.0 | – | – |" in tool.table(sides)
