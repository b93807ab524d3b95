"""The page: sections in the order of the flow, style and script inside, no request to anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.languages import language
from fournil.core.speech import LANGUAGES, speaking, spoken, tr
from fournil.stages.report.config import Config
from fournil.stages.report.layout import Section
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.model.embed import POLICY, blocks, page_script, page_style
from fournil.stages.report.model.markup import section as try_model
from fournil.stages.report.model.pack import Packed, Unpackable
from fournil.stages.report.numbers import capitalised
from fournil.stages.report.sections.cost import cost
from fournil.stages.report.sections.curves import curves
from fournil.stages.report.sections.fidelity import fidelity
from fournil.stages.report.sections.files import files as exported_files
from fournil.stages.report.sections.funnel import funnel
from fournil.stages.report.sections.heldout import heldout
from fournil.stages.report.sections.ingredients import ingredients
from fournil.stages.report.sections.looked_for import looked_for
from fournil.stages.report.sections.opening import in_plain_words, opening
from fournil.stages.report.sections.records import records
from fournil.stages.report.sections.samples import continuations, translations
from fournil.stages.report.sections.scores import scores
from fournil.stages.report.sections.sources import sources
from fournil.stages.report.sections.tasks import tasks
from fournil.stages.report.sections.taste import taste
from fournil.stages.report.sections.tokenizer import tokenizer
from fournil.stages.report.sections.training import finetuning, pretraining
from fournil.stages.report.story import Entry, Story

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Cpath d='M3 20C3 11 9 7 16 7s13 4 13 13c0 3-2 5-5 5H8c-3 0-5-2-5-5Z' fill='%23b87333'/%3E"
    "%3Cpath d='M10 12l3 5M15.5 11l3 5M21 12l3 5' stroke='%23fbf7ef' stroke-width='2' stroke-linecap='round'/%3E"
    "%3C/svg%3E"
)


FORM_ERRORS = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
"""What drawing from facts of another form ends in: those of another version, or edited ones."""


def draw(story: Story, config: Config, carried: Packed | Unpackable | None = None, src: str | None = None) -> str:
    """Return the whole page in the language that is spoken; the same story gives the same bytes.

    Args:
        story: The run.
        config: What is shown at most.
        carried: The model that the page carries, or why it does not; None: it says nothing of that.
        src: Where the model's weights stand beside the page; None: in it.

    Raises:
        FournilError: When what every record has is not of the form of a record.
    """
    try:
        return _draw(story, config, carried, src)
    except FORM_ERRORS as error:
        raise FournilError(
            tr("the records of this run are not of the form that its page is drawn from"),
            where=story.name,
            fix=tr("Bake it again with this version of Fournil."),
        ) from error


def draw_in(
    language: str,
    story: Story,
    config: Config,
    context: Context,
    carried: Packed | Unpackable | None = None,
    src: str | None = None,
) -> str:
    """Return the page in a language, with the recipe's own words in it where it has some; see `draw`."""
    title = context.titles.get(language, story.title)
    description = context.descriptions.get(language, story.description)
    with speaking(language):
        return draw(replace(story, title=title, description=description), config, carried, src)


def file_name(language: str) -> str:
    """Return the file of the page in a language: index.html for the first one, index.fr.html."""
    return "index.html" if language == LANGUAGES[0] else f"index.{language}.html"


def _draw(story: Story, config: Config, carried: Packed | Unpackable | None, src: str | None) -> str:
    packed = carried if isinstance(carried, Packed) else None
    style, script = _asset("page.css"), _asset("page.js")
    if packed:
        style, script = style + page_style(), script + page_script()
    sections, label = _sections(story, config, carried, src), _label(story)
    first = _first(join([in_plain_words(story), _taste(story)]), label)
    body = tag(
        "body",
        tag("a", tr("To the text"), href="#main", class_="skip"),
        tag(
            "div",
            opening(story, _switch()),
            _contents(sections, label),
            tag("main", first, *(section.draw() for section in sections), id="main", tabindex=-1),
            _footer(beside=src is not None),
            class_="page",
        ),
        tag("script", Html(script)),
        blocks(packed, src) if packed else None,  # last: a file that was cut still shows its report
    )
    policy = _policy(style, script, packed, src)
    return f"<!DOCTYPE html>\n{tag('html', _head(story, style, policy), body, lang=spoken())}\n"


