"""From what was read to what was kept: each step with what it refused, each rule with an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fournil.stages.report.charts import bar
from fournil.stages.report.config import Config
from fournil.stages.report.layout import Cell, Column, Section, code, folding, grid, under
from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.numbers import megabytes, percent, plural, whole
from fournil.stages.report.story import Entry, Story, rows

STEP_NAMES = {
    "sources": "Read",
    "normalise": "Unicode normalised",
    "personal-data": "Personal data masked",
    "language": "Language identified",
    "boilerplate": "Boilerplate lines cut",
    "heldout": "Evaluation text set aside",
    "quality": "Quality judged",
    "duplicates": "Duplicates removed",
}


def funnel(story: Story, config: Config) -> Section | None:
    """Draw the steps for documents and pairs, then the rules."""
    read, curate = story.one("sources"), story.one("curate")
    entries = [entry for entry in (read, curate) if entry is not None and entry.record.counts]
    if not entries:
        return None
    parts: list[Html] = []
    refused = 0
    for unit in ("documents", "pairs"):
        counts = _steps(entries, unit)
        if counts and counts[0]["num_in"]:
            parts.append(_table(counts, unit))
            refused += sum(sum(count["refused"].values()) for count in counts)
    if not parts:
        return None
    rules = _rules(entries)
    parts.append(_rule_table(rules, config.max_rules))
    example = _example(curate)
    if example:
        parts.append(
            tag(
                "p",
                "Each refused document is kept with the rule that refused it, the value found and the bound. To read "
                "one’s story, where RUN is the run’s folder: ",
                tag("code", f"fournil why RUN {_quoted(example)}", class_="command"),
                class_="why",
            )
        )
    lead = f"{whole(refused)} refused in all, none of them silently: what goes into a step comes out or is refused."
    return Section("funnel", "From what was read to what was kept", lead, join(parts), entries)


def _steps(entries: Sequence[Entry], unit: str) -> list[dict[str, Any]]:
    """The steps in order, those of single sources added up."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        for count in entry.record.counts:
            if count["unit"] != unit:
                continue
            step = str(count["step"]).partition("/")[0]
            sums = found.setdefault(
                step, {"step": step, "num_in": 0, "num_split": 0, "num_out": 0, "bytes_out": 0, "refused": {}}
            )
            for name in ("num_in", "num_split", "num_out", "bytes_out"):
                sums[name] += count[name]
            for rule, number in count["refused"].items():
                sums["refused"][rule] = sums["refused"].get(rule, 0) + number
    return list(found.values())


def _table(counts: list[dict[str, Any]], unit: str) -> Html:
    most = max(count["num_in"] + count["num_split"] for count in counts)
    columns = (
        Column("Step"),
        Column("In", numeric=True, extra=True),
        Column("Refused", numeric=True),
        Column("Kept", numeric=True),
        Column("MB kept", numeric=True, extra=True),
        Column("Kept, of all read", wide=True),
    )
    lines = [
        [
            STEP_NAMES.get(count["step"], count["step"]),
            whole(count["num_in"]) + (f" + {whole(count['num_split'])} split off" if count["num_split"] else ""),
            whole(sum(count["refused"].values())),
            whole(count["num_out"]),
            megabytes(count["bytes_out"]),
            tag("span", bar(count["num_out"] / most), tag("span", percent(count["num_out"], most)), class_="barred"),
        ]
        for count in counts
    ]
    title = tag("h3", unit.capitalize())
    return join([title, grid(f"{unit.capitalize()} by step", columns, lines, kind="steps")])


def _rules(entries: Sequence[Entry]) -> list[tuple[str, str, str, int]]:
    """Step, rule, unit and number, the most frequent first."""
    found: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        for count in entry.record.counts:
            for rule, number in count["refused"].items():
                key = (str(count["step"]).partition("/")[0], str(rule), str(count["unit"]))
                found[key] = found.get(key, 0) + number
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(*key, number) for key, number in ranked if number]


def _rule_table(rules: list[tuple[str, str, str, int]], most: int) -> Html:
    if not rules:
        return tag("p", "No rule refused anything.")
    total = sum(number for *_, number in rules)
    columns = (Column("Rule"), Column("Refused", numeric=True), Column("Share of all refused", wide=True))
    top = rules[0][3]
    lines: list[list[str | Cell]] = [
        [
            Cell(join([code(rule), under(f"{STEP_NAMES.get(step, step)}, {unit}")]), sort=rule),
            Cell(whole(number), sort=number),
            _share(number, total, top),
        ]
        for step, rule, unit, number in rules[:most]
    ]
    rest = sum(number for *_, number in rules[most:])
    if rest:
        lines.append(
            [f"{plural(len(rules) - most, 'rules')} more", Cell(whole(rest), sort=rest), _share(rest, total, top)]
        )
    table = folding("Refused by rule", columns, lines, "rules", kind="steps")
    return join([tag("h3", "Why text was refused"), table])


def _share(number: int, total: int, top: int) -> Cell:
    drawn = tag("span", bar(number / top, "c7"), tag("span", percent(number, total)), class_="barred")
    return Cell(drawn, sort=number)


def _example(curate: Entry | None) -> str | None:
    found = [row for kind in ("documents", "pairs") for row in rows(curate.fact(kind, "by_rule"))] if curate else []
    examples = [row["examples"][0] for row in sorted(found, key=lambda row: -row.get("num", 0)) if row.get("examples")]
    return str(examples[0]) if examples else None


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
