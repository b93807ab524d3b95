"""Amounts as people read them: three digits, a prefix, a unit."""

from __future__ import annotations

from fournil.core.progress import duration
from fournil.core.speech import figure, tr

UNKNOWN = "?"


def amount(number: float | None) -> str:
    """Return a number with three digits and a prefix: 8.14 k, 303 G; `?` for one that is not known."""
    if number is None:
        return "?"
    if number == 0:
        return "0"
    for limit, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= (9_999.5 if prefix == "k" else 0.9995 * limit):
            return f"{figure(_three(number / limit))}\u00a0{prefix}"
    whole = number >= 1000 or number == int(number)
    return figure(f"{number:,.0f}" if whole else _three(number))


def size(num_bytes: float | None) -> str:
    """Return bytes as people read them; `?` when they are not known."""
    if num_bytes is None:
        return "?"
    for limit, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")):
        if num_bytes >= 0.9995 * limit:
            return tr("{number}\u00a0{prefix}B", number=figure(_three(num_bytes / limit)), prefix=prefix)
    return tr("{number}\u00a0{prefix}B", number=figure(_three(num_bytes / 1e3)), prefix="k")


def time(seconds: float | None) -> str:
    """Return seconds as people say them, days for long stretches; `?` when they are not known."""
    if seconds is None:
        return "?"
    if seconds >= 3 * 86400:
        return tr("{days:,.1f} days", days=seconds / 86400)
    return duration(seconds)


def _three(number: float) -> str:
    if number >= 100:
        return f"{number:,.0f}"
    if number >= 10:
        return f"{number:.1f}"
    return f"{number:.2f}" if number >= 0.1 or number == 0 else f"{number:.2g}"


def energy(kwh: float | None) -> str:
    """Return energy in the unit that fits."""
    return UNKNOWN if kwh is None else _with_unit(kwh * 1000, "Wh")


def mass(kg: float | None) -> str:
    """Return a mass in the unit that fits."""
    if kg is None:
        return UNKNOWN
    return _with_unit(kg / 1000, "t") if kg >= 999.5 else _with_unit(kg * 1000, "g")


def money(euros: float | None) -> str:
    """Return euros: cents for small sums, none for large ones."""
    if euros is None:
        return UNKNOWN
    if 0 < euros < 0.005:
        return figure("<0.01")
    return figure(f"{euros:,.2f}" if euros < 1000 else f"{euros:,.0f}")


def _with_unit(number: float, unit: str) -> str:
    if number == 0:
        return f"0\u00a0{unit}"
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m")):
        if number >= 0.9995 * limit or prefix == "m":
            return f"{figure(_three(number / limit))}\u00a0{prefix}{unit}"
    raise AssertionError("the smallest prefix takes everything")
