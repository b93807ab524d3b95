"""Two models on the same items: paired differences with their intervals, and whether the models can be told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from fournil.apps.inspect.evaluations import TRANSLATION, Evaluation, Key, Measure, Scored, read_evaluation
from fournil.core.columns import aligned
from fournil.core.errors import FournilError
from fournil.core.metrics import is_share, written
from fournil.core.speech import Message, figure, mark, markn, retell, tr, trn
from fournil.parts.aggregation import Sums, difference, sums_of
from fournil.parts.statistics import Resamples, Value, resample_weights

NUM_BOOTSTRAP = 1000
"""Resamples of items behind each interval."""
FIRST, SECOND, EQUAL, UNDECIDED = "a", "b", "equal", "undecided"

_VERDICTS = {
    FIRST: mark("A is better"),
    SECOND: mark("B is better"),
    EQUAL: mark("the same on every item"),
    UNDECIDED: mark("not to be told apart"),
}


@dataclass(frozen=True)
class Compared:
    """One metric of one task."""

    scored: Scored
    metric: str
    num_items: int
    a: float
    b: float
    difference: Value
    """A less B."""
    verdict: str
    main: bool


@dataclass
class Comparison:
    """Two evaluations, side by side."""

    a: Evaluation
    b: Evaluation
    compared: list[Compared] = field(default_factory=list)
    notes: list[tuple[str, Message]] = field(default_factory=list)
    """What differs between the two where they were compared all the same, by task."""
    left_out: list[tuple[str, Message]] = field(default_factory=list)
    """What was not compared, and why."""

    def count(self, verdict: str) -> int:
        """How many comparisons came out so."""
        return sum(one.verdict == verdict for one in self.compared)


def compare(first: Path, second: Path, file: TextIO, *, as_json: bool = False) -> int:
    """Print how far a model is from another, task by task.

    Args:
        first: A, a run's folder or that of an evaluation.
        second: B.
        file: Where to print.
        as_json: Print JSON instead.

    Raises:
        FournilError: One of them is no evaluation, or they have nothing in common.
    """
    found = compare_evaluations(read_evaluation(first), read_evaluation(second))
    if as_json:
        print(json.dumps(_to_json(found), ensure_ascii=False, indent=2), file=file)
    else:
        for line in _lines(found):
            print(line, file=file)
    return 0


def compare_evaluations(a: Evaluation, b: Evaluation) -> Comparison:
    """Compare what two evaluations have in common, and say what they have not.

    Raises:
        FournilError: They have nothing in common.
    """
    found = Comparison(a, b)
    for name in dict.fromkeys([*a.tasks, *b.tasks]):
        one, other = a.tasks.get(name), b.tasks.get(name)
        if one is None or other is None:
            alone = one or other
            assert alone is not None
            found.left_out.append((_label(alone), mark("only A has it") if one else mark("only B has it")))
            continue
        reason = _unlike(one, other)
        if reason:
            found.left_out.append((_label(one), reason))
            continue
        _compare_task(one, other, found)
    if not found.compared:
        reasons = [tr("{task}: {reason}", task=label, reason=retell(reason)) for label, reason in found.left_out[:3]]
        raise FournilError(
            tr("these two have no items in common ({reasons})", reasons="; ".join(reasons)),
            where=f"{a.place}, {b.place}",
            fix=tr("Evaluate both on the same tasks and data."),
        )
    return found


def _unlike(one: Scored, other: Scored) -> Message | None:
    """Why two results of one name are not of the same task."""
    if one.edition != other.edition:
        return mark("editions {a} and {b}", a=one.edition, b=other.edition)
    if one.version != other.version:
        return mark("versions {a} and {b} of the task", a=one.version, b=other.version)
    if not one.items.keys() & other.items.keys():
        return mark("no item is in both: the data differ")
    return None


def _compare_task(one: Scored, other: Scored, found: Comparison) -> None:
    label = _label(one)
    common = [key for key in one.items if key in other.items]
    done = len(found.compared)
    metrics = [metric for metric in one.measures if metric in other.measures]
    for metric in sorted(metrics, key=lambda metric: (not one.measures[metric].main, metric)):
        compared = _compare_metric(metric, one, other, common)
        if compared is None:
            reason = mark("{metric}: its figure is not what its items come to", metric=metric)
            found.left_out.append((label, reason))
        else:
            found.compared.append(compared)
    if len(found.compared) > done:
        found.notes += [(label, note) for note in _differences(one, other, common)]


def _differences(one: Scored, other: Scored, common: Sequence[Key]) -> Iterator[Message]:
    counts = len(one.items), len(other.items)
    if max(counts) > len(common):
        yield markn(
            "the data differ: {count:,} item is in both, of {a:,} in A and {b:,} in B",
            "the data differ: {count:,} items are in both, of {a:,} in A and {b:,} in B",
            len(common),
            a=counts[0],
            b=counts[1],
        )
    if one.shots != other.shots:
        yield mark("{a} examples before each item in A, {b} in B", a=one.shots, b=other.shots)
    if one.precision and other.precision and one.precision != other.precision:
        yield mark("precision {a} in A, {b} in B", a=one.precision, b=other.precision)
    if one.limit is not None and other.limit is not None and one.limit != other.limit:
        yield mark("--limit {a} in A, {b} in B (0: all items)", a=one.limit, b=other.limit)
    if one.shots == other.shots and one.seed != other.seed and (one.shots or one.task == "fidelity"):
        yield mark("seed {a} in A, {b} in B", a=one.seed, b=other.seed)


def _compare_metric(metric: str, one: Scored, other: Scored, common: Sequence[Key]) -> Compared | None:
    measure = one.measures[metric]
    whole = [_sums(metric, (scored,), list(scored.items)) for scored in (one, other)]
    for found, scored in zip(whole, (one, other), strict=True):
        measured = scored.measures[metric].value
        if not found or (measured is not None and not found[0].comes_to(measured)):
            return None
    found = _sums(metric, (one, other), common)
    if not found:
        return None
    a, b = found
    num_items = len(a.statistics_NK)
    gap = difference(a, b, _weights(num_items))
    verdict = _verdict(gap, measure, alike=_is_alike(metric, one, other, common))
    return Compared(one, metric, num_items, a.value(), b.value(), gap, verdict, measure.main)


def _sums(metric: str, sides: Sequence[Scored], keys: Sequence[Key]) -> list[Sums]:
    """What items add to a metric on each side: all of them, or those that have a value; nothing where none tells."""
    having = [key for key in keys if all(metric in scored.items[key].values for scored in sides)]
    for chosen in (keys, having):
        found = [
            sums_of(
                metric,
                scored.measures[metric].aggregation,
                [scored.items[key].values.get(metric) for key in chosen],
                [scored.items[key].details for key in chosen],
            )
            for scored in sides
            if chosen
        ]
        if found and None not in found:
            return [sums for sums in found if sums is not None]
    return []


@lru_cache(maxsize=1)
def _weights(num_items: int) -> Resamples:
    """The same draws for all metrics of a task: those of large ones take a while."""
    return resample_weights(num_items, NUM_BOOTSTRAP, seed=0)


def _is_alike(metric: str, one: Scored, other: Scored, common: Sequence[Key]) -> bool:
    """Whether both came to the same on every single item."""
    pairs = [(one.items[key], other.items[key]) for key in common]
    having = [pair for pair in pairs if all(metric in item.values for item in pair)]
    if having:
        return all(first.values[metric] == second.values[metric] for first, second in having)
    seen = [[[item.details.get(name) for name in ("text", "parts")] for item in pair] for pair in pairs]
    return all(first == second for first, second in seen)


def _verdict(gap: Value, measure: Measure, *, alike: bool) -> str:
    low, high = gap.interval
    if alike:
        return EQUAL
    if low <= 0 <= high:
        return UNDECIDED
    return FIRST if (gap.value > 0) == measure.higher_is_better else SECOND


def _label(scored: Scored) -> str:
    source, way, target = scored.language.partition("-")
    language = f"{source} → {target}" if way else scored.language
    if scored.task == TRANSLATION and scored.label:
        return f"{language}, {retell(scored.label)}"
    if scored.label:
        return retell(scored.label)
    if scored.edition in ("fournil-mini", "own"):
        return (
            f"{scored.edition}/{scored.task}, {language}" if scored.edition != "own" else f"{scored.task}, {language}"
        )
    return scored.task


def _lines(found: Comparison) -> Iterator[str]:
    for letter, one in (("A", found.a), ("B", found.b)):
        yield "  ".join(filter(None, (letter, str(one.place), one.model_sha256[:12])))
    if found.a.model_sha256 and found.a.model_sha256 == found.b.model_sha256:
        yield tr("Both are the same model.")
    yield ""
    table = [["", tr("metric"), tr("items"), "A", "B", tr("A less B"), ""]]
    before = ""
    for one in found.compared:
        label = _label(one.scored)
        values = [written(one.metric, value) for value in (one.a, one.b)]
        if is_share(one.metric):
            values = [tr("{share}\u00a0%", share=value) for value in values]
        ends = [written(one.metric, end, sign=True) for end in one.difference.interval]
        gap = written(one.metric, one.difference.value, sign=True)
        told = tr("{value} [{low},\u00a0{high}]", value=gap, low=ends[0], high=ends[1])
        items, verdict = figure(f"{one.num_items:,}"), retell(_VERDICTS[one.verdict])
        down = "" if one.scored.measures[one.metric].higher_is_better else " ↓"
        table.append([label if label != before else "", one.metric + down, items, *values, told, verdict])
        before = label
    yield from aligned(table, right=(2, 3, 4))
    for title, told in ((tr("They differ in:"), found.notes), (tr("Not compared:"), found.left_out)):
        if told:
            yield ""
            yield title
            yield from ("  " + tr("{task}: {reason}", task=label, reason=retell(reason)) for label, reason in told)
    yield ""
    yield from _summary(found)


def _summary(found: Comparison) -> Iterator[str]:
    total, a, b = len(found.compared), found.count(FIRST), found.count(SECOND)
    if found.count(EQUAL) == total:
        yield tr("The two are the same on every item.")
    elif not a + b:
        yield trn(
            "The two models cannot be told apart: the one interval holds 0.",
            "The two models cannot be told apart: all {count:,} intervals hold 0.",
            total,
        )
    else:
        yield trn(
            "Of {count:,} comparison, A is better in {a:,} and B in {b:,}; in {rest:,} they cannot be told apart.",
            "Of {count:,} comparisons, A is better in {a:,} and B in {b:,}; in {rest:,} they cannot be told apart.",
            total,
            a=a,
            b=b,
            rest=total - a - b,
        )
        if total > 1:
            by_chance = tr("{amount:.1f}", amount=total / 20)
            yield tr("By chance alone, {number} of them would leave 0 outside.", number=by_chance)
    yield tr(
        "Intervals of 95 %: the same items are drawn for both, {number:,} times. ↓: lower is better.",
        number=NUM_BOOTSTRAP,
    )


def _to_json(found: Comparison) -> dict[str, Any]:
    return {
        **{
            letter: {"place": str(one.place), "model_sha256": one.model_sha256}
            for letter, one in (("a", found.a), ("b", found.b))
        },
        "num_bootstrap": NUM_BOOTSTRAP,
        "comparisons": [
            {
                "task": one.scored.task,
                "edition": one.scored.edition,
                "language": one.scored.language,
                "label": _label(one.scored),
                "metric": one.metric,
                "main": one.main,
                "higher_is_better": one.scored.measures[one.metric].higher_is_better,
                "num_items": one.num_items,
                "a": one.a,
                "b": one.b,
                "difference": one.difference.value,
                "standard_error": one.difference.standard_error,
                "interval": list(one.difference.interval),
                "verdict": one.verdict,
            }
            for one in found.compared
        ],
        **{
            key: [{"task": label, "reason": retell(reason)} for label, reason in told]
            for key, told in (("differences", found.notes), ("not_compared", found.left_out))
        },
    }
