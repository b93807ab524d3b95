"""What it took: time, memory and energy of each stage, and on what machine."""

from __future__ import annotations

from fournil.stages.report.charts import bar
from fournil.stages.report.layout import Column, Section, grid
from fournil.stages.report.markup import Html, join, measured, tag
from fournil.stages.report.numbers import energy, memory, number, plural, seconds
from fournil.stages.report.sections.opening import energy_is_measured, total_energy
from fournil.stages.report.story import Entry, Story


def cost(story: Story) -> Section:
    """Draw the table of costs."""
    longest = max(entry.record.seconds for entry in story.entries) or 1.0
    columns = (
        Column("Stage"),
        Column("Time", numeric=True),
        Column("Share of the longest", wide=True, extra=True),
        Column("Peak memory", numeric=True),
        Column("Energy", numeric=True),
        Column("How it is known", extra=True),
    )
    lines: list[list[str]] = [
        [
            entry.label,
            measured(seconds(entry.record.seconds)),
            measured(bar(entry.record.seconds / longest), class_="barred"),
            measured(memory(entry.record.peak_memory_bytes)),
            measured(
                energy(entry.record.energy.get("kwh")), None if energy_is_measured((entry,)) else tag("i", " est.")
            ),
            measured(str(entry.record.energy.get("method") or "not known")),
        ]
        for entry in story.entries
    ]
    whole_time = sum(entry.record.seconds for entry in story.entries)
    lines.append(
        [
            "All together",
            measured(seconds(whole_time)),
            "",
            measured(memory(max(entry.record.peak_memory_bytes for entry in story.entries))),
            measured(
                energy(total_energy(story.entries)), None if energy_is_measured(story.entries) else tag("i", " est.")
            ),
            "",
        ]
    )
    classes = ["" for _ in story.entries] + ["sum"]
    lead = (
        "Measured where the machine tells (the processor’s and the graphics card’s own counters), else estimated from "
        "the processor time used and marked so. These figures differ from machine to machine."
    )
    body = join(
        [grid("Time, memory and energy by stage", columns, lines, row_classes=classes), _machines(story.entries)]
    )
    return Section("cost", "What it took", lead, body, story.entries)


def _machines(entries: tuple[Entry, ...]) -> Html:
    found: dict[str, None] = {}
    for entry in entries:
        machine = entry.record.machine
        gib = number(machine.get("memory_gib"))
        parts = [
            str(machine.get("processor") or ""),
            plural(machine["cores"], "cores") if machine.get("cores") else "",
            f"{plural(machine['threads'], 'threads')} used" if machine.get("threads") else "",
            f"{gib:g}\u00a0GiB" if gib else "",
            str(machine.get("device") or ""),
            str(machine.get("system") or ""),
            f"Python {machine['python']}" if machine.get("python") else "",
        ]
        found[", ".join(filter(None, parts))] = None
    return tag("p", tag("b", "Machine. "), measured("; ".join(found), "."))
