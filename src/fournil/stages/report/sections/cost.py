"""What it took: time, memory and energy of each stage, beside what was planned, and on what machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from fournil.core.speech import mark, tr, trn
from fournil.stages.report.charts import bar
from fournil.stages.report.layout import Column, Section, grid, under
from fournil.stages.report.markup import Html, join, measured, rich, tag
from fournil.stages.report.numbers import capitalised, count, decimal, energy, general, memory, number, seconds
from fournil.stages.report.sections.opening import energy_is_measured, estimated, total_energy, total_seconds
from fournil.stages.report.story import Entry, Story, dig

_ESTIMATED = re.compile(r"estimated: (\d+(?:\.\d+)?) W per busy core( \+ NVML)?")


def cost(story: Story) -> Section:
    """Draw the table of costs."""
    entries = story.entries
    longest = max(number(entry.record.seconds) or 0.0 for entry in entries) or 1.0
    columns = (
        Column(tr("Stage")),
        Column(tr("Time"), numeric=True),
        Column(tr("Share of the longest"), wide=True, extra=True),
        Column(tr("Peak memory"), numeric=True),
        Column(tr("Energy"), numeric=True),
    )
    lines: list[list[str]] = [
        [
            entry.label,
            _time([entry]),
            measured(bar((number(entry.record.seconds) or 0.0) / longest)),
            _memory([entry]),
            _energy((entry,)),
        ]
        for entry in entries
    ]
    lines.append([tr("All together"), _time(entries), "", _memory(entries), _energy(entries)])
    classes = ["" for _ in entries] + ["sum"]
    lead = tr(
        "Measured where the machine tells (the processor’s and the graphics card’s own counters), else estimated from "
        "the processor time used and marked so. These figures differ from machine to machine."
    )
    table = grid(tr("Time, memory and energy by stage"), columns, lines, kind="cards", row_classes=classes)
    body = join([table, _plan(entries), _methods(entries), _machines(entries)])
    return Section("cost", tr("What it took"), lead, body, entries)


def _time(entries: Sequence[Entry]) -> Html:
    taken = total_seconds(tuple(entries))
    return measured(seconds(taken), _beside(taken, _planned(entries, "seconds", sum), seconds))


def _memory(entries: Sequence[Entry]) -> Html:
    taken = max(number(entry.record.peak_memory_bytes) or 0.0 for entry in entries)
    return measured(memory(taken), _beside(taken, _planned(entries, "memory_bytes", max), memory))


def _energy(entries: tuple[Entry, ...]) -> Html:
    kwh = energy(total_energy(entries))
    return measured(kwh if energy_is_measured(entries) else estimated(kwh))


def _planned(entries: Sequence[Entry], name: str, together: Callable[[Iterable[float]], float]) -> float | None:
    """What was planned for all of some entries; None where one of them had no plan."""
    found = [number(dig(entry.record.measured, "planned", name)) for entry in entries]
    known = [value for value in found if value]
    if len(known) != len(found):
        return None
    return together(known)


def _beside(taken: float, planned: float | None, write: Callable[[float], str]) -> Html | None:
    """What was planned, and how many times that it took."""
    if planned is None:
        return None
    return under(tr("planned {figure}, × {ratio}", figure=write(planned), ratio=decimal(taken / planned)))


def _plan(entries: Sequence[Entry]) -> Html:
    """Say what the small figures are, where there are any: the same element in every bake of a recipe."""
    if not any(dig(entry.record.measured, "planned") for entry in entries):
        return measured(element="p")
    return measured(
        tr(
            "Below each figure stands what was planned for it before the bake, and how many times as much it took: "
            "× 1.00 is as planned, less than 1 is less."
        ),
        element="p",
    )


def _methods(entries: Sequence[Entry]) -> Html:
    """Say how the energy of each stage is known, in one phrase where it is the same for all."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        method = method_name(str(entry.record.energy.get("method") or ""))
        found.setdefault(method, []).append(entry.label)
    said = [
        tr("{stages}: {method}", stages=", ".join(stages), method=method) if len(found) > 1 else capitalised(method)
        for method, stages in found.items()
    ]
    return tag("p", rich(mark("<b>Energy.</b> {methods}", methods=measured("; ".join(said), "."))))


def method_name(method: str) -> str:
    """How the energy of a stage is known, as core/energy writes it, in the reader's language."""
    found = _ESTIMATED.fullmatch(method)
    if found:
        watts = general(float(found[1]))
        if found[2]:
            return tr("estimated: {watts} W per busy core + NVML", watts=watts)
        return tr("estimated: {watts} W per busy core", watts=watts)
    match method:
        case "":
            return tr("not known")
        case "measured: RAPL":
            return tr("measured: RAPL")
        case "measured: RAPL + NVML power at start and end":
            return tr("measured: RAPL + NVML power at start and end")
    return method


def _machines(entries: Sequence[Entry]) -> Html:
    found = dict.fromkeys(", ".join(filter(None, _parts(entry))) for entry in entries)
    return tag("p", rich(mark("<b>Machine.</b> {machines}", machines=measured("; ".join(found), "."))))


def _parts(entry: Entry) -> list[str]:
    machine = entry.record.machine
    cores, threads, gib = count(machine.get("cores")), count(machine.get("threads")), number(machine.get("memory_gib"))
    return [
        str(machine.get("processor") or ""),
        trn("{count:,}\u00a0core", "{count:,}\u00a0cores", cores) if cores else "",
        trn("{count:,}\u00a0thread used", "{count:,}\u00a0threads used", threads) if threads else "",
        tr("{amount}\u00a0GiB", amount=general(gib)) if gib else "",
        str(machine.get("device") or ""),
        str(machine.get("system") or ""),
        tr("Python {version}", version=str(machine["python"])) if machine.get("python") else "",
    ]
