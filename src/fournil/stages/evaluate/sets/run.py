"""Asks a model the items of a set, and scores what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash
from fournil.core.languages import primary
from fournil.core.speech import tr
from fournil.parts.corpus_metrics import bleu_best, bleu_of_sums, chrf_best, chrf_of_sums
from fournil.parts.scoring import Scored, Scorer
from fournil.parts.statistics import bootstrapped, resample_weights
from fournil.stages.evaluate.result import CHANCE, COPY, HIDDEN, LONGEST, MODEL, NUM_PROMPTS, Item, Measure, TaskResult
from fournil.stages.evaluate.sets import baselines
from fournil.stages.evaluate.sets.items import BETWEEN, LocalSet
from fournil.stages.evaluate.sets.items import Item as Asked
from fournil.stages.evaluate.sets.metrics import exact, f1
from fournil.stages.evaluate.sets.spec import CHOICE, CLASSIFICATION, METRICS, READING, TEXT, TRANSLATION, Spec
from fournil.stages.evaluate.translation import answers_of

STOPS = ("\n",)
"""What ends a written answer."""
MAX_HIDDEN = 1000
"""The classifier that does not see the question compares every two choices: not for sets of more items."""

Advance = Callable[[int], None]


@dataclass
class _Answers:
    """What came of a set."""

    items: list[Item] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    num_truncated: int = 0
    """Items, whatever the number of their requests that were cut."""
    num_uneven: int = 0
    """Items."""
    extra: dict[str, Any] = field(default_factory=dict)


def run_set(
    scorer: Scorer,
    task: LocalSet,
    *,
    shots: int | None = None,
    limit: int = 0,
    num_bootstrap: int = 1000,
    advance: Advance | None = None,
) -> TaskResult:
    """Ask a model a set's items.

    Args:
        scorer: The model.
        task: The set.
        shots: Solved examples before each item (None: as many as the set says); text has none.
        limit: The most items, the first ones (0: all).
        num_bootstrap: Resamples of items behind the intervals of translation (0: none); others come of the items.
        advance: Called with numbers of requests finished, of which there are `task.num_requests(limit)`.

    Raises:
        FournilError: There are fewer examples than shots, an answer is too long for the model or has no tokens (the
            message names the item), or the model answers NaN.
    """
    spec = task.spec
    items = task.items[: limit or None]
    num_shots = 0 if spec.kind == TEXT else spec.shots if shots is None else shots
    _check_shots(task, items, num_shots)
    prompts = [_with_examples(task, item, num_shots) for item in items]
    runners = {
        CHOICE: _run_choices,
        CLASSIFICATION: _run_choices,
        READING: _run_reading,
        TRANSLATION: _run_translation,
        TEXT: _run_text,
    }
    found = runners[spec.kind](scorer, task, items, prompts, advance)
    if spec.kind == TRANSLATION:
        texts = [str(item.details["text"]) for item in found.items]
        found.measures = _translation_measures(spec, items, texts, num_bootstrap)
    used = task.examples if num_shots else ()
    return TaskResult(
        task=spec.name,
        edition=task.edition,
        language=spec.direction,
        measures=found.measures,
        items=found.items,
        num_items=len(items),
        data_sha256=canonical_hash([item.sha256 for item in (*items, *used)]),
        data_source=task.data_source,
        prompts=found.prompts or prompts[:NUM_PROMPTS],
        pair=spec.pair,
        shots=num_shots,
        version=task.version,
        num_truncated=found.num_truncated,
        num_uneven=found.num_uneven,
        extra=found.extra,
    )


def _check_shots(task: LocalSet, items: Sequence[Asked], num_shots: int) -> None:
    """Every item must have as many examples as the record says."""
    pool = task.examples or task.items
    same = Counter(item.sha256 for item in pool) if num_shots else Counter()
    least = min((len(pool) - same[item.sha256] for item in items), default=0)
    if num_shots and least < num_shots:
        raise FournilError(
            tr(
                "{shots} solved examples are asked for before each item, and there are {count}",
                shots=num_shots,
                count=least,
            ),
            where=task.spec.examples or task.data_source,
            fix=tr("Ask for fewer, or name a file with more of them as `examples`."),
        )


def _with_examples(task: LocalSet, asked: Asked, num_shots: int) -> str:
    """An item's prompt with solved ones before it: the first of the examples, never the item itself."""
    if not num_shots:
        return asked.prompt
    others = (item for item in task.examples or task.items if item.sha256 != asked.sha256)
    solved = [item.prompt + _joint(item.prompt) + item.answers[item.gold] for item in islice(others, num_shots)]
    return BETWEEN.join([*solved, asked.prompt])


