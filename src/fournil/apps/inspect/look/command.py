"""`fournil look`: choose a sample and show it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fournil.apps.inspect.look.page import html_page
from fournil.apps.inspect.look.sample import Wanted, choose_sample
from fournil.apps.inspect.look.terminal import Style, draw
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.files import atomic_path
from fournil.core.ledger import read_ledger
from fournil.core.speech import tr

CHARACTERS = 1200
"""Of each text in the terminal."""


@dataclass(frozen=True)
class Looking:
    """What is asked for."""

    step: str | None = None
    rule: str | None = None
    num: int = 5
    seed: int = 0
    html: Path | None = None


def look(run: Path, asked: Looking, file: TextIO) -> int:
    """Show a random sample of what a step of curation refused, kept and changed.

    Args:
        run: The run folder.
        asked: Which step and rule, how many of each kind, and whether a page is wanted.
        file: Where to print.

    Raises:
        FournilError: There is no such run, step or rule, or the ledger was altered.
    """
    if not run.is_dir():
        raise FournilError(tr("no such run"), where=run)
    if asked.num < 1:
        raise FournilError(tr("a sample has at least one text"), fix=tr("Give --num a larger number."), code=EXIT_USAGE)
    read_ledger(run)  # a sample is shown only of a run whose ledger is whole
    specimens = choose_sample(run, Wanted(asked.step, asked.rule, asked.num, asked.seed))
    if asked.html is not None:
        name = "/".join(filter(None, (asked.step, asked.rule)))
        title = tr("A sample of {run}", run=run.name) + (f": {name}" if name else "")
        with atomic_path(asked.html) as path:
            path.write_text(html_page(specimens, title), "utf-8")
        print(tr("Written: {path}", path=asked.html), file=file)
        return 0
    colour = file.isatty() and not os.environ.get("NO_COLOR")
    width = shutil.get_terminal_size((100, 24)).columns
    for line in draw(specimens, Style(max(width, 40), CHARACTERS, colour)):
        print(line, file=file)
    return 0
