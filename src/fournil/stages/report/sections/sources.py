"""Where the text comes from: each source with its licence, the evidence for it, and what was kept of it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from fournil.stages.report.layout import Cell, Column, Section, code, details, folding, grid, under
from fournil.stages.report.markup import Html, join, link, tag
from fournil.stages.report.numbers import language_name, megabytes, plural, size, whole
from fournil.stages.report.sections.ingredients import UNSTATED
from fournil.stages.report.story import Story, dig, rows, table

GRADES = {
    "machine-readable": "read from the package’s own machine-readable copyright file",
    "stated": "stated by the catalogue or the recipe, with the sentence that says so",
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
        Column("Source", wide=True),
        Column("Licence"),
        Column("Rightsholder"),
        Column("Documents", numeric=True),
        Column("Pairs", numeric=True),
        Column("MB kept", numeric=True),
        Column("Refused", numeric=True),
    )
    lines = sorted((_line(one, kept) for one in found), key=_rank)
    curate = story.one("curate")
    lead = (
        f"{plural(len(found), 'sources')}. Documents and pairs are counted as they were kept"
        + (" after curation, held-out ones among them" if curate else "")
        + "; 1 MB is 1,000,000 bytes. A licence’s grade says what it rests on."
    )
    evidence = table(entry.fact("evidence"))
    legend = [
        tag("li", _badge(grade), f" {GRADES.get(grade, grade)}: {plural(count, 'pieces')} of evidence")
        for grade, count in sorted(evidence.items())
    ]
    body = join(
        [
            folding("Sources", columns, lines, "sources", kind="cards"),
            tag("ul", *legend, class_="grades") if any("badge" in str(line[1]) for line in lines) else None,
            _packages(found),
        ]
    )
    entries = [entry, curate] if curate else [entry]
    measuring = story.one("evaluate") and not (story.one("pretrain") or curate)
    title = "What it was measured on" if measuring else "Where the text comes from"
    return Section("sources", title, lead, body, entries)


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
    about = " · ".join(filter(None, (", ".join(languages), str(one.get("category") or ""))))
    name = join([link(str(one.get("url") or ""), title), under(code(key), " ", about)])
    dates = _YEARS.sub("\\1–\\2", str(one.get("dates") or ""))
    years = under(dates) if dates else None
    holder = join([str(one.get("rightsholder") or "not stated"), years])
    return [
        Cell(name, sort=title.lower()),
        _licences(one),
        holder,
        Cell(whole(documents), sort=documents),
        Cell(whole(pairs), sort=pairs),
        Cell(megabytes(bytes_kept), sort=bytes_kept),
        Cell(whole(refused), sort=refused),
    ]


def _languages(one: dict[str, Any]) -> list[str]:
    found = {name for kind in ("documents", "pairs") for name in table(dig(one, kind, "languages"))}
    return sorted(found) or [str(one.get("language") or "und")]


def _licences(one: dict[str, Any]) -> Html:
    counts: dict[str, int] = defaultdict(int)
    for kind in ("documents", "pairs"):
        for licence, count in table(dig(one, kind, "licences")).items():
            counts[licence] += count
    ranked = sorted(counts, key=lambda licence: (-counts[licence], licence))
    if not ranked or ranked == [UNSTATED]:
        return tag("span", "none stated")
    names = tag("span", ", ".join(ranked[:MOST_LICENCES]))
    rest = ranked[MOST_LICENCES:]
    more = details(f"and {len(rest)} more", tag("p", ", ".join(rest))) if rest else None
    grades = [_badge(str(grade)) for grade in one.get("grades") or []]
    return join([names, more, under(join(grades, " ")) if grades else None], " ")


def _badge(grade: str) -> Html:
    return tag("span", grade, class_="badge" + (" sure" if grade == "machine-readable" else ""))


def _packages(found: list[dict[str, Any]]) -> Html | None:
    packages = [(one, package) for one in found for package in rows(one.get("packages"))]
    if not packages:
        return None
    columns = (
        Column("Package"),
        Column("Version"),
        Column("For source"),
        Column("Size", numeric=True),
        Column("SHA-256", wide=True),
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
    return details(f"The {plural(len(packages), 'packages')} as fetched", grid("Packages", columns, lines, kind="fine"))
