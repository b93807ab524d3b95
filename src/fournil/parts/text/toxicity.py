"""Coarse, hateful and sexual words: lists by language, with the contexts in which a word is none of that.

A list is lines of three fields between bars, `#` begins a comment, braces hold endings:

    strong | word, two words, st{em,ems} | -@law +@insult
    @law | court, judge{,s}
    none | two words of a trade

The grades are `mild` (coarse words and oaths), `strong` (hate against groups, the harshest insults) and `adult`
(sexual). A word is cleared by a word of a group behind a minus within NEAR words of it, or by a document that has as
many words of the group as of those that it clears; with groups behind a plus it counts only where a word of one stands
near. What stands inside an expression of `none`, or inside a longer listed one, does not count.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.folded import FoldedWords, folded_words
from fournil.parts.text.kernels.listed import (
    CONTEXT,
    EXEMPT,
    LISTED,
    MAX_WORDS,
    fill_list,
    find_listed,
    weigh,
)

GRADES = ("mild", "strong", "adult")
NEAR = 12
"""How many words away a context may stand."""

_NONE = "none"
_STEP = 0x9E3779B97F4A7C15
_BRACES = re.compile(r"\{([^{}]*)\}")
_MAX_GROUPS = 63


@dataclass(frozen=True)
class WordList:
    """A list, ready to be looked for. Shapes as in kernels/listed.py."""

    kind_E: np.ndarray
    length_E: np.ndarray
    grade_E: np.ndarray
    gives_E: np.ndarray
    clears_E: np.ndarray
    needs_E: np.ndarray
    keys_S: np.ndarray
    entries_S: np.ndarray
    lengths_S: np.ndarray
    bits: np.ndarray


class Found(NamedTuple):
    """What of a list stands in documents."""

    counts_DG: np.ndarray
    """int64, by document and grade."""

    words_F: np.ndarray
    """int64, the first and the last word of each find that counts, [F, 2]."""

    document_F: np.ndarray
    """int64, where each of them stands."""

    grade_F: np.ndarray
    """int64, of each of them."""


@dataclass
class _Entry:
    kind: int = CONTEXT
    grade: int = 0
    gives: int = 0
    clears: int = 0
    needs: int = 0


class _Line(NamedTuple):
    place: str
    name: str
    expressions: list[str]
    marks: list[str]


@cache
def known_lists() -> tuple[str, ...]:
    """Languages with a list of ours."""
    return tuple(sorted(Path(file.name).stem for file in _folder().iterdir() if file.name.endswith(".txt")))


@cache
def word_list(tag: str, path: str = "") -> WordList:
    """The list of a language.

    Args:
        tag: The primary subtag of one of `known_lists`; any where there is a path.
        path: Another list's file; empty for ours.

    Raises:
        FournilError: The file cannot be read, or a line is none of a list's.
    """
    if not path:
        return parse_list((_folder() / f"{tag}.txt").read_text("utf-8"), where=f"{tag}.txt")
    try:
        return parse_list(Path(path).read_text("utf-8-sig"), where=path)
    except (OSError, UnicodeDecodeError) as error:
        what = tr("the word list cannot be read: {error}", error=error)
        raise FournilError(what, where=path, fix=tr("Give a text file in UTF-8.")) from error


def _folder():  # noqa: ANN202 - Traversable has moved between Python's modules
    return files("fournil.data") / "toxicity"


def parse_list(text: str, *, where: str) -> WordList:
    """Make a list of its text.

    Args:
        text: Lines as described above.
        where: The file's name, for errors.

    Raises:
        FournilError: A line is none of a list's.
    """
    lines = list(_lines(text, where))
    groups: dict[str, int] = {}
    for line in lines:
        if line.name.startswith("@"):
            groups.setdefault(line.name, len(groups))
    if len(groups) > _MAX_GROUPS:
        raise FournilError(tr("a word list has {count} groups at most", count=_MAX_GROUPS), where=where)
    parted = iter(_parted([each for line in lines for each in line.expressions]))
    entries: dict[tuple[int, ...], _Entry] = {}
    for line in lines:
        unknown = [mark for mark in line.marks if mark[:1] not in "+-" or mark[1:] not in groups]
        if unknown or (line.marks and line.name not in GRADES):
            raise FournilError(
                tr("there is no context {name!r}", name=" ".join(unknown or line.marks)),
                where=line.place,
                fix=tr("Contexts are groups of this file, such as -@law or +@law, behind words that have a grade."),
            )
        seen: set[tuple[int, ...]] = set()
        for written in line.expressions:
            parts = next(parted)
            if not 1 <= len(parts) <= MAX_WORDS:
                what = tr("{text!r} has no word, or more than {count}", text=written, count=MAX_WORDS)
                raise FournilError(what, where=line.place)
            if parts not in seen and not _add(entries.setdefault(parts, _Entry()), line, groups):
                raise FournilError(tr("{text!r} stands in the list twice", text=written), where=line.place)
            seen.add(parts)
    return _compiled(entries)


def _lines(text: str, where: str) -> Iterator[_Line]:
    fix = tr("A line is `GRADE | words, separated by commas | contexts`; docs/toxicity.md says more.")
    for number, line in enumerate(text.splitlines(), 1):
        fields = [field.strip() for field in line.split("#", 1)[0].split("|")]
        if fields == [""]:
            continue
        place = f"{where}:{number}"
        if not 2 <= len(fields) <= 3:
            raise FournilError(tr("a line of a word list has two or three fields"), where=place, fix=fix)
        if fields[0] not in (*GRADES, _NONE) and not re.fullmatch(r"@\w+", fields[0]):
            raise FournilError(tr("there is no grade {name!r}", name=fields[0]), where=place, fix=fix)
        yield _Line(place, fields[0], list(_expanded(fields[1])), fields[2].split() if len(fields) == 3 else [])


def _add(entry: _Entry, line: _Line, groups: Mapping[str, int]) -> bool:
    """Make an expression what its line says; False if it is that already."""
    if line.name in groups:
        entry.gives |= 1 << groups[line.name]
        return True
    if entry.kind != CONTEXT:
        return False
    entry.kind = EXEMPT if line.name == _NONE else LISTED
    entry.grade = GRADES.index(line.name) if entry.kind == LISTED else 0
    entry.clears = sum({1 << groups[mark[1:]] for mark in line.marks if mark[0] == "-"})
    entry.needs = sum({1 << groups[mark[1:]] for mark in line.marks if mark[0] == "+"})
    return True


def _expanded(words: str) -> Iterator[str]:
    """Single words, endings in braces put behind their stems; commas inside braces part endings."""
    for each in re.split(r",(?![^{]*\})", words):
        pieces = _BRACES.split(each.strip())
        choices = [[piece] if number % 2 == 0 else piece.split(",") for number, piece in enumerate(pieces)]
        for made in itertools.product(*choices):
            yield "".join(part.strip() if number % 2 else part for number, part in enumerate(made))


def _parted(expressions: list[str]) -> Iterator[tuple[int, ...]]:
    """The hashes of each expression's words."""
    words = folded_words(pa.array(expressions, pa.string()))
    hashes = words.hashes_W.tolist()
    for start, stop in itertools.pairwise(words.bounds_D.tolist()):
        yield tuple(hashes[start:stop])


