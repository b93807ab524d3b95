"""What rounding the weights to 8 bits changed: the proof of the model that the page carries."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import tr
from fournil.stages.report.layout import Column, grid
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import capitalised, count, decimal, language_name, number, percent, whole
from fournil.stages.report.sections.training import group_name
from fournil.stages.report.story import Story, dig, rows


def rounding(story: Story) -> Html | None:
    """Draw the model with rounded weights beside the model itself; None where it was not measured."""
    entry = story.one("evaluate")
    found = entry.fact("rounding") if entry else None
    on_text, on_pairs = rows(dig(found, "text")), rows(dig(found, "translation"))
    if not on_text and not on_pairs:
        return None
    said = tr(
        "A page that carries its model holds each weight in 8 bits, a quarter of the room. Here both were given the "
        "same: the beginning of the held-out text, and the shortest held-out pairs, translated greedily. Other than "
        "above, the text was read by the model that translates."
    )
    return join(
        [
            tag("h3", tr("With weights of 8 bits"), id="rounding"),
            tag("p", said),
            _on_text(on_text) if on_text else None,
            _on_pairs(on_pairs) if on_pairs else None,
        ]
    )


def _on_text(found: list[dict[str, Any]]) -> Html:
    columns = (
        Column(tr("Text")),
        Column(tr("Tokens"), numeric=True, extra=True),
        Column(tr("Likeliest token the same"), numeric=True),
        Column(tr("Bits per byte"), numeric=True),
        Column(tr("With 8 bits"), numeric=True),
    )
    lines = [
        [
            capitalised(language_name(str(row.get("language")))),
            whole(row.get("num_tokens")),
            percent(row.get("same")),
            *(decimal(dig(row, "bits_per_byte", which), 4) for which in ("exact", "rounded")),
        ]
        for row in found
    ]
    return grid(tr("Held-out text, with weights as they are and of 8 bits"), columns, lines)


def _on_pairs(found: list[dict[str, Any]]) -> Html:
    columns = (
        Column(tr("Direction")),
        Column(tr("Sentences"), numeric=True, extra=True),
        Column(tr("Answer the same"), numeric=True),
        Column("chrF", numeric=True),
        Column(tr("With 8 bits"), numeric=True),
    )
    lines = [
        [
            group_name(str(row.get("language"))),
            whole(row.get("num_items")),
            percent(row.get("same")),
            *(decimal(dig(row, "chrf", which), 1) for which in ("exact", "rounded")),
        ]
        for row in found
    ]
    return grid(tr("Translations, with weights as they are and of 8 bits"), columns, lines)


def share_of_equal_tokens(story: Story) -> float | None:
    """In how many places of held-out text both find the same one likeliest; None unless of the exported model."""
    evaluated, exported = story.one("evaluate"), story.one("export")
    if evaluated is None or exported is None:
        return None
    hashes = [dig(entry.record.inputs, "model", "sha256") for entry in (evaluated, exported)]
    found = [row for row in rows(evaluated.fact("rounding", "text")) if number(row.get("same")) is not None]
    total = sum(count(row.get("num_tokens")) for row in found)
    if not total or hashes[0] is None or hashes[0] != hashes[1]:
        return None
    return sum(row["same"] * count(row.get("num_tokens")) for row in found) / total
