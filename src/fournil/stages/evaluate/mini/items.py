"""The items of fournil-mini, as the files under data/mini hold them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "data" / "mini"
EDITION = "fournil-mini"
LANGUAGES = ("fr", "en")
GAP = "<...>"

GAPPED = ("grammar", "vocabulary", "cloze")
"""Sets whose question is a sentence with one gap that a choice fills."""
ASKED = ("reading", "boolean", "knowledge")
"""Sets whose question is answered by a choice, in the first two about a context."""
IN_CONTEXT = ("reading", "boolean")
TRANSLATION = "translation"
SETS = ("grammar", "vocabulary", "cloze", "reading", "boolean", "knowledge", TRANSLATION)
"""In the order in which they are shown; each exists in each language."""

YES_NO = {"fr": ("Oui", "Non"), "en": ("Yes", "No")}


@dataclass(frozen=True)
class Item:
    """One item; what its set does not have is empty."""

    id: str
    question: str = ""
    choices: tuple[str, ...] = ()
    gold: int = -1
    """Place of the right choice."""
    context: str = ""
    source: str = ""
    """What is to be translated, into the set's language."""
    references: tuple[str, ...] = ()

    def filled(self, choice: int) -> str:
        """Return the sentence with that choice in its gap."""
        return self.question.replace(GAP, self.choices[choice])


def keys_of(name: str) -> tuple[str, ...]:
    """Return the keys of a set's lines."""
    if name == TRANSLATION:
        return ("id", "source", "references")
    return ("id", *(("context",) if name in IN_CONTEXT else ()), "question", "choices", "gold")


def path_of(language: str, name: str, folder: Path = FOLDER) -> Path:
    """Return where a set stands."""
    return folder / language / f"{name}.jsonl"


def read_items(language: str, name: str, folder: Path = FOLDER) -> list[Item]:
    """Read a set.

    Raises:
        ValueError: A line is not JSON, or has other keys than its set's; the message names the line.
    """
    path, keys = path_of(language, name, folder), keys_of(name)
    items = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError as problem:
            raise ValueError(f"{path.name}:{number}: {problem}") from problem
        if set(row) != set(keys):
            raise ValueError(f"{path.name}:{number}: keys {sorted(row)}, not {sorted(keys)}")
        made: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        items.append(Item(**made))
    return items
