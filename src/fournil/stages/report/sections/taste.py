"""A first taste under the recipe's own words: how far it translates, one drawn example each way, what to type."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import mark, tr
from fournil.stages.report.layout import references
from fournil.stages.report.markup import Html, rich, tag
from fournil.stages.report.numbers import decimal, number
from fournil.stages.report.sections.bands import band_name
from fournil.stages.report.sections.samples import translation
from fournil.stages.report.sections.training import group_name
from fournil.stages.report.story import Story, held_out_chrf, rows


def taste(story: Story) -> Html | None:
    """Draw the taste; None when nothing was translated."""
    entry = story.one("evaluate")
    scores = held_out_chrf(entry)
    drawn = rows(entry.fact("translations")) if entry else []
    if entry is None or not (scores or drawn):
        return None
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in drawn:
        first.setdefault((str(row.get("from")), str(row.get("to"))), row)
    examples = tag("ol", *(translation(row, *way) for way, row in first.items()), class_="samples")
    return tag(
        "section",
        tag("div", tag("h2", tr("A first taste"), id="taste-title"), references([entry]), class_="heading"),
        *(tag("p", _sentence(row, scores)) for row in _shortest(scores)),
        tag("p", tr("The first pair drawn each way:"), class_="lead") if first else None,
        examples if first else None,
        _commands(story),
        id="taste",
        class_="taste",
        aria_labelledby="taste-title",
    )


def _shortest(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The model's score of the first length band in each direction."""
    found: dict[str, dict[str, Any]] = {}
    for row in scores:
        if row.get("system") == "model" and number(row.get("value")) is not None:
            found.setdefault(str(row.get("language")), row)
    return list(found.values())


def _sentence(row: dict[str, Any], scores: list[dict[str, Any]]) -> Html:
    beside = {
        str(other.get("system")): decimal(other.get("value"), 1)
        for other in scores
        if (other.get("language"), other.get("band")) == (row.get("language"), row.get("band"))
    }
    places = {
        "direction": group_name(str(row["language"])),
        "score": decimal(row["value"], 1),
        "band": band_name(row.get("band")),
    }
    if beside.keys() >= {"copy", "nearest"}:
        said = mark(
            "<b>{direction}: chrF\u00a0{score}</b> on messages of {band}; copying the source scores {copy}, the "
            "nearest training pair {nearest}.",
            copy=beside["copy"],
            nearest=beside["nearest"],
            **places,
        )
    elif "copy" in beside:
        said = mark(
            "<b>{direction}: chrF\u00a0{score}</b> on messages of {band}; copying the source scores {copy}.",
            copy=beside["copy"],
            **places,
        )
    else:
        said = mark("<b>{direction}: chrF\u00a0{score}</b> on messages of {band}.", **places)
    return rich(said)


def _commands(story: Story) -> Html | None:
    if not story.of("finetune"):
        return None
    command = tag("code", 'fournil translate RUN --to fr "The file already exists."', class_="command")
    return tag(
        "p", rich(mark("To try others, where RUN is the run’s folder: {command}", command=command)), class_="why"
    )
