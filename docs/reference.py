"""Writes docs/recipe.md from the settings' docstrings, and docs/cli.md from the parser: `python docs/reference.py`.

A test compares both pages with what this would write.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from fournil.cli import build_parser
from fournil.core.settings import docstrings, table_type, to_table
from fournil.core.speech import speaking
from fournil.recipe import PLAN, REPEATED, SECTIONS, Head, plan_config, stage_config

DOCS = Path(__file__).resolve().parent

RECIPE_INTRO = """\
# The recipe, setting by setting

*Written by `docs/reference.py` from the text under each setting in the code. Change it there.*

A recipe is a TOML file: `[recipe]`, then one section per stage in the order of the flow, and `[plan]`, which changes
what `fournil plan` foretells and nothing that is baked. What a recipe leaves out has its default. `fournil STAGE
--settings` prints the same for one stage. [Baking](bake.md) says how recipes extend each other and how `--set` changes
one setting.

`[a.b]` is a table. `[[a.b]]` is an array of tables: the header is written once for each, and what belongs to one entry
follows its header (`[[finetune]]`, then its `[[finetune.bands]]`). An array of tables in a recipe replaces the default
whole. *Required* settings have no default. *Unset* ones are left out of the recipe to stay so.

Unknown keys are refused with their full path and the nearest right name.
"""

EXAMPLES = {
    "recipe": """
[recipe]
name = "letters"
title = "The letters of our archive"
languages = ["fr", "en"]
""",
    "sources": """
[sources]
use = ["debian-manpages-fr", "debian-manpages"]

[[sources.files]]
key = "letters"
paths = ["letters/{language}/*.txt"]
licence = "CC-BY-4.0"

[[sources.hub]]
key = "wikipedia-fr"
dataset = "wikimedia/wikipedia"
revision = "b04c8d1ceb2f5cd4588862100d08de323dccfbaa"
config = "20231101.fr"
language = "fr"
max_documents = 2000
""",
    "curate": """
[curate.heldout]
share = 0.01

[curate.quality]
published_for = ["web", "news"]

[curate.quality.bounds]
min_words = 10
""",
    "tokenizer": """
[tokenizer]
vocab_size = 16384

[[tokenizer.share]]
language = "fr"
share = 0.55

[[tokenizer.share]]
language = "en"
share = 0.45
""",
    "pretrain": """
[pretrain.model]
hidden_size = 512
intermediate_size = 1408
num_hidden_layers = 8
num_attention_heads = 8
max_position_embeddings = 1024

[[pretrain.phase]]
tokens = 800_000_000
batch_tokens = 65_536
context_length = 1024
parallel = 0.1
decay = 0.0

[[pretrain.phase]]
tokens = 200_000_000
batch_tokens = 65_536
context_length = 1024
parallel = 0.3
decay = 1.0

[[pretrain.source]]
source = "letters"
weight = 2.0
""",
    "finetune": """
[[finetune]]
name = "translator"
steps = 4000
bands = [{ max_characters = 45 }, { max_characters = 120, weight = 0.25 }]
toward = [{ to = "en", weight = 1.3 }]
""",
    "evaluate": """
[evaluate]
model = "translator"
bands = [{ max_characters = 45, max_pairs = 500 }, { max_characters = 0, max_pairs = 50 }]
""",
    "export": """
[export]
licence = "CC-BY-4.0"
gguf = ["f16"]
""",
    "report": """
[report]
max_translations = 20
""",
    "plan": """
[plan]
hardware = "H100"
num_devices = 8
eur_per_device_hour = 2.5
""",
}
"""One for each section; a test reads them as a recipe."""

CLI_INTRO = """\
# The command line, verb by verb

*Written by `docs/reference.py` from the parser. Change it there.*

