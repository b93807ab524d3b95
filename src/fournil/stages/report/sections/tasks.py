"""What tasks say of the model: French beside English with the gap, official beside mended, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fournil.core.languages import target
from fournil.core.metrics import gap_interval, is_share, scale_of
from fournil.core.speech import Message, mark, retell, tr, trn
from fournil.stages.report.charts import bar
from fournil.stages.report.config import Config
from fournil.stages.report.layout import (
    Band,
    Cell,
    Column,
    Section,
    code,
    details,
    direction,
    folding,
    grid,
    shade,
    under,
)
from fournil.stages.report.markup import Html, join, rich, tag
from fournil.stages.report.numbers import NONE, capitalised, count, decimal, gain, language_name, number, percent, whole
from fournil.stages.report.story import Entry, Story, dig, rows, told

TASK, MODEL = "task", "model"
OFFICIAL, FIXED, MINI, OWN = "official", "fixed", "fournil-mini", "own"
BASELINES: dict[str, Message] = {
    "chance": mark("chance {score}"),
    "longest": mark("longest {score}"),
    "hidden": mark("hidden {score}"),
    "copy": mark("copying the source {score}"),
}
LONGEST_PROMPT = 1_600
"""Characters of a prompt that are shown; the record has it in full."""
PREFIXES = ("french_bench_", "mini_")

Row = dict[str, Any]


@dataclass
class Line:
    """What stands side by side: a French task, an English one, or both."""

    label: str
    sides: dict[str, Row] = field(default_factory=dict)
    """By language of the column."""
    fixed: bool = False


def task_rows(entry: Entry | None) -> list[Row]:
    """Return the scores of tasks, of the model that was asked for and not of its checkpoints."""
    found = [row for row in rows(entry.fact("scores")) if row.get("kind") == TASK] if entry else []
    last = [row for row in found if row.get("checkpoint") is None]
    if found and not last:
        newest = max(count(row.get("checkpoint")) for row in found)
        last = [row for row in found if row.get("checkpoint") == newest]
    return last


def tasks(story: Story, config: Config) -> Section | None:
    """Draw the scores of tasks, and which of them failed."""
    entry = story.one("evaluate")
    found, blocks = task_rows(entry), rows(entry.fact("tasks")) if entry else []
    if entry is None or not (found or blocks):
        return None
    scored = [row for row in found if number(row.get("value")) is not None]
    public = [row for row in scored if row.get("edition") not in (MINI, OWN)]
    parts = [
        _failed(blocks),
        _part(tr("Public benchmarks"), _on_public(public), public, story),
        _part("fournil-mini", _on_mini(), [row for row in scored if row.get("edition") == MINI], story),
        _part(tr("Sets of one’s own"), "", [row for row in scored if row.get("edition") == OWN], story),
        _every_metric(found),
        _conditions(blocks),
        _prompts(blocks, config.max_prompts),
    ]
    lead = tr(
        "French and English side by side. The brackets are intervals of 95\u00a0%; the gap is French less English, in "
        "points where the scores are shares: where its brackets hold 0, it may be chance."
    )
    return Section("tasks", tr("What it knows, in French and in English"), lead, join(parts), [entry])


def _failed(blocks: Sequence[Row]) -> Html | None:
    failed = [block for block in blocks if block.get("status") == "failed"]
    if not failed:
        return None
    said = trn("{count:,} task was not scored.", "{count:,} tasks were not scored.", len(failed))
    items = [
        tag("li", rich(mark("{task}: {reason}", task=_failed_name(block), reason=_reason(block)))) for block in failed
    ]
    return tag("div", tag("p", tag("b", said)), tag("ul", *items), class_="check bad")


def _failed_name(block: Row) -> Html:
    name, step = code(str(block.get("task"))), number(block.get("checkpoint"))
    return name if step is None else rich(mark("{task} at step {step}", task=name, step=whole(step)))


def _reason(block: Row) -> str:
    reason = block.get("reason")
    return told(reason) or (reason if isinstance(reason, str) else "")


def _on_public(found: Sequence[Row]) -> str:
    said = tr("Prompts and scores are those of lm-evaluation-harness.")
    if any(row.get("edition") == FIXED for row in found):
        said += " " + tr(
            "Below an official figure stands that of the mended edition, where the task has known defects."
        )
    return said


def _on_mini() -> str:
    return tr(
        "Small sets of Fournil’s own, some 60 items each, with what three ways of guessing score on them: at random, "
        "the longest answer, and by a classifier that does not see the question."
    )


def _part(title: str, said: str, found: Sequence[Row], story: Story) -> Html | None:
    ours = [row for row in found if row.get("main") and row.get("system", MODEL) == MODEL]
    if not ours:
        return None
    tongues = _columns(ours)
    columns = [Column(tr("Task"))]
    columns += [Column(capitalised(language_name(tongue)), numeric=True) for tongue in tongues]
    columns += [Column(tr("Gap"), numeric=True)] if len(tongues) > 1 else []
    lines = side_by_side(ours)
    together = [line for line in lines if len(line.sides) > 1]
    alone = [line for line in lines if len(line.sides) == 1]
    drawn: list[Sequence[str | Cell] | Band] = []
    classes = []
    for line in (*together, None, *alone):
        if line is None:
            if together and alone:
                drawn.append(Band(tr("In one language only")))
                classes.append("")
            continue
        sides = [line.sides.get(tongue) for tongue in tongues]
        cells = [_label(line), *(_score(row, found, story) for row in sides)]
        drawn.append([*cells, _gap(*sides[:2])] if len(sides) > 1 else cells)
        classes.append("mended" if line.fixed else "")
    caption = tr("Scores of tasks: {title}", title=title)
    table = grid(caption, columns, drawn, kind="cards tasks", row_classes=classes)
    return join([tag("h3", title), tag("p", said) if said else None, table])


def _columns(found: Sequence[Row]) -> list[str]:
    """The languages that stand side by side: French, English, then any others."""
    order = ("fr", "en")
    seen = {column_of(row) for row in found}
    return [*(tongue for tongue in order if tongue in seen), *sorted(seen - set(order))]


def column_of(row: Row) -> str:
    """Return the language in whose column a score stands; of a translation that into which it goes."""
    return target(str(row.get("language")))


def side_by_side(found: Sequence[Row]) -> list[Line]:
    """Join French tasks with their English counterparts, each followed by its mended edition."""
    official: dict[str, list[Line]] = {}
    mended: dict[str, list[Line]] = {}
    keys = {str(row.get("task")): _key(row) for row in found if row.get("edition") != FIXED}
    for row in found:
        fixed = row.get("edition") == FIXED
        key = keys.get(str(row.get("of")), _key(row)) if fixed else _key(row)
        lines = (mended if fixed else official).setdefault(key, [])
        tongue = column_of(row)
        free = next((line for line in lines if tongue not in line.sides), None)
        if free is None:
            free = Line(short_name(str(row.get("pair") or row.get("of") or row.get("task"))), fixed=fixed)
            lines.append(free)
        free.sides[tongue] = row
    for key, lines in mended.items():  # an English counterpart is scored once, and stands beside both
        for line, known in zip(lines, official.get(key, []), strict=False):
            line.sides |= {tongue: row for tongue, row in known.sides.items() if tongue not in line.sides}
    keys_in_order = dict.fromkeys([*official, *mended])
    return [line for key in keys_in_order for line in (*official.get(key, []), *mended.get(key, []))]


def _key(row: Row) -> str:
    return str(row.get("pair") or row.get("of") or row.get("task"))


def short_name(task: str) -> str:
    """Return a task's name without what all of its kind begin or end with."""
    task = task.removesuffix("_fixed")
    return next((task.removeprefix(prefix) for prefix in PREFIXES if task.startswith(prefix)), task)


