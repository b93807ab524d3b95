"""What the model writes: translations and continuations drawn by seed, not chosen."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import spoken, tr
from fournil.stages.report.config import Config
from fournil.stages.report.layout import Section, direction
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import capitalised, language_name
from fournil.stages.report.story import Story, rows


def _nothing() -> Html:
    return tag("span", " ", tr("(nothing)"), class_="nothing", lang=spoken())


def translations(story: Story, config: Config) -> Section | None:
    """Draw translations each way: source, model, reference."""
    entry = story.one("evaluate")
    found = rows(entry.fact("translations")) if entry else []
    if entry is None or not found or not config.max_translations:
        return None
    parts = []
    for source, target in dict.fromkeys((str(row.get("from")), str(row.get("to"))) for row in found):
        chosen = [row for row in found if (row.get("from"), row.get("to")) == (source, target)][
            : config.max_translations
        ]
        items = [translation(row, source, target) for row in chosen]
        parts.append(join([tag("h3", direction(source, target)), tag("ol", *items, class_="samples")]))
    lead = tr("Drawn by seed from the held-out pairs before the model was asked, none of them chosen.")
    return Section("translations", tr("What its translations look like"), lead, join(parts), [entry])


def translation(row: dict[str, Any], source: str, target: str) -> Html:
    """Draw one translation as an item of a list."""
    said = [
        (tr("source"), str(row.get("source", "")), source, ""),
        (tr("the model"), str(row.get("model", "")), target, "answer"),
        (tr("reference"), str(row.get("reference", "")), target, ""),
    ]
    pairs = [
        join(
            [
                tag("dt", label),
                tag("dd", shown or _nothing(), lang=lang if shown else None, dir="auto", class_=kind or None),
            ]
        )
        for label, shown, lang, kind in said
    ]
    return tag("li", tag("dl", *pairs))


def continuations(story: Story, config: Config) -> Section | None:
    """Draw how the model goes on from a beginning, by language."""
    entry = story.one("evaluate")
    found = rows(entry.fact("continuations")) if entry else []
    if entry is None or not found or not config.max_continuations:
        return None
    columns = []
    for language in dict.fromkeys(str(row.get("language")) for row in found):
        chosen = [row for row in found if row.get("language") == language][: config.max_continuations]
        passages = [
            tag(
                "blockquote",
                tag("span", str(row.get("prompt", "")), class_="prompt"),
                str(row.get("text", "")) or _nothing(),
                lang=language,
                dir="auto",
                class_="passage",
            )
            for row in chosen
        ]
        columns.append(tag("div", tag("h3", capitalised(language_name(language))), *passages))
    lead = tr("The pale beginning was given, from held-out text drawn by seed; the model wrote the rest.")
    return Section("continuations", tr("How it goes on"), lead, tag("div", *columns, class_="columns"), [entry])
