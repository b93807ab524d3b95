"""Figures as the page prints them, in the reader's language: 1,234.5 or 1 234,5, units after a no-break space.

What is missing is "–".
"""

from __future__ import annotations

import math
from typing import Any

from fournil.core.speech import figure, mark, retell, tr, trn
from fournil.stages.report.markup import Html, join, tag

NBSP = "\u00a0"
NONE = "–"
MINUS = "\u2212"

LANGUAGE_NAMES = {
    "fr": mark("French"),
    "en": mark("English"),
    "code": mark("code"),
    "und": mark("not identified"),
    "mul": mark("several"),
    "pairs": mark("pairs"),
    "shared": mark("shared"),
    "unused": mark("never used"),
}


def number(value: Any) -> float | None:  # noqa: ANN401 - whatever the ledger holds
    """Return a finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def count(value: Any) -> int:  # noqa: ANN401
    """Return a whole number, 0 for what is none."""
    return round(number(value) or 0)


def whole(value: Any) -> str:  # noqa: ANN401
    """1234567 → 1,234,567."""
    found = number(value)
    return NONE if found is None else _written(f"{found:,.0f}")


def decimal(value: Any, places: int = 2) -> str:  # noqa: ANN401
    """1.23456 → 1.23."""
    found = number(value)
    return NONE if found is None else _written(f"{found:,.{places}f}")


def gain(value: float, places: int = 1) -> str:
    """A difference with its sign: +1.2."""
    return _written(f"{value:+,.{places}f}")


def general(value: float, digits: int = 6) -> str:
    """As many digits as are needed: 0.5, 24."""
    return _written(f"{value:.{digits}g}")


def short(value: Any) -> str:  # noqa: ANN401
    """4212345 → 4.21 million, for figures on their own."""
    found = number(value)
    if found is None:
        return NONE
    scaled, power = _scaled(found)
    amount = _brief(scaled)
    match power:
        case 12:
            return trn("{amount}\u00a0trillion", "{amount}\u00a0trillion", scaled, amount=amount)
        case 9:
            return trn("{amount}\u00a0billion", "{amount}\u00a0billion", scaled, amount=amount)
        case 6:
            return trn("{amount}\u00a0million", "{amount}\u00a0million", scaled, amount=amount)
    return whole(found)


def short_tokens(value: Any) -> str:  # noqa: ANN401
    """4212345 → 4.21 million tokens."""
    scaled, power = _scaled(number(value) or 0)
    amount = _brief(scaled)
    match power:
        case 12:
            return trn("{amount}\u00a0trillion tokens", "{amount}\u00a0trillion tokens", scaled, amount=amount)
        case 9:
            return trn("{amount}\u00a0billion tokens", "{amount}\u00a0billion tokens", scaled, amount=amount)
        case 6:
            return trn("{amount}\u00a0million tokens", "{amount}\u00a0million tokens", scaled, amount=amount)
    return trn("{count:,}\u00a0token", "{count:,}\u00a0tokens", round(scaled))


def short_parameters(value: Any) -> str:  # noqa: ANN401
    """4212345 → 4.21 million parameters."""
    scaled, power = _scaled(number(value) or 0)
    amount = _brief(scaled)
    match power:
        case 12:
            return trn("{amount}\u00a0trillion parameters", "{amount}\u00a0trillion parameters", scaled, amount=amount)
        case 9:
            return trn("{amount}\u00a0billion parameters", "{amount}\u00a0billion parameters", scaled, amount=amount)
        case 6:
            return trn("{amount}\u00a0million parameters", "{amount}\u00a0million parameters", scaled, amount=amount)
    return trn("{count:,}\u00a0parameter", "{count:,}\u00a0parameters", round(scaled))


def size(value: Any) -> str:  # noqa: ANN401
    """Bytes in the unit that fits: 812 B, 45.1 kB, 3.20 MB (10^6 bytes)."""
    found = number(value)
    if found is None:
        return NONE
    if found >= 999_500_000_000:
        return tr("{amount}\u00a0TB", amount=_three(found / 1e12))
    if found >= 999_500_000:
        return tr("{amount}\u00a0GB", amount=_three(found / 1e9))
    if found >= 999_500:
        return tr("{amount}\u00a0MB", amount=_three(found / 1e6))
    if found >= 1000:
        return tr("{amount}\u00a0kB", amount=_three(found / 1e3))
    return tr("{amount}\u00a0B", amount=whole(found))


def megabytes(value: Any) -> str:  # noqa: ANN401
    """Bytes as a number of megabytes without its unit, for columns."""
    found = number(value)
    if found is None:
        return NONE
    mb = found / 1e6
    return "0" if not found else f"< {decimal(0.01)}" if mb < 0.01 else decimal(mb, 2 if mb < 10 else 1)


def memory(value: Any) -> str:  # noqa: ANN401
    """Bytes of memory in GB."""
    found = number(value)
    return NONE if not found else tr("{amount}\u00a0GB", amount=decimal(found / 1e9))


def percent(part: Any, of: Any = 1.0) -> str:  # noqa: ANN401
    """A share: 34.2 %; 0 % and 100 % are said only when they are exact."""
    above, below = number(part), number(of)
    if above is None or not below:
        return NONE
    value = 100 * above / below
    if value in (0, 100):
        return tr("{share}\u00a0%", share=whole(value))
    if 0 < value < 0.1:
        return tr("<\u00a0{share}\u00a0%", share=decimal(0.1, 1))
    if 99.9 < value < 100:
        return tr(">\u00a0{share}\u00a0%", share=decimal(99.9, 1))
    return tr("{share}\u00a0%", share=decimal(value, 1))


def seconds(value: Any) -> str:  # noqa: ANN401
    """4.2 s, 2 min 05 s, 1 h 20 min."""
    found = number(value)
    if found is None:
        return NONE
    if found < 59.5:
        return f"{decimal(found, 1 if found < 9.95 else 0)}{NBSP}s"
    minutes, rest = divmod(round(found), 60)
    if minutes < 60:
        return f"{minutes}{NBSP}min{NBSP}{rest:02d}{NBSP}s"
    hours, minutes = divmod(minutes, 60)
    return f"{whole(hours)}{NBSP}h{NBSP}{minutes:02d}{NBSP}min"


def energy(kwh: Any) -> str:  # noqa: ANN401
    """Energy in Wh, or kWh from ten of them on."""
    found = number(kwh)
    if found is None:
        return NONE
    if found >= 10:
        return f"{_three(found)}{NBSP}kWh"
    hours = found * 1000
    return f"{_three(hours) if hours >= 0.995 or hours <= 0 else _two(hours)}{NBSP}Wh"


def scientific(value: float) -> Html:
    """4.8 × 10⁻⁶."""
    if not value:
        return Html("0")
    power = math.floor(math.log10(abs(value)))
    return join([decimal(value / 10**power, 1), f"{NBSP}×{NBSP}10", tag("sup", _signed(str(power)))])


def date(iso: str) -> str:
    """2026-11-22, as the reader's language writes days; what is no day stays as it is."""
    year, _, rest = iso.partition("-")
    month, _, day = rest.partition("-")
    if not (year.isdecimal() and month.isdecimal() and day.isdecimal()):
        return iso
    return tr("{year}-{month}-{day}", year=year, month=month, day=day)


