"""One recipe: read, extended, checked, frozen. The only module that imports pydantic.

A recipe is TOML. `[recipe]` says who it is; then one section per stage, in the order of the flow. `pretrain.phase` and
`finetune` are arrays. A recipe may extend another one: tables are merged, arrays and values replaced.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.files import write_text
from fournil.core.settings import check_keys, to_table
from fournil.core.speech import tr

PLAN = "plan"
"""The section that only `fournil plan` reads; no stage's freshness depends on it."""
SECTIONS = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export", "report")
REPEATED = ("finetune",)
"""Sections that are arrays of tables."""
MAX_RECIPE_BYTES = 2**20
MAX_NAME = 64
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Head:
    """The section `[recipe]`."""

    name: str
    """Names the run's folder and the exported model: lower-case letters, digits, hyphens."""
    title: str = ""
    """One line for the page."""
    description: str = ""
    """What the model is, from what kind of text, and what it can and cannot do; shown on the page."""
    titles: dict[str, str] = field(default_factory=dict)
    """The title in other languages than English, by BCP 47 tag, for the page in them."""
    descriptions: dict[str, str] = field(default_factory=dict)
    """The description in other languages than English, by BCP 47 tag."""
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
    plan: Any = None
    """What `fournil plan` assumes; None: its defaults."""

    def shared(self) -> dict[str, Any]:
        """Return what all stages know of the recipe, as the fields of their context are called."""
        names = ("name", "title", "description", "titles", "descriptions", "languages", "seed")
        return {name: getattr(self.head, name) for name in names}

    def table(self) -> dict[str, Any]:
        """Return the whole recipe, every value resolved, as TOML values."""
        out: dict[str, Any] = {"recipe": to_table(replace(self.head, extends=""))}
        for name, configs in self.stages.items():
            rows = [to_table(config) for config in configs]
            out[name] = rows if name in REPEATED else rows[0]
        return out if self.plan is None else {**out, PLAN: to_table(self.plan)}


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
        if name not in ("recipe", PLAN, *SECTIONS):
            guess = nearest(name, ("recipe", PLAN, *SECTIONS))
            if guess:
                fix = tr("Did you mean [{section}]?", section=guess)
            else:
                fix = tr("Sections: recipe, {sections}.", sections=", ".join((*SECTIONS, PLAN)))
            raise FournilError(tr("unknown section [{name}]", name=name), where=where, fix=fix, code=EXIT_USAGE)
    head = _checked(Head, table.get("recipe", {}), "recipe", where)
    _check_head(head, where)
    stages: dict[str, tuple[Any, ...]] = {}
    for name in SECTIONS:
        if name not in head.stages and name not in table:
            continue
        rows = table.get(name, [] if name in REPEATED else {})
        if isinstance(rows, list) != (name in REPEATED):
            shape = f"[[{name}]]" if name in REPEATED else f"[{name}]"
            what = tr("section {name} must be written {shape}", name=name, shape=shape)
            raise FournilError(what, where=where, fix=_head_above(name, rows), code=EXIT_USAGE)
        config = stage_config(name)
        many = rows if isinstance(rows, list) else [rows]
        labels = [f"{name}[{i}]" if name in REPEATED else name for i in range(len(many))]
        checked = tuple(_checked(config, row, label, where) for row, label in zip(many, labels, strict=True))
        if name == "finetune":
            for label, one in zip(labels, checked, strict=True):
                check_name(one.name, f"{label}.name", where)
        if name in head.stages:  # what is not run is checked all the same
            stages[name] = checked
    plan = _checked(plan_config(), table[PLAN], PLAN, where) if PLAN in table else None
    return Recipe(head, stages, path, plan)


def stage_config(stage: str) -> type:
    """Return the dataclass of a stage's settings (its config module imports the standard library only)."""
    return importlib.import_module(f"fournil.stages.{stage}.config").Config


def plan_config() -> type:
    """Return the dataclass of what `fournil plan` assumes."""
    return importlib.import_module("fournil.apps.plan.config").Config


def freeze(recipe: Recipe, path: Path) -> None:
    """Write the recipe with every value resolved."""
    import tomli_w

    text = "# Every value of this run, resolved. Bake it again with: fournil bake recipe.lock.toml\n\n"
    text += tomli_w.dumps(recipe.table())
    if not path.is_file() or path.read_bytes() != text.encode("utf-8"):
        write_text(path, text)


