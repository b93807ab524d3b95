"""Writes the tables of docs/bad-input.md, which are those of tests: `python docs/bad_input.py`.

A test compares the page with what this would write.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from fournil.core.speech import speaking

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "bad-input.md"
TESTS = DOCS.parent / "tests"
BEGIN, END = "<!-- tables: python docs/bad_input.py -->", "<!-- end of the tables -->"
OUTCOMES = {"refused": "refused: `{said}`", "error": "the stage stops: “{said} …”", "read": "read"}
SOURCES = """\
## Files among good ones

What the stage sources does with a bad file that a pattern matches beside a good one. *Refused*: a row in `refused/`
with this rule, and the rest goes on. *The stage stops*: a message that begins so, with the file's name and what to do.\
"""
CURATE = """\
## Texts among good ones

What curate refuses whole, with the step and the rule; the time that it takes grows with the length and not faster.\
"""
FOLDERS = "## Rows for curate\n\nParquet files that were not made by the stage sources."
MODELS = "## Model folders\n\n… stands for what the library below says."
SHARDS = "## Token shards"
TEMPLATES = """\
## Chat templates

A template is a program that a stranger wrote: it runs in a box, with bounds on its time and memory.\
"""


def load(name: str) -> ModuleType:
    """Import a file of tests."""
    spec = importlib.util.spec_from_file_location(f"tables_{name.replace('/', '_').removesuffix('.py')}", TESTS / name)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables() -> str:
    """Write the tables of the stages and the parts as Markdown."""
    sources = load("stages/sources/test_bad_input.py").CASES
    curate = load("stages/curate/test_bad_documents.py")
    lines = [SOURCES, *_table("what", "the file", "what becomes of it")]
    lines += [_row(case.name, f"`{case.file}`", OUTCOMES[case.outcome].format(said=case.said)) for case in sources]
    lines += ["", CURATE, *_table("what", "step/rule")]
    lines += [_row(case.given, f"`{case.step}/{case.rule}`") for case in curate.REFUSED]
    messages = (
        (FOLDERS, curate.BAD_FOLDERS),
        (MODELS, load("parts/model/test_bad_folders.py").BAD_FOLDERS),
        (SHARDS, load("parts/tokenize/test_bad_shards.py").BAD_SHARDS),
        (TEMPLATES, load("parts/tokenize/test_bad_templates.py").BAD_TEMPLATES),
    )
    for title, rows in messages:
        lines += ["", title, *_table("what", "message")]
        lines += [_row(row.given, f"`{row.message.replace('`', chr(39))}`") for row in rows]
    return "\n".join(lines)


def page() -> str:
    """Return the page with its tables as the tests have them."""
    commands = load("test_bad_input.py")
    with speaking("en"):
        text = _put(PAGE.read_text("utf-8"), commands.BEGIN, commands.END, commands.table())
        return _put(text, BEGIN, END, tables())


def _put(text: str, begin: str, end: str, table: str) -> str:
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{table.strip()}\n\n{end}{rest.split(end)[1]}"


def _table(*heads: str) -> Sequence[str]:
    return ["", _row(*heads), "|" + "---|" * len(heads)]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
