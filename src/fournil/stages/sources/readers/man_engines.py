"""mandoc and groff as readers of man pages: many pages a process, marked text out (see marks.py)."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.stages.sources.readers.marks import BLOCK, CELL, LINE, NO_BREAK_SPACE, PRE, PRE_END, TAG
from fournil.stages.sources.readers.roff_tables import reduce_tables

_SECONDS_PER_BATCH = 120
_PAGE = "\ufddf"
_NO_BREAK = re.compile(r"(?<!\\)((?:\\\\)*)\\[ ~]")
_HALF_LINE = re.compile(r"(?<!\\)((?:\\\\)*)\\[dru]")
_EXAMPLE = re.compile(r"<pre[ >].*?</pre>", re.DOTALL)
_BULLETS = {"Bl-bullet": "•", "Bl-dash": "-", "Bl-hyphen": "-"}
_SETUP = (
    ".rn br f-br\n.rn sp f-sp\n.rn nf f-nf\n.rn fi f-fi\n.rn pl f-pl\n.rn bp f-bp\n"
    # A page must neither read files, nor end the run, nor change how the pages after it look.
    ".rm so mso trf cf psbb ex ab nx rd sy pi open opena bd ul cu fp cs wh ch em\n"
)


def mandoc_pages(pages: Sequence[str]) -> list[str]:
    """Marked text of each page, by mandoc's HTML, which keeps structure and no-break spaces."""
    with tempfile.TemporaryDirectory(prefix="fournil-man-") as folder:
        names = _write_pages(pages, Path(folder))
        output = _run(["mandoc", "-K", "utf-8", "-T", "html", *names], folder)
    htmls = output.split("<!DOCTYPE html>")[1:]
    if len(htmls) != len(pages):
        if len(pages) == 1:
            return [""]
        return [mandoc_pages([page])[0] for page in pages]
    return [_marked_html(html) for html in htmls]


def groff_pages(pages: Sequence[str]) -> list[str]:
    """Marked text of each page, by groff with macros of our own that print marks in place of a layout."""
    macros = resources.files("fournil.stages.sources.readers").joinpath("man.tmac").read_text("utf-8")
    macros = "".join(line for line in macros.splitlines(keepends=True) if not line.startswith('.\\"'))
    source = [_SETUP]
    for page in pages:
        body = "\n".join(reduce_tables(page.split("\n")))
        body = _NO_BREAK.sub(rf"\1{NO_BREAK_SPACE}", body.replace("\u00a0", NO_BREAK_SPACE))
        body = _HALF_LINE.sub(r"\1", body)
        source.append(f"{macros}{body}\n.ec\n.cc\n.fi\n.f-br\n{_PAGE}\n.f-br\n.f-pl \\n(nlu\n.f-bp\n")
    with tempfile.TemporaryDirectory(prefix="fournil-man-") as folder:
        path = Path(folder, "pages.man")
        path.write_text("".join(source), "utf-8")
        output = _run(["groff", "-K", "utf8", "-T", "utf8", "-P-cbu", path.name], folder)
    marked = output.split(_PAGE)
    if len(marked) != len(pages) + 1:
        if len(pages) == 1:
            return [output.replace(_PAGE, "")]
        middle = len(pages) // 2
        return groff_pages(pages[:middle]) + groff_pages(pages[middle:])
    return marked[:-1]


def _write_pages(pages: Sequence[str], folder: Path) -> list[str]:
    names = [f"{number:05}.man" for number in range(len(pages))]
    for name, page in zip(names, pages, strict=True):
        # mandoc's HTML loses blank lines of examples, but no .sp.
        lines = [line if line.strip() else ".sp" for line in reduce_tables(page.split("\n"))]
        (folder / name).write_text("\n".join(lines), "utf-8")
    return names


def _run(command: list[str], folder: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS_PER_BATCH, check=False
        )
    except FileNotFoundError:
        what = tr("{program} is not installed", program=command[0])
        raise FournilError(what, fix=tr("Choose another reader of man pages")) from None
    except subprocess.TimeoutExpired:
        what = tr("{program} did not finish within {seconds:,} s", program=command[0], seconds=_SECONDS_PER_BATCH)
        raise FournilError(what, fix=tr("Choose another reader of man pages")) from None
    return done.stdout.decode("utf-8", "replace")


def _marked_html(html: str) -> str:
    # In an example, a line with an indent gets a break that its own line end makes already.
    tree = LexborHTMLParser(_EXAMPLE.sub(lambda match: match[0].replace("\n<br/>\n", "\n"), html))
    body = tree.css_first("div.manual-text")
    if body is None:
        return ""
    for node in body.css("br,pre,tr,li,dt,h1,h2,p,div,dd,ul,dl,table,section,td"):
        name = node.tag
        if name == "td":
            if node.prev is not None and node.prev.tag == "td":
                node.insert_before(CELL)
            continue
        if name in ("pre", "dt"):
            node.insert_before(PRE if name == "pre" else BLOCK)
            node.insert_after(PRE_END if name == "pre" else TAG)
        elif name == "li":
            parent = node.parent
            kind = parent.attributes.get("class") if parent is not None else None
            node.insert_before(f"{BLOCK}{_BULLETS.get(kind or '', '')}{TAG}")
            node.insert_after(BLOCK)
        elif name in ("br", "tr", "div", "dd"):
            node.insert_before(LINE)
        else:
            node.insert_before(BLOCK)
            node.insert_after(BLOCK)
    return body.text()
