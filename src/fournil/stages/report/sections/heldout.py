"""What was set aside for evaluation, and the check that none of it was trained on."""

from __future__ import annotations

from typing import Any

from fournil.stages.report.layout import Column, Section, details, grid
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import decimal, language_name, megabytes, plural, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.story import Story, rows, table

AMOUNTS = ("num_heldout", "bytes_heldout", "num_train", "bytes_train")
VIOLATIONS = {
    "same_letters": "with the same letters as a held-out text",
    "near_duplicate": "nearly the same as a held-out text",
    "translation_group": "whose translation is held out",
}


def heldout(story: Story) -> Section | None:
    """Draw the held-out text and the leak check."""
    entry = story.one("curate")
    facts = table(entry.fact("heldout")) if entry else {}
    if entry is None or not facts:
        return None
    documents, pairs = facts.get("num_documents_kept"), facts.get("num_pairs_kept")
    short = facts.get("num_short_pairs_kept")
    lead = f"{plural(documents, 'documents')} and {plural(pairs, 'pairs')} were set aside before any rule of quality"
    if short:
        lead += (
            f"; {whole(short)} of the pairs are short messages of at most {whole(facts.get('short_pair'))} characters"
        )
    lead += ". Whole clusters of near copies and translations went together."
    leaks = table(entry.fact("leak_check"))
    return Section(
        "heldout",
        "Held out, and checked for leaks",
        lead,
        join([_leaks(leaks), _table(story, entry.record.facts)]),
        [entry],
    )


def _leaks(leaks: dict[str, Any]) -> Html | None:
    violations = table(leaks.get("violations"))
    if not violations:
        return None
    sound = not any(violations.values())
    items = [
        tag("li", tag("b", whole(count)), f" training texts {VIOLATIONS.get(rule, rule)}")
        for rule, count in sorted(violations.items())
    ]
    said = (
        f"Every one of {whole(leaks.get('num_training_texts'))} training texts was compared with every one of "
        f"{whole(leaks.get('num_heldout_texts'))} held-out texts ({whole(leaks.get('num_comparisons'))} comparisons; "
        f"{whole(leaks.get('num_sharing_words'))} share any run of words at all; near means a Jaccard similarity of "
        f"{decimal(leaks.get('threshold'))} or more)."
    )
    return tag(
        "div",
        tag("p", tag("b", "✓ No leak. " if sound else "✗ Leaks. "), said),
        tag("ul", *items),
        class_="check" if sound else "check bad",
    )


def _table(story: Story, facts: dict[str, Any]) -> Html | None:
    titles = source_titles(story)
    found = [
        (titles.get(str(row["source"]), str(row["source"])), _language(kind, row), row)
        for kind in ("documents", "pairs")
        for row in rows(table(facts.get(kind)).get("by_source"))
        if row.get("num_heldout") or row.get("num_train")
    ]
    if not found:
        return None
    sums: dict[str, dict[str, int]] = {}
    for _, language, row in found:
        one = sums.setdefault(language, dict.fromkeys(AMOUNTS, 0))
        for name in AMOUNTS:
            one[name] += row.get(name) or 0
    numbers = (
        Column("Held out", numeric=True),
        Column("MB held out", numeric=True, extra=True),
        Column("To train on", numeric=True),
        Column("MB to train on", numeric=True, extra=True),
    )
    order = [language_name(name) for name in story.languages]
    ranked = sorted(sums, key=lambda name: (order.index(name) if name in order else len(order), name))
    by_language = [[name.capitalize(), *_amounts(sums[name])] for name in ranked]
    by_source = [[title, language, *_amounts(row)] for title, language, row in found]
    columns = (Column("Source", wide=True), Column("Language"), *numbers)
    return join(
        [
            grid("Held-out and training text by language", (Column("Text"), *numbers), by_language),
            details("By source", grid("Held-out and training text by source", columns, by_source)),
        ]
    )


def _language(kind: str, row: dict[str, Any]) -> str:
    return "translation pairs" if kind == "pairs" else language_name(str(row.get("language") or "und"))


def _amounts(row: dict[str, Any]) -> list[str]:
    return [
        whole(row.get("num_heldout")),
        megabytes(row.get("bytes_heldout")),
        whole(row.get("num_train")),
        megabytes(row.get("bytes_train")),
    ]
