"""A sample in the terminal: what was refused on the left, what was kept on the right, or one above the other."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fournil.apps.inspect.look.evidence import Span, excerpt
from fournil.apps.inspect.look.sample import Part, Shown, Specimen
from fournil.core.speech import tr, trn

SIDE_BY_SIDE = 100
"""Columns from which two texts stand beside each other."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ue000\ue001]")
_TOKEN = re.compile(rf"[{_OPEN}{_CLOSE}]|[^\S\n]+|\n|[^\s{_OPEN}{_CLOSE}]+")
_MOST_EDITS = 6


class Style(NamedTuple):
    """How much is shown, and how."""

    width: int
    characters: int
    """Of each text."""

    colour: bool

    @property
    def marks(self) -> tuple[str, str]:
        """What stands before and after what is highlighted."""
        return ("\x1b[7m", "\x1b[27m") if self.colour else ("⟦", "⟧")


def harmless(text: str) -> str:
    """A text that cannot steer a terminal: control characters, and those that turn the direction, are shown as �."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def draw(specimens: Sequence[Specimen], style: Style) -> Iterator[str]:
    """The lines of a sample."""
    for number, specimen in enumerate(specimens):
        if number:
            yield ""
        yield _bold(reason(specimen), style)
        left = _labelled(tr("changed") if specimen.edits else tr("refused"), specimen.row)
        right = "" if specimen.kept is None else _labelled(kept_label(specimen), specimen.kept)
        if specimen.kept is not None and style.width >= SIDE_BY_SIDE:
            yield from _beside(left, specimen.row, right, specimen.kept, style)
            continue
        yield harmless(left)
        yield from _lines(specimen.row, style, style.width - 2, "  ")
        for edit in specimen.edits[:_MOST_EDITS]:
            yield "  " + harmless(edit_words(edit))
        if specimen.kept is not None:
            yield harmless(right)
            yield from _lines(specimen.kept, style, style.width - 2, "  ")


def reason(specimen: Specimen) -> str:
    """Step, rule, value and bound."""
    words = [f"{specimen.step} / {specimen.rule}"]
    if specimen.value is not None:
        words.append(tr("value {value}", value=specimen.value))
    if specimen.bound is not None:
        words.append(tr("bound {bound}", bound=specimen.bound))
    if specimen.edits:
        num = len(specimen.edits)
        words.append(trn("{count:,} change", "{count:,} changes", num))
    return harmless(", ".join(words))


def kept_label(specimen: Specimen) -> str:
    """What the kept text is to the refused one."""
    if specimen.same:
        return tr("kept in its place")
    same_source = specimen.kept is not None and specimen.kept.source == specimen.row.source
    return tr("kept, of the same source") if same_source else tr("kept")


def edit_words(edit: dict[str, object]) -> str:
    """What stood there and what stands there now."""
    was = tr("(not kept)") if edit["was"] is None else tr("{text!r}", text=_short(str(edit["was"])))
    return tr("{was} → {now!r}", was=was, now=_short(str(edit["now"] or "")))


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"


def _labelled(label: str, shown: Shown) -> str:
    return f"{label}: {shown.id} ({shown.source})"


def _bold(line: str, style: Style) -> str:
    return f"\x1b[1m{line}\x1b[22m" if style.colour else line


def _beside(left: str, row: Shown, right: str, kept: Shown, style: Style) -> Iterator[str]:
    width = (style.width - 3) // 2
    for one, other in itertools.zip_longest(
        [*_wrap(harmless(left), [], width, style), "", *_lines(row, style, width)],
        [*_wrap(harmless(right), [], width, style), "", *_lines(kept, style, width)],
        fillvalue="",
    ):
        yield f"{one}{' ' * (width - _width(one))} │ {other}".rstrip()


def _width(line: str) -> int:
    return len(re.sub(r"\x1b\[\d+m", "", line))


def _lines(shown: Shown, style: Style, width: int, indent: str = "") -> Iterator[str]:
    for part in shown.parts:
        if len(shown.parts) > 1:
            yield f"{indent}{part.language}:"
        for line in _part(part, style, width):
            yield (indent + line).rstrip()


def _part(part: Part, style: Style, width: int) -> Iterator[str]:
    text, spans = excerpt(part.text, part.spans, style.characters)
    yield from _wrap(text, spans, width, style)


def _wrap(text: str, spans: Sequence[Span], width: int, style: Style) -> Iterator[str]:
    """Break a text at spaces; a highlight that goes on in the next line is closed and opened again."""
    pieces, place = [], 0
    for start, end in spans:
        pieces += [harmless(text[place:start]), _OPEN, harmless(text[start:end]), _CLOSE]
        place = end
    pieces.append(harmless(text[place:]))
    room = width if style.colour else width - sum(map(len, style.marks))
    line: list[tuple[str, bool]] = []
    used, inside = 0, False
    for token in _TOKEN.findall("".join(pieces)):
        if token in (_OPEN, _CLOSE):
            inside = token == _OPEN
            continue
        if token == "\n":
            yield _painted(line, style)
            line, used = [], 0
            continue
        for piece in (token[at : at + room] for at in range(0, len(token), room)):
            if used and used + len(piece) > room:
                yield _painted(line, style)
                line, used = [], 0
                if piece.isspace():
                    continue
            line.append((piece, inside))
            used += len(piece)
    if line:
        yield _painted(line, style)


def _painted(line: list[tuple[str, bool]], style: Style) -> str:
    before, after = style.marks
    painted = []
    for inside, pieces in itertools.groupby(line, key=lambda piece: piece[1]):
        text = "".join(piece for piece, _ in pieces)
        painted.append(f"{before}{text}{after}" if inside and text.strip() else text)
    return "".join(painted).rstrip()
