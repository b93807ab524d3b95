"""The flow as text, for the bare command, and the settings of a stage."""

from __future__ import annotations

import importlib
import textwrap
from typing import TextIO

from fournil.core.settings import settings_of

PICTURE = """\
  fournil bake RECIPE

  recipe.toml
      │
      ▼
  1 sources ──► 2 curate ──► 3 tokenizer ──► 4 pretrain ──► 5 finetune ──► 6 evaluate ──► 7 export ──► 8 report
    documents     filters      fr and en       base model     translate      beside         HF, GGUF     one page
    licences      held-out     in parity       balanced       and chat       baselines

  make a model      fournil bake recipes/mie.toml          a crumb: seconds, offline
                    fournil bake recipes/petit.toml        a small loaf: minutes, real text of Debian or Ubuntu
  on your files     fournil curate *.parquet --language fr -o clean/
                    fournil tokenizer audit FOLDER --text fr=FILE --text en=FILE
                    fournil evaluate HF_FOLDER --text fr=FILE --text en=FILE
  use a model       fournil translate MODEL --to fr "The file already exists."
                    fournil chat MODEL
  look inside       fournil show RUN · fournil why RUN ID · fournil verify RUN

  fournil VERB --help says more. fournil STAGE --settings lists what a recipe can set.
"""


def draw_flow(file: TextIO) -> int:
    """Print the flow and the commands that start it."""
    print(PICTURE, end="", file=file)
    return 0


def print_settings(stage: str, file: TextIO) -> int:
    """Print every setting of a stage with its type, default and meaning."""
    config = importlib.import_module(f"fournil.stages.{stage}.config").Config
    section = f"[[{stage}]]" if stage == "finetune" else f"[{stage}]"
    print(f"Settings of {section}\n", file=file)
    for setting in settings_of(config):
        default = f" = {setting.default}" if setting.default else " (required)"
        print(f"  {setting.path}: {setting.type}{default}", file=file)
        print(textwrap.indent(textwrap.fill(setting.doc, 100), "      "), file=file)
    return 0