def _switch() -> Html:
    """Links to the page in the other languages."""
    others = [
        tag(
            "a",
            capitalised(language(name).native_name),
            href=file_name(name),
            hreflang=name,
            lang=name,
            rel="alternate",
        )
        for name in LANGUAGES
        if name != spoken()
    ]
    return tag("nav", join(others, " "), aria_label=tr("Language of this page"), class_="switch")


def _first(words: Html, label: Html | None) -> Html | None:
    if not words and not label:
        return None
    return tag("div", tag("div", words) if words else None, label, class_="first" if words and label else "first alone")


def _label(story: Story) -> Html | None:
    try:
        return ingredients(story)
    except FORM_ERRORS:
        return None  # the section of the same record says why


def _taste(story: Story) -> Html | None:
    try:
        return taste(story)
    except FORM_ERRORS:
        return None


def _sections(story: Story, config: Config, carried: Packed | Unpackable | None, src: str | None) -> list[Section]:
    drawn: list[tuple[Callable[[], Section | None], list[Entry]]] = [
        (lambda: try_model(story, config, carried, src), story.of("export")),
        (lambda: sources(story), story.of("sources")),
        (lambda: funnel(story, config), story.of("curate") or story.of("sources")),
        (lambda: looked_for(story), story.of("curate")),
        (lambda: heldout(story), story.of("curate")),
        (lambda: tokenizer(story), story.of("tokenizer")),
        (lambda: pretraining(story), story.of("pretrain")),
        *((partial(finetuning, entry, story), [entry]) for entry in story.of("finetune")),
        (lambda: scores(story), story.of("evaluate")),
        (lambda: tasks(story, config), story.of("evaluate")),
        (lambda: curves(story), story.of("evaluate")),
        (lambda: fidelity(story), story.of("evaluate")),
        (lambda: translations(story, config), story.of("evaluate")),
        (lambda: continuations(story, config), story.of("evaluate")),
        (lambda: exported_files(story), story.of("export")),
    ]
    found: dict[str, Section] = {}
    for draw_section, entries in drawn:
        try:
            section = draw_section()
        except FORM_ERRORS:
            section = _unread(entries)
        if section is not None:
            found.setdefault(section.anchor, section)
    return [*found.values(), cost(story), records(story)]


def _unread(entries: list[Entry]) -> Section:
    """Say that a record does not hold what its part of the page is drawn from."""
    label = ", ".join(entry.label for entry in entries)
    lead = tr(
        "What the record of {label} says is not of the form that this part of the page is drawn from. Bake that stage "
        "again with this version of Fournil.",
        label=label,
    )
    title = tr("Not to be read: {label}", label=label)
    return Section(f"unread-{entries[0].number if entries else 0}", title, lead, Html(""), entries)


def _policy(style: str, script: str, packed: Packed | None, src: str | None) -> str:
    """Nothing from anywhere: this style, this script, the worker that it makes, and weights that stand beside it."""
    parts = ["default-src 'none'", f"style-src {_hash(style)}", f"script-src {_hash(script)}", "img-src data:"]
    parts += [POLICY] if packed else []
    parts += ["connect-src 'self'"] if packed and src else []
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


def _head(story: Story, style: str, policy: str) -> Html:
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
    links = [("ingredients", tr("Ingredients"))] if label else []
    links += [(section.anchor, section.title) for section in sections]
    items = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title in links]
    return tag("nav", tag("ol", *items), aria_label=tr("Contents"), class_="contents")


def _footer(*, beside: bool) -> Html:
    baked = tr("Baked with Fournil, the open toolkit for bilingual French and English language models.")
    if beside:
        whole = tr(
            "This page and the weights beside it are all there is of it; it asks for nothing else, and says only what "
            "the ledger says."
        )
    else:
        whole = tr("This page is one file, asks nothing of any network, and says only what the ledger says.")
    units = tr("kWh, MB and GB are decimal; a byte of text is a byte of UTF-8.")
    return tag("footer", join([baked, whole, units], " "))
