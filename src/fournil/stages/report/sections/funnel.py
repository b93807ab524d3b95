"""From what was read to what was kept: each step with what it refused, each rule with an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fournil.core.speech import mark, tr, trn
from fournil.stages.report.charts import bar
from fournil.stages.report.config import Config
from fournil.stages.report.layout import Cell, Column, Section, code, folding, grid, under
from fournil.stages.report.markup import Html, join, rich, tag
from fournil.stages.report.numbers import megabytes, percent, whole
from fournil.stages.report.sections.rules import rule_words, step_name
from fournil.stages.report.story import Entry, Story, rows

Rule = tuple[str, str, str, int]
"""Step, rule, unit and number."""


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
    parts.append(_rule_table(_rules(entries), config.max_rules))
    example = _example(curate)
    if example:
        said = mark(
            "Each refused document is kept with the rule that refused it, the value found and the bound. To read one’s "
            "story, where RUN is the run’s folder: {command}",
            command=tag("code", f"fournil why RUN {_quoted(example)}", class_="command"),
        )
        parts.append(tag("p", rich(said), class_="why"))
        sample = tag("code", f"fournil look RUN --step {_largest(curate)}", class_="command")
        said = mark("To see some of them beside texts that were kept: {command}", command=sample)
        parts.append(tag("p", rich(said), class_="why"))
    lead = trn(
        "{count:,} refused in all, none of them silently: what goes into a step comes out or is refused.",
        "{count:,} refused in all, none of them silently: what goes into a step comes out or is refused.",
        refused,
    )
    return Section("funnel", tr("From what was read to what was kept"), lead, join(parts), entries)


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
        Column(tr("Step")),
        Column(tr("In"), numeric=True, extra=True),
        Column(tr("Refused"), numeric=True),
        Column(tr("Kept"), numeric=True),
        Column(tr("MB kept"), numeric=True, extra=True),
        Column(tr("Kept, of all read"), numeric=True, wide=True),
    )
    lines = [
        [
            step_name(count["step"]),
            _taken_in(count),
            whole(sum(count["refused"].values())),
            whole(count["num_out"]),
            megabytes(count["bytes_out"]),
            join([bar(count["num_out"] / most, kind="beside"), percent(count["num_out"], most)]),
        ]
        for count in counts
    ]
    pairs = unit == "pairs"
    caption = tr("Pairs by step") if pairs else tr("Documents by step")
    return join([tag("h3", tr("Pairs") if pairs else tr("Documents")), grid(caption, columns, lines, kind="steps")])


def _taken_in(count: dict[str, Any]) -> str:
    if not count["num_split"]:
        return whole(count["num_in"])
    return tr("{taken} + {split} split off", taken=whole(count["num_in"]), split=whole(count["num_split"]))


def _rules(entries: Sequence[Entry]) -> list[Rule]:
    """The rules that refused something, the most frequent first."""
    found: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        for count in entry.record.counts:
            for rule, number in count["refused"].items():
                key = (str(count["step"]).partition("/")[0], str(rule), str(count["unit"]))
                found[key] = found.get(key, 0) + number
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [(*key, number) for key, number in ranked if number]


def _rule_table(rules: list[Rule], most: int) -> Html:
    if not rules:
        return tag("p", tr("No rule refused anything."))
    total = sum(number for *_, number in rules)
    columns = (
        Column(tr("Rule")),
        Column(tr("Refused"), numeric=True),
        Column(tr("Share of all refused"), numeric=True, wide=True),
    )
    top = rules[0][3]
    lines: list[list[str | Cell]] = [
        [Cell(_named(rule), sort=rule[1]), whole(rule[3]), _share(rule[3], total, top)] for rule in rules[:most]
    ]
    rest = sum(number for *_, number in rules[most:])
    if rest:
        said = trn("{count:,}\u00a0rule more", "{count:,}\u00a0rules more", len(rules) - most)
        lines.append([said, whole(rest), _share(rest, total, top)])

    def more(number: int) -> str:
        return trn("{count:,} more rule", "{count:,} more rules", number)

    table = folding(tr("Refused by rule"), columns, lines, more, kind="steps")
    return join([tag("h3", tr("Why text was refused")), table])


def _named(rule: Rule) -> Html:
    """A rule with what it refuses, and its step."""
    step, name, unit, _ = rule
    kind = tr("pairs") if unit == "pairs" else tr("documents") if unit == "documents" else unit
    words = rule_words(name)
    where = tr("{step}, {unit}", step=step_name(step), unit=kind)
    return join([code(name), under(words, " · " if words else None, where)])


def _share(number: int, total: int, top: int) -> Cell:
    return Cell(join([bar(number / top, "c7", kind="beside"), percent(number, total)]), sort=number)


def _example(curate: Entry | None) -> str | None:
    found = [row for kind in ("documents", "pairs") for row in rows(curate.fact(kind, "by_rule"))] if curate else []
    examples = [row["examples"][0] for row in sorted(found, key=lambda row: -row.get("num", 0)) if row.get("examples")]
    return str(examples[0]) if examples else None


def _largest(curate: Entry | None) -> str:
    """The step that refused most."""
    found = [row for kind in ("documents", "pairs") for row in rows(curate.fact(kind, "by_rule"))] if curate else []
    return str(max(found, key=lambda row: row.get("num", 0))["step"]) if found else "quality"


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