def _compiled(entries: Mapping[tuple[int, ...], _Entry]) -> WordList:
    keys: dict[int, tuple[int, int]] = {}
    for number, hashes in enumerate(entries):
        if len(hashes) == 1:
            keys[hashes[0]] = (number, keys.get(hashes[0], (-1, 0))[1])
            continue
        value = len(hashes)
        for each in hashes:
            value = (value * _STEP + each) % (1 << 64)
        keys[value or 1] = (number, 0)
        entry, lengths = keys.get(hashes[-1], (-1, 0))
        keys[hashes[-1]] = (entry, lengths | 1 << len(hashes))
    size = 1 << (4 * len(keys) + 1).bit_length()
    keys_S, entries_S, lengths_S = np.zeros(size, np.uint64), np.zeros(size, np.int32), np.zeros(size, np.int32)
    bits = np.zeros(1024, np.uint64)
    fill_list(
        np.array(list(keys), np.uint64),
        np.array([entry for entry, _ in keys.values()], np.int32),
        np.array([lengths for _, lengths in keys.values()], np.int32),
        keys_S, entries_S, lengths_S, bits,
    )  # fmt: skip
    values = list(entries.values())
    return WordList(
        np.array([entry.kind for entry in values], np.int32),
        np.array([len(hashes) for hashes in entries], np.int32),
        np.array([entry.grade for entry in values], np.int32),
        np.array([entry.gives for entry in values], np.uint64),
        np.array([entry.clears for entry in values], np.uint64),
        np.array([entry.needs for entry in values], np.uint64),
        keys_S, entries_S, lengths_S, bits,
    )  # fmt: skip


def find_words(words: FoldedWords, listed: WordList, wanted: np.ndarray | None = None) -> Found:
    """Count the words of a list in a batch of documents.

    Args:
        words: The documents.
        listed: The list.
        wanted: Which documents to look at (bool); None: all.
    """
    num_documents = len(words.bounds_D) - 1
    wanted = np.ones(num_documents, bool) if wanted is None else wanted
    counts_DG = np.zeros((num_documents, len(GRADES)), np.int64)
    room, num = 1024, 0
    finds_F2 = np.empty((room, 2), np.int64)
    while len(words.hashes_W):
        num = find_listed(
            words.hashes_W, words.bounds_D, wanted, listed.keys_S, listed.entries_S, listed.lengths_S, listed.bits,
            finds_F2,
        )  # fmt: skip
        if num <= len(finds_F2):
            break
        finds_F2 = np.empty((num, 2), np.int64)
    finds_F2 = finds_F2[:num]
    counted_F = np.zeros(num, bool)
    if num:
        weigh(
            finds_F2, words.bounds_D, listed.kind_E, listed.length_E, listed.grade_E, listed.gives_E, listed.clears_E,
            listed.needs_E, NEAR, counts_DG, counted_F,
        )  # fmt: skip
    last_F, entry_F = finds_F2[counted_F].T
    words_F2 = np.stack([last_F - listed.length_E[entry_F] + 1, last_F], axis=1)
    document_F = np.searchsorted(words.bounds_D, last_F, side="right") - 1
    return Found(counts_DG, words_F2, document_F, listed.grade_E[entry_F].astype(np.int64))
