"""fournil-mini as sets that a model can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fournil.stages.evaluate.mini.items import (
    EDITION,
    FOLDER,
    GAP,
    GAPPED,
    LANGUAGES,
    SETS,
    TRANSLATION,
    keys_of,
    path_of,
    read_items,
)
from fournil.stages.evaluate.result import MINI
from fournil.stages.evaluate.sets import spec
from fournil.stages.evaluate.sets.items import LocalSet, make_items

VERSION = "1"
"""Raised when items or prompts change: scores of two versions do not compare."""
MAIN = {"reading": "acc_norm", "knowledge": "acc_norm"}
"""Where choices of different length answer a question; elsewhere whole sentences or one word are compared."""


def mini_sets(languages: Sequence[str] = LANGUAGES) -> list[LocalSet]:
    """Return the sets in the order in which they are shown, each French one before its English counterpart."""
    return [mini_set(language, name) for name in SETS for language in LANGUAGES if language in languages]


@cache
def mini_set(language: str, name: str, folder: Path = FOLDER) -> LocalSet:
    """Return one set."""
    path = path_of(language, name, folder)
    items = read_items(language, name, folder)
    rows = [{key: _plain(getattr(item, key)) for key in keys_of(name)} for item in items]
    settings = spec.Spec(
        name=name,
        kind=spec.TRANSLATION if name == TRANSLATION else spec.CHOICE,
        language=language,
        data=path.name,
        gap=GAP if name in GAPPED else "",
        source_language=next(other for other in LANGUAGES if other != language) if name == TRANSLATION else "",
        reference="references" if name == TRANSLATION else "reference",
        metric=MAIN.get(name, ""),
        pair=f"mini_{name}",
    )
    asked = make_items(settings, rows, path)
    return LocalSet(settings, asked, edition=MINI, data_source=EDITION, version=VERSION)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
