"""A sample as a page of HTML that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fournil.apps.inspect.look.evidence import Span, excerpt
from fournil.apps.inspect.look.sample import Shown, Specimen
from fournil.apps.inspect.look.terminal import edit_words, harmless, kept_label, reason
from fournil.core.speech import spoken, tr, trn

CHARACTERS = 4000
"""Of each text."""

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --mark: #ffd54a; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 2.5rem 0 .5rem; }
.two { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.text { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; min-width: 0; }
.refused { border-left: .3rem solid #c0392b; } .kept { border-left: .3rem solid #2e8b57; }
.changed { border-left: .3rem solid #2b6cb0; }
.name { font-size: .85rem; opacity: .8; overflow-wrap: anywhere; margin: 0 0 .4rem; }
.body { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
mark { background: var(--mark); color: #000; border-radius: .15rem; }
"""


def html_page(specimens: Sequence[Specimen], title: str) -> str:
    """The page.

    Args:
        specimens: What it shows.
        title: What the sample is of.
    """
    lead = trn(
        "{count:,} sample; what the rule saw is highlighted.",
        "{count:,} samples; what the rule saw is highlighted.",
        len(specimens),
    )
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{spoken()}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1><p>{escape(lead)}</p>",
        *(_specimen(specimen) for specimen in specimens),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _specimen(specimen: Specimen) -> str:
    label = tr("changed") if specimen.edits else tr("refused")
    kind = "changed" if specimen.edits else "refused"
    columns = [_shown(specimen.row, label, kind)]
    if specimen.kept is not None:
        columns.append(_shown(specimen.kept, kept_label(specimen), "kept"))
    changes = "".join(f"<li>{escape(harmless(edit_words(edit)))}</li>" for edit in specimen.edits)
    listed = f"<ul>{changes}</ul>" if changes else ""
    return f'<section><h2>{escape(reason(specimen))}</h2><div class="two">{"".join(columns)}</div>{listed}</section>'


def _shown(shown: Shown, label: str, kind: str) -> str:
    name = escape(harmless(f"{label}: {shown.id} ({shown.source})"))
    bodies = []
    for part in shown.parts:
        text, spans = excerpt(part.text, part.spans, CHARACTERS)
        tag = f' lang="{escape(part.language)}"' if part.language and part.language != "code" else ""
        bodies.append(f'<p class="body" dir="auto"{tag}>{_marked(text, spans)}</p>')
    return f'<div class="text {kind}"><p class="name">{name}</p>{"".join(bodies)}</div>'


def _marked(text: str, spans: Sequence[Span]) -> str:
    pieces, place = [], 0
    for start, end in spans:
        pieces += [escape(harmless(text[place:start])), f"<mark>{escape(harmless(text[start:end]))}</mark>"]
        place = end
    return "".join([*pieces, escape(harmless(text[place:]))])