def _joint(prompt: str) -> str:
    """What stands between a prompt and an answer: a space, unless there is nothing or a new line before it."""
    return "" if not prompt or prompt[-1].isspace() else " "


def _run_choices(
    scorer: Scorer, task: LocalSet, items: Sequence[Asked], prompts: Sequence[str], advance: Advance | None
) -> _Answers:
    pairs = [
        (prompt, _joint(prompt) + answer)
        for item, prompt in zip(items, prompts, strict=True)
        for answer in item.answers
    ]
    try:
        scored = iter(scorer.log_likelihoods(pairs, advance))
    except FournilError as error:
        raise _with_row(error, scorer, task, items, prompts) from error
    found = _Answers()
    for number, item in enumerate(items):
        own: list[Scored] = [next(scored) for _ in item.answers]
        values_K = np.array([one.value for one in own])
        lengths_K = np.array([len(answer) for answer in item.answers])
        choice, by_length = int(np.argmax(values_K)), int(np.argmax(values_K / lengths_K))
        details = {
            "question": item.question,
            "choices": list(item.choices),
            "log_likelihoods": values_K.tolist(),
            "choice": choice,
            "gold": item.gold,
        }
        found.num_truncated += any(one.truncated for one in own)
        found.num_uneven += any(one.uneven for one in own)
        values = {"acc": float(choice == item.gold), "acc_norm": float(by_length == item.gold)}
        found.items.append(Item(number, item.sha256, values, details))
    found.measures = _means(task, found.items)
    found.measures += baseline_measures(items, task.spec.main)
    return found


def _with_row(
    error: FournilError, scorer: Scorer, task: LocalSet, items: Sequence[Asked], prompts: Sequence[str]
) -> FournilError:
    """The same error with the place of the item whose answers the model cannot read, if it is such an error."""
    for number, (item, prompt) in enumerate(zip(items, prompts, strict=True), 1):
        try:
            scorer.encoder.pairs([(prompt, _joint(prompt) + answer) for answer in item.answers])
        except FournilError as own:
            return FournilError(own.what, where=f"{task.data_source}:{number}", fix=own.fix, code=own.code)
    return error


def baseline_measures(items: Sequence[Asked], metric: str) -> list[Measure]:
    """What is reached without reading the question, as figures beside a metric of choices."""
    return [
        Measure(metric, float(baselines.BASELINES[system](items).mean()), system=system)
        for system in (CHANCE, LONGEST, HIDDEN)
        if system != HIDDEN or 2 <= len(items) <= MAX_HIDDEN
    ]


def _run_reading(
    scorer: Scorer, task: LocalSet, items: Sequence[Asked], prompts: Sequence[str], advance: Advance | None
) -> _Answers:
    written = scorer.generate(
        prompts, stops=[STOPS] * len(prompts), max_new_tokens=task.spec.max_tokens, advance=advance
    )
    found = _Answers(num_truncated=sum(one.truncated for one in written))
    language = primary(task.spec.language)
    for number, (item, one) in enumerate(zip(items, written, strict=True)):
        text = one.text.strip()
        values = {"f1": f1(text, item.answers, language), "exact": exact(text, item.answers, language)}
        details = {"question": item.question, "text": text, "references": list(item.answers)}
        found.items.append(Item(number, item.sha256, values, details))
    found.measures = _means(task, found.items)
    return found


