"""How the scores of tasks grew while the model was trained, checkpoint by checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fournil.core.metrics import is_share, scale_of
from fournil.core.speech import tr, trn
from fournil.stages.report.charts import Series, line_chart
from fournil.stages.report.layout import Section, details, shade
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import capitalised, language_name, number
from fournil.stages.report.sections.tasks import FIXED, column_of, short_name, task_rows
from fournil.stages.report.story import Story, rows

OPEN = 8
"""Charts that stand open; the others are folded away below them."""


def curves(story: Story) -> Section | None:
    """Draw each task's score by step, French and English in one chart where they are counterparts."""
    entry = story.one("evaluate")
    found = rows(entry.fact("curves")) if entry else []
    if entry is None or not found:
        return None
    pairs = {(str(row.get("task")), row.get("edition")): str(row.get("pair") or "") for row in task_rows(entry)}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for curve in found:
        task, edition = str(curve.get("task")), curve.get("edition")
        name = str(curve.get("pair") or pairs.get((task, edition)) or task)
        name = tr("{task}, mended", task=short_name(name)) if edition == FIXED else short_name(name)
        groups.setdefault((name, str(curve.get("metric"))), []).append(curve)
    charts = [chart for (name, metric), group in groups.items() if (chart := _chart(name, metric, group, story))]
    if not charts:
        return None
    body = tag("div", *charts[:OPEN], class_="plots")
    rest = len(charts) - OPEN
    if rest > 0:
        summary = trn("{count:,} more curve", "{count:,} more curves", rest)
        body = join([body, details(summary, tag("div", *charts[OPEN:], class_="plots"))])
    lead = tr("Each checkpoint that the training kept, scored alike. The pale bands are intervals of 95\u00a0%.")
    return Section("curves", tr("How the scores grew"), lead, body, [entry])


def _chart(name: str, metric: str, group: Sequence[dict[str, Any]], story: Story) -> Html:
    times, places = scale_of(metric)
    series = []
    for position, curve in enumerate(group):
        points, spread = [], []
        for point in sorted(rows(curve.get("points")), key=lambda point: number(point.get("step")) or 0):
            step, value = number(point.get("step")), number(point.get("value"))
            if step is None or value is None:
                continue
            points.append((step, value * times))
            ends = point.get("interval")
            low, high = (number(end) for end in ends) if isinstance(ends, list) and len(ends) == 2 else (None, None)
            if low is not None and high is not None:
                spread.append((step, low * times, high * times))
        tongue = column_of(curve)
        label = capitalised(language_name(tongue))
        taken = any(line.label == label for line in series)
        label = f"{label}, {short_name(str(curve.get('task')))}" if taken else label
        colour = shade("" if taken else tongue, story, position)
        series.append(Series(label, colour, points, spread if len(spread) == len(points) else ()))
    unit = tr("{metric}, %", metric=metric) if is_share(metric) else metric
    return line_chart(name, unit, series, places=places)