`fournil` without a verb draws the flow. Every verb has `--help`. Exit codes: 0 done or nothing to do, 1 failed, 2 wrong
use, 130 interrupted; [Baking](bake.md#exit-codes) says more. `--lang` may stand before or after the verb.
"""


def recipe_page() -> str:
    """Return docs/recipe.md: every setting of every section."""
    with speaking("en"):
        parts = [RECIPE_INTRO]
        for section, config in sections().items():
            parts += [*_tables(config, section, section in REPEATED), "Example:\n", f"```toml{EXAMPLES[section]}```\n"]
    return "\n".join(parts)


def sections() -> dict[str, type]:
    """Return each section of a recipe with its settings."""
    return {"recipe": Head} | {stage: stage_config(stage) for stage in SECTIONS} | {PLAN: plan_config()}


def _tables(config: type, path: str, many: bool, said: str = "", without: str = "") -> Iterator[str]:
    """Yield a table's heading, meaning and settings, then the same for the tables inside it."""
    header = f"[[{path}]]" if many else f"[{path}]"
    yield f"{'#' * min(4, 2 + path.count('.'))} `{header}`\n"
    whole = _flow(inspect.getdoc(config) or "")
    yield f"{whole if whole.startswith(said.split('.')[0]) else said}\n"
    if without not in ("", "`[]`"):
        yield f"Without any: {without}.\n"
    inner: list[tuple[type, str, bool, str, str]] = []
    rows: list[str] = []
    hints, docs = typing.get_type_hints(config), docstrings(config)
    for field in dataclasses.fields(config):
        name, doc = f"{path}.{field.name}", _flow(docs[field.name])
        table, array = table_type(hints[field.name])
        if table is None:
            rows.append(f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} | {_cell(doc)} |")
            continue
        inner.append((table, name, array, doc, _default(field) if array else ""))
    if rows:
        yield "| setting | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    for table, name, array, doc, default in inner:
        yield from _tables(table, name, array, doc, default)


def _type(hint: Any) -> str:  # noqa: ANN401 - a type hint
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_type(arg) for arg in typing.get_args(hint) if arg is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return f"array of {_type(typing.get_args(hint)[0])}s"
    if typing.get_origin(hint) is dict:
        inner = typing.get_args(hint)[1]
        return "table of tables" if dataclasses.is_dataclass(inner) else f"table of {_type(inner)}s"
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(f'`"{value}"`' for value in typing.get_args(hint))
    return {str: "string", int: "integer", float: "number", bool: "boolean"}[hint]


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "*required*"
    value = field.default if field.default is not dataclasses.MISSING else {}
    if value is None:
        return "*unset*"
    if field.default_factory is dict:
        return "`{}`"
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        rows = ", ".join(_inline(row) for row in value)
        return f"`[{rows}]`"
    return f"`{value}`" if field.name == "seed" else f"`{_toml(value)}`"  # a seed is no quantity


def _inline(row: Any) -> str:  # noqa: ANN401 - a settings dataclass
    """Write a table on one line, without what is its default."""
    given = to_table(row)
    for field in dataclasses.fields(row):
        if field.default == getattr(row, field.name):
            given.pop(field.name, None)
    return "{ " + ", ".join(f"{key} = {_toml(value)}" for key, value in given.items()) + " }"


def _toml(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()


def _flow(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def cli_page() -> str:
    """Return docs/cli.md: every verb with its arguments."""
    with speaking("en"):
        parser = build_parser()
        chooser = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        says = {choice.dest: choice.help or "" for choice in chooser._choices_actions}
        parts = [CLI_INTRO, *_arguments(parser, [action for action in parser._actions if action is not chooser])]
        for verb, inner in chooser.choices.items():
            parts += [f"## {verb}\n", f"{says[verb][0].upper()}{says[verb][1:].rstrip('.')}.\n"]
            own = [action for action in inner._actions if "--lang" not in action.option_strings]  # said at the top
            own.sort(key=lambda action: bool(action.option_strings))
            parts += [f"    {_usage(verb, inner)}\n", *_arguments(inner, own)]
    return "\n".join(parts)


def _usage(verb: str, parser: argparse.ArgumentParser) -> str:
    words = ["fournil", verb]
    for action in parser._actions:
        if action.option_strings:
            if action.required:
                words.append(f"{action.option_strings[0]} {_value(action)}")
        elif action.nargs in ("*", "+"):
            words.append(f"[{_value(action)} …]" if action.nargs == "*" else f"{_value(action)} …")
        else:
            words.append(f"[{_value(action)}]" if action.nargs == "?" else _value(action))
    return " ".join(words)


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _arguments(parser: argparse.ArgumentParser, actions: list[argparse.Action]) -> Iterator[str]:
    rows = []
    for action in actions:
        if action.help == argparse.SUPPRESS or "--help" in action.option_strings:
            continue
        value = "" if action.nargs == 0 else f" {_value(action)}"
        shown = ", ".join(f"{name}{value}" for name in action.option_strings) or _value(action)
        text = (action.help or "") % {"prog": parser.prog, "default": action.default}
        rows.append(f"| `{_cell(shown)}` | {_cell(_flow(text))} |")
    if rows:
        yield "| argument | meaning |\n|---|---|\n" + "\n".join(rows) + "\n"


def pages() -> dict[str, str]:
    """Return the generated pages by file name."""
    return {"recipe.md": recipe_page(), "cli.md": cli_page()}


def main() -> int:
    """Write the pages that are not current."""
    for name, text in pages().items():
        path = DOCS / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"{path}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