def _run_translation(
    scorer: Scorer, task: LocalSet, items: Sequence[Asked], prompts: Sequence[str], advance: Advance | None
) -> _Answers:
    """Translate as the model was taught to, where it was; else as a text that goes on."""
    spec, engine = task.spec, scorer.engine
    source, target = primary(spec.source_language), primary(spec.language)
    found = _Answers()
    if engine.chat is not None and engine.chat.language_token(target) is not None:
        found.extra["asked"] = "chat"
        found.prompts = [item.source for item in items[:NUM_PROMPTS]]
        texts = answers_of(engine, [item.source for item in items], source, target, num_beams=1)
        if advance is not None:
            advance(len(items))
    else:
        found.extra["asked"] = "text"
        written = scorer.generate(
            prompts, stops=[STOPS] * len(prompts), max_new_tokens=spec.max_tokens, advance=advance
        )
        found.num_truncated = sum(one.truncated for one in written)
        texts = [one.text.strip() for one in written]
    for number, (item, text) in enumerate(zip(items, texts, strict=True)):
        values = {"chrf": float(chrf_of_sums(np.array([chrf_best(text, item.answers)]))[0])}
        details = {"source": item.source, "text": text, "references": list(item.answers)}
        found.items.append(Item(number, item.sha256, values, details))
    return found


def _translation_measures(
    spec: Spec, items: Sequence[Asked], texts: Sequence[str], num_bootstrap: int
) -> list[Measure]:
    """The figures of all that was written, and of the sources as they are."""
    copied = [item.source for item in items]
    statistics = {"chrf": (chrf_best, chrf_of_sums), "bleu": (bleu_best, bleu_of_sums)}
    weights_SN = resample_weights(len(items), num_bootstrap, seed=0)
    measures = []
    for metric, (of_item, of_sums) in statistics.items():
        for system, said in ((MODEL, texts), (COPY, copied)):
            if system == COPY and metric != spec.main:
                continue
            sums_NK = np.array([of_item(text, item.answers) for text, item in zip(said, items, strict=True)])
            point = float(of_sums(sums_NK.sum(axis=0, keepdims=True))[0])
            value = bootstrapped(point, of_sums(weights_SN @ sums_NK)) if num_bootstrap else None
            measures.append(
                Measure(
                    metric,
                    point,
                    main=metric == spec.main and system == MODEL,
                    system=system,
                    standard_error=value.standard_error if value else None,
                    interval=value.interval if value else None,
                )
            )
    return measures


def _run_text(
    scorer: Scorer, task: LocalSet, items: Sequence[Asked], prompts: Sequence[str], advance: Advance | None
) -> _Answers:
    texts = [item.answers[0] for item in items]
    values = scorer.rolling(texts, advance)
    found = _Answers(prompts=[""])
    for number, (item, text, value) in enumerate(zip(items, texts, values, strict=True)):
        num_bytes = len(text.encode())
        own = {"bits_per_byte": -value / num_bytes / np.log(2)}
        details = {"log_likelihood": value, "num_bytes": num_bytes, "parts": {"bits_per_byte": [value, num_bytes]}}
        found.items.append(Item(number, item.sha256, own, details))
    total = -sum(values) / sum(len(text.encode()) for text in texts) / float(np.log(2))
    found.measures = [Measure("bits_per_byte", total, higher_is_better=False, main=True, aggregation="bits_per_byte")]
    return found


def _means(task: LocalSet, items: Sequence[Item]) -> list[Measure]:
    def mean(values: Iterable[float]) -> float:
        return float(np.mean(list(values)))

    return [
        Measure(metric, mean(item.values[metric] for item in items), main=metric == task.spec.main)
        for metric in METRICS[task.spec.kind]
    ]
