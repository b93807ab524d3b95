"""One recipe: read, extended, checked, frozen. The only module that imports pydantic.

A recipe is TOML. `[recipe]` says who it is; then one section per stage, in the order of the flow. `pretrain.phase` and
`finetune` are arrays. A recipe may extend another one: tables are merged, arrays and values replaced.
"""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.files import write_text
from fournil.core.settings import check_keys, to_table

SECTIONS = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export", "report")
REPEATED = ("finetune",)
"""Sections that are arrays of tables."""


@dataclass(frozen=True)
class Head:
    """The section `[recipe]`."""

    name: str
    """Names the run's folder and the exported model: lower-case letters, digits, hyphens."""
    title: str = ""
    """One line for the page."""
    description: str = ""
    """What the model is, from what kind of text, and what it can and cannot do; shown on the page."""
    languages: tuple[str, ...] = ("fr", "en")
    """BCP 47 tags of the model's languages."""
    seed: int = 20240201
    """From which every random choice is derived."""
    stages: tuple[str, ...] = SECTIONS
    """Which stages a bake runs."""
    extends: str = ""
    """Another recipe, relative to this one, of which this one changes some settings."""


@dataclass(frozen=True)
class Recipe:
    """A checked recipe: the head and each stage's settings."""

    head: Head
    stages: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """Stage → its settings, one for most, as many as there are tables for arrays."""
    path: Path | None = None

    def table(self) -> dict[str, Any]:
        """Return the whole recipe, every value resolved, as TOML values."""
        out: dict[str, Any] = {"recipe": to_table(replace(self.head, extends=""))}
        for name, configs in self.stages.items():
            rows = [to_table(config) for config in configs]
            out[name] = rows if name in REPEATED else rows[0]
        return out


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Read, extend and check a recipe.

    Args:
        path: The TOML file.
        changes: Such as `pretrain.precision="float32"`, applied on top.

    Raises:
        FournilError: For a missing file, bad TOML, an unknown key (with its full path and the nearest right name), a
            value of the wrong type or out of bounds.
    """
    table = _read_extended(path, ())
    for change in changes:
        apply_change(table, change)
    return check_recipe(table, where=str(path), path=path)


def check_recipe(table: Mapping[str, Any], *, where: str, path: Path | None = None) -> Recipe:
    """Check a recipe that is a table already.

    Args:
        table: Its sections.
        where: What errors name as its place.
        path: The file that it came from, if it came from one.
    """
    for name in table:
        if name != "recipe" and name not in SECTIONS:
            guess = nearest(name, ("recipe", *SECTIONS))
            fix = f"Did you mean [{guess}]?" if guess else f"Sections: recipe, {', '.join(SECTIONS)}."
            raise FournilError(f"unknown section [{name}]", where=where, fix=fix, code=EXIT_USAGE)
    head = _checked(Head, table.get("recipe", {}), "recipe", where)
    _check_head(head, where)
    stages: dict[str, tuple[Any, ...]] = {}
    for name in SECTIONS:
        if name not in head.stages:
            continue
        rows = table.get(name, [] if name in REPEATED else {})
        if isinstance(rows, list) != (name in REPEATED):
            shape = f"[[{name}]]" if name in REPEATED else f"[{name}]"
            raise FournilError(f"section {name} must be written {shape}", where=where, code=EXIT_USAGE)
        config = stage_config(name)
        many = rows if isinstance(rows, list) else [rows]
        labels = [f"{name}[{i}]" if name in REPEATED else name for i in range(len(many))]
        stages[name] = tuple(_checked(config, row, label, where) for row, label in zip(many, labels, strict=True))
    return Recipe(head, stages, path)


def stage_config(stage: str) -> type:
    """Return the dataclass of a stage's settings (its config module imports the standard library only)."""
    return importlib.import_module(f"fournil.stages.{stage}.config").Config


def freeze(recipe: Recipe, path: Path) -> None:
    """Write the recipe with every value resolved."""
    import tomli_w

    text = "# Every value of this run, resolved. Bake it again with: fournil bake recipe.lock.toml\n\n"
    write_text(path, text + tomli_w.dumps(recipe.table()))


def _read_extended(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    place = Path(path).resolve()
    if place in seen:
        raise FournilError("recipes extend each other in a circle", where=path, code=EXIT_USAGE)
    try:
        table = tomllib.loads(place.read_text("utf-8"))
    except FileNotFoundError as error:
        fix = "Recipes that ship with Fournil lie in recipes/ (mie.toml, petit.toml)."
        raise FournilError("no such recipe", where=path, fix=fix, code=EXIT_USAGE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise FournilError("this recipe cannot be read as UTF-8 text", where=path, code=EXIT_USAGE) from error
    except tomllib.TOMLDecodeError as error:
        raise FournilError(f"not valid TOML: {error}", where=path, fix="See https://toml.io.", code=2) from error
    head = table.get("recipe")
    base = head.get("extends") if isinstance(head, dict) else None
    if not base:
        return table
    merged = _merge(_read_extended(place.parent / base, (*seen, place)), table)
    merged["recipe"]["extends"] = ""
    return merged


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in top.items():
        old = out.get(key)
        out[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def apply_change(table: dict[str, Any], change: str) -> None:
    """Apply one `SECTION.KEY=VALUE` to a recipe's table.

    Raises:
        FournilError: When it cannot be read or names no table.
    """
    path, found, text = change.partition("=")
    keys = [key for key in re.split(r"[.\[\]]+", path.strip()) if key]
    if not found or not keys:
        raise FournilError(f"cannot read the setting {change!r}", fix="Write --set SECTION.KEY=VALUE.", code=EXIT_USAGE)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    place: Any = table
    for key, after in zip(keys, [*keys[1:], None], strict=True):
        if isinstance(place, list):
            if not key.isdigit() or int(key) >= len(place):
                fix = f"Indexes go from 0 to {len(place) - 1}."
                raise FournilError(f"no such table: {path}", fix=fix, code=EXIT_USAGE)
            place = place[int(key)]
        elif not isinstance(place, dict):
            raise FournilError(f"no such table: {path}", code=EXIT_USAGE)
        elif after is None:
            place[key] = value
        else:
            place = place.setdefault(key, {})


def _checked(config: type, table: Any, path: str, where: str) -> Any:  # noqa: ANN401 - a settings dataclass
    from pydantic import TypeAdapter, ValidationError

    if not isinstance(table, dict):
        raise FournilError(f"{path} must be a table", where=where, code=EXIT_USAGE)
    check_keys(config, table, path, where)
    try:
        return TypeAdapter(config).validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in (path, *first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        shown = "" if first["type"] in ("missing", "value_error") else f", not {first['input']!r}"
        raise FournilError(f"{place}: {message}{shown}", where=where, code=EXIT_USAGE) from error
    except TypeError as error:  # TOML dates
        raise FournilError(f"{path} holds a value of a type that no setting has", where=where, code=2) from error


def _check_head(head: Head, where: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", head.name):
        fix = "Use lower-case letters, digits and hyphens."
        raise FournilError(f"recipe.name cannot be {head.name!r}", where=where, fix=fix, code=EXIT_USAGE)
    if not head.languages or len(set(head.languages)) != len(head.languages):
        raise FournilError("recipe.languages must name each language once", where=where, code=EXIT_USAGE)
    for stage in head.stages:
        if stage not in SECTIONS:
            guess = nearest(stage, SECTIONS)
            fix = f"Did you mean {guess!r}?" if guess else f"Stages: {', '.join(SECTIONS)}."
            raise FournilError(f"recipe.stages: no stage {stage!r}", where=where, fix=fix, code=EXIT_USAGE)
