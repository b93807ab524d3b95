"""The items of a set: rows, read as its TOML says, and what a model is asked about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError, nearest
from fournil.core.files import canonical_hash
from fournil.core.languages import language
from fournil.core.speech import tr
from fournil.stages.evaluate.result import OWN
from fournil.stages.evaluate.sets.rows import Row, read_rows
from fournil.stages.evaluate.sets.spec import (
    CHOICE,
    CLASSIFICATION,
    READING,
    TEXT,
    TRANSLATION,
    Spec,
    columns_of,
    read_spec,
)

IN_CONTEXT = "choice in context"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BETWEEN = "\n\n"
"""Between solved examples, and between them and what is asked."""


@dataclass(frozen=True)
class Item:
    """One item; what its kind does not have is empty."""

    sha256: str
    """Of what is asked and what is right, whatever the prompt."""
    prompt: str = ""
    question: str = ""
    """What is asked, without its context; with its gap, where it has one."""
    choices: tuple[str, ...] = ()
    """As they are read."""
    answers: tuple[str, ...] = ()
    """What is scored or shown as solved: each choice, or each right answer, or the text."""
    gold: int = 0
    source: str = ""
    """What is translated."""


@dataclass(frozen=True)
class LocalSet:
    """A set that is ready to be asked."""

    spec: Spec
    items: tuple[Item, ...]
    examples: tuple[Item, ...] = ()
    """Solved in front of each item; empty: the set's own, but for the item asked."""
    edition: str = OWN
    data_source: str = ""
    version: str = "1"

    @property
    def data_sha256(self) -> str:
        """Hash of what is asked, in order."""
        return canonical_hash([item.sha256 for item in self.items])

    def num_requests(self, limit: int = 0) -> int:
        """How many requests the scorer gets, for a progress bar."""
        items = self.items[: limit or None]
        return sum(len(item.choices) or 1 for item in items)


def read_set(path: Path) -> LocalSet:
    """Read a set's TOML and its files.

    Raises:
        FournilError: A file cannot be read, a key is unknown or wrong, or a row lacks a column or has a value that
            cannot be.
    """
    spec = read_spec(path)
    data = path.parent / spec.data
    items = make_items(spec, read_rows(data), data)
    examples: tuple[Item, ...] = ()
    if spec.examples:
        solved = path.parent / spec.examples
        examples = make_items(spec, read_rows(solved), solved)
    return LocalSet(spec, items, examples, data_source=data.name)


def make_items(spec: Spec, rows: Sequence[Row], path: Path) -> tuple[Item, ...]:
    """Make rows items.

    Raises:
        FournilError: A row lacks a column, or has a value that cannot be; the message names the row.
    """
    template = _template(spec, rows[0])
    makers = {
        CHOICE: _choice,
        CLASSIFICATION: _classification,
        READING: _reading,
        TRANSLATION: _translation,
        TEXT: _text,
    }
    items = []
    for number, row in enumerate(rows, 1):
        reader = _Reader(row, f"{path}:{number}")
        try:
            items.append(makers[spec.kind](spec, reader, _prompt(spec, template, reader)))
        except UnicodeEncodeError as error:  # JSON may hold "\ud800" alone
            raise reader.fail(tr("a text holds halves of characters"), tr("Give text in UTF-8.")) from error
    return tuple(items)


class _Reader:
    """Takes columns out of a row."""

    def __init__(self, row: Mapping[str, Any], where: str) -> None:
        self.row, self.where = row, where

    def fail(self, what: str, fix: str | None = None) -> FournilError:
        return FournilError(what, where=self.where, fix=fix)

    def value(self, column: str) -> Any:  # noqa: ANN401 - whatever the file holds
        if column not in self.row or self.row[column] is None:
            guess = nearest(column, self.row)
            columns = ", ".join(map(str, self.row))
            fix = tr("Did you mean {guess!r}?", guess=guess) if guess else tr("Columns: {names}.", names=columns)
            raise self.fail(tr("the column {name!r} is missing", name=column), fix)
        return self.row[column]

    def text(self, column: str) -> str:
        value = self.value(column)
        if isinstance(value, bool | dict | list):
            raise self.fail(tr("the column {name!r} must hold text", name=column))
        if not str(value).strip():
            raise self.fail(tr("the column {name!r} is empty", name=column))
        return str(value)

    def texts(self, column: str) -> tuple[str, ...]:
        """One text or several."""
        value = self.value(column)
        if not isinstance(value, list):
            return (self.text(column),)
        if not value or not all(isinstance(one, str) and one.strip() for one in value):
            raise self.fail(tr("the column {name!r} must hold texts, one or more", name=column))
        return tuple(value)


