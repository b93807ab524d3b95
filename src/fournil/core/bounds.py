"""Bounds of settings: what lies outside is said when a recipe is read, not in the middle of a bake."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import tr


def within(config: Any, **bounds: tuple[float, float | None]) -> None:  # noqa: ANN401 - any settings dataclass
    """Refuse figures outside their bounds, for the `__post_init__` of a settings dataclass.

    Args:
        config: The settings; a field may be a figure, a tuple of them, or None, which is let pass.
        bounds: By field the least and the greatest value that are allowed (None: no greatest).

    Raises:
        ValueError: A figure lies outside; the message names the field.
    """
    for name, (least, most) in bounds.items():
        value = getattr(config, name)
        for figure in value if isinstance(value, tuple) else (value,):
            if figure is None or (figure >= least and (most is None or figure <= most)):
                continue
            said = {"name": name, "figure": figure, "least": least}
            if most is None:
                raise ValueError(tr("{name} is {figure}, it must be {least} or more", **said))
            raise ValueError(tr("{name} is {figure}, it must be from {least} to {most}", **said, most=most))


def each_once(names: tuple[str, ...], kind: str) -> None:
    """Refuse a list of tables that names one thing twice: only one of them could count.

    Raises:
        ValueError: One is named twice; the message names it.
    """
    for name in names:
        if names.count(name) > 1:
            raise ValueError(tr("{kind} {name!r} is named twice", kind=kind, name=name))
