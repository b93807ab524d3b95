"""How the models learned: curves by language, the shape of the model, what was read how often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from fournil.core.speech import mark, retell, tr, trn
from fournil.stages.report.charts import Series, line_chart
from fournil.stages.report.layout import Column, Section, details, direction, foreign, grid, shade
from fournil.stages.report.markup import Html, join, measured, rich, tag
from fournil.stages.report.numbers import (
    count,
    decimal,
    language_name,
    number,
    percent,
    scientific,
    short_tokens,
    whole,
)
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.story import Entry, Story, dig, rows, table, told

ALL = "all"
HOW = {"bare": mark("{direction}, without the chat template")}
"""What stands behind a direction in the name of a group."""


def pretraining(story: Story) -> Section | None:
    """Draw the pretrained model's curves and figures."""
    entry = story.one("pretrain")
    if entry is None:
        return None
    by_language = table(entry.fact("tokens_by_language"))
    order = sorted(by_language, key=lambda name: (story.languages.index(name) if name in story.languages else 99, name))
    total = sum(by_language.values())
    shares = ", ".join(f"{language_name(name)} {percent(by_language[name], total)}" for name in order)
    steps = trn("{count:,} step", "{count:,} steps", count(entry.fact("steps")))
    tokens = short_tokens(entry.fact("tokens"))
    lead = (
        tr("{tokens} in {steps}, by language: {shares}.", tokens=tokens, steps=steps, shares=shares)
        if shares
        else tr("{tokens} in {steps}.", tokens=tokens, steps=steps)
    )
    lead += " " + tr("Bits per byte compare across tokenizers; lower is better.")
    losses, checks = rows(entry.fact("loss_curve")), rows(entry.fact("validation_curve"))
    charts = [
        _chart(losses, tr("Training loss"), tr("nats per token"), "loss", story),
        _chart(checks, tr("Held-out text"), tr("bits per byte"), "bits_per_byte", story, places=3),
    ]
    body = join([tag("div", *charts, class_="plots"), _shape(entry), _mixture(entry, story)])
    return Section("pretraining", tr("How it learned"), lead, body, [entry])


def finetuning(entry: Entry, story: Story) -> Section:
    """Draw a finetuned model's curves, and what it was taught."""
    losses, checks = rows(entry.fact("losses")), rows(entry.fact("validations"))
    charts = [
        _chart(losses, tr("Training loss"), tr("nats per token"), "by_group", story),
        _chart(checks, tr("Held-out pairs"), tr("bits per byte"), "bits_per_byte", story, places=3),
    ]
    alone = len(story.of("finetune")) == 1
    title = tr("How it learned to translate") if alone else tr("How “{name}” learned", name=entry.record.name)
    body = join([_abilities(entry), tag("div", *charts, class_="plots"), _bands(entry)])
    return Section(f"finetune-{entry.number}", title, _lead(entry, story), body, [entry])


def _lead(entry: Entry, story: Story) -> str:
    origin, name = _origin(entry, story), entry.record.name
    said = [
        tr("The model “{name}” goes on from №\u00a0{number}.", name=name, number=origin)
        if origin
        else tr("The model “{name}”.", name=name)
    ]
    steps = count(entry.fact("training", "step"))
    if steps:
        said.append(trn("{count:,} step.", "{count:,} steps.", steps))
    seen = ", ".join(f"{group_name(key)} {whole(number)}" for key, number in table(entry.fact("examples_seen")).items())
    if seen:
        said.append(tr("Examples: {seen}.", seen=seen))
    return " ".join(said)


def _origin(entry: Entry, story: Story) -> int | None:
    given = dig(entry.record.inputs, "model", "sha256")
    return next((one.number for one in story.entries if one.record.outputs.get("sha256") == given), None)


def _abilities(entry: Entry) -> Html | None:
    said = told(entry.fact("abilities"))
    return tag("p", said, lang=foreign(said)) if said else None


def _bands(entry: Entry) -> Html | None:
    found = rows(entry.fact("pairs_by_length"))
    if not found:
        return None
    columns = (
        Column(tr("Longer side, at most"), numeric=True),
        Column(tr("Pairs"), numeric=True),
        Column(tr("Seen in a round"), numeric=True),
    )
    lines = [
        [
            trn("{count:,} character", "{count:,} characters", count(row.get("max_characters"))),
            whole(row.get("num_pairs")),
            tr("{number} times", number=decimal(row.get("weight"))),
        ]
        for row in found
    ]
    return details(tr("Pairs by length"), grid(tr("Training pairs by length"), columns, lines))