def _label(line: Line) -> Html:
    shown = next(iter(line.sides.values()))
    name = tr("{task}, mended", task=line.label) if line.fixed else line.label
    metrics = list(dict.fromkeys(str(row.get("metric")) for row in line.sides.values()))
    said = [" / ".join(metrics)]
    if shown.get("shots") is not None:
        said.append(_shots(count(shown.get("shots"))))
    if shown.get("higher_is_better") is False:
        said.append(tr("lower is better"))
    return join([name, under(", ".join(said))])


def _shots(number: int) -> str:
    return trn("{count} example before", "{count} examples before", number) if number else tr("no example before")


def value_in_words(metric: str, value: Any) -> str:  # noqa: ANN401 - JSON
    """Write a metric's value: shares in per cent, others with as many decimals as they need."""
    return percent(value) if is_share(metric) else decimal(value, scale_of(metric)[1])


def _interval(row: Row) -> tuple[float | None, float | None]:
    ends = row.get("interval")
    low, high = (number(end) for end in ends) if isinstance(ends, Sequence) and len(ends) == 2 else (None, None)
    return low, high


def _ends(row: Row, write: Callable[[float], str]) -> Html | None:
    low, high = _interval(row)
    if low is None or high is None:
        return None
    return tag("span", tr("[{low},\u00a0{high}]", low=write(low), high=write(high)), class_="brackets")


