"""The top of the page: what this is, in one sentence, a few figures, and the recipe's own words."""

from __future__ import annotations

from fournil.stages.report.layout import paragraphs, references, sentence
from fournil.stages.report.markup import Html, join, measured, tag
from fournil.stages.report.numbers import energy, language_name, number, plural, seconds, short, size
from fournil.stages.report.story import Entry, Story, dig


def opening(story: Story) -> Html:
    """Draw the header of the page."""
    return tag(
        "header",
        tag("p", "Fournil", tag("span", " · the label of a bake"), class_="brand"),
        tag("h1", story.title or story.name),
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
        tag("div", tag("h2", "In plain words", id="words-title"), class_="heading"),
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


def _languages(story: Story) -> str:
    names = [language_name(tag) for tag in story.languages]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "no language"


def _sentence(story: Story) -> Html:
    spent = measured(
        seconds(sum(entry.record.seconds for entry in story.entries)),
        " of work and ",
        energy(total_energy(story.entries)),
        "" if energy_is_measured(story.entries) else " (estimated)",
    )
    model, name = story.one("pretrain"), tag("b", story.name)
    if model is not None:
        parameters, tokens = model.fact("parameters", "total"), _tokens_read(story)
        return sentence(
            name,
            f" is a language model of {short(parameters)} parameters for {_languages(story)}, made from nothing out of "
            f"{short(tokens)} tokens in ",
            spent,
            ".",
        )
    examined = story.one("evaluate") or story.one("export")
    if examined is not None:
        done = "measured" if story.one("evaluate") else "exported"
        text = f" is a model folder {done} here" + (f" on {_languages(story)} text" if story.one("evaluate") else "")
        return sentence(name, text, ", in ", spent, ".")
    return sentence(name, " is a collection of text", _kept(story), ", made in ", spent, ".")


def _tokens_read(story: Story) -> float:
    """Tokens of pretraining and of all finetuning."""
    base = sum(entry.fact("tokens") or 0 for entry in story.entries if entry.record.stage == "pretrain")
    tuned = (entry.fact("training", "tokens_seen") for entry in story.entries if entry.record.stage == "finetune")
    return base + sum(tokens or 0 for tokens in tuned)


def _kept(story: Story) -> str:
    entry = story.one("curate") or story.one("sources")
    if entry is None:
        return ""
    parts = [plural(count, unit) for unit, count in kept(entry).items() if count]
    return f" of {' and '.join(parts)}" if parts else ""


def kept(entry: Entry) -> dict[str, int]:
    """How many rows of each kind came out of sources or curate."""
    found: dict[str, int] = {}
    for count in entry.record.counts:
        unit = str(count["unit"])
        if entry.record.stage == "sources":
            found[unit] = found.get(unit, 0) + count["num_out"]
        else:
            found[unit] = count["num_out"]
    return found


def _figures(story: Story) -> Html:
    items: list[tuple[str, Html | str]] = []
    model = story.one("pretrain")
    if model is not None:
        items += [
            ("parameters", short(model.fact("parameters", "total"))),
            ("tokens of training", short(_tokens_read(story))),
        ]
    source = story.one("sources")
    if source is not None:
        found = source.fact("sources") or []
        items.append(("sources" if len(found) != 1 else "source", f"{len(found):,}"))
        taken = sum(dig(one, kind, "bytes") or 0 for one in found for kind in ("documents", "pairs"))
        items.append(("of text read", size(taken)))
    items += [
        ("of work", measured(seconds(sum(entry.record.seconds for entry in story.entries)))),
        (
            "of energy",
            measured(
                energy(total_energy(story.entries)), "" if energy_is_measured(story.entries) else tag("i", " est.")
            ),
        ),
    ]
    drawn = [tag("div", tag("dt", label), tag("dd", value)) for label, value in items]
    refs = references([entry for entry in (model, source) if entry is not None])
    return join(
        [tag("dl", *drawn, class_="figures"), tag("p", "Figures from ", refs, class_="origin") if refs else None]
    )
