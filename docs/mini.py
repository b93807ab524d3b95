"""Writes the review pages of fournil-mini, docs/fournil-mini/*.md, and the keys in docs/own-sets.md.

`python docs/mini.py`; a test compares the pages with what this would write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from fournil.core.languages import language
from fournil.stages.evaluate.mini.items import GAPPED, IN_CONTEXT, LANGUAGES, SETS, TRANSLATION, Item, read_items
from fournil.stages.evaluate.sets import baselines, spec

FOLDER = Path(__file__).resolve().parent / "fournil-mini"
OWN_SETS = FOLDER.parent / "own-sets.md"
BEGIN, END = "<!-- keys: python docs/mini.py -->\n", "\n<!-- end of the keys -->"
LICENCE = "The items were written for Fournil and are in the public domain ([CC0 1.0][cc0])."
LINK = "[cc0]: https://creativecommons.org/publicdomain/zero/1.0/"


def pages() -> dict[str, str]:
    """Return each page's name and text."""
    found = {tag: {name: read_items(tag, name) for name in SETS} for tag in LANGUAGES}
    made = {f"{tag}-{name}.md": page(tag, name, items) for tag, sets in found.items() for name, items in sets.items()}
    return {"README.md": index(found), **made}


def own_sets() -> str:
    """Return docs/own-sets.md with the keys of a set's TOML as the code has them."""
    rows = ["\n| key | for | meaning |\n", "|---|---|---|\n"]
    for field in fields(spec.Spec):
        doc = spec.docs_of(field.name).replace("|", "\\|")
        kinds = ", ".join(spec.ONLY.get(field.name, ())) or "all"
        rows.append(f"| `{field.name}` | {kinds} | {re.sub(r'^Only for [^:]+: ', '', doc)} |\n")
    text = OWN_SETS.read_text("utf-8")
    return text[: text.index(BEGIN)] + BEGIN + "".join(rows) + text[text.index(END) :]


def index(found: dict[str, dict[str, list[Item]]]) -> str:
    """Return the page with the baselines, which leads to the others."""
    lines = [
        "# fournil-mini: every item, and its baselines",
        "",
        f"{LICENCE} [What the suite is](../fournil-mini.md).",
        "",
        "| set | items | right answers by place | chance | longest choice | question hidden |",
        "|---|--:|---|--:|--:|--:|",
    ]
    for name in SETS:
        for tag, sets in found.items():
            items = sets[name]
            link = f"[{name}, {language(tag).native_name}]({tag}-{name}.md)"
            if name == TRANSLATION:
                lines.append(f"| {link} | {len(items)} | | | | |")
                continue
            counts = [sum(item.gold == place for item in items) for place in range(len(items[0].choices))]
            letters = " · ".join(f"{'ABCD'[place]} {count}" for place, count in enumerate(counts))
            shares = " | ".join(f"{100 * credit(items).mean():.1f} %" for credit in baselines.BASELINES.values())
            lines.append(f"| {link} | {len(items)} | {letters} | {shares} |")
    return "\n".join([*lines, "", LINK, ""])


def page(tag: str, name: str, items: Sequence[Item]) -> str:
    """Return the page of one set."""
    lines = [f"# {name}, {language(tag).native_name}", "", f"{LICENCE} [All sets](README.md).", ""]
    return "\n".join([*lines, *_table(name, items), "", LINK, ""])


def _table(name: str, items: Sequence[Item]) -> Iterator[str]:
    if name == TRANSLATION:
        yield from ("| | text | translations |", "|--:|---|---|")
        for number, item in enumerate(items, 1):
            yield f"| {number} | {_cell(item.source)} | {'<br>'.join(map(_cell, item.references))} |"
        return
    context = "context | " if name in IN_CONTEXT else ""
    yield f"| | {context}{'sentence' if name in GAPPED else 'question'} | right | wrong |"
    yield f"|--:|{'---|' if context else ''}---|---|---|"
    for number, item in enumerate(items, 1):
        wrong = " · ".join(_cell(choice) for place, choice in enumerate(item.choices) if place != item.gold)
        before = f"{_cell(item.context)} | " if context else ""
        yield f"| {number} | {before}{_cell(item.question)} | {_cell(item.choices[item.gold])} | {wrong} |"


def _cell(text: str) -> str:
    return re.sub(r"([\\|*_`\[\]<>])", r"\\\1", text)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    OWN_SETS.write_text(own_sets(), encoding="utf-8")
    made = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
