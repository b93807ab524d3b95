"""What sections are made of: headings with the number of their record, tables, colours by language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fournil.stages.report.markup import Html, Value, join, tag, text
from fournil.stages.report.numbers import language_name
from fournil.stages.report.story import Entry, Story

MOST_ROWS = 12
"""Rows of a table that stand open; the others are folded away below them."""

LONG = 24
"""Characters from which an id or a hash may be broken anywhere."""


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading."""

    anchor: str
    title: str
    lead: str
    """One or two sentences in plain words."""
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
            tag("span", "№", aria_hidden="true"),
            tag("span", "record ", class_="hearing"),
            f"\u00a0{entry.number}",
            href=f"#record-{entry.number}",
            title=f"record {entry.number}: {entry.label}",
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
    built = tag(
        "table",
        tag("caption", caption, class_="hearing"),
        tag("thead", head, **group),
        tag("tbody", *body, **group),
        class_=" ".join(filter(None, (kind, "sortable" if sortable else ""))) or None,
        role="table" if roles else None,
    )
    return tag("div", built, class_="scroll", tabindex=0, role="region", aria_label=caption)


def folding(
    caption: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    what: str,
    *,
    kind: str = "",
    most: int = MOST_ROWS,
) -> Html:
    """Build a sortable table of the first rows, and fold the others into one like it below."""
    if len(rows) <= most + 2:
        return grid(caption, columns, rows, kind=kind, sortable=len(rows) > 2)
    rest = grid(f"{caption}, continued", columns, rows[most:], kind=kind, sortable=True)
    first = grid(caption, columns, rows[:most], kind=kind, sortable=True)
    return join([first, details(f"{len(rows) - most} more {what}", rest)])


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
        class_=" ".join(filter(None, (_classes(column), value.class_))) or None,
        data_label=column.label if roles else None,
        data_sort=value.sort,
    )


def _classes(column: Column) -> str | None:
    named = (("n", column.numeric), ("wide", column.wide), ("extra", column.extra))
    return " ".join(name for name, holds in named if holds) or None


def details(summary: str, *body: str | None) -> Html:
    """Fold something away."""
    return tag("details", tag("summary", summary), *body)


def code(value: str) -> Html:
    """Show a name, an id or a command as such."""
    return tag("code", value, class_="long" if len(value) > LONG else None)


def under(*children: str | None) -> Html:
    """Put something small on a line of its own below the rest of a cell."""
    return join([" ", tag("span", *children, class_="under")])


def paragraphs(value: str) -> Html:
    """Make a paragraph of each block of text between blank lines."""
    blocks = [" ".join(block.split()) for block in value.replace("\r", "").split("\n\n")]
    return join(tag("p", block) for block in blocks if block)


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


def sentence(*parts: str | None) -> Html:
    """Put clauses into one sentence of text and HTML."""
    return join(text(part) for part in parts if part)
