"""Settings as plain dataclasses: their docstrings, their place in a recipe, and checks that name the nearest key.

A stage's settings are a frozen dataclass of the standard library. The text under each field is its documentation: it
feeds `--help` and the docs.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.speech import tr


@dataclass(frozen=True)
class Setting:
    """One setting of a stage."""

    path: str
    """Dotted, such as `heldout.share`; an array of tables is `phase[].steps`."""
    type: str
    default: str
    doc: str


@cache
def docstrings(config: type) -> dict[str, str]:
    """Return the text under each field of a dataclass."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(config)))
    body = typing.cast(ast.ClassDef, tree.body[0]).body
    found: dict[str, str] = {}
    for node, after in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            name = typing.cast(ast.Name, node.target).id
            found[name] = inspect.cleandoc(str(after.value.value))
    return found


def settings_of(config: type, prefix: str = "") -> Iterator[Setting]:
    """List every setting of a dataclass, those of nested dataclasses and of arrays of them too."""
    docs, hints = docstrings(config), typing.get_type_hints(config)
    for field in dataclasses.fields(config):
        inner, many = table_type(hints[field.name])
        if inner is not None:
            yield from settings_of(inner, f"{prefix}{field.name}{'[]' if many else ''}.")
            continue
        made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        default = "" if made is dataclasses.MISSING else repr(made)
        yield Setting(f"{prefix}{field.name}", _type_name(hints[field.name]), default, docs.get(field.name, ""))


def table_type(hint: Any) -> tuple[type | None, bool]:  # noqa: ANN401 - a type hint
    """Return the dataclass that a hint names, and whether it is an array of it; (None, False) for other hints."""
    if dataclasses.is_dataclass(hint):
        return typing.cast(type, hint), False
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return (typing.cast(type, inner), True) if dataclasses.is_dataclass(inner) else (None, False)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [table_type(arg) for arg in typing.get_args(hint)]
        return next((found for found in inner if found[0] is not None), (None, False))
    return None, False


def check_keys(config: type, table: Mapping[str, Any], path: str, where: str) -> None:
    """Refuse keys that the settings do not have, with their full path and the nearest right name.

    Raises:
        FournilError: At the first unknown key.
    """
    hints = typing.get_type_hints(config)
    for key, value in table.items():
        if key not in hints:
            guess = nearest(key, hints)
            if guess:
                fix = tr("Did you mean {path}.{guess}?", path=path, guess=guess)
            else:
                fix = tr("Known: {names}.", names=", ".join(hints))
            what = tr("unknown setting {path}.{key}", path=path, key=key)
            raise FournilError(what, where=where, fix=fix, code=EXIT_USAGE)
        inner, many = table_type(hints[key])
        if inner is None:
            continue
        rows = value if many else [value]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            place = f"{path}.{key}"
            if many:
                what = tr("{place} must be an array of tables [[{place}]]", place=place)
            else:
                what = tr("{place} must be a table [{place}]", place=place)
            raise FournilError(what, where=where, code=EXIT_USAGE)
        for number, row in enumerate(rows):
            check_keys(inner, row, f"{path}.{key}[{number}]" if many else f"{path}.{key}", where)


def to_table(config: Any) -> dict[str, Any]:  # noqa: ANN401 - any settings dataclass
    """Return settings as JSON values: tuples as lists, unset optional values left out."""

    def plain(value: object) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if item is not None}
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    return plain(dataclasses.asdict(config))


def _type_name(hint: Any) -> str:  # noqa: ANN401 - a type hint
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__name__
    return str(hint).replace("typing.", "")
