"""The page: sections in the order of the flow, style and script inside, no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from fournil.stages.report.config import Config
from fournil.stages.report.layout import Section
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.sections.cost import cost
from fournil.stages.report.sections.files import files as exported_files
from fournil.stages.report.sections.funnel import funnel
from fournil.stages.report.sections.heldout import heldout
from fournil.stages.report.sections.ingredients import ingredients
from fournil.stages.report.sections.opening import in_plain_words, opening
from fournil.stages.report.sections.records import records
from fournil.stages.report.sections.samples import continuations, translations
from fournil.stages.report.sections.scores import scores
from fournil.stages.report.sections.sources import sources
from fournil.stages.report.sections.taste import taste
from fournil.stages.report.sections.tokenizer import tokenizer
from fournil.stages.report.sections.training import finetuning, pretraining
from fournil.stages.report.story import Story

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Cpath d='M3 20C3 11 9 7 16 7s13 4 13 13c0 3-2 5-5 5H8c-3 0-5-2-5-5Z' fill='%23b87333'/%3E"
    "%3Cpath d='M10 12l3 5M15.5 11l3 5M21 12l3 5' stroke='%23fbf7ef' stroke-width='2' stroke-linecap='round'/%3E"
    "%3C/svg%3E"
)


def draw(story: Story, config: Config) -> str:
    """Return the whole page; the same story gives the same bytes."""
    sections = _sections(story, config)
    label = ingredients(story)
    first = _first(join([in_plain_words(story), taste(story)]), label)
    body = tag(
        "body",
        tag("a", "To the text", href="#main", class_="skip"),
        tag(
            "div",
            opening(story),
            _contents(sections, label),
            tag("main", first, *(section.draw() for section in sections), id="main"),
            _footer(),
            class_="page",
        ),
        tag("script", Html(_asset("page.js"))),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(story), body, lang='en')}\n"


def _first(words: Html, label: Html | None) -> Html | None:
    if not words and not label:
        return None
    return tag("div", tag("div", words) if words else None, label, class_="first" if words and label else "first alone")


def _sections(story: Story, config: Config) -> list[Section]:
    found = [
        sources(story),
        funnel(story, config),
        heldout(story),
        tokenizer(story),
        pretraining(story),
        *finetuning(story),
        scores(story),
        translations(story, config),
        continuations(story, config),
        exported_files(story),
        cost(story),
        records(story),
    ]
    return [section for section in found if section is not None]


def _head(story: Story) -> Html:
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content="Fournil"),
        tag("title", f"{story.name}: {story.title}" if story.title else story.name),
        tag("link", rel="icon", href=ICON),
        tag("style", Html(style)),
    )


def _asset(name: str) -> str:
    return files("fournil.stages.report").joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _contents(sections: list[Section], label: Html | None) -> Html:
    links = [("ingredients", "Ingredients")] if label else []
    links += [(section.anchor, section.title) for section in sections]
    items = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title in links]
    return tag("nav", tag("ol", *items), aria_label="Contents")


def _footer() -> Html:
    return tag(
        "footer",
        join(
            [
                "Baked with Fournil, the open toolkit for bilingual French and English language models. This page is "
                "one file, asks nothing of any network, and says only what the ledger says. ",
                "kWh, MB and GB are decimal; a byte of text is a byte of UTF-8.",
            ]
        ),
    )
