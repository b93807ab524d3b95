"""The verdicts on the hard cases: the page says what the rules say today."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hard_cases", ROOT / "tools" / "hard_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hard_cases"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_has_our_verdicts_of_today(tool: ModuleType) -> None:
    known = tool.cases()
    made = tool.table(known, {"ours": tool.ours(known)}).splitlines()[2:]
    said = (ROOT / "docs" / "quality.md").read_text("utf-8").split(tool.OPEN)[1].split(tool.CLOSE)[0].splitlines()[2:]
    assert made
    assert [" |".join(line.split(" |")[:3]) for line in said] == [line.removesuffix(" |") for line in made]


def test_texts_that_a_reader_keeps_are_kept(tool: ModuleType) -> None:
    known = tool.cases()
    kept = [said for case, said in zip(known, tool.ours(known), strict=True) if case["verdict"] == "keep"]
    assert sum(kept) >= 160
    assert len(kept) == 165


def test_a_wrong_verdict_is_counted_as_one(tool: ModuleType) -> None:
    known = tool.cases()
    right = [case["verdict"] == "keep" for case in known]
    wrong = [right[0] is False, *right[1:]]
    lines = tool.table(known, {"right": right, "wrong": wrong}).splitlines()
    assert lines[-1] == f"| **all** | {len(known)} | {len(known)} | {len(known) - 1} |"
