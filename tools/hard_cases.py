"""Asks our rules, and datatrove's, about the French hard cases: `python tools/hard_cases.py [--write]`.

Prints by kind how many verdicts are those of the French reader (tests/data/hard_cases/README.md): ours with the default
settings; datatrove's filters with their own defaults; the same with French stop words and without the cut of lines that
end in no punctuation, as FineWeb uses them. All three get the same language model, and datatrove our word splitter,
since its own are not installed everywhere. `--write` puts the table into docs/quality.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, document_row
from fournil.core.languages import language
from fournil.stages.curate.alone.documents import document_chunk, prepare
from fournil.stages.curate.config import Config

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "data" / "hard_cases" / "fr.jsonl"
PAGE = ROOT / "docs" / "quality.md"
OPEN, CLOSE = "<!-- hard cases -->\n", "<!-- end of hard cases -->\n"


def cases() -> list[dict[str, str]]:
    """All of them."""
    return [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]


def ours(known: Sequence[dict[str, str]]) -> list[bool]:
    """Which of the cases the default settings keep, without a word about their language, category or rights."""
    rows = [document_row(f"hard/{case['id']}", case["text"], source="hard", licence="CC0-1.0") for case in known]
    batch = pa.Table.from_pylist(rows, schema=DOCUMENTS).to_batches()[0]
    config, tags = Config(), ("fr", "en")
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(config, Context(languages=tags, seed=1, threads=1), Path(folder))
        kept = document_chunk(config, tags, prepared)(batch).rows
    refused = {
        name for name, step in zip(*(kept.column(key).to_pylist() for key in ("id", "step")), strict=True) if step
    }
    return [row["id"] not in refused for row in rows]


def theirs(known: Sequence[dict[str, str]], *, french: bool) -> list[bool]:
    """Which of the cases datatrove keeps: language, Gopher repetition and quality, C4, FineWeb, in FineWeb's order."""
    sys.path.insert(0, str(ROOT))
    from bench.curating import peer

    from fournil.parts.text.compat import settings as default
    from fournil.parts.text.language_model import language_model

    splitter = peer.SPLITTERS[french]
    gopher, c4 = default.GopherQualitySettings(), default.C4QualitySettings()
    if french:
        gopher = default.GopherQualitySettings(stop_words=tuple(sorted(language("fr").stop_words)))
        c4 = default.C4QualitySettings(filter_no_terminal_punct=False)
    filters = [
        peer.language_filter(default.LanguageFilterSettings(), ("fr", "en"), language_model()),
        peer.repetition_filter(default.GopherRepetitionSettings(), splitter),
        peer.gopher_filter(gopher, splitter),
        peer.c4_filter(c4, splitter),
        peer.fineweb_filter(default.FineWebQualitySettings(), splitter),
    ]
    kept = []
    for case in known:
        text, reason = case["text"], None
        for each in filters:
            reason, text = peer.verdict(each, text)
            if reason is not None:
                break
        kept.append(reason is None)
    return kept


def table(known: Sequence[dict[str, str]], verdicts: dict[str, list[bool]]) -> str:
    """A table in Markdown: right verdicts by kind and reader, and in all."""
    right = {
        name: [(case["verdict"] == "keep") == said for case, said in zip(known, kept, strict=True)]
        for name, kept in verdicts.items()
    }
    kinds = Counter(case["kind"] for case in known)
    wanted = {"keep": "all to keep", "refuse": "all to refuse"}

    def line(name: str, chosen: Callable[[dict[str, str]], bool]) -> str:
        places = [place for place, case in enumerate(known) if chosen(case)]
        figures = (sum(marks[place] for place in places) for marks in right.values())
        return f"| {name} | {len(places)} | " + " | ".join(map(str, figures)) + " |\n"

    head = "| kind | cases | " + " | ".join(verdicts) + " |\n|---|---:|" + "---:|" * len(verdicts) + "\n"
    rows = [line(f"`{kind}`", lambda case, kind=kind: case["kind"] == kind) for kind, _ in kinds.most_common()]
    sums = [line(f"**{name}**", lambda case, key=key: case["verdict"] == key) for key, name in wanted.items()]
    return head + "".join(rows) + "".join(sums) + line("**all**", lambda case: True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it if asked to."""
    parser = argparse.ArgumentParser(description="Ask the filters about the French hard cases.")
    parser.add_argument("--write", action="store_true", help="put the table into docs/quality.md")
    asked = parser.parse_args(arguments)
    known = cases()
    verdicts = {
        "ours": ours(known),
        "datatrove, defaults": theirs(known, french=False),
        "datatrove, as FineWeb, French words": theirs(known, french=True),
    }
    made = table(known, verdicts)
    print(made, end="")
    if asked.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(re.sub(f"{OPEN}.*{CLOSE}", lambda _: f"{OPEN}{made}{CLOSE}", page, flags=re.DOTALL), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