def _chart(points: list[dict[str, Any]], title: str, unit: str, key: str, story: Story, places: int = 2) -> Html:
    lines: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for point in points:
        step, values = number(point.get("step")), point.get(key)
        for group, value in (values if isinstance(values, dict) else {ALL: values}).items():
            found = number(value)
            if step is not None and found is not None:
                lines[str(group)].append((step, found))
    order = sorted(lines, key=lambda group: (story.languages.index(group) if group in story.languages else 99, group))
    series = [
        Series(group_name(group), shade(group, story, position), lines[group]) for position, group in enumerate(order)
    ]
    return line_chart(title, unit, series, places=places)


def group_name(group: str) -> str:
    """Return what a group of rows is called on the page: French, code, pairs, English → French."""
    name, _, how = group.partition(" ")
    source, found, target = name.partition("-")
    if found and len(source) <= 3 and len(target) <= 3:
        way = direction(source, target)
        if how in HOW:
            return retell({**HOW[how], "values": {"direction": way}})
        return f"{way}, {how}" if how else way
    if group == "parallel":
        return language_name("pairs")
    return tr("all") if group == ALL else language_name(group)


def _shape(entry: Entry) -> Html:
    model = table(entry.record.config.get("model"))
    named: list[tuple[str, Callable[[], str]]] = [
        (tr("Layers"), lambda: whole(model["num_hidden_layers"])),
        (tr("Width"), lambda: whole(model["hidden_size"])),
        (tr("Feed-forward width"), lambda: whole(model["intermediate_size"])),
        (tr("Attention heads"), lambda: _heads(model)),
        (tr("Context"), lambda: trn("{count:,} token", "{count:,} tokens", count(model["max_position_embeddings"]))),
    ]
    items: list[tuple[str, str]] = [(label, draw()) for label, draw in named if _there(draw)]
    parameters = table(entry.fact("parameters"))
    if parameters:
        said = tr(
            "{total}, of them {others} outside the embeddings",
            total=whole(parameters.get("total")),
            others=whole(parameters.get("non_embedding")),
        )
        items.append((tr("Parameters"), said))
    flops = number(entry.fact("flops", "exact"))
    if flops:
        operations = rich(mark("{number} floating-point operations", number=scientific(flops)))
        items.append((tr("Arithmetic"), operations))
    drawn = [tag("div", tag("dt", label), tag("dd", value)) for label, value in items]
    if "tokens_per_second" in entry.record.measured:  # there even when a resumed training had no step left to time
        speed = number(entry.record.measured["tokens_per_second"])
        rate = tr("{number} tokens per second", number=whole(speed)) if speed else tr("not timed")
        drawn.append(tag("div", tag("dt", tr("Speed")), tag("dd", measured(rate))))
    if entry.fact("precision"):
        drawn.append(tag("div", tag("dt", tr("Precision")), tag("dd", str(entry.fact("precision")))))
    return tag("dl", *drawn, class_="facts")


def _heads(model: dict[str, Any]) -> str:
    heads, keys = whole(model["num_attention_heads"]), model.get("num_key_value_heads")
    return tr("{heads}, {keys} for keys and values", heads=heads, keys=whole(keys)) if keys else heads


def _there(draw: Callable[[], str]) -> bool:
    try:
        draw()
    except KeyError:
        return False
    return True


def _mixture(entry: Entry, story: Story) -> Html | None:
    found = [row for row in rows(entry.fact("tokens_by_source")) if row.get("tokens_seen")]
    if not found:
        return None
    titles = source_titles(story)
    columns = (
        Column(tr("Source"), wide=True),
        Column(tr("As")),
        Column(tr("Tokens there are"), numeric=True, extra=True),
        Column(tr("Tokens read"), numeric=True),
        Column(tr("Times over"), numeric=True),
    )
    lines = [
        [
            titles.get(str(row["source"]), str(row["source"])),
            group_name(str(row["group"])),
            whole(row.get("tokens")),
            whole(row.get("tokens_seen")),
            decimal(row.get("epochs")),
        ]
        for row in found
    ]
    return details(tr("What was read how often"), grid(tr("Tokens read by source"), columns, lines))
