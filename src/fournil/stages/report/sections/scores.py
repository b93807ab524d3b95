"""What the model scores on text that it never saw, with its baselines in the same table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from fournil.core.speech import Message, mark, retell, tr
from fournil.stages.report.charts import bar, swatch
from fournil.stages.report.layout import Band, Cell, Column, Section, details, grid, shade, under
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import NONE, capitalised, decimal, gain, language_name, number, percent, whole
from fournil.stages.report.sections.bands import band_name
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.sections.rounding import rounding
from fournil.stages.report.sections.training import group_name
from fournil.stages.report.story import Story, dig, rows, table, told

SYSTEMS: dict[str, Message] = {
    "model": mark("This model"),
    "copy": mark("Copying the source"),
    "nearest": mark("Nearest training pair"),
}
GAINS: dict[str, Message] = {
    "copy": mark("{gain} against copying"),
    "nearest": mark("{gain} against the nearest training pair"),
}
METRICS = {"chrf": "chrF", "bleu": "BLEU"}
BITS, STAYS, TRANSLATION = "bits_per_byte", "stays_in_language", "translation"
ELSEWHERE = ("task", "fidelity")
"""Kinds of scores that have sections of their own."""


def scores(story: Story) -> Section | None:
    """Draw translation, bits per byte and staying in the language."""
    entry = story.one("evaluate")
    found = [row for row in rows(entry.fact("scores")) if row.get("kind") not in ELSEWHERE] if entry else []
    if entry is None or not found:
        return None
    skipped = told(entry.fact("skipped"))
    before = tr("What follows was measured on the model before finetuning.")
    parts = [
        tag("p", tr("No translations were scored. {why}", why=skipped)) if skipped else None,
        _translation(found, story),
        tag("p", before) if _on_base(entry.fact("text_model")) else None,
        _bits(found, story),
        _stays(found, story),
        _others(found),
        rounding(story),
    ]
    lead = tr(
        "On held-out text. The brackets, and the thin lines on the bars, are intervals of 95\u00a0%: where two of them "
        "overlap widely, the difference may be chance."
    )
    return Section("scores", tr("What it scores"), lead, join(parts), [entry])


def _on_base(said: Any) -> bool:  # noqa: ANN401 - JSON
    return "before finetuning" in (said, dig(said, "message"))


def _translation(found: list[dict[str, Any]], story: Story) -> Html | None:
    chosen = [row for row in found if row.get("task") == TRANSLATION]
    if not chosen:
        return None
    cells: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for row in chosen:
        key = (str(row.get("language")), _band_key(row), str(row.get("system") or "model"))
        cells[key][str(row.get("metric"))] = row
    metrics = [name for name in METRICS if any(name in group for group in cells.values())]
    columns = [
        Column(tr("By")),
        Column(tr("Sentences"), numeric=True, extra=True),
        *(Column(METRICS[name], numeric=True, wide=True) for name in metrics),
    ]
    parts = []
    for language in dict.fromkeys(key[0] for key in cells):
        lines: list[list[str | Cell] | Band] = []
        classes: list[str] = []
        for band in dict.fromkeys(key[1] for key in cells if key[0] == language):
            heading = _band(band, language, chosen)
            if heading:
                lines.append(heading)
                classes.append("")
            systems = [key for key in cells if key[:2] == (language, band)]
            for key in sorted(systems, key=lambda key: _system_rank(key[2])):
                values = cells[key]
                ours = key[2] == "model"
                colour = shade(language, story) if ours else "c0"
                line: list[str | Cell] = [
                    retell(SYSTEMS[key[2]]) if key[2] in SYSTEMS else key[2],
                    whole(next(iter(values.values())).get("num_items")),
                ]
                lines.append(line + [_scored(values.get(metric), colour) for metric in metrics])
                classes.append("sum" if ours else "")
        way = group_name(language)
        caption = tr("Scores of translation, {direction}", direction=way)
        parts += [tag("h4", way), grid(caption, columns, lines, row_classes=classes, kind="scored")]
    said = tr(
        "Higher is better; 100 would be every sentence as in the reference. A model that is no better than copying has "
        "learned no translation."
    )
    signatures = {str(row["metric"]): str(row["signature"]) for row in chosen if row.get("signature")}
    small = [f"{METRICS.get(name, name)} {signature}" for name, signature in sorted(signatures.items())]
    how = tag("p", tr("sacrebleu: {signatures}.", signatures="; ".join(small)), class_="small") if small else None
    return join([tag("h3", tr("Translation")), tag("p", said), *parts, how])


def _band_key(row: dict[str, Any]) -> str:
    """The name of a row's length band, nothing where it has none."""
    return band_name(row["band"]) if row.get("band") else ""


