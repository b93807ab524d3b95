"""Figures as the page prints them: commas in thousands, a no-break space before the unit, "–" for what is missing."""

from __future__ import annotations

import math
from typing import Any

from fournil.stages.report.markup import Html, join, tag

NBSP = "\u00a0"
NONE = "–"
MINUS = "\u2212"

LANGUAGE_NAMES = {
    "und": "not identified",
    "mul": "several",
    "pairs": "pairs",
    "shared": "shared",
    "unused": "never used",
}


def number(value: Any) -> float | None:  # noqa: ANN401 - whatever the ledger holds
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def whole(value: Any) -> str:  # noqa: ANN401
    """1234567 → 1,234,567."""
    found = number(value)
    return NONE if found is None else _signed(f"{found:,.0f}")


def decimal(value: Any, places: int = 2) -> str:  # noqa: ANN401
    """1.23456 → 1.23."""
    found = number(value)
    return NONE if found is None else _signed(f"{found:,.{places}f}")


def short(value: Any) -> str:  # noqa: ANN401
    """4212345 → 4.21 million, for sentences."""
    found = number(value)
    if found is None:
        return NONE
    for bound, unit in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if abs(found) >= bound:
            return f"{_signed(f'{found / bound:.3g}')}{NBSP}{unit}"
    return whole(found)


def size(value: Any) -> str:  # noqa: ANN401
    """Bytes in the unit that fits: 812 B, 45.1 kB, 3.20 MB (10^6 bytes)."""
    found = number(value)
    if found is None:
        return NONE
    for bound, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if found >= bound:
            return f"{_three(found / bound)}{NBSP}{unit}"
    return f"{found:.0f}{NBSP}B"


def megabytes(value: Any) -> str:  # noqa: ANN401
    """Bytes as a number of megabytes without its unit, for columns."""
    found = number(value)
    if found is None:
        return NONE
    mb = found / 1e6
    return "0" if not found else "< 0.01" if mb < 0.01 else f"{mb:,.2f}" if mb < 10 else f"{mb:,.1f}"


def memory(value: Any) -> str:  # noqa: ANN401
    """Bytes of memory in GB."""
    found = number(value)
    return NONE if not found else f"{found / 1e9:.2f}{NBSP}GB"


def percent(part: Any, of: Any = 1.0) -> str:  # noqa: ANN401
    """A share: 34.2 %; 0 % and 100 % are said only when they are exact."""
    above, below = number(part), number(of)
    if above is None or not below:
        return NONE
    value = 100 * above / below
    if value in (0, 100):
        return f"{value:.0f}{NBSP}%"
    if 0 < value < 0.1:
        return f"<{NBSP}0.1{NBSP}%"
    if 99.9 < value < 100:
        return f">{NBSP}99.9{NBSP}%"
    return f"{_signed(f'{value:.1f}')}{NBSP}%"


def seconds(value: Any) -> str:  # noqa: ANN401
    """4.2 s, 2 min 05 s, 1 h 20 min."""
    found = number(value)
    if found is None:
        return NONE
    if found < 9.95:
        return f"{found:.1f}{NBSP}s"
    if found < 59.5:
        return f"{found:.0f}{NBSP}s"
    minutes, rest = divmod(round(found), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min{NBSP}{rest:02d}{NBSP}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,}{NBSP}h{NBSP}{minutes:02d}{NBSP}min"


def energy(kwh: Any) -> str:  # noqa: ANN401
    """Energy in Wh, or kWh from ten of them on."""
    found = number(kwh)
    if found is None:
        return NONE
    if found >= 10:
        return f"{_three(found)}{NBSP}kWh"
    hours = found * 1000
    return f"{_three(hours) if hours >= 0.995 or not hours else _two(hours)}{NBSP}Wh"


def scientific(value: float) -> Html:
    """4.8 × 10⁻⁶."""
    if not value:
        return Html("0")
    power = math.floor(math.log10(abs(value)))
    return join([f"{value / 10**power:.1f}{NBSP}×{NBSP}10", tag("sup", _signed(str(power)))])


def language_name(tag: str) -> str:
    """The English name of a language, or the tag itself where the house does not know it."""
    from fournil.core.errors import FournilError
    from fournil.core.languages import language

    if tag in LANGUAGE_NAMES:
        return LANGUAGE_NAMES[tag]
    try:
        name = language(tag).name
    except FournilError:
        return tag
    return {"Program code": "code"}.get(name, name)


def plural(count: Any, unit: str) -> str:  # noqa: ANN401
    """1 document, 2 documents: the unit is given in the plural."""
    return f"{whole(count)}{NBSP}{unit[:-1] if count == 1 and unit.endswith('s') else unit}"


def _three(value: float) -> str:
    """Three significant digits, none after the decimal point from 100 on."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _two(value: float) -> str:
    """Two significant digits of a value below 1."""
    return f"{value:.{1 - math.floor(math.log10(value))}f}"


def _signed(written: str) -> str:
    return written.replace("-", MINUS)