def percent_with_interval(row: Row) -> tuple[Html, float | None, float | None]:
    """Draw a share with its interval, and return the ends of that."""
    ends = _ends(row, lambda end: decimal(end * 100, 1))
    written = tag("span", percent(row.get("value")), *([" ", ends] if ends else []), class_="figure")
    return written, *_interval(row)


def figure_of(row: Row) -> Html:
    """Draw a score with its interval."""
    metric = str(row.get("metric"))
    ends = _ends(row, lambda end: decimal(end * 100, 1) if is_share(metric) else value_in_words(metric, end))
    return tag("span", value_in_words(metric, row.get("value")), *([" ", ends] if ends else []), class_="figure")


def _score(row: Row | None, found: Sequence[Row], story: Story) -> str | Cell:
    if row is None:
        return Cell(NONE, class_="none")
    parts: list[str | None] = [figure_of(row)]
    low, high = _interval(row)
    if is_share(str(row.get("metric"))):
        parts.append(bar(number(row.get("value")) or 0.0, shade(column_of(row), story), low=low, high=high))
    others = [
        other
        for other in found
        if other.get("system", MODEL) != MODEL
        and all(other.get(name) == row.get(name) for name in ("task", "edition", "metric", "language"))
    ]
    if others:
        said = [_baseline(other) for other in others]
        chance = next((number(other.get("value")) for other in others if other["system"] == "chance"), None)
        if chance is not None and low is not None and high is not None and low <= chance <= high:
            said.append(tr("not to be told from chance"))
        parts.append(under(", ".join(said)))
    return join(parts)


def _baseline(row: Row) -> str:
    system, score = str(row["system"]), value_in_words(str(row.get("metric")), row.get("value"))
    message = BASELINES.get(system, mark("{system} {score}"))
    return retell({**message, "values": {"system": system, "score": score}})


def gap_of(one: Row | None, other: Row | None) -> tuple[float, tuple[float, float] | None] | None:
    """Return how far a score is above another on other items, and the interval of that where both have one."""
    if one is None or other is None or one.get("metric") != other.get("metric"):
        return None
    values = [number(row.get("value")) for row in (one, other)]
    if values[0] is None or values[1] is None:
        return None
    (low, high), (other_low, other_high) = _interval(one), _interval(other)
    if low is None or high is None or other_low is None or other_high is None:
        return values[0] - values[1], None
    ends = gap_interval((values[0], low, high), (values[1], other_low, other_high))
    return values[0] - values[1], ends


def _gap(one: Row | None, other: Row | None) -> str | Cell:
    found = gap_of(one, other)
    if found is None or one is None:
        return Cell(NONE, class_="none")
    times, places = scale_of(str(one.get("metric")))
    value, ends = found
    written = gain(value * times, places)
    if ends is None:
        return written
    low, high = (gain(end * times, places) for end in ends)
    brackets = tag("span", tr("[{low},\u00a0{high}]", low=low, high=high), class_="brackets")
    return tag("span", written, " ", brackets, class_="figure")