def _band(name: str, language: str, chosen: list[dict[str, Any]]) -> Band | None:
    """Name a length band, and say how far the model stands from each baseline, by the paired bootstrap."""
    said = []
    for row in chosen:
        if (row.get("language"), _band_key(row), row.get("metric")) != (language, name, "chrf"):
            continue
        for system, found in sorted(table(row.get("gains")).items()):
            low, high = interval(table(found))
            value = number(dig(found, "value"))
            if value is not None and low is not None and high is not None:
                amount = tr("{value} [{low},\u00a0{high}]", value=gain(value), low=gain(low), high=gain(high))
                message = GAINS.get(system, mark("{gain} against {system}"))
                said.append(retell({**message, "values": {"gain": amount, "system": system}}))
    if not name and not said:
        return None
    gains = under(tr("chrF, compared pair by pair: {gains}", gains=", ".join(said))) if said else None
    return Band(join([capitalised(name) or tr("All lengths"), gains]))


def _system_rank(name: str) -> int:
    return list(SYSTEMS).index(name) if name in SYSTEMS else len(SYSTEMS)


def _scored(row: dict[str, Any] | None, colour: str) -> str:
    value = number(row.get("value")) if row else None
    return NONE if row is None or value is None else _figure(decimal, row, 100.0, colour, 1)


def _figure(write: Callable[[Any, int], str], row: dict[str, Any], most: float, colour: str, places: int) -> Html:
    """A score with its interval, and both as a bar below."""
    low, high = interval(row)
    value = number(row.get("value")) or 0.0
    if low is None or high is None:
        return join([write(value, places), bar(value / most, colour)])
    ends = tr("[{low},\u00a0{high}]", low=write(low, places), high=write(high, places))
    drawn = bar(value / most, colour, low=low / most, high=high / most)
    return join([write(value, places), " ", tag("span", ends, class_="brackets"), drawn])


def interval(row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the ends of a score's interval, None where it has none."""
    ends = row.get("interval")
    if isinstance(ends, Sequence) and len(ends) == 2:
        low, high = number(ends[0]), number(ends[1])
        if low is not None and high is not None:
            return low, high
    return None, None


def _bits(found: list[dict[str, Any]], story: Story) -> Html | None:
    chosen = [row for row in found if row.get("metric") == BITS and number(row.get("value")) is not None]
    if not chosen:
        return None
    chosen.sort(key=lambda row: _rank(str(row.get("language")), story))
    titles = source_titles(story)
    most = 1.05 * max(max(row["value"], interval(row)[1] or 0.0) for row in chosen)
    columns = (
        Column(tr("Text")),
        Column(tr("Documents"), numeric=True, extra=True),
        Column(tr("Bits per byte"), numeric=True, wide=True),
    )

    def drawn(row: dict[str, Any]) -> list[str]:
        language, source = str(row.get("language")), row.get("source")
        name = titles.get(str(source), str(source)) if source else capitalised(language_name(language))
        return [name, whole(row.get("num_items")), _figure(decimal, row, most, shade(language, story), 3)]

    said = tr("How many bits the model needs to tell each byte of a text; lower is better, 8 would be no idea.")
    by_language = [drawn(row) for row in chosen if not row.get("source")]
    by_source = [drawn(row) for row in chosen if row.get("source")]
    first = grid(tr("Bits per byte by language"), columns, by_language, kind="scored") if by_language else None
    rest = grid(tr("Bits per byte by source"), columns, by_source, kind="scored") if by_source else None
    if first and rest and len(by_source) > 2:
        rest = details(tr("By source"), rest)
    return join([tag("h3", tr("Bits per byte")), tag("p", said), first, rest])


def _stays(found: list[dict[str, Any]], story: Story) -> Html | None:
    chosen = [
        row for row in found if STAYS in (row.get("task"), row.get("metric")) and number(row.get("value")) is not None
    ]
    if not chosen:
        return None
    lines = []
    for row in sorted(chosen, key=lambda row: _rank(str(row.get("language")), story)):
        language = str(row.get("language"))
        name = join([swatch(shade(language, story)), " ", capitalised(language_name(language))])
        lines.append(
            [
                name,
                whole(row.get("num_items")),
                _figure(lambda value, _: percent(value), row, 1.0, shade(language, story), 1),
            ]
        )
    columns = (
        Column(tr("Language of the prompt")),
        Column(tr("Continuations"), numeric=True, extra=True),
        Column(tr("In that language"), numeric=True, wide=True),
    )
    said = tr("Whether a continuation is in the language of its prompt, as language identification tells.")
    caption = tr("Continuations in the language of their prompt")
    head = tag("h3", tr("Staying in the language"))
    return join([head, tag("p", said), grid(caption, columns, lines, kind="scored")])


def _rank(language: str, story: Story) -> int:
    return story.languages.index(language) if language in story.languages else len(story.languages)


def _others(found: list[dict[str, Any]]) -> Html | None:
    rest = [
        row for row in found if row.get("task") not in (TRANSLATION, STAYS) and row.get("metric") not in (BITS, STAYS)
    ]
    if not rest:
        return None
    lines = [
        [
            str(row.get("task")),
            str(row.get("metric")),
            language_name(str(row.get("language"))),
            whole(row.get("num_items")),
            decimal(row.get("value"), 3),
        ]
        for row in rest
    ]
    columns = (
        Column(tr("Task")),
        Column(tr("Metric")),
        Column(tr("Language")),
        Column(tr("Items"), numeric=True),
        Column(tr("Value"), numeric=True),
    )
    return join([tag("h3", tr("Other scores")), grid(tr("Other scores"), columns, lines)])
