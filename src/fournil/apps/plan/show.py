"""A plan as a person reads it, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from fournil.apps.plan import rates
from fournil.apps.plan.hardware import Hardware
from fournil.apps.plan.plan import Cost, Plan
from fournil.apps.plan.stages import Estimate
from fournil.apps.plan.tokens import SourceRow
from fournil.apps.plan.written import amount, energy, mass, money, size, time
from fournil.core.speech import figure, retell, tr, trn

WIDTH = 80
MOST_SOURCES = 16
"""Sources that are listed; of more, small ones are summed up."""
SMALL = 0.02
"""Part of all bytes under which a source is small."""


def print_plan(plan: Plan, file: TextIO) -> None:
    """Print a plan."""
    for line in plan_lines(plan):
        print(line, file=file)


def plan_lines(plan: Plan) -> list[str]:
    """Return a plan as lines of at most 80 columns."""
    lines = [tr("{name}: what it takes, before anything runs", name=plan.order.name), ""]
    lines += _sources(plan)
    lines += _groups(plan)
    lines += _model(plan)
    lines += _stages(plan)
    lines += _curations(plan)
    lines += _published(plan)
    for warning in plan.warnings:
        lines += _wrapped(tr("Note: {text}.", text=retell(warning)), "  ")
    lines += ["", tr("Assumptions"), ""] if lines[-1] else [tr("Assumptions"), ""]
    for text in assumptions(plan):
        lines += _wrapped(f"- {text}", "    ", "  ")
    return lines


def _sources(plan: Plan) -> list[str]:
    rows = sorted(plan.tokens.sources, key=lambda row: -(row.text.num_bytes or 0.0))
    if not rows:
        return []
    total = sum(row.text.num_bytes or 0.0 for row in rows)
    small = [r for r in rows if r.text.num_bytes is not None and r.text.num_bytes < SMALL * total]
    small = small if len(rows) > MOST_SOURCES else []
    shown = [row for row in rows if row not in small]
    head = [tr("source"), tr("group"), tr("texts"), tr("bytes"), tr("tokens"), tr("epochs")]
    table = [[row.text.key, row.text.group or "?", *_source_cells([row])] for row in shown]
    if small:
        table.append([trn("{count:,} smaller one", "{count:,} smaller ones", len(small)), "", *_source_cells(small)])
    table.append([tr("in all"), "", *_source_cells(rows, epochs=False)])
    return [*_table(head, table, left=2), ""]


def _source_cells(rows: Sequence[SourceRow], *, epochs: bool = True) -> list[str]:
    tokens = _sum([row.tokens for row in rows])
    seen = sum(row.tokens_seen for row in rows)
    read = f"{seen / tokens:.2f}" if epochs and tokens and seen else ""
    bound = "≥ " if any(row.text.at_least for row in rows) else ""
    return [
        amount(_sum([row.text.number for row in rows])),
        bound + size(_sum([row.text.num_bytes for row in rows])),
        amount(tokens),
        figure(read),
    ]


def _groups(plan: Plan) -> list[str]:
    if not plan.tokens.tokens_seen:
        return []
    head = [tr("group"), tr("tokens there"), tr("tokens seen"), tr("share"), tr("epochs")]
    table = [
        [row.group, amount(row.tokens), amount(row.tokens_seen), _percent(row.share), _number(row.epochs, ".2f")]
        for row in plan.tokens.groups
    ]
    there = _sum([row.tokens for row in plan.tokens.groups])
    table.append([tr("in all"), amount(there), amount(plan.tokens.tokens_seen), _percent(1.0), ""])
    return [*_table(head, table), ""]


def _model(plan: Plan) -> list[str]:
    shape = plan.shape
    if shape is None:
        return []
    flops = next((e.flops for e in plan.estimates if e.stage == "pretrain"), None)
    lines = [
        tr(
            "Model: {total:,} parameters, {blocks:,} of them not embedding, {embedding:,} embedding.",
            total=shape.num_parameters(),
            blocks=shape.num_block_parameters(),
            embedding=shape.num_embedding_parameters(),
        )
    ]
    if flops:
        lines.append(
            tr(
                "Pretraining: {exact} FLOP product by product, attention too; 6ND with all parameters: {usual}.",
                exact=_power(flops),
                usual=_power(plan.six_n_d or 0.0),
            )
        )
    return [line for text in lines for line in _wrapped(text, "  ", "")] + [""]


def _stages(plan: Plan) -> list[str]:
    head = [tr("stage"), tr("time"), tr("memory"), tr("disk"), tr("energy"), tr("euros"), tr("CO2e")]
    table = [[_name(e.folder), *_stage_cells(e, plan.cost(e))] for e in plan.estimates]
    to_run = [estimate for estimate in plan.estimates if not estimate.finished]
    costs = [plan.cost(estimate) for estimate in to_run]
    known = [estimate.seconds for estimate in to_run if estimate.seconds is not None]
    bound = "≥ " if len(known) < len(to_run) or any(estimate.at_least for estimate in to_run) else ""
    table.append(
        [
            tr("in all"),
            bound + time(sum(known)),
            "",
            size(sum(estimate.disk_bytes or 0.0 for estimate in plan.estimates)),
            *_cost_cells(
                Cost(
                    sum(cost.kwh or 0.0 for cost in costs),
                    sum(cost.eur or 0.0 for cost in costs),
                    sum(cost.kg_co2e or 0.0 for cost in costs),
                )
            ),
        ]
        if costs
        else [tr("in all"), tr("nothing to do"), "", "", "", "", ""]
    )
    lines = _table(head, table)
    hours = [e.device_hours for e in plan.estimates if e.device_hours is not None]
    if hours:
        lines += _wrapped(_device_hours(sum(hours), plan.hardware), "  ")
    signs = tr(
        "≥: at least; ?: not known; k, M, G, T: thousands, millions, thousands of millions, millions of millions."
    )
    return [*lines, *_wrapped(signs, "  "), ""]


def _device_hours(hours: float, hardware: Hardware) -> str:
    return trn(
        "{hours} hours of an {name}, of which there is one.",
        "{hours} hours of an {name}, shared by {count:,} of them.",
        hardware.num_devices,
        hours=figure(f"{hours:,.0f}" if hours >= 100 else f"{hours:,.2f}"),
        name=hardware.name,
    )


def _stage_cells(estimate: Estimate, cost: Cost) -> list[str]:
    seconds = tr("done") if estimate.finished else time(estimate.seconds)
    bound = "≥ " if estimate.at_least and estimate.seconds is not None and not estimate.finished else ""
    parts = ["", "", ""] if estimate.finished else _cost_cells(cost)
    return [bound + seconds, size(estimate.memory_bytes), size(estimate.disk_bytes), *parts]


def _cost_cells(cost: Cost) -> list[str]:
    return [energy(cost.kwh), money(cost.eur), mass(cost.kg_co2e)]


def _curations(plan: Plan) -> list[str]:
    if not plan.curations:
        return []
    head = [tr("curation of"), tr("text"), tr("core hours"), tr("compared in")]
    head += [tr("shuffled"), tr("laid down"), tr("driver")]
    names = {"all": tr("in all"), "yardstick": tr("a large crawl")}
    table = [
        [
            names.get(each.name, each.name),
            size(each.text_bytes),
            amount(each.all_core_hours),
            amount(each.core_hours["compare"]),
            size(each.shuffle_bytes),
            size(each.work_bytes),
            size(each.driver_bytes),
        ]
        for each in plan.curations
    ]
    said = tr(
        "On a cluster: core hours, and those of them in which texts are compared; keys that machines hand each other; "
        "what lies on the shared file system until it is done; memory of the process that hands out the work."
    )
    return [*_table(head, table), *_wrapped(said, "  "), ""]


def _published(plan: Plan) -> list[str]:
    published = plan.order.settings.published
    pretrain = next((e for e in plan.estimates if e.stage == "pretrain"), None)
    if pretrain is None or not (published.device_hours or published.kwh or published.kg_co2e):
        return []
    cost = plan.cost(pretrain)
    head = [tr("pretraining"), tr("planned"), tr("published"), tr("ratio")]
    rows = [
        (tr("device hours"), pretrain.device_hours, published.device_hours),
        (tr("kWh"), cost.kwh, published.kwh),
        (tr("kg CO2e"), cost.kg_co2e, published.kg_co2e),
    ]
    table = [
        [name, f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.2f}"]
        for name, ours, theirs in rows
        if ours and theirs
    ]
    lines = _table(head, [[row[0], *map(figure, row[1:])] for row in table]) if table else []
    if published.evidence:
        lines += _wrapped(tr("Published: {evidence}", evidence=published.evidence), "  ", "")
    return [*lines, ""]


def assumptions(plan: Plan) -> list[str]:
    """Return as sentences what the plan rests on."""
    hardware, settings = plan.hardware, plan.order.settings
    found = []
    if hardware.is_here:
        found.append(_how_measured(plan))
    else:
        found.append(
            tr(
                "{name}: published dense bfloat16 peak, of which {part:.1%} is reached (utilisation), counted on the "
                "products that the model needs.",
                name=hardware.name,
                part=settings.utilisation,
            )
        )
        found.append(
            tr(
                "Stages that train nothing: {cores:,} cores that share the work perfectly, at the rates of "
                "{reference}.",
                cores=hardware.num_cores,
                reference=rates.REFERENCE,
            )
        )
    watts = (
        tr("{watts:,.0f} W for each of {cores:,} cores", watts=hardware.core_watts, cores=hardware.num_cores)
        if hardware.is_here and not hardware.device_watts
        else tr("{watts:,.0f} W for each device", watts=hardware.device_watts)
    )
    found.append(
        tr(
            "Power: {watts}, times {pue:.2f} for the building (PUE); {grid:,.0f} g CO2e for each kWh.",
            watts=watts,
            pue=hardware.pue,
            grid=settings.grid_g_co2e_per_kwh,
        )
    )
    found.append(
        tr("Price: {price:.2f} € for each hour of a device, electricity included.", price=settings.eur_per_device_hour)
        if settings.eur_per_device_hour
        else tr("Price: {price:.2f} € for each kWh; the machine itself is not counted.", price=settings.eur_per_kwh)
    )
    found.append(_how_counted(plan))
    if any(text.reader not in ("files",) for text in plan.order.texts):
        found.append(tr("Fetching is not counted, in time: it depends on your line."))
    if plan.curations:
        found.append(
            tr(
                "Curation on a cluster: rates of one core with {texts:,} documents of {whole}; comparing grows as "
                "n log n; where their number is not known, a document has {mean}.",
                texts=rates.COMPARED_TEXTS,
                whole=size(7e3),
                mean=size(rates.WEB_DOCUMENT_BYTES),
            )
        )
    found.append(tr("Memory: without what the system and libraries keep aside for themselves."))
    return found


def _how_measured(plan: Plan) -> str:
    speed = plan.speed
    if speed.way == "measured":
        return tr(
            "This machine: a few steps of the recipe's own training, searches and rules were measured for "
            "{taken:.0f} s; the rest at the rates of {reference}, scaled.",
            taken=speed.seconds,
            reference=rates.REFERENCE,
        )
    if speed.way == "probe":
        return tr(
            "This machine: the rates of {reference}, scaled by a probe of {taken:.1f} s (work on text takes {text:.2f} "
            "times as long here, matrix products {matrix:.2f} times).",
            reference=rates.REFERENCE,
            taken=speed.seconds,
            text=speed.text,
            matrix=speed.matrix,
        )
    return tr("This machine was not measured: the rates of {reference}.", reference=rates.REFERENCE)


def _how_counted(plan: Plan) -> str:
    origins = {text.origin for text in plan.order.texts}
    parts = [
        text
        for origin, text in (
            ("run", tr("what the run in its folder read and kept")),
            ("catalogue", tr("what was read on Debian 12")),
            ("counted", tr("counted in the files")),
            ("stated", tr("stated in the recipe")),
        )
        if origin in origins
    ]
    names = ", ".join(parts) or tr("not known")
    kept = plan.order.settings.kept_share
    share = tr("what curation kept of software documentation") if kept is None else tr("{kept:.1%}", kept=kept)
    return tr(
        "Sizes: {names}. Kept for training, before anything is held out: {share}. Bytes of a token: {tokens}.",
        names=names,
        share=share,
        tokens=_token_origin(plan),
    )


def _token_origin(plan: Plan) -> str:
    if all(text.num_tokens is not None for text in plan.order.texts):
        return tr("not needed, tokens are stated")
    if plan.order.bytes_per_token:
        return tr("those of the run's tokenizer")
    if plan.order.settings.bytes_per_token is not None:
        return tr("{number:.2f}, as the recipe says", number=plan.order.settings.bytes_per_token)
    return tr("by language and vocabulary, as measured on other texts")


def _power(number: float) -> str:
    mantissa, exponent = f"{number:.2e}".split("e")
    return f"{figure(mantissa)}·10^{int(exponent)}"


def _number(number: float | None, form: str) -> str:
    return "?" if number is None else figure(format(number, form))


def _percent(share: float) -> str:
    return tr("{share:.1%}", share=share)


def _sum(parts: Sequence[float | None]) -> float | None:
    return None if None in parts else sum(part or 0.0 for part in parts)


def _name(folder: str) -> str:
    return folder if len(folder) <= 24 else folder[:23] + "…"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    over = sum(widths) + 2 * len(widths) - WIDTH
    if over > 0:
        widths[0] = max(8, widths[0] - over)
    lines = []
    for row in cells:
        row[0] = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
        parts = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(("  " + "  ".join(parts)).rstrip())
    return lines


def _wrapped(text: str, later: str, first: str | None = None) -> list[str]:
    import textwrap

    begin = later if first is None else first
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=later, break_long_words=False)
