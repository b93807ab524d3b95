"""The top of the page: what this is, in one sentence, a few figures, and the recipe's own words."""

from __future__ import annotations

from fournil.core.speech import mark, tr, trn
from fournil.stages.report.layout import foreign, paragraphs, references
from fournil.stages.report.markup import Html, join, measured, rich, tag
from fournil.stages.report.numbers import (
    count,
    energy,
    language_name,
    number,
    seconds,
    short,
    short_parameters,
    short_tokens,
    size,
)
from fournil.stages.report.story import Entry, Story, dig, rows


def opening(story: Story, switch: Html) -> Html:
    """Draw the header of the page, with the links to its other languages."""
    title = story.title or story.name
    return tag(
        "header",
        tag(
            "div",
            tag("p", rich(mark("Fournil<span> · the label of a bake</span>")), class_="brand"),
            switch,
            class_="masthead",
        ),
        tag("h1", title, lang=foreign(title)),
        tag("p", _sentence(story), class_="sentence"),
        _figures(story),
        class_="opening",
    )


def in_plain_words(story: Story) -> Html | None:
    """Draw what the recipe says of its model."""
    if not story.description.strip():
        return None
    return tag(
        "section",
        tag("div", tag("h2", tr("In plain words"), id="words-title"), class_="heading"),
        paragraphs(story.description),
        id="words",
        class_="words",
        aria_labelledby="words-title",
    )


def energy_is_measured(entries: tuple[Entry, ...]) -> bool:
    """Whether every stage's energy was measured, none estimated."""
    return all(str(entry.record.energy.get("method", "")).startswith("measured") for entry in entries)


def total_energy(entries: tuple[Entry, ...]) -> float:
    """Sum of kWh over entries."""
    return sum(number(entry.record.energy.get("kwh")) or 0.0 for entry in entries)


def total_seconds(entries: tuple[Entry, ...]) -> float:
    """Sum of seconds over entries."""
    return sum(number(entry.record.seconds) or 0.0 for entry in entries)


def _languages(story: Story) -> str:
    *names, last = [language_name(tag) for tag in story.languages] or [tr("no language")]
    return tr("{first} and {last}", first=", ".join(names), last=last) if names else last


def _sentence(story: Story) -> Html:
    time, kwh = seconds(total_seconds(story.entries)), energy(total_energy(story.entries))
    spent = measured(
        tr("{time} of work and {energy}", time=time, energy=kwh)
        if energy_is_measured(story.entries)
        else tr("{time} of work and {energy} (estimated)", time=time, energy=kwh)
    )
    model, languages = story.one("pretrain"), _languages(story)
    if model is not None:
        return rich(
            mark(
                "<b>{name}</b> is a language model of {parameters} for {languages}, made from nothing out of {tokens} "
                "in {spent}.",
                name=story.name,
                parameters=short_parameters(model.fact("parameters", "total")),
                languages=languages,
                tokens=short_tokens(_tokens_read(story)),
                spent=spent,
            )
        )
    if story.one("evaluate"):
        said = mark(
            "<b>{name}</b> is a model folder measured here on {languages} text, in {spent}.",
            name=story.name,
            languages=languages,
            spent=spent,
        )
    elif story.one("export"):
        said = mark("<b>{name}</b> is a model folder exported here, in {spent}.", name=story.name, spent=spent)
    elif _kept(story):
        said = mark(
            "<b>{name}</b> is a collection of text of {kept}, made in {spent}.",
            name=story.name,
            kept=_kept(story),
            spent=spent,
        )
    else:
        said = mark("<b>{name}</b> is a collection of text, made in {spent}.", name=story.name, spent=spent)
    return rich(said)


def _tokens_read(story: Story) -> float:
    """Tokens of pretraining and of all finetuning."""
    base = (entry.fact("tokens") for entry in story.entries if entry.record.stage == "pretrain")
    tuned = (entry.fact("training", "tokens_seen") for entry in story.entries if entry.record.stage == "finetune")
    return sum(number(tokens) or 0 for tokens in (*base, *tuned))


def _kept(story: Story) -> str:
    entry = story.one("curate") or story.one("sources")
    return documents_and_pairs(**kept(entry)) if entry else ""


def documents_and_pairs(documents: int = 0, pairs: int = 0) -> str:
    """12 documents and 3 pairs; what there is none of is not said."""
    said = []
    if documents:
        said.append(trn("{count:,}\u00a0document", "{count:,}\u00a0documents", documents))
    if pairs:
        said.append(trn("{count:,}\u00a0pair", "{count:,}\u00a0pairs", pairs))
    return tr("{first} and {last}", first=said[0], last=said[1]) if len(said) > 1 else "".join(said)


def kept(entry: Entry) -> dict[str, int]:
    """How many documents and pairs came out of sources or curate."""
    found = {"documents": 0, "pairs": 0}
    for one in entry.record.counts:
        unit = str(one["unit"])
        if unit in found:
            before = found[unit] if entry.record.stage == "sources" else 0
            found[unit] = before + count(one["num_out"])
    return found


def _figures(story: Story) -> Html:
    items: list[tuple[str, Html | str]] = []
    model = story.one("pretrain")
    if model is not None:
        items += [
            (tr("parameters"), short(model.fact("parameters", "total"))),
            (tr("tokens of training"), short(_tokens_read(story))),
        ]
    source = story.one("sources")
    if source is not None:
        found = rows(source.fact("sources"))
        taken = sum(number(dig(one, kind, "bytes")) or 0 for one in found for kind in ("documents", "pairs"))
        items.append((trn("source", "sources", len(found)), short(len(found))))
        items.append((tr("of text read"), size(taken)))
    kwh = energy(total_energy(story.entries))
    items += [
        (tr("of work"), measured(seconds(total_seconds(story.entries)))),
        (tr("of energy"), measured(kwh if energy_is_measured(story.entries) else estimated(kwh))),
    ]
    drawn = [tag("div", tag("dt", label), tag("dd", value)) for label, value in items]
    refs = references([entry for entry in (model, source) if entry is not None])
    origin = tag("p", rich(mark("Figures from {records}", records=refs)), class_="origin") if refs else None
    return join([tag("dl", *drawn, class_="figures"), origin])


def estimated(figure: str) -> Html:
    """Mark a figure as estimated."""
    return rich(mark("{figure}<i> est.</i>", figure=figure))
