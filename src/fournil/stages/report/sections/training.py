"""How the models learned: curves by language, the shape of the model, what was read how often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from fournil.stages.report.charts import Series, line_chart
from fournil.stages.report.layout import Column, Section, details, direction, grid, shade
from fournil.stages.report.markup import Html, join, measured, tag
from fournil.stages.report.numbers import decimal, language_name, number, percent, plural, scientific, short, whole
from fournil.stages.report.sections.ingredients import source_titles
from fournil.stages.report.story import Entry, Story, dig, rows, table

ALL = "all"
HOW = {"bare": "without the chat template"}
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
    lead = f"{short(entry.fact('tokens'))} tokens in {whole(entry.fact('steps'))} steps"
    lead += f", by language: {shares}." if shares else "."
    lead += " Bits per byte compare across tokenizers; lower is better."
    charts = [
        _chart(rows(entry.fact("loss_curve")), "Training loss", "nats per token", "loss", story),
        _chart(
            rows(entry.fact("validation_curve")), "Held-out text", "bits per byte", "bits_per_byte", story, places=3
        ),
    ]
    body = join([tag("div", *charts, class_="plots"), _shape(entry), _mixture(entry, story)])
    return Section("pretraining", "How it learned", lead, body, [entry])


def finetuning(story: Story) -> list[Section]:
    """Draw each finetuned model's curves, and what it was taught."""
    found = []
    for entry in story.of("finetune"):
        charts = [
            _chart(rows(entry.fact("losses")), "Training loss", "nats per token", "by_group", story),
            _chart(
                rows(entry.fact("validations")), "Held-out pairs", "bits per byte", "bits_per_byte", story, places=3
            ),
        ]
        name = entry.record.name
        title = "How it learned to translate" if len(story.of("finetune")) == 1 else f"How “{name}” learned"
        steps = entry.fact("training", "step")
        seen = ", ".join(
            f"{group_name(key)} {whole(count)}" for key, count in table(entry.fact("examples_seen")).items()
        )
        lead = (
            f"The model “{name}” goes on from № {_origin(entry, story)}"
            if _origin(entry, story)
            else f"The model “{name}”"
        )
        lead += f": {plural(steps, 'steps')}" if steps else ""
        lead += f", examples: {seen}." if seen else "."
        body = join([_abilities(entry), tag("div", *charts, class_="plots"), _bands(entry)])
        found.append(Section(f"finetune-{entry.number}", title, lead, body, [entry]))
    return found


def _origin(entry: Entry, story: Story) -> int | None:
    given = dig(entry.record.inputs, "model", "sha256")
    return next((one.number for one in story.entries if one.record.outputs.get("sha256") == given), None)


def _abilities(entry: Entry) -> Html | None:
    said = entry.fact("abilities")
    return tag("p", str(said)) if said else None


def _bands(entry: Entry) -> Html | None:
    found = rows(entry.fact("pairs_by_length"))
    if not found:
        return None
    columns = (
        Column("Longer side, at most", numeric=True),
        Column("Pairs", numeric=True),
        Column("Seen in a round", numeric=True),
    )
    lines = [
        [
            f"{whole(row.get('max_characters'))} characters",
            whole(row.get("num_pairs")),
            f"{decimal(row.get('weight'))} times",
        ]
        for row in found
    ]
    return details("Pairs by length", grid("Training pairs by length", columns, lines))


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
        return direction(source, target) + (f", {HOW.get(how, how)}" if how else "")
    return {"parallel": "pairs", ALL: "all"}.get(group, language_name(group))


def _shape(entry: Entry) -> Html:
    model = table(entry.record.config.get("model"))
    named: list[tuple[str, Callable[[], str]]] = [
        ("Layers", lambda: whole(model["num_hidden_layers"])),
        ("Width", lambda: whole(model["hidden_size"])),
        ("Feed-forward width", lambda: whole(model["intermediate_size"])),
        ("Attention heads", lambda: _heads(model)),
        ("Context", lambda: f"{whole(model['max_position_embeddings'])} tokens"),
    ]
    items: list[tuple[str, str]] = [(label, draw()) for label, draw in named if _there(draw)]
    parameters = table(entry.fact("parameters"))
    if parameters:
        items.append(
            (
                "Parameters",
                f"{whole(parameters.get('total'))}, of them {whole(parameters.get('non_embedding'))} outside the "
                "embeddings",
            )
        )
    flops = number(entry.fact("flops", "exact"))
    if flops:
        items.append(("Arithmetic", join([scientific(flops), " floating-point operations"])))
    drawn = [tag("div", tag("dt", label), tag("dd", value)) for label, value in items]
    if "tokens_per_second" in entry.record.measured:  # there even when a resumed training had no step left to time
        speed = number(entry.record.measured["tokens_per_second"])
        said = f"{whole(speed)} tokens per second" if speed else "not timed"
        drawn.append(tag("div", tag("dt", "Speed"), tag("dd", measured(said))))
    if entry.fact("precision"):
        drawn.append(tag("div", tag("dt", "Precision"), tag("dd", str(entry.fact("precision")))))
    return tag("dl", *drawn, class_="facts")


def _heads(model: dict[str, Any]) -> str:
    keys = model.get("num_key_value_heads")
    return whole(model["num_attention_heads"]) + (f", {whole(keys)} for keys and values" if keys else "")


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
        Column("Source", wide=True),
        Column("As"),
        Column("Tokens there are", numeric=True, extra=True),
        Column("Tokens read", numeric=True),
        Column("Times over", numeric=True),
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
    return details("What was read how often", grid("Tokens read by source", columns, lines))
