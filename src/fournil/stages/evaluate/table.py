"""What an evaluation's tasks came to, as lines for a terminal: French, English, and the gap, with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fournil.core import metrics
from fournil.core.columns import aligned
from fournil.core.languages import any_name_of, target
from fournil.core.metrics import written
from fournil.core.speech import retell, tr
from fournil.stages.evaluate.result import CHANCE, COPY, FIXED, HIDDEN, LONGEST, MINI, MODEL, TASK, label_of

Row = Mapping[str, Any]

ORDER = ("fr", "en")
FRENCH_BENCH = "french_bench_"


def task_tables(facts: Mapping[str, Any]) -> list[str]:
    """Draw the tables of an evaluation's facts; nothing where no tasks were scored."""
    rows = [row for row in facts.get("scores") or [] if row.get("checkpoint") is None]
    tasks = [row for row in rows if row.get("kind") == TASK]
    fidelity = [row for row in rows if row.get("kind") == "fidelity"]
    lines = [*_tasks(tasks), *_fidelity(fidelity)]
    failed = [block for block in facts.get("tasks") or [] if block.get("status") == "failed"]
    if failed:
        lines += ["", tr("Not scored:")]
        told = ((label_of(block), retell(block["reason"])) for block in failed)
        lines += ["  " + tr("{task}: {reason}", task=name, reason=reason) for name, reason in told]
    return lines


def _tasks(rows: Sequence[Row]) -> Iterator[str]:
    main = [row for row in rows if row["main"] and row["system"] == MODEL]
    if not main:
        return
    languages = _languages(main)
    table = [["", tr("metric"), *(_capitalised(retell(any_name_of(tag))) for tag in languages)]]
    if len(languages) > 1:
        table[0].append(tr("gap"))
    guessed = False
    for label, sides in _lines(main):
        first = next(iter(sides.values()))
        cells = [_cell(sides.get(tag)) for tag in languages]
        gap = [_gap(*(sides.get(tag) for tag in languages[:2]))] if len(languages) > 1 else []
        table.append([label, _metric(first), *cells, *gap])
        guesses = [_others(sides.get(tag), rows, (CHANCE, LONGEST, HIDDEN)) for tag in languages]
        copied = [_others(sides.get(tag), rows, (COPY,)) for tag in languages]
        guessed = guessed or any(guesses)
        for said, others in ((tr("guessing"), guesses), (tr("copying the source"), copied)):
            if any(others):
                table.append([f"  {said}", "", *others, *([""] if gap else [])])
    yield ""
    yield from aligned(table)
    yield ""
    yield tr("In brackets: intervals of 95 %. Shares are in per cent; ↓: less is better.")
    if guessed:
        yield tr("Guessing: at random / the longest answer / a classifier that does not see the question.")


def _fidelity(rows: Sequence[Row]) -> Iterator[str]:
    shown = [row for row in rows if row.get("group") == "all" or row["metric"] == "keeps_format"]
    if not shown:
        return
    names = {
        "sticks": tr("sticks to the language"),
        "sentences_in_language": tr("sentences in the language"),
        "drifts": tr("drifts into another"),
        "code_or_latex": tr("falls into code or LaTeX"),
        "untold": tr("tells nothing"),
        "keeps_format": tr("keeps a dialogue's form"),
    }
    languages = _languages(shown)
    table = [[tr("Language fidelity"), *(_capitalised(retell(any_name_of(tag))) for tag in languages)]]
    for metric, name in names.items():
        by_language = {row["language"]: row for row in shown if row["metric"] == metric}
        if by_language:
            table.append([name, *(_cell(by_language.get(tag)) for tag in languages)])
    yield ""
    yield from aligned(table)


def _languages(rows: Sequence[Row]) -> list[str]:
    """Columns: French, English, then others; a translation stands in that of the language it is into."""
    found = {_column(row) for row in rows}
    return [*(tag for tag in ORDER if tag in found), *sorted(found - set(ORDER))]


def _column(row: Row) -> str:
    return target(str(row["language"]))


def _capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]


def _lines(rows: Sequence[Row]) -> list[tuple[str, dict[str, Row]]]:
    """What stands side by side, official before mended; a task that has no counterpart stands alone."""
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        joined = row["pair"] or row["task"]
        key = (row["edition"], joined, row["metric"])
        if _column(row) in found.get(key, {}):
            key = (*key, row["task"])
        found.setdefault(key, {})[_column(row)] = row
    lines = []
    for key, sides in found.items():
        first = next(iter(sides.values()))
        name = first["of"] if key[0] == FIXED else first["pair"] if len(sides) > 1 else first["task"]
        name = name.removeprefix(FRENCH_BENCH)
        lines.append((tr("{task}, mended", task=name) if key[0] == FIXED else _label(name, key[0]), sides))
    return lines


def _label(name: str, edition: str) -> str:
    return f"{MINI} {name.removeprefix('mini_')}" if edition == MINI else name


def _metric(row: Row) -> str:
    return row["metric"] if row["higher_is_better"] else f"{row['metric']} ↓"


def _cell(row: Row | None) -> str:
    if row is None:
        return "–"
    value = written(row["metric"], row["value"])
    if row.get("interval") is None:
        return value
    low, high = (written(row["metric"], bound) for bound in row["interval"])
    return f"{value} [{low} {high}]"


def _gap(french: Row | None, english: Row | None) -> str:
    """The first less the second; the interval is that of a difference of independent figures (Zou and Donner 2008)."""
    if french is None or english is None or french["metric"] != english["metric"]:
        return "–"
    metric = french["metric"]
    value = written(metric, french["value"] - english["value"], sign=True)
    if french.get("interval") is None or english.get("interval") is None:
        return value
    low, high = gap_interval(french, english)
    return f"{value} [{written(metric, low, sign=True)} {written(metric, high, sign=True)}]"


def gap_interval(one: Row, other: Row) -> tuple[float, float]:
    """The interval of a difference of two independent scores, from their own intervals."""
    return metrics.gap_interval((one["value"], *one["interval"]), (other["value"], *other["interval"]))


def _others(row: Row | None, rows: Sequence[Row], systems: Sequence[str]) -> str:
    """What others than the model come to on the same items."""
    if row is None:
        return ""
    like = {
        other["system"]: other
        for other in rows
        if all(other[name] == row[name] for name in ("task", "edition", "language", "metric"))
    }
    found = [like.get(system) for system in systems]
    if not any(found):
        return ""
    return " / ".join(written(row["metric"], other["value"]) if other else "–" for other in found)
