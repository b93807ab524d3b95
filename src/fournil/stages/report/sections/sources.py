"""Where the text comes from: each source with its licence, the evidence for it, and what was kept of it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from fournil.core.speech import Message, mark, retell, tr, trn
from fournil.stages.report.layout import (
    Cell,
    Column,
    Section,
    code,
    details,
    folding,
    grid,
    more_sources,
    named,
    under,
)
from fournil.stages.report.markup import Html, join, link, rich, tag
from fournil.stages.report.numbers import count, language_name, megabytes, size, whole
from fournil.stages.report.sections.ingredients import UNSTATED
from fournil.stages.report.story import Story, dig, rows, table

GRADES: dict[str, tuple[Message, Message]] = {
    "machine-readable": (
        mark("machine-readable"),
        mark("{grade}: read from the package’s own machine-readable copyright file; {pieces}"),
    ),
    "stated": (
        mark("stated"),
        mark("{grade}: stated by the catalogue or the recipe, with the sentence that says so; {pieces}"),
    ),
}
"""Grade of evidence → its name, and what it means."""
CATEGORIES = {
    "code": mark("program code"),
    "documentation": mark("documentation"),
    "general": mark("general text"),
    "messages": mark("interface messages"),
}
MOST_LICENCES = 4
_YEARS = re.compile(r"(\d{4})-(\d{4})")


def sources(story: Story) -> Section | None:
    """Draw the table of sources."""
    entry = story.one("sources")
    if entry is None:
        return None
    found = rows(entry.fact("sources"))
    kept = _kept(story)
    columns = (
        Column(tr("Source"), wide=True),
        Column(tr("Licence")),
        Column(tr("Rightsholder")),
        Column(tr("Documents"), numeric=True),
        Column(tr("Pairs"), numeric=True),
        Column(tr("MB kept"), numeric=True),
        Column(tr("Refused"), numeric=True),
    )
    lines = sorted((_line(one, kept) for one in found), key=_rank)
    evidence = table(entry.fact("evidence"))
    legend = [_grade(str(grade), count(number)) for grade, number in sorted(evidence.items())]
    body = join(
        [
            folding(tr("Sources"), columns, lines, more_sources, kind="cards"),
            tag("ul", *legend, class_="grades") if any("badge" in str(line[1]) for line in lines) else None,
            _packages(found),
        ]
    )
    curate = story.one("curate")
    measuring = story.one("evaluate") and not (story.one("pretrain") or curate)
    title = tr("What it was measured on") if measuring else tr("Where the text comes from")
    return Section("sources", title, _lead(len(found), bool(curate)), body, [entry, curate] if curate else [entry])


def _lead(number: int, curated: bool) -> str:
    counted = (
        tr("Documents and pairs are counted as they were kept after curation, held-out ones among them.")
        if curated
        else tr("Documents and pairs are counted as they were kept.")
    )
    said = [trn("{count:,}\u00a0source.", "{count:,}\u00a0sources.", number), counted]
    return " ".join([*said, tr("1 MB is 1,000,000 bytes. A licence’s grade says what it rests on.")])


def _grade(grade: str, pieces: int) -> Html:
    of_evidence = trn("{count:,}\u00a0piece of evidence", "{count:,}\u00a0pieces of evidence", pieces)
    message = GRADES[grade][1] if grade in GRADES else mark("{grade}: {pieces}")
    return tag("li", rich({**message, "values": {"grade": _badge(grade), "pieces": of_evidence}}))


def _rank(line: list[str | Cell]) -> tuple[float, str]:
    """The most text first."""
    name, size_kept = line[0], line[5]
    assert isinstance(name, Cell)
    assert isinstance(size_kept, Cell)
    return -float(size_kept.sort or 0), str(name.sort)


def _kept(story: Story) -> dict[str, dict[str, int]]:
    """Source → documents, pairs, bytes and refused after curate; empty where it did not run."""
    curate, found = story.one("curate"), defaultdict[str, dict[str, int]](lambda: defaultdict(int))
    for kind in ("documents", "pairs"):
        for row in rows(curate.fact(kind, "by_source")) if curate else []:
            one = found[str(row["source"])]
            one[kind] += row["num_train"] + row["num_heldout"]
            one["bytes"] += row["bytes_train"] + row["bytes_heldout"]
            one["refused"] += sum(row["refused"].values())
    return dict(found)


def _line(one: dict[str, Any], kept: dict[str, dict[str, int]]) -> list[str | Cell]:
    key = str(one.get("key", ""))
    refused = sum(sum(table(dig(one, kind, "refused")).values()) for kind in ("documents", "pairs"))
    if kept:
        now = kept.get(key, {})
        documents, pairs, bytes_kept = (now.get(name, 0) for name in ("documents", "pairs", "bytes"))
        refused += now.get("refused", 0)
    else:
        documents, pairs = (dig(one, kind, "number") or 0 for kind in ("documents", "pairs"))
        bytes_kept = sum(dig(one, kind, "bytes") or 0 for kind in ("documents", "pairs"))
    title = str(one.get("title") or key)
    languages = [language_name(name) for name in _languages(one)]
    category = str(one.get("category") or "")
    category = retell(CATEGORIES[category]) if category in CATEGORIES else category
    about = filter(None, (", ".join(languages), category))
    name = join([link(str(one.get("url") or ""), named(title)), under(join([code(key), *about], " · "))])
    dates = _YEARS.sub("\\1–\\2", str(one.get("dates") or ""))
    years = under(dates) if dates else None
    holder = join([str(one.get("rightsholder") or tr("not stated")), years])
    return [
        Cell(name, sort=title.lower()),
        _licences(one),
        holder,
        whole(documents),
        whole(pairs),
        Cell(megabytes(bytes_kept), sort=bytes_kept),
        whole(refused),
    ]


def _languages(one: dict[str, Any]) -> list[str]:
    found = {name for kind in ("documents", "pairs") for name in table(dig(one, kind, "languages"))}
    return sorted(found) or [str(one.get("language") or "und")]


def _licences(one: dict[str, Any]) -> Html:
    counts: dict[str, int] = defaultdict(int)
    for kind in ("documents", "pairs"):
        for licence, number in table(dig(one, kind, "licences")).items():
            counts[licence] += count(number)
    ranked = sorted(counts, key=lambda licence: (-counts[licence], licence))
    if not ranked or ranked == [UNSTATED]:
        return tag("span", tr("none stated"))
    names = tag("span", ", ".join(ranked[:MOST_LICENCES]))
    rest = ranked[MOST_LICENCES:]
    more = None
    if rest:
        more = details(trn("and {count:,} more", "and {count:,} more", len(rest)), tag("p", ", ".join(rest)))
    grades = [_badge(str(grade)) for grade in one.get("grades") or []]
    return join([names, more, under(join(grades, " ")) if grades else None], " ")


def _badge(grade: str) -> Html:
    name = retell(GRADES[grade][0]) if grade in GRADES else grade
    return tag("span", name, class_="badge" + (" sure" if grade == "machine-readable" else ""))


def _packages(found: list[dict[str, Any]]) -> Html | None:
    packages = [(one, package) for one in found for package in rows(one.get("packages"))]
    if not packages:
        return None
    columns = (
        Column(tr("Package")),
        Column(tr("Version")),
        Column(tr("For source")),
        Column(tr("Size"), numeric=True),
        Column(tr("SHA-256"), wide=True),
    )
    lines: list[list[str | Cell]] = [
        [
            str(package.get("name")),
            str(package.get("version")),
            code(str(one.get("key"))),
            size(package.get("bytes")),
            code(str(package.get("sha256") or "")),
        ]
        for one, package in packages
    ]
    summary = trn("The {count:,}\u00a0package as fetched", "The {count:,}\u00a0packages as fetched", len(packages))
    return details(summary, grid(tr("Packages"), columns, lines, kind="fine"))
