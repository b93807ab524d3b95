"""Precision and recall of the finder of personal data, kind by kind, printed into docs/personal-data.md.

The texts of tests/data/personal_data were written before the rules. Two thirds of them were in sight while the rules
were written; a third, by the SHA-256 of its ids, was kept back. Nothing but figures is shown of that third.

    python tools/personal_data.py           # print the table into the page
    python tools/personal_data.py --check   # say whether the page holds it
    python tools/personal_data.py --misses  # print what goes wrong in the texts in sight
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fournil.core.languages import language
from fournil.parts.text.personal import find_personal_data

ROOT = Path(__file__).resolve().parents[1]
SET = ROOT / "tests" / "data" / "personal_data"
PAGE = ROOT / "docs" / "personal-data.md"
BEGIN, END = "<!-- figures: python tools/personal_data.py -->", "<!-- end of figures -->"
KINDS = {"email": "e-mail", "ipv4": "ip", "ipv6": "ip", "tax_number": "tax-number", "birth_date": "birth-date"}
"""How the set names what the finder names otherwise."""

BOTH = (language("fr"), language("en"))


@dataclass
class Side:
    """What was found in one part of the set."""

    num_texts: int = 0
    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)
    """Spans of the set that something of their kind overlaps, be its borders other ones."""


Span = tuple[str, int, int]


def kept_back(identifier: str) -> bool:
    """Whether a text was out of sight while the rules were written."""
    return int(hashlib.sha256(identifier.encode()).hexdigest(), 16) % 3 == 0


def read(folder: Path = SET) -> Iterator[dict[str, Any]]:
    """The texts of the set."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def spans(text: dict[str, Any]) -> tuple[set[Span], set[Span]]:
    """What a text holds, and what is found in it; reserved numbers and roles are asked for, since the set uses them."""
    held: set[Span] = {
        (KINDS.get(str(span["type"]), str(span["type"])), int(span["start"]), int(span["end"]))
        for span in text["spans"]
    }
    found = find_personal_data(text["text"], languages=BOTH, spare=())
    return held, {(item.kind, item.start, item.end) for item in found}


def measure(folder: Path = SET) -> dict[bool, Side]:
    """What is found in the part that was in sight (False) and in the one kept back (True)."""
    sides = {False: Side(), True: Side()}
    for text in read(folder):
        side = sides[kept_back(text["id"])]
        held, found = spans(text)
        side.num_texts += 1
        side.right.update(kind for kind, *_ in held & found)
        side.wrong.update(kind for kind, *_ in found - held)
        side.missed.update(kind for kind, *_ in held - found)
        for kind, start, end in held:
            side.touched[kind] += any(each == kind and low < end and start < high for each, low, high in found)
    return sides


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


def _cells(side: Side, kinds: list[str]) -> list[str]:
    right, wrong, missed = (sum(each[kind] for kind in kinds) for each in (side.right, side.wrong, side.missed))
    touched = sum(side.touched[kind] for kind in kinds)
    held = right + missed
    return [str(held), _percent(right, right + wrong), _percent(right, held), _percent(touched, held)]


def table(sides: dict[bool, Side]) -> str:
    """The figures as a table of the page."""
    seen, back = sides[False], sides[True]
    kinds = sorted({*seen.right, *seen.missed, *back.right, *back.missed, *seen.wrong, *back.wrong})
    lines = [
        f"{seen.num_texts} texts in sight, {back.num_texts} kept back. Spans, then precision, recall and recall with"
        " other borders allowed, in per cent.",
        "",
        "| kind | in sight: spans | precision | recall | touched | kept back: spans | precision | recall | touched |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, group in [*((kind, [kind]) for kind in kinds), ("**all**", kinds)]:
        lines.append(f"| {' | '.join([name, *_cells(seen, group), *_cells(back, group)])} |")
    return "\n".join(lines)


def page_with(text: str, figures: str) -> str:
    """A page with other figures between its two marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{rest.partition(END)[2]}"


def misses() -> Iterator[str]:
    """What goes wrong in the texts in sight, a line each."""
    for text in read():
        if kept_back(text["id"]):
            continue
        held, found = spans(text)
        for what, items in (("missed", held - found), ("wrong", found - held)):
            for kind, start, end in sorted(items, key=lambda item: item[1]):
                yield f"{text['id']} {what} {kind}: {text['text'][start:end]!r}"


def main() -> int:
    """Print the table into the page, or say whether it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the page is out of date")
    parser.add_argument("--misses", action="store_true", help="print what goes wrong in the texts in sight")
    arguments = parser.parse_args()
    if arguments.misses:
        print("\n".join(misses()))
        return 0
    figures = table(measure())
    print(figures)
    old = PAGE.read_text(encoding="utf-8")
    new = page_with(old, figures)
    if arguments.check:
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
