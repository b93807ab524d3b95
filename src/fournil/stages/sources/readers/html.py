"""Documentation pages in HTML as plain text: the content, without navigation, page heads, page feet and indexes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from fournil.stages.sources.readers.decode import UndecodableError, decode
from fournil.stages.sources.readers.marks import BLOCK, CELL, LINE, PRE, PRE_END, TAG, plain_text, without_marks

_MAIN = ("div#DisplayArea", "[role=main]", "main", "div.body", "div#mw-content-text", "article", "body")
"""Where the content stands: LibreOffice's help, Sphinx, HTML 5, older Sphinx, MediaWiki, the rest."""
_DROPPED = ",".join(
    (
        "script,style,template,noscript,nav,form,button,select,textarea,iframe,object,video,audio,canvas,svg,rt,rp",
        "body > header,body > footer,main > footer,[role=navigation],[role=search],[role=banner],[role=contentinfo]",
        ".navheader,.navfooter,.docnav,body > p#title,.toc,.lot,.index,.indexterm,.titlepage hr",  # DocBook, Publican
        ".related,.sphinxsidebar,.toctree-wrapper,.headerlink,.linenos,.contents.topic,nav.contents,.indextable",
        ".switchinline > span:not([id^=default]),.switch > div:not([id^=default]),#DEBUG,#SearchFrame,#DonationFrame",
        ".relatedtopics,.mw-editsection,#toc,.navbox,.noprint,.catlinks,.printfooter,.breadcrumb,.breadcrumbs,.skip-link,.mw-jump-link,#jump-to-nav,.toctogglespan,.sr-only",
    )
)
_BLOCKS = (
    "p,div,section,article,main,header,footer,aside,h1,h2,h3,h4,h5,h6,ul,ol,dl,blockquote,table,caption,figure,"
    "figcaption,details,summary,address,fieldset,legend,center,hr"
)
_MARKED = f"{_BLOCKS},br,tr,td,th,li,dt,dd,pre"
_WRAPPERS = ",".join(f"{name} > p:only-child,{name} > div:only-child" for name in ("td", "th", "li", "dd"))
_META = re.compile(rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml(?:\s[^>]*?encoding\s*=\s*[\"']([\w.:-]+)[\"'])?")
_EMPTY_TAG = re.compile(r"<([A-Za-z][\w:-]*)((?:\s[^<>]*?)?)/>")
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page: its title, its text and the language that it declares (the primary subtag: `fr` for `fr-CA`)."""

    title: str
    text: str
    language: str | None


def read_html(data: bytes, *, encoding: str | None = None) -> HtmlPage:
    """Read one page.

    Args:
        data: the page, HTML or XHTML, however broken.
        encoding: what the server or the package says; otherwise the page's own words, then its bytes decide.

    Returns:
        Headings, paragraphs and table rows as single lines, list items with their bullet or number, code as it stands.
        The title is the first heading of the content, else what the head says. Text is empty where there is none.
    """
    head = data[:_HEAD_BYTES]
    xml = _XML.match(head)
    meta = _META.search(head)
    declared = encoding or (meta and meta[1].decode("ascii")) or (xml and xml[1] and xml[1].decode("ascii")) or None
    try:
        source, _ = decode(data, declared)
    except UndecodableError:
        return HtmlPage("", "", None)
    source = without_marks(source)
    if xml:
        source = _EMPTY_TAG.sub(_close, source)
    tree = LexborHTMLParser(source)
    language = _language(tree)
    title = tree.css_first("head > title")
    title_text = plain_text(title.text()) if title else ""
    main = _main(tree)
    if main is None:
        return HtmlPage(title_text, "", language)
    for node in main.css(_DROPPED):
        node.decompose()
    for node in main.css("[hidden]:not([id^=default])"):
        node.decompose()
    headings = [_line(node) for node in main.css("h1")]
    if not headings:
        # A page head outside the content may hold the title, or the name of the site, which the title then lacks.
        headings = [heading for node in tree.css("h1") if (heading := _line(node)) and heading in title_text]
    _mark(main)
    return HtmlPage(next(filter(None, headings), title_text), plain_text(main.text()), language)


def _line(node: LexborNode) -> str:
    return " ".join(plain_text(node.text()).split("\n")).strip()


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in _MAIN:
        node = tree.css_first(selector)
        if node is not None:
            return node
    return None


def _mark(main: LexborNode) -> None:
    """Put marks around everything that begins a line, in place."""
    wrappers = {node.mem_id for node in main.css(_WRAPPERS)}
    for node in main.css(_MARKED):
        name = node.tag
        if name == "br":
            node.insert_before("\n" if _in_example(node) else LINE)
        elif name in ("td", "th"):
            if _element_before(node) in ("td", "th"):
                node.insert_before(CELL)
        elif name in ("tr", "dd"):
            node.insert_before(LINE)
            node.insert_after(LINE)
        elif name == "li":
            node.insert_before(f"{LINE}{_bullet(node)}{TAG}")
            node.insert_after(LINE)
        elif name == "dt":
            node.insert_before(LINE)
            node.insert_after(TAG)
        elif name == "pre":
            node.insert_before(PRE)
            node.insert_after(PRE_END)
        elif node.mem_id not in wrappers:
            node.insert_before(BLOCK)
            node.insert_after(BLOCK)


def _bullet(item: LexborNode) -> str:
    parent = item.parent
    if parent is None or parent.tag != "ol":
        return "•"
    number = 1
    before = item.prev
    while before is not None:
        number += before.tag == "li"
        before = before.prev
    return f"{number}."


def _in_example(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag == "pre":
            return True
        parent = parent.parent
    return False


def _element_before(node: LexborNode) -> str | None:
    before = node.prev
    while before is not None and not before.is_element_node:
        before = before.prev
    return before.tag if before is not None else None


def _close(match: re.Match[str]) -> str:
    """Close an empty XML element as HTML must: `<a id="x"/>` would otherwise swallow what follows."""
    return match[0] if match[1].lower() in _VOID else f"<{match[1]}{match[2]}></{match[1]}>"


def _language(tree: LexborHTMLParser) -> str | None:
    for selector, name in (("html", "lang"), ("html", "xml:lang"), ("body", "lang")):
        node = tree.css_first(selector)
        said = node.attributes.get(name) if node is not None else None
        if said and said.strip():
            return re.split("[-_]", said.strip())[0].lower()
    node = tree.css_first("meta[http-equiv=content-language i],meta[name=language i]")
    said = node.attributes.get("content") if node is not None else None
    return re.split("[-_,;]", said.strip())[0].lower() or None if said else None
