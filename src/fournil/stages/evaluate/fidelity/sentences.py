"""From a text to what language identification can judge: sentences with enough letters."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from fournil.parts.text.identify import identify, num_letters
from fournil.stages.evaluate.fidelity.signs import CODE, sign_of

MIN_LETTERS = 25
"""Of what is judged alone. Shorter sentences are judged together with those behind them."""

MIN_LETTERS_WHOLE = 16
"""Of a text without any sentence of so many letters: it is judged as a whole."""

MIN_CONFIDENCE = 0.5
"""Below it, a sentence's language is unclear, and it is not judged."""

UNCLEAR, SHORT = "unclear", "short"

Span = tuple[int, int]

_END = re.compile(r"[.!?…]+[\s\xa0\u202f]*[»”\"')\]]*(?=\s)")
_BEGINS = re.compile(r"\s*[\[«“\"'(–—-]*[\s\xa0\u202f]*[A-ZÀ-ÖØ-ÞŒ0-9]")
_ABBREVIATION = re.compile(r"(?:^|[\s('’«“])(?:[A-Z]|M|MM|Mr|Mrs|Ms|Dr|St|p|pp|cf|ex|vs|no|n|art|e\.g|i\.e)\.$")


@dataclass(frozen=True)
class Piece:
    """A stretch of a text and what it was found to be."""

    start: int
    end: int
    kind: str
    """A language's tag, or CODE, LATEX, UNCLEAR, SHORT."""


def sentences(line: str) -> list[Span]:
    """Where the sentences of a line are."""
    found, start = [], 0
    for match in _END.finditer(line):
        if _BEGINS.match(line, match.end()) and not _ABBREVIATION.search(line[: match.end()]):
            found.append((start, match.end()))
            start = match.end()
    if line[start:].strip():
        found.append((start, len(line)))
    return found


def pieces(text: str, skip: list[Span]) -> list[Piece]:
    """Judge a text sentence by sentence.

    Args:
        text: Lines.
        skip: Stretches that are no text, such as speaker tags at the beginnings of lines, in their order.

    Returns:
        Pieces in the text's order. Where no sentence has enough letters, all of them are judged as one.
    """
    found: list[Piece] = []
    groups: list[list[Span]] = [[]]  # sentences, parted where code or LaTeX stands between them
    code = False
    for start, end in _lines(text, skip):
        sign = sign_of(text[start:end])
        if code and text[start:end].startswith(("    ", "\t")):
            sign = CODE  # what is indented below a line of code
        code = sign == CODE
        if sign:
            found.append(Piece(start, end, sign))
            groups.append([])
        else:
            groups[-1] += [(start + first, start + last) for first, last in sentences(text[start:end])]
    stretches = [stretch for group in groups for stretch in _joined(text, group)]
    words = [" ".join(text[start:end] for start, end in stretch) for stretch in stretches]
    tags = judge(words, MIN_LETTERS)
    if words and set(tags) == {SHORT}:
        tags = judge([" ".join(words)], MIN_LETTERS_WHOLE)
        stretches = [[span for stretch in stretches for span in stretch]]
    found += [Piece(stretch[0][0], stretch[-1][1], tag) for stretch, tag in zip(stretches, tags, strict=True)]
    return sorted(found, key=lambda piece: piece.start)


def judge(texts: list[str], min_letters: int) -> list[str]:
    """The language of each, or SHORT or UNCLEAR."""
    tags, confidences = identify(pa.array(texts, pa.string()))
    return [
        SHORT if num_letters(text) < min_letters else UNCLEAR if sure < MIN_CONFIDENCE else tag
        for text, tag, sure in zip(texts, tags, confidences.tolist(), strict=True)
    ]


def _lines(text: str, skip: list[Span]) -> list[Span]:
    """Where the lines are that hold text, without what is skipped at their beginnings."""
    found, start = [], 0
    for line in text.splitlines(keepends=True):
        end = start + len(line.rstrip())
        first = next((stop for begin, stop in skip if start <= begin < start + len(line)), start)
        if text[first:end].strip():
            found.append((first, end))
        start += len(line)
    return found


def _joined(text: str, spans: list[Span]) -> list[list[Span]]:
    """Join each sentence that is too short with those behind it, also in the lines that follow."""
    found: list[list[Span]] = []
    waiting: list[Span] = []
    for start, end in spans:
        waiting.append((start, end))
        if sum(char.isalpha() for first, last in waiting for char in text[first:last]) >= MIN_LETTERS:
            found.append(waiting)
            waiting = []
    return [*found, waiting] if waiting else found