def language_name(tag: str) -> str:
    """What the reader's language calls a language, or the tag itself where the house does not know it."""
    from fournil.core.errors import FournilError
    from fournil.core.languages import language, primary

    known = LANGUAGE_NAMES.get(tag) or LANGUAGE_NAMES.get(primary(tag))
    if known is not None:
        return retell(known)
    try:
        return language(tag).name
    except FournilError:
        return tag


def capitalised(label: str) -> str:
    """Return a label with a capital at its beginning, the rest as it is."""
    return label[:1].upper() + label[1:]


def _scaled(value: float) -> tuple[float, int]:
    """A number as so many millions, billions or trillions, and the power of ten of that."""
    for power in (12, 9, 6):
        if abs(value) >= 0.9995 * 10**power:
            return value / 10**power, power
    return value, 0


def _brief(value: float) -> str:
    """Three significant digits, without zeros at the end."""
    return _written(f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}")


def _three(value: float) -> str:
    """Three significant digits, none after the decimal point from 100 on."""
    return decimal(value, 0 if value >= 99.95 else 1 if value >= 9.995 else 2)


def _two(value: float) -> str:
    """Two significant digits of a value below 1."""
    return decimal(value, 1 - math.floor(math.log10(value)))


def _signed(written: str) -> str:
    return written.replace("-", MINUS)


def _written(ascii_figure: str) -> str:
    return figure(_signed(ascii_figure))