def _every_metric(found: Sequence[Row]) -> Html | None:
    ours = [row for row in found if row.get("system", MODEL) == MODEL]
    if all(row.get("main") for row in ours):
        return None
    columns = (
        Column(tr("Task")),
        Column(tr("Items"), numeric=True, extra=True),
        Column(tr("Value"), numeric=True),
    )
    lines = [[join([_named(row), under(_what(row))]), whole(row.get("num_items")), figure_of(row)] for row in ours]
    return details(tr("Every metric"), grid(tr("Every metric of every task"), columns, lines))


def _what(row: Row) -> str:
    return f"{row.get('metric')}, {language_or_way(str(row.get('language')))}"


def language_or_way(name: str) -> str:
    """Return what a task's language is called, or its direction of translation."""
    source, found, target = name.partition("-")
    return direction(source, target) if found else language_name(name)


def _named(row: Row) -> Html:
    name = code(str(row.get("task")))
    return join([name, " ", tr("(mended)")]) if row.get("edition") == FIXED else name


def _conditions(blocks: Sequence[Row]) -> Html | None:
    done = [block for block in blocks if block.get("status") != "failed"]
    if not done:
        return None
    columns = (
        Column(tr("Task")),
        Column(tr("Items"), numeric=True),
        Column(tr("Examples before"), numeric=True),
        Column(tr("Cut"), numeric=True),
        Column(tr("Cut unlike"), numeric=True),
        Column(tr("Data")),
    )
    lines = [
        [
            _named(block),
            whole(block.get("num_items")),
            whole(block.get("shots")),
            whole(block.get("num_truncated")),
            whole(block.get("num_uneven")),
            join([str(block.get("data_source") or NONE), under(_marks(block))]),
        ]
        for block in done
    ]
    said = tr(
        "Cut: items whose context is longer than what the model can read, cut on the left as the reference does. Cut "
        "unlike: items whose context is not cut into the same tokens alone and with its answer."
    )
    more = folding(
        tr("Items, data and versions of tasks"),
        columns,
        lines,
        lambda number: trn("{count:,} more task", "{count:,} more tasks", number),
        kind="fine",
    )
    return details(tr("Under which conditions"), tag("p", said, class_="small"), more)


def _marks(block: Row) -> Html:
    version, seed, digest = block.get("version"), block.get("seed"), str(block.get("data_sha256") or "")
    said = [
        tr("version {version}", version=version) if version is not None else None,
        tr("seed {seed}", seed=seed) if seed is not None else None,
    ]
    words = ", ".join(part for part in said if part)
    return join([words, " " if words else "", code(digest[:12])]) if digest else join([words])


def _prompts(blocks: Sequence[Row], most: int) -> Html | None:
    folded = []
    for block in blocks:
        shown = [_clipped(prompt) for prompt in _texts(block.get("prompts"))[:most]]
        if shown:
            lang = str(block.get("language"))
            pre = [tag("pre", prompt, lang=None if "-" in lang else lang, dir="auto") for prompt in shown]
            folded.append(details(_summary(block), *pre))
    return details(tr("What the model was given"), *folded) if folded else None


def _summary(block: Row) -> str:
    name = str(block.get("task"))
    return tr("{task}, mended", task=name) if block.get("edition") == FIXED else name


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - JSON
    """The texts of a list, whether it holds them or tables that do."""
    if not isinstance(value, list):
        return []
    found = [one if isinstance(one, str) else dig(one, "prompt") or dig(one, "text") for one in value]
    return [one for one in found if isinstance(one, str)]


def _clipped(prompt: str) -> str:
    """The beginning and the end of a prompt, and how much is left out between them."""
    left_out = len(prompt) - LONGEST_PROMPT
    if left_out <= 0:
        return prompt
    half = LONGEST_PROMPT // 2
    said = trn("[{count:,} character left out]", "[{count:,} characters left out]", left_out)
    return f"{prompt[:half]}\n{said}\n{prompt[-half:]}"
