"""What sections are made of: headings with the number of their record, tables, colours by language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from fournil.core.speech import spoken, tr, trn
from fournil.stages.report.markup import Html, Value, join, tag, text
from fournil.stages.report.numbers import language_name
from fournil.stages.report.story import Entry, Story

MOST_ROWS = 12
"""Rows of a table that stand open; the others are folded away below them."""

_WORD = re.compile(r"[^\W\d_]+'?")


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading."""

    anchor: str
    title: str
    lead: str
    """One or two sentences in plain words, or nothing."""
    body: Html
    entries: Sequence[Entry] = ()
    """The records that its figures come from."""

    def draw(self) -> Html:
        """Return the section as HTML."""
        name = f"{self.anchor}-title"
        heading = tag("h2", self.title, id=name)
        return tag(
            "section",
            tag("div", heading, references(self.entries), class_="heading"),
            tag("p", self.lead, class_="lead") if self.lead else None,
            self.body,
            id=self.anchor,
            aria_labelledby=name,
        )


def references(entries: Sequence[Entry]) -> Html | None:
    """Link to the records that figures come from: № 4."""
    if not entries:
        return None
    links = [
        tag(
            "a",
            tag("span", f"№\u00a0{entry.number}", aria_hidden="true"),
            href=f"#record-{entry.number}",
            aria_label=tr("record {number}: {label}", number=entry.number, label=entry.label),
            title=entry.label,
        )
        for entry in entries
    ]
    return tag("span", join(links, " "), class_="from")


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    label: str
    numeric: bool = False
    wide: bool = False
    """Takes the room that is left."""
    extra: bool = False
    """Left out on a narrow screen."""


@dataclass(frozen=True)
class Cell:
    """A cell with attributes of its own: a language, a class, a span, what it is sorted by."""

    content: str
    lang: str | None = None
    class_: str = ""
    sort: float | str | None = None


@dataclass(frozen=True)
class Band:
    """A row that names the rows below it."""

    content: str


def grid(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell] | Band],
    *,
    kind: str = "",
    sortable: bool = False,
    row_classes: Sequence[str] | None = None,
) -> Html:
    """Build a table: the first cell of each row names the row.

    Which columns hold numbers (`n2`: the second does) and which are left out on a narrow screen (`x2`) are classes of
    the table, so that its cells need none.

    Args:
        caption: What the table tells; screen readers hear it, others see the text around it.
        columns: Their labels.
        rows: As many cells as there are columns, or a band.
        kind: A class; `cards` tables become a list of cards on a narrow screen.
        sortable: Whether a click on a heading sorts, where the browser runs scripts.
        row_classes: A class for each row.
    """
    roles = "cards" in kind.split()  # such tables lose their roles where the style sheet turns rows into blocks
    head = tag(
        "tr",
        *(
            tag("th", column.label, scope="col", class_=_classes(column), role="columnheader" if roles else None)
            for column in columns
        ),
        role="row" if roles else None,
    )
    body = [
        _row(row, columns, roles=roles, class_=row_classes[index] if row_classes else "")
        for index, row in enumerate(rows)
    ]
    group: dict[str, Value] = {"role": "rowgroup" if roles else None}
    classes = [kind, "sortable" if sortable else ""]
    classes += [f"n{place}" for place, column in enumerate(columns, start=1) if column.numeric]
    classes += [f"x{place}" for place, column in enumerate(columns, start=1) if column.extra]
    built = tag(
        "table",
        tag("caption", caption, class_="hearing"),
        tag("thead", head, **group),
        tag("tbody", *body, **group),
        class_=" ".join(filter(None, classes)) or None,
        role="table" if roles else None,
    )
    return scrolling(caption, built)


def scrolling(label: str, table: Html) -> Html:
    """Let a table that is wider than the screen scroll, with the keyboard too."""
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=label)


