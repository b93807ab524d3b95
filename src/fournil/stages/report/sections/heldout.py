"""What was set aside for evaluation, and the check that none of it was trained on."""

from __future__ import annotations

from typing import Any

from fournil.core.speech import mark, tr, trn
from fournil.stages.report.layout import Column, Section, details, grid
from fournil.stages.report.markup import Html, join, rich, tag
from fournil.stages.report.numbers import capitalised, count, decimal, language_name, megabytes, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.sections.opening import documents_and_pairs
from fournil.stages.report.story import Story, rows, table

AMOUNTS = ("num_heldout", "bytes_heldout", "num_train", "bytes_train")
VIOLATIONS = {
    "same_letters": mark("<b>{number}</b> training texts with the same letters as a held-out text"),
    "near_duplicate": mark("<b>{number}</b> training texts nearly the same as a held-out text"),
    "translation_group": mark("<b>{number}</b> training texts whose translation is held out"),
}
PAIRS = "pairs"


def heldout(story: Story) -> Section | None:
    """Draw the held-out text and the leak check."""
    entry = story.one("curate")
    facts = table(entry.fact("heldout")) if entry else {}
    if entry is None or not facts:
        return None
    leaks = table(entry.fact("leak_check"))
    body = join([_leaks(leaks), _table(story, entry.record.facts)])
    return Section("heldout", tr("Held out, and checked for leaks"), _lead(facts), body, [entry])


def _lead(facts: dict[str, Any]) -> str:
    amount = documents_and_pairs(count(facts.get("num_documents_kept")), count(facts.get("num_pairs_kept")))
    short = count(facts.get("num_short_pairs_kept"))
    said = [tr("{amount} were set aside before any rule of quality.", amount=amount)] if amount else []
    if short:
        said.append(
            trn(
                "{count:,} of the pairs is a short message of at most {characters:,} characters.",
                "{count:,} of the pairs are short messages of at most {characters:,} characters.",
                short,
                characters=count(facts.get("short_pair")),
            )
        )
    said.append(tr("Whole clusters of near copies and translations went together."))
    return " ".join(said)


def _leaks(leaks: dict[str, Any]) -> Html | None:
    violations = table(leaks.get("violations"))
    if not violations:
        return None
    sound = not any(violations.values())
    items = []
    for rule, number in sorted(violations.items()):
        message = VIOLATIONS.get(rule, mark("<b>{number}</b> training texts: {rule}"))
        items.append(tag("li", rich({**message, "values": {"number": whole(number), "rule": rule}})))
    said = tr(
        "Every one of {training} training texts was compared with every one of {heldout} held-out texts "
        "({comparisons} comparisons; {sharing} share any run of words at all; near means a Jaccard similarity of "
        "{threshold} or more).",
        training=whole(leaks.get("num_training_texts")),
        heldout=whole(leaks.get("num_heldout_texts")),
        comparisons=whole(leaks.get("num_comparisons")),
        sharing=whole(leaks.get("num_sharing_words")),
        threshold=decimal(leaks.get("threshold")),
    )
    head = mark("<b>✓ No leak.</b> {said}", said=said) if sound else mark("<b>✗ Leaks.</b> {said}", said=said)
    return tag("div", tag("p", rich(head)), tag("ul", *items), class_="check" if sound else "check bad")


def _table(story: Story, facts: dict[str, Any]) -> Html | None:
    titles = source_titles(story)
    found = [
        (titles.get(str(row["source"]), str(row["source"])), _language(kind, row), row)
        for kind in ("documents", PAIRS)
        for row in rows(table(facts.get(kind)).get("by_source"))
        if row.get("num_heldout") or row.get("num_train")
    ]
    if not found:
        return None
    sums: dict[str, dict[str, int]] = {}
    for _, language, row in found:
        one = sums.setdefault(language, dict.fromkeys(AMOUNTS, 0))
        for name in AMOUNTS:
            one[name] += count(row.get(name))
    numbers = (
        Column(tr("Held out"), numeric=True),
        Column(tr("MB held out"), numeric=True, extra=True),
        Column(tr("To train on"), numeric=True),
        Column(tr("MB to train on"), numeric=True, extra=True),
    )
    order = {name: place for place, name in enumerate((*story.languages, "code", "und"))}
    ranked = sorted(sums, key=lambda name: (order.get(name, len(order)), name))
    by_language = [[capitalised(_name(name)), *_amounts(sums[name])] for name in ranked]
    by_source = [[title, _name(language), *_amounts(row)] for title, language, row in found]
    columns = (Column(tr("Source"), wide=True), Column(tr("Language")), *numbers)
    first = grid(tr("Held-out and training text by language"), (Column(tr("Text")), *numbers), by_language)
    rest = grid(tr("Held-out and training text by source"), columns, by_source)
    return join([first, details(tr("By source"), rest)])


def _language(kind: str, row: dict[str, Any]) -> str:
    return PAIRS if kind == PAIRS else str(row.get("language") or "und")


def _name(language: str) -> str:
    return tr("translation pairs") if language == PAIRS else language_name(language)


def _amounts(row: dict[str, Any]) -> list[str]:
    return [
        whole(row.get("num_heldout")),
        megabytes(row.get("bytes_heldout")),
        whole(row.get("num_train")),
        megabytes(row.get("bytes_train")),
    ]