def _read_extended(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    table = _read_toml(path)
    place = Path(path).resolve()
    if place in seen:
        raise FournilError(tr("recipes extend each other in a circle"), where=path, code=EXIT_USAGE)
    head = table.get("recipe")
    base = head.get("extends") if isinstance(head, dict) else None
    if not base:
        return table
    if not isinstance(base, str):
        what = tr("{place} must be text in quotes, not {value}", place="recipe.extends", value=_shown(base))
        raise FournilError(what, where=path, code=EXIT_USAGE)
    merged = _merge(_read_extended(place.parent / base, (*seen, place)), table)
    merged["recipe"]["extends"] = ""
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if Path(path).is_dir():
            fix = tr("Name the .toml file in it.")
            raise FournilError(tr("this is a folder, no recipe"), where=path, fix=fix, code=EXIT_USAGE)
        with Path(path).open("rb") as file:
            data = file.read(MAX_RECIPE_BYTES + 1)
    except FileNotFoundError as error:
        fix = tr("Recipes that ship with Fournil lie in recipes/ (mie.toml, petit.toml).")
        raise FournilError(tr("no such recipe"), where=path, fix=fix, code=EXIT_USAGE) from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or str(error)
        what = tr("this recipe cannot be read: {reason}", reason=reason)
        raise FournilError(what, where=_printable(path), code=EXIT_USAGE) from error
    if len(data) > MAX_RECIPE_BYTES:
        fix = tr("Name a .toml file; recipes have a few kilobytes.")
        raise FournilError(tr("this is too large for a recipe"), where=path, fix=fix, code=EXIT_USAGE)
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        fix = tr("Save it as UTF-8.")
        raise FournilError(
            tr("this recipe cannot be read as UTF-8 text"), where=path, fix=fix, code=EXIT_USAGE
        ) from error
    except (ValueError, RecursionError) as error:  # a bad number of a thousand digits is a plain ValueError
        if b"\0" in data:
            raise FournilError(
                tr("this is no text"), where=path, fix=tr("Name a .toml file."), code=EXIT_USAGE
            ) from error
        reason = tr("nested too deeply") if isinstance(error, RecursionError) else str(error)
        what = tr("not valid TOML: {reason}", reason=reason)
        raise FournilError(what, where=path, fix=tr("See https://toml.io."), code=EXIT_USAGE) from error


def _printable(path: Path) -> str:
    return "".join(char if char.isprintable() else "�" for char in str(path))


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
        what = tr("cannot read the setting {change!r}", change=change)
        raise FournilError(what, fix=tr("Write --set SECTION.KEY=VALUE."), code=EXIT_USAGE)
    value = _value(text)
    place: Any = table
    for key, after in zip(keys, [*keys[1:], None], strict=True):
        index: Any = key
        if isinstance(place, list):
            if not (key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(place)):
                fix = tr("Indexes go from 0 to {last}.", last=len(place) - 1) if place else tr("The array is empty.")
                raise FournilError(tr("no such table: {path}", path=path), fix=fix, code=EXIT_USAGE)
            index = int(key)
        elif not isinstance(place, dict):
            raise FournilError(tr("no such table: {path}", path=path), code=EXIT_USAGE)
        if after is None:
            place[index] = value
        else:
            place = place[index] if isinstance(place, list) else place.setdefault(key, {})


def _value(text: str) -> Any:  # noqa: ANN401 - a TOML value
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text  # a bare word is a string
    return table["value"] if list(table) == ["value"] else text


def _checked(config: type, table: Any, path: str, where: str) -> Any:  # noqa: ANN401 - a settings dataclass
    from pydantic import TypeAdapter, ValidationError

    if not isinstance(table, dict):
        raise FournilError(tr("{path} must be a table", path=path), where=where, code=EXIT_USAGE)
    check_keys(config, table, path, where)
    _check_plain(table, path, where)
    try:
        return TypeAdapter(config).validate_json(json.dumps(table), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join((path, *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])))
        raise FournilError(_mistake(place, first), where=where, code=EXIT_USAGE) from error