def _template(spec: Spec, first: Row) -> str:
    if spec.prompt or spec.gap or spec.kind == TEXT:
        return spec.prompt
    kind = spec.kind if spec.kind in (CLASSIFICATION, TRANSLATION) else CHOICE
    if kind == CHOICE and "context" in first:
        kind = IN_CONTEXT
    return dict(language(spec.language).prompts)[kind]


def _prompt(spec: Spec, template: str, reader: _Reader) -> str:
    values = {}
    for column in columns_of(template):
        if column in ("from", "to") and spec.kind == TRANSLATION and column not in reader.row:
            name = language(spec.source_language if column == "from" else spec.language).native_name
            values[column] = name[:1].upper() + name[1:]
        elif column == "source" and spec.kind == TRANSLATION and not spec.prompt:
            values[column] = reader.text(spec.source)
        else:
            values[column] = reader.text(column)
    return template.format_map(values)


def _choice(spec: Spec, reader: _Reader, prompt: str) -> Item:
    if isinstance(spec.choices, str):
        choices = reader.texts(spec.choices)
    else:
        choices = tuple(reader.text(column) for column in spec.choices)
    if len(choices) < 2 or len(set(choices)) < len(choices) or len(choices) > len(LETTERS):
        raise reader.fail(tr("choices must be two or more, all different"))
    question = reader.text("question") if spec.gap or "question" in reader.row else prompt
    answers = choices
    if spec.gap:
        if spec.gap not in question:
            raise reader.fail(tr("there is no gap {gap!r} in the question", gap=spec.gap))
        answers = tuple(question.replace(spec.gap, choice) for choice in choices)
    gold = _place(reader, spec.gold, choices)
    context = str(reader.row.get("context") or "")
    return Item(canonical_hash([context, question, list(choices), gold]), prompt, question, choices, answers, gold)


def _place(reader: _Reader, column: str, choices: Sequence[str]) -> int:
    """The right choice: a number is its place from 0; text is the choice itself, else its letter or its place.

    Text that is one choice and the letter or place of another could mean either, and is refused.
    """
    value = reader.value(column)
    written = str(value).strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return _known_place(reader, column, value, choices)
    counted = LETTERS.find(written.upper()) if len(written) == 1 else -1
    if written.isdecimal() and len(written) <= len(str(len(choices))):
        counted = int(written)
    if written not in choices:
        return _known_place(reader, column, counted, choices)
    place = choices.index(written)
    if 0 <= counted < len(choices) and counted != place:
        raise reader.fail(
            tr(
                "{name} is {value}, which is one choice and the letter or place of another",
                name=column,
                value=repr(value),
            ),
            tr("Write letters where choices are numbers, and places from 0 where they are letters."),
        )
    return place


def _known_place(reader: _Reader, column: str, place: int, choices: Sequence[str]) -> int:
    if not 0 <= place < len(choices):
        value = repr(reader.row[column])
        fix = tr("It is the place of the right choice from 0, its letter, or the choice itself.")
        raise reader.fail(tr("{name} is {value}, which is no choice", name=column, value=value), fix)
    return place


def _classification(spec: Spec, reader: _Reader, prompt: str) -> Item:
    value = str(reader.value(spec.gold))
    if isinstance(spec.labels, dict):
        names, labels = list(spec.labels), tuple(spec.labels.values())
    else:
        names, labels = list(spec.labels), spec.labels
    if value not in names:
        fix = tr("Known: {names}.", names=", ".join(names))
        raise reader.fail(tr("{name} is {value}, which is no label", name=spec.gold, value=repr(value)), fix)
    gold = names.index(value)
    asked = {column: str(reader.row[column]) for column in columns_of(spec.prompt) if column in reader.row}
    asked = asked or {"text": str(reader.row.get("text"))}
    return Item(canonical_hash([asked, list(labels), gold]), prompt, prompt, labels, labels, gold)


def _reading(spec: Spec, reader: _Reader, prompt: str) -> Item:
    answers = reader.texts(spec.answer)
    question = str(reader.row.get("question") or prompt)
    context = str(reader.row.get("context") or "")
    return Item(canonical_hash([context, question, list(answers)]), prompt, question, answers=answers)


def _translation(spec: Spec, reader: _Reader, prompt: str) -> Item:
    source, references = reader.text(spec.source), reader.texts(spec.reference)
    return Item(canonical_hash([source, list(references)]), prompt, source, answers=references, source=source)


def _text(spec: Spec, reader: _Reader, prompt: str) -> Item:
    text = reader.text(spec.text)
    return Item(canonical_hash(text), prompt, answers=(text,))
