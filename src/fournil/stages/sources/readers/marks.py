"""The one way from marked-up text to plain text that the readers of man pages and of HTML share.

Both put marks between the words of the source (Unicode noncharacters, which no interchanged text holds) and leave the
white space to `plain_text`: paragraphs become single lines, examples keep theirs.
"""

from __future__ import annotations

import re

BLOCK = "\ufdd0"
"""A paragraph ends here: a blank line."""
LINE = "\ufdd1"
"""A line ends here."""
TAG = "\ufdd2"
"""The end of a list item's tag: a bullet or a number stays on the line of its text, a longer tag gets its own."""
PRE = "\ufdd3"
"""An example begins: its line breaks and indents count."""
PRE_END = "\ufdd4"
"""The example ends."""
CELL = "\ufdd5"
"""The border between two cells of a table row."""
LINK, LINK_TEXT, LINK_END = "\ufdd6", "\ufdd7", "\ufdd8"
"""Around an address and the text that shows it: the text stays, the address only where there is no text."""
NO_BREAK_SPACE = "\ufdd9"
"""U+00A0, for engines that would print it as a plain space."""

_MARKS = re.compile("[\ufdd0-\ufdef]")
_SPACES = re.compile("[ \t\n\r\f]+")
_AROUND_BREAKS = re.compile(" ?([\ufdd0\ufdd1\ufdd2]) ?")
_BREAKS = re.compile("[\ufdd0\ufdd1]+")
_CELLS = re.compile(" ?\ufdd5[ \ufdd5]*")
_EDGE_CELLS = re.compile("(?:(?<=[\ufdd0\ufdd1])|^)[ \ufdd5]+|[ \ufdd5]+(?=[\ufdd0\ufdd1]|$)")
_LINKS = re.compile("\ufdd6([^\ufdd6-\ufdd8]*)\ufdd7([^\ufdd6-\ufdd8]*)\ufdd8")
_LINK_LEFTOVERS = re.compile("\ufdd6[^\ufdd6-\ufdd8]*\ufdd7|[\ufdd6-\ufdd8]")
_INVISIBLE = re.compile("[\u00ad\u200b\ufeff\x00-\x08\x0b\x0e-\x1f\x7f]")
_LONGEST_INLINE_TAG = 3


def without_marks(source: str) -> str:
    """Source text in which nothing can be taken for a mark."""
    return _MARKS.sub("", source)


def plain_text(marked: str) -> str:
    """Turn marked text into plain text.

    Args:
        marked: text with marks; white space outside examples means one space, no-break spaces stay what they are.

    Returns:
        Paragraphs as single lines with a blank line between them, table rows as lines with " | " between cells,
        examples as they were, without their common indent. Soft hyphens, zero-width spaces and control characters are
        gone.
    """
    if LINK in marked:
        marked = _LINK_LEFTOVERS.sub("", _LINKS.sub(lambda link: link[2].strip() or link[1], marked))
    marked = marked.replace(NO_BREAK_SPACE, "\u00a0")
    parts: list[str] = []
    for number, piece in enumerate(marked.split(PRE)):
        example, _, flow = piece.partition(PRE_END) if number else ("", "", piece)
        if number:
            parts += (BLOCK, _example(example), BLOCK) if example.strip() else (LINE,)
        parts.append(_flow(flow).strip(" "))
    text = "".join(parts)
    text = _BREAKS.sub(lambda run: "\n\n" if BLOCK in run[0] else "\n", text)
    return _INVISIBLE.sub("", text).strip("\n ")


def _flow(text: str) -> str:
    text = _SPACES.sub(" ", text)
    text = _AROUND_BREAKS.sub(r"\1", text)
    if TAG in text:
        text = _join_tags(text)
    if CELL in text:
        text = _EDGE_CELLS.sub("", text)
        text = _CELLS.sub(" | ", text)
    return text


def _join_tags(text: str) -> str:
    pieces = text.split(TAG)
    parts: list[str] = []
    for piece in pieces[:-1]:
        body = piece.lstrip(BLOCK + LINE) if parts and parts[-1] else piece
        tag = body[max(body.rfind(BLOCK), body.rfind(LINE)) + 1 :]
        parts += (body, "" if not tag.strip() else " " if len(tag) <= _LONGEST_INLINE_TAG else LINE)
    return "".join(parts) + (pieces[-1].lstrip(BLOCK + LINE) if parts[-1] else pieces[-1])


def _example(text: str) -> str:
    lines = [line.replace("\u00a0", " ").rstrip() for line in _MARKS.sub("", text).expandtabs(8).split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
    kept: list[str] = []
    for line in lines:
        if line or kept[-1]:
            kept.append(line[indent:])
    return "\n".join(kept)
