"""Charts as inline SVG: lines over steps with axes, and bars that stand in table cells.

Colours, dashes and dark mode come from the style sheet by class. Sizes are attributes, because the page's security
policy forbids style attributes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fournil.core.speech import tr
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import decimal, general, whole

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 42, 390, 12, 206
TABLE_ROWS = 12

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """A line of a chart."""

    label: str
    shade: str
    """Class of its colour and dash."""
    points: Points
    spread: Sequence[tuple[float, float, float]] = ()
    """At each step the ends of the interval, drawn as a pale band."""


@dataclass(frozen=True)
class Axis:
    """A scale with ticks at round numbers."""

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float

    def at(self, value: float, start: float, end: float) -> float:
        """Return where a value stands between two coordinates."""
        return start + (value - self.low) / (self.high - self.low) * (end - start)


def axis(low: float, high: float, wanted: int = 5, *, fit: bool = False) -> Axis:
    """Lay an axis over a range, with ticks at steps of 1, 2, 2.5 or 5 times a power of ten.

    Args:
        low: The least value; the axis begins at the tick below it.
        high: The greatest value.
        wanted: About how many ticks.
        fit: Whether the axis ends at the greatest value, or at the tick above it.
    """
    if high <= low:
        low, high = low - abs(low or 1) * 0.1, high + abs(high or 1) * 0.1
    rough = (high - low) / max(wanted - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    if fit:
        ticks = [tick for tick in ticks if tick <= high * (1 + 1e-9)]
    return Axis(first * step, high if fit else last * step, tuple(ticks), step)


def tick_label(value: float, step: float) -> str:
    """Write a tick with as many decimals as its step needs; thousands as 20k, millions as 1.5M."""
    if step * 10 >= 1e6 and abs(value) >= 1e5:
        return tr("{amount}M", amount=general(value / 1e6))
    if step * 10 >= 1e4 and abs(value) >= 1e3:
        return tr("{amount}k", amount=general(value / 1e3))
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    if places < 4 and abs(round(step, places) - step) > step * 1e-6:
        places += 1
    return decimal(value, places) if places else whole(value)


def line_chart(title: str, y_label: str, series: Sequence[Series], *, places: int = 2) -> Html:
    """Draw lines over training steps, with a legend and the same figures as a table.

    Args:
        title: Stands above the chart and names it for screen readers.
        y_label: What the vertical axis tells, with its unit.
        series: The lines; those without points are left out.
        places: Decimals in the table.
    """
    drawn = [line for line in series if line.points]
    if not drawn:
        return Html("")
    values = [y for line in drawn for _, y in line.points]
    values += [end for line in drawn for _, *ends in line.spread for end in ends]
    x_axis = axis(0, max(x for line in drawn for x, _ in line.points), fit=True)
    y_axis = axis(min(values), max(values), 6, fit=max(values) > min(values))
    ends = "; ".join(
        tr(
            "{line} from {first} to {last}",
            line=line.label,
            first=decimal(line.points[0][1], places),
            last=decimal(line.points[-1][1], places),
        )
        for line in drawn
    )
    svg = tag(
        "svg",
        *_frame(x_axis, y_axis),
        *(_spread(line, x_axis, y_axis) for line in drawn if len(line.spread) > 1),
        *(_line(line, x_axis, y_axis) for line in drawn),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=tr("Line chart: {title}, {unit} by step. {ends}.", title=title, unit=y_label, ends=ends),
        class_="chart",
        data_x=f"{x_axis.low:g} {x_axis.high:g} {LEFT} {RIGHT}",
        data_y=f"{y_axis.low:g} {y_axis.high:g} {BOTTOM} {TOP}",
        data_reading=tr("step {step}: {values}"),
    )
    return tag(
        "figure",
        tag("figcaption", tag("b", title), " ", tag("span", y_label, class_="unit")),
        svg,
        _legend(drawn),
        tag("p", class_="reading", hidden=True),
        _as_table(title, drawn, places),
        class_="plot",
    )


def bar(share: float, shade: str = "", *, low: float | None = None, high: float | None = None, kind: str = "") -> Html:
    """Draw a bar of a table cell; the figure stands beside it as text.

    Args:
        share: Its length from 0 to 1.
        shade: Class of its colour.
        low: Where its interval begins, from 0 to 1.
        high: Where its interval ends.
        kind: Class of its place: `beside` the figure, not below it.
    """
    parts = [tag("rect", width=_length(share))]
    if low is not None and high is not None:
        start, end = (min(max(value, 0.0), 1.0) for value in (low, high))
        parts.append(tag("rect", x=_length(start), width=_length(end - start), class_="interval"))
    return _strip(parts, shade, kind)


def stacked(parts: Sequence[tuple[float, str]]) -> Html:
    """Draw a bar of several shares that together make 1 at most."""
    found, start = [], 0.0
    for share, shade in parts:
        found.append(tag("rect", x=_length(start), width=_length(share), class_=shade))
        start += share
    return _strip(found)


def swatch(shade: str) -> Html:
    """Draw a small square of a colour for a legend."""
    return tag("i", class_=f"swatch {shade}")


def thin(points: Points, most: int = 300) -> Points:
    """Keep so many points at most, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return points
    return [points[round(number * (len(points) - 1) / (most - 1))] for number in range(most)]