def _check_plain(value: Any, path: str, where: str) -> None:  # noqa: ANN401 - a TOML value
    """Refuse what TOML can write and no setting is: dates, NaN, infinity, whole numbers beyond 64 bits."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(inner, f"{path}.{key}", where)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _check_plain(inner, f"{path}[{number}]", where)
    elif isinstance(value, float) and not math.isfinite(value):
        what = tr("{place} must be a finite number, not {value}", place=path, value=str(value))
        raise FournilError(what, where=where, code=EXIT_USAGE)
    elif isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        shown = "".join("�" if "\ud800" <= char <= "\udfff" else char for char in value)
        what = tr("{place} is no UTF-8 text: {text}", place=path, text=shown)
        raise FournilError(what, where=where, fix=tr("Give the file a name in UTF-8."), code=EXIT_USAGE)
    elif isinstance(value, int) and abs(value) > MAX_SEED:
        raise FournilError(tr("{place} is a number beyond 64 bits", place=path), where=where, code=EXIT_USAGE)
    elif not isinstance(value, str | int | float):
        what = tr("{path} holds a value of a type that no setting has", path=path)
        raise FournilError(what, where=where, fix=tr("Dates are written in quotes."), code=EXIT_USAGE)


def _mistake(place: str, error: Mapping[str, Any]) -> str:
    """Put into our own words what pydantic found."""
    kind, value = error["type"], _shown(error["input"])
    if kind == "missing":
        return tr("{place} is missing", place=place)
    if kind == "int_type":
        return tr("{place} must be a whole number, not {value}", place=place, value=value)
    if kind == "float_type":
        return tr("{place} must be a number, not {value}", place=place, value=value)
    if kind == "bool_type":
        return tr("{place} must be true or false, not {value}", place=place, value=value)
    if kind == "string_type":
        return tr("{place} must be text in quotes, not {value}", place=place, value=value)
    if kind == "tuple_type":
        return tr("{place} must be an array [ … ], not {value}", place=place, value=value)
    if kind == "value_error":  # from __post_init__, in the reader's language already
        return tr("{place}: {what}", place=place, what=str(error["ctx"]["error"]))
    return tr("{place}: {what}, not {value}", place=place, what=error["msg"], value=value)


def _shown(value: object) -> str:
    """Return a value as a message shows it: as TOML writes it, and not all of a long one."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _head_above(name: str, rows: Any) -> str | None:  # noqa: ANN401 - what TOML gave
    """What to add where tables of a section that can repeat stand without its own head."""
    inner = next(iter(rows.items()), None) if isinstance(rows, dict) else None
    if name not in REPEATED or inner is None or not isinstance(inner[1], dict | list):
        return None
    below = f"[[{name}.{inner[0]}]]" if isinstance(inner[1], list) else f"[{name}.{inner[0]}]"
    return tr("Write a line {head} above {below}.", head=f"[[{name}]]", below=below)


def _check_head(head: Head, where: str) -> None:
    check_name(head.name, "recipe.name", where)
    if not head.languages or len(set(head.languages)) != len(head.languages):
        raise FournilError(tr("recipe.languages must name each language once"), where=where, code=EXIT_USAGE)
    if not 0 <= head.seed <= MAX_SEED:
        what = tr("recipe.seed must lie between 0 and {most}, not be {seed}", most=MAX_SEED, seed=head.seed)
        raise FournilError(what, where=where, code=EXIT_USAGE)
    for stage in head.stages:
        if stage not in SECTIONS:
            guess = nearest(stage, SECTIONS)
            if guess:
                fix = tr("Did you mean {guess!r}?", guess=guess)
            else:
                fix = tr("Stages: {stages}.", stages=", ".join(SECTIONS))
            what = tr("recipe.stages: no stage {stage!r}", stage=stage)
            raise FournilError(what, where=where, fix=fix, code=EXIT_USAGE)
    if not head.stages:
        fix = tr("Leave it out to run all.")
        raise FournilError(tr("recipe.stages names no stage"), where=where, fix=fix, code=EXIT_USAGE)


def check_name(name: str, place: str, where: str | None = None) -> None:
    """Refuse a name that cannot be a folder's.

    Raises:
        FournilError: When it has other characters than a folder's name may have everywhere, or too many.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) is None or len(name) > MAX_NAME:
        fix = tr("Use at most {most} lower-case letters, digits and hyphens.", most=MAX_NAME)
        what = tr("{place} cannot be {name}", place=place, name=_shown(name))
        raise FournilError(what, where=where, fix=fix, code=EXIT_USAGE)
