"""What is looked for: the items of evaluation sets, each with its texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fournil.parts.text.kernels.folded import NUM_WORDS

CONTEXTS = ("context", "passage", "flores_passage", "paragraph", "article", "support", "story", "background")
"""Columns that hold what is asked about; alone in their row they are what is asked."""
QUESTIONS = ("question", "query", "goal", "ctx", "premise", "sentence", "source")
GAP = re.compile(r"<\.\.\.>|_{2,}|\[\.\.\.\]")
"""What a choice fills."""

_ADDRESS = re.compile(r"\w+://\S+$")
_WORD = re.compile(r"\w+")
_LETTERS = "ABCDEFGHIJ"


class Text(NamedTuple):
    """A text whose copy in a document gives an item away."""

    text: str
    is_context: bool = False
    """It is what the question is about, and neither question nor answer."""


@dataclass(frozen=True)
class Item:
    """One item of a benchmark."""

    id: str
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Benchmark:
    """An evaluation set."""

    name: str
    items: tuple[Item, ...]
    source: str = ""
    """Where its data came from."""


def item_of(id: str, row: Mapping[str, Any]) -> Item:
    """Make a row of any evaluation set an item.

    Each string of the row is a text, also those in lists and tables. Where the row says which answer is right, a gap
    in the question is filled with it, and a question of few words is joined with its answers, in the ways in which
    question sheets print them.

    Args:
        id: What the item is called.
        row: Columns as the set's file has them.
    """
    columns = {
        name: [text for text in _strings(value) if text.strip() and not _ADDRESS.match(text)]
        for name, value in row.items()
    }
    question = next((columns[name][0] for name in QUESTIONS if columns.get(name)), "")
    choices = _choices(row)
    texts: dict[Text, None] = {}
    asked = any(len(_WORD.findall(text)) > 2 for name in columns if name not in CONTEXTS for text in columns[name])
    for name, strings in columns.items():
        texts.update(dict.fromkeys(Text(text, name in CONTEXTS and asked) for text in strings))
    right = _right(row, choices)
    if question and GAP.search(question):
        texts.update(dict.fromkeys(Text(_filled(question, answer)) for answer in right))
    elif question and len(_WORD.findall(question)) < 2 * NUM_WORDS:
        texts.update(dict.fromkeys(Text(f"{question} {answer}") for answer in right))
    if question and choices and len(_WORD.findall(question)) < NUM_WORDS:
        texts[Text(" ".join((question, *choices)))] = None
        lettered = (f"{letter} {choice}" for letter, choice in zip(_LETTERS, choices, strict=False))
        texts[Text(" ".join((question, *lettered)))] = None
    return Item(id, tuple(texts))


def _filled(question: str, answer: str) -> str:
    """The question with the answer in its gap, or a part of « part / vient » in each of them."""
    parts = answer.split(" / ")
    if len(parts) != len(GAP.findall(question)):
        return GAP.sub(f" {answer} ".replace("\\", r"\\"), question)
    between = GAP.split(question)
    return " ".join(piece for pair in zip(between, [*parts, ""], strict=True) for piece in pair).strip()


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for each in value:
            yield from _strings(each)


def _choices(row: Mapping[str, Any]) -> list[str]:
    """The choices of a row, as the usual sets write them: a list, a table with one, or a column each."""
    for name in ("choices", "endings", "answers_list"):
        found = row.get(name)
        if isinstance(found, Mapping):
            found = found.get("text")
        if isinstance(found, list) and found and all(isinstance(each, str) for each in found):
            return [str(each) for each in found]
    for names in (
        [f"answer{letter}" for letter in "ABCD"],
        [f"answer{letter}" for letter in "abcd"],
        [f"mc_answer{number}" for number in range(1, 5)],
        ["A", "B", "C", "D"],
        ["sol1", "sol2"],
    ):
        found = [row[name] for name in names if isinstance(row.get(name), str)]
        if len(found) > 1:
            return found
    return []


def _right(row: Mapping[str, Any], choices: Sequence[str]) -> list[str]:
    """The right answers: the choice that is named by place, letter or itself, or the answers that are written out."""
    for name in ("gold", "answer", "label", "answerKey", "correct_answer", "correct_answer_num", "correct_answers"):
        value = row.get(name)
        if isinstance(value, str) and value.strip() in choices:
            return [value.strip()]
        if isinstance(value, str) and choices and len(value.strip()) == 1:
            place = _LETTERS.find(value.strip().upper())
            place = int(value) - (name == "correct_answer_num") if value.strip().isdecimal() else place
            return [choices[place]] if 0 <= place < len(choices) else []
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
            return [choices[value]]
        if isinstance(value, str) and value.strip() and not choices:
            return [value]
    return [text for name in ("answers", "references", "reference") for text in _strings(row.get(name))]


def items_of(rows: Iterable[Mapping[str, Any]]) -> tuple[Item, ...]:
    """Make rows items, called by their column `id` where it tells them apart, else by their number."""
    rows = list(rows)
    ids = [str(row.get("id") or "") for row in rows]
    if len(set(ids)) < len(ids) or not all(ids):
        ids = [f"{number}" for number in range(1, len(rows) + 1)]
    return tuple(item_of(each, row) for each, row in zip(ids, rows, strict=True))