def _length(share: float) -> str:
    """A share of a bar in per cent: 44.8%."""
    return f"{100 * min(max(share, 0.0), 1.0):.1f}".removesuffix(".0") + "%"


def _strip(parts: Sequence[Html], *classes: str) -> Html:
    return tag("svg", *parts, class_=" ".join(filter(None, ("bar", *classes))), aria_hidden="true")


def _frame(x_axis: Axis, y_axis: Axis) -> list[Html]:
    found = []
    for value in y_axis.ticks:
        y = y_axis.at(value, BOTTOM, TOP)
        found.append(tag("path", d=f"M{LEFT} {y:.1f}H{RIGHT}", class_="grid"))
        label = tick_label(value, y_axis.step)
        found.append(tag("text", label, x=LEFT - 7, y=f"{y + 4.5:.1f}", class_="end"))
    for value in x_axis.ticks:
        x = x_axis.at(value, LEFT, RIGHT)
        found.append(tag("path", d=f"M{x:.1f} {BOTTOM}v5", class_="axis"))
        label = tick_label(value, x_axis.step)
        at_end = x + 4 * len(label) > WIDTH
        place = WIDTH if at_end else x
        found.append(tag("text", label, x=f"{place:.1f}", y=BOTTOM + 20, class_="end" if at_end else None))
    found.append(tag("path", d=f"M{LEFT} {BOTTOM}H{RIGHT}", class_="axis"))
    found.append(tag("text", tr("step"), x=f"{(LEFT + RIGHT) / 2:.0f}", y=BOTTOM + 39))
    return found


def _line(line: Series, x_axis: Axis, y_axis: Axis) -> Html:
    places = [f"{x_axis.at(x, LEFT, RIGHT):.1f},{y_axis.at(y, BOTTOM, TOP):.1f}" for x, y in thin(line.points)]
    x, y = places[-1].split(",")
    return join(
        [
            tag("polyline", points=" ".join(places), class_=f"line {line.shade}", data_label=line.label),
            tag("circle", cx=x, cy=y, r=3, class_=f"dot {line.shade}"),
        ]
    )


def _spread(line: Series, x_axis: Axis, y_axis: Axis) -> Html:
    lower = [(step, low) for step, low, _ in line.spread]
    upper = [(step, high) for step, _, high in reversed(line.spread)]
    places = [f"{x_axis.at(x, LEFT, RIGHT):.1f} {y_axis.at(y, BOTTOM, TOP):.1f}" for x, y in (*lower, *upper)]
    return tag("path", d=f"M{'L'.join(places)}Z", class_=f"spread {line.shade}")


def _legend(series: Sequence[Series]) -> Html:
    items = [
        tag(
            "li",
            tag(
                "svg",
                tag("path", d="M0 5H26", class_=f"line {line.shade}"),
                viewBox="0 0 26 10",
                class_="sample",
                aria_hidden="true",
            ),
            line.label,
        )
        for line in series
    ]
    return tag("ul", *items, class_="legend")


def _as_table(title: str, series: Sequence[Series], places: int) -> Html:
    by_step = [dict(line.points) for line in series]
    steps = thin([(step, 0.0) for step in sorted({step for line in by_step for step in line})], TABLE_ROWS)
    body = [
        tag(
            "tr", tag("th", whole(step), scope="row"), *(tag("td", decimal(line.get(step), places)) for line in by_step)
        )
        for step, _ in steps
    ]
    head = tag(
        "tr",
        tag("th", tr("step"), scope="col", class_="n"),
        *(tag("th", line.label, scope="col", class_="n") for line in series),
    )
    numeric = " ".join(f"n{place}" for place in range(1, len(series) + 2))
    table = tag("table", tag("caption", title), tag("thead", head), tag("tbody", *body), class_=numeric)
    return tag(
        "details",
        tag("summary", tr("As a table")),
        tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=title),
    )
