"""What was looked for in the text: items of evaluation sets, and words that are coarse, hateful or sexual."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import tr, trn
from fournil.stages.report.layout import Cell, Column, Section, folding, more_sources
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import count, language_name, percent, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.story import Story, rows


def looked_for(story: Story) -> Section | None:
    """Draw both tables, of the lines in which something was found."""
    entry = story.one("curate")
    items = rows(entry.fact("contamination")) if entry else []
    words = rows(entry.fact("toxicity")) if entry else []
    if entry is None or not (items or words):
        return None
    body = join([_items(items), _words(story, words)])
    return Section("looked-for", tr("Looked for in every text"), _lead(items, words), body, [entry])


def _lead(items: list[dict[str, Any]], words: list[dict[str, Any]]) -> str:
    said = []
    if items:
        found = sum(count(line.get("num_found")) for line in items)
        said.append(
            trn(
                "{count:,} item of {sets} evaluation sets was looked for: {found} stood in the text.",
                "{count:,} items of {sets} evaluation sets were looked for: {found} stood in the text.",
                sum(count(line.get("num_searched")) for line in items),
                sets=whole(len(items)),
                found=whole(found) if found else tr("none"),
            )
        )
    if words:
        refused = sum(count(line.get("num_refused")) for line in words)
        said.append(
            trn(
                "Coarse, hateful and sexual words were counted in {count:,} document; refused for them: {refused}.",
                "Coarse, hateful and sexual words were counted in {count:,} documents; refused for them: {refused}.",
                sum(count(line.get("num_documents")) for line in words),
                refused=whole(refused) if refused else tr("none"),
            )
        )
    return " ".join(said)


def _items(items: list[dict[str, Any]]) -> Html | None:
    found = [line for line in items if count(line.get("num_found")) or count(line.get("num_context"))]
    if not found:
        return None
    columns = (
        Column(tr("Evaluation set"), wide=True),
        Column(tr("Items"), numeric=True),
        Column(tr("Found"), numeric=True),
        Column(tr("Context alone"), numeric=True, extra=True),
        Column(tr("Documents"), numeric=True),
        Column(tr("Pairs"), numeric=True),
    )
    names = ("num_items", "num_found", "num_context", "num_documents", "num_pairs")
    ranked = sorted(found, key=lambda line: (-count(line.get("num_found")), str(line.get("name"))))
    lines = [[str(line.get("name")), *(_number(line, name) for name in names)] for line in ranked]

    def more(number: int) -> str:
        return trn("{count:,} more set", "{count:,} more sets", number)

    table = folding(tr("Evaluation items found in the text"), columns, lines, more)
    return join([tag("h3", tr("Evaluation items")), table])


def _words(story: Story, words: list[dict[str, Any]]) -> Html | None:
    grades = ("num_mild", "num_strong", "num_adult")
    found = [line for line in words if any(count(line.get(name)) for name in (*grades, "num_refused"))]
    if not found:
        return None
    titles = source_titles(story)
    columns = (
        Column(tr("Source"), wide=True),
        Column(tr("Language")),
        Column(tr("Documents"), numeric=True),
        Column(tr("with coarse words"), numeric=True),
        Column(tr("with words of hate"), numeric=True),
        Column(tr("with sexual words"), numeric=True, extra=True),
        Column(tr("Refused"), numeric=True),
    )
    ranked = sorted(found, key=lambda line: (-float(line.get("share_refused") or 0), str(line.get("source"))))
    lines = [
        [
            titles.get(str(line.get("source")), str(line.get("source"))),
            _variety(str(line.get("variety") or "und")),
            *(_number(line, name) for name in ("num_documents", *grades)),
            Cell(
                percent(count(line.get("num_refused")), count(line.get("num_documents"))),
                sort=float(line.get("share_refused") or 0),
            ),
        ]
        for line in ranked
    ]
    table = folding(tr("Documents with coarse, hateful or sexual words"), columns, lines, more_sources)
    note = tr("Such lists silence people who swear or speak a dialect: a share that stands out is the list's fault.")
    return join([tag("h3", tr("Coarse, hateful and sexual words")), table, tag("p", note)])


def _variety(tag: str) -> str:
    """A language's name, with the tag where that says more."""
    return f"{language_name(tag)} ({tag})" if "-" in tag else language_name(tag)


def _number(line: dict[str, Any], name: str) -> Cell:
    return Cell(whole(line.get(name)), sort=count(line.get(name)))
