"""HTML from Python calls: text is escaped unless it is HTML already, so a hostile title stays a title.

Sentences with tags inside are messages too: `rich(mark("<b>Parity.</b> {text}", text=…))` puts the message into the
reader's language and escapes its values; the tags of the message itself stand.

What differs between two runs of one recipe stands in elements with the attribute `data-measured`;
`without_measured` empties those, and two pages of one recipe are then the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from fournil.core.speech import Message, retell

MEASURED = "data-measured"
VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
SHAPES = frozenset(("circle", "path", "polyline", "rect"))
"""Elements of drawings that hold nothing: closed in their own tag."""
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
"""What is no text, and what turns the direction of the text around it."""

Value = str | int | float | bool | None


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: str) -> Html:
    """Return a value as HTML text: escaped, control characters shown as U+FFFD."""
    return value if isinstance(value, Html) else Html(escape(_CONTROLS.sub("\ufffd", value), quote=True))


def join(parts: Iterable[str | None], between: str = "") -> Html:
    """Put parts one after the other, those that are None left out."""
    return Html(text(between).join(text(part) for part in parts if part is not None))


def tag(name: str, /, *children: str | None, **attributes: Value) -> Html:
    """Build an element.

    Args:
        name: Of the element.
        children: Strings are escaped, `Html` is not, None is left out.
        attributes: `class_` is written class, `data_x` is written data-x; True has no value, None and False are left
            out.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        written.append(f" {label}" if value is True else f' {label}="{text(str(value))}"')
    head = f"<{name}{''.join(written)}"
    if name in SHAPES and not children:
        return Html(f"{head}/>")
    return Html(f"{head}>" if name in VOID else f"{head}>{join(children)}</{name}>")


def rich(message: Message) -> Html:
    """Put a message whose text may hold tags into the reader's language: its values are escaped unless they are HTML.

    Only for messages that are written in this stage: the tags of what a ledger says must not stand.
    """
    return Html(retell({**message, "values": {name: _safe(value) for name, value in message["values"].items()}}))


def _safe(value: Any) -> Any:  # noqa: ANN401 - whatever can be formatted
    return text(retell(value)) if isinstance(value, dict) else text(value) if isinstance(value, str) else value


def measured(*children: str | None, element: str = "span", **attributes: Value) -> Html:
    """Mark what differs between two runs of one recipe."""
    return tag(element, *children, data_measured=True, **attributes)


def link(url: str, label: str) -> Html:
    """Link to a web address; what is none is shown as the label alone, so that no script hides in it."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        sound = False
    return tag("a", label, href=url) if sound else text(label)


class _Emptied(HTMLParser):
    """Copies HTML but for the contents of measured elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._inside:
            self.parts.append(self.get_starttag_text() or "")
        opens = self._inside or any(name == MEASURED for name, _ in attrs)
        if opens and tag not in VOID:
            self._inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._keep(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            self._inside.pop()
        self._keep(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self._keep(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")

    def _keep(self, part: str) -> None:
        if not self._inside:
            self.parts.append(part)


def without_measured(html: str) -> str:
    """Return the page with the contents of all measured elements taken out."""
    parser = _Emptied()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)
