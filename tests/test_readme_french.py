"""README.fr.md says what README.md says: the same headings, commands, pages and rows, in French as it is printed."""

import re
import sys
from collections import Counter

import pytest


@pytest.fixture(scope="module")
def pages(repository):
    return [(repository / name).read_text("utf-8") for name in ("README.md", "README.fr.md")]


@pytest.fixture
def catalogues(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tools"))
    import catalogues

    yield catalogues
    sys.modules.pop("catalogues")


def shape(page: str) -> dict[str, object]:
    """What both languages share: levels of headings, code without its comments, links, list items, rows of tables."""
    blocks = re.findall(r"```(\w*)\n(.*?)```", page, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    places = re.findall(r"\]\(([^)\s]+)\)", prose)
    return {
        "headings": [len(level) for level in re.findall(r"^(#+) ", prose, flags=re.MULTILINE)],
        "code": [(kind, [line.split(" #")[0].rstrip() for line in text.splitlines()]) for kind, text in blocks],
        "inline": Counter(re.findall(r"`([^`]+)`", prose)),
        "links": [place for place in places if not place.startswith("README")],
        "rows": re.findall(r"^(- |\|)", prose, flags=re.MULTILINE),
    }


def outside_code(page: str) -> str:
    """The words of a Markdown page: no code, no addresses, no marks of lists and tables."""
    prose = re.sub(r"```.*?```|\]\([^)]*\)|`[^`]*`", "X", page, flags=re.DOTALL)
    return re.sub(r"^\|[-|]+\|$", "", prose, flags=re.MULTILINE)


def test_both_readmes_have_one_shape(pages):
    english, french = map(shape, pages)
    assert french == english


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## La chaîne", "### La chaîne"),
        ("fournil chat runs/petit\n", ""),
        ("(docs/bake.md)", "(docs/cli.md)"),
        ("`python3-venv`", "`venv`"),
        ("- [docs/bake.md]", "[docs/bake.md]"),
    ],
)
def test_a_difference_of_shape_is_seen(pages, old, new):
    assert old in pages[1]
    assert shape(pages[1].replace(old, new)) != shape(pages[1])


def test_each_readme_leads_to_the_other(pages):
    assert pages[0].splitlines()[2] == "**English** · [Français](README.fr.md)"
    assert pages[1].splitlines()[2] == "[English](README.md) · **Français**"


def test_the_french_readme_is_set_as_french_is(pages, catalogues):
    assert catalogues.french_faults(outside_code(pages[1])) == []
    assert catalogues.french_faults(outside_code(pages[1].replace("\xa0:", " :")))
    assert catalogues.french_faults(outside_code(pages[1].replace("’", "'")))