def folding(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    more: Callable[[int], str],
    *,
    kind: str = "",
    most: int = MOST_ROWS,
) -> Html:
    """Build a sortable table of the first rows, and fold the others into one like it below.

    Args:
        caption: As for `grid`.
        columns: As for `grid`.
        rows: As for `grid`, without bands.
        more: Says how many more there are.
        kind: As for `grid`.
        most: How many rows stand open.
    """
    if len(rows) <= most + 2:
        return grid(caption, columns, rows, kind=kind, sortable=len(rows) > 2)
    continued = tr("{caption}, continued", caption=caption)
    rest = grid(continued, columns, rows[most:], kind=kind, sortable=True)
    first = grid(caption, columns, rows[:most], kind=kind, sortable=True)
    return join([first, details(more(len(rows) - most), rest)])


def _row(row: Sequence[str | Cell] | Band, columns: Sequence[Column], *, roles: bool, class_: str) -> Html:
    if isinstance(row, Band):
        return tag("tr", tag("th", row.content, scope="colgroup", colspan=len(columns)), class_="band")
    cells = [
        _cell(cell, column, first=number == 0, roles=roles)
        for number, (cell, column) in enumerate(zip(row, columns, strict=True))
    ]
    return tag("tr", *cells, class_=class_ or None, role="row" if roles else None)


def _cell(cell: str | Cell, column: Column, *, first: bool, roles: bool) -> Html:
    value = cell if isinstance(cell, Cell) else Cell(cell)
    return tag(
        "th" if first else "td",
        value.content,
        scope="row" if first else None,
        role=("rowheader" if first else "cell") if roles else None,
        lang=value.lang,
        class_=value.class_ or None,
        data_label=column.label if roles and not first else None,
        data_sort=value.sort,
    )


def _classes(column: Column) -> str | None:
    return " ".join(name for name, holds in (("n", column.numeric), ("wide", column.wide)) if holds) or None


def details(summary: str, *body: str | None) -> Html:
    """Fold something away."""
    return tag("details", tag("summary", summary), *body)


def code(value: str) -> Html:
    """Show a name, an id or a command as such."""
    return tag("code", value)


def under(*children: str | None) -> Html:
    """Put something small on a line of its own below the rest of a cell."""
    return join([" ", tag("span", *children, class_="under")])


def paragraphs(value: str) -> Html:
    """Make a paragraph of each block of text between blank lines."""
    blocks = [" ".join(block.split()) for block in value.replace("\r", "").split("\n\n")]
    return join(tag("p", block, lang=foreign(block)) for block in blocks if block)


def named(title: str) -> Html:
    """Show a title that somebody else wrote, marked as of its language where that is not the page's."""
    lang = foreign(title)
    return tag("span", title, lang=lang) if lang else text(title)


def foreign(value: str) -> str | None:
    """Return the language that a text is written in; None where that is the page's, or cannot be told."""
    tags = _stop_words()
    words = _WORD.findall(value.lower().replace("’", "'"))
    found = sorted(((sum(word in tags[name] for word in words), name) for name in tags), reverse=True)
    if not found or not found[0][0] or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1] if found[0][1] != spoken() else None


@cache
def _stop_words() -> dict[str, frozenset[str]]:
    from fournil.core.languages import known_languages, language

    return {name: language(name).stop_words for name in known_languages() if language(name).stop_words}


def shade(label: str, story: Story, position: int = 0) -> str:
    """Return the class of a language's colour; a direction such as `en-fr` has that of the language it goes into."""
    languages = (
        [*story.languages[:2], "code", "pairs"] if len(story.languages) > 1 else [*story.languages, "", "code", "pairs"]
    )
    name, _, how = {"parallel": "pairs"}.get(label, label).partition(" ")
    target = name.rpartition("-")[2]
    if target in languages:
        return f"c{languages.index(target) + 1}{' faint' if how else ''}"
    others = story.languages[2:]
    return f"c{5 + (others.index(label) if label in others else position) % 3}"


def direction(source: str, target: str) -> str:
    """French → English."""
    return f"{language_name(source)} → {language_name(target)}"


def more_sources(number: int) -> str:
    """What a fold with the rest of a table of sources says."""
    return trn("{count:,} more source", "{count:,} more sources", number)
