"""The flow as text, for the bare command, and the settings of a stage."""

from __future__ import annotations

import importlib
import textwrap
from typing import TextIO

from fournil.core.settings import settings_of
from fournil.core.speech import mark, retell, tr

CAPTIONS = {
    "sources": (mark("documents"), mark("licences")),
    "curate": (mark("filters"), mark("held-out")),
    "tokenizer": (mark("fr and en"), mark("in parity")),
    "pretrain": (mark("base model"), mark("balanced")),
    "finetune": (mark("translate"), mark("and chat")),
    "evaluate": (mark("beside"), mark("baselines")),
    "export": ("HF, GGUF", ""),
    "report": (mark("one page"), ""),
}
"""Two lines under each stage, in the order of the flow."""

EXAMPLE = '"The file already exists."'


def draw_flow(file: TextIO) -> int:
    """Print the flow and the commands that start it."""
    print(f"  fournil bake {tr('RECIPE')}\n\n  recipe.toml\n      │\n      ▼", file=file)
    for line in _stages():
        print(line, file=file)
    print(file=file)
    width = max(len(title) for title, _ in _commands()) + 3
    for title, commands in _commands():
        for number, (command, remark) in enumerate(commands):
            head = f"  {title if number == 0 else '':<{width}}{command}"
            print(f"{head:<{width + 41}} {remark}".rstrip(), file=file)
    print(
        "\n  " + tr("fournil VERB --help says more. fournil STAGE --settings lists what a recipe can set."), file=file
    )
    print("  " + tr("fournil --lang fr speaks French, and --lang en English."), file=file)
    return 0


def _stages() -> list[str]:
    """The stages in a row, with arrows as long as the captions need."""
    names, above, below = "  ", "  ", "  "
    last = len(CAPTIONS)
    for number, (stage, captions) in enumerate(CAPTIONS.items(), 1):
        name, (first, second) = f"{number} {stage}", map(retell, captions)
        width = max(len(name) + 5, len(first) + 3, len(second) + 3)
        arrow = f" {'─' * (width - len(name) - 3)}► " if number < last else ""
        names += name + arrow
        above += f"  {first}".ljust(width)
        below += f"  {second}".ljust(width)
    return [names, above.rstrip(), below.rstrip()]


def _commands() -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (
            tr("make a model"),
            [
                ("fournil bake recipes/mie.toml", tr("a crumb: seconds, offline")),
                ("fournil bake recipes/petit.toml", tr("a small loaf: minutes, real text of Debian or Ubuntu")),
                (tr("fournil plan RECIPE"), tr("what it takes, before anything runs")),
            ],
        ),
        (
            tr("on your files"),
            [
                ("fournil curate *.parquet --language fr -o clean/", ""),
                (tr("fournil tokenizer audit FOLDER --text fr=FILE --text en=FILE"), ""),
                (tr("fournil evaluate HF_FOLDER --text fr=FILE --text en=FILE"), ""),
                (tr("fournil perplexity train FILES --language fr -o FOLDER"), ""),
                (tr("fournil classifier train LABELS.jsonl -o FOLDER"), ""),
                (tr("fournil lm-eval --model_args pretrained=FOLDER --tasks NAME"), ""),
            ],
        ),
        (
            tr("use a model"),
            [
                (tr("fournil translate MODEL --to fr {example}", example=EXAMPLE), ""),
                (tr("fournil chat MODEL"), ""),
            ],
        ),
        (
            tr("look inside"),
            [
                (tr("fournil show RUN · fournil look RUN · fournil why RUN ID · fournil verify RUN"), ""),
                ("fournil compare A B", tr("two models on the same items, with intervals")),
                (tr("fournil publish RUN --page FOLDER"), tr("the page, with its model, for any web host")),
            ],
        ),
    ]


def print_settings(stage: str, file: TextIO) -> int:
    """Print every setting of a stage with its type, default and meaning."""
    config = importlib.import_module(f"fournil.stages.{stage}.config").Config
    section = f"[[{stage}]]" if stage == "finetune" else f"[{stage}]"
    print(tr("Settings of {section}", section=section) + "\n", file=file)
    for setting in settings_of(config):
        default = f" = {setting.default}" if setting.default else tr(" (required)")
        print(f"  {setting.path}: {setting.type}{default}", file=file)
        doc = retell({"message": " ".join(setting.doc.split()), "values": {}})  # the docstrings are collected
        print(textwrap.indent(textwrap.fill(doc, 100), "      "), file=file)
    return 0
