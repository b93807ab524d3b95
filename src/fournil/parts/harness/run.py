"""Score a model on one of lm_eval's tasks: its prompts, its metrics, one call of the model for all of its items."""

from __future__ import annotations

import math
import weakref
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash
from fournil.core.speech import tr
from fournil.parts.harness import rouge
from fournil.parts.harness.load import OFFICIAL, load_task, quietly, seeded, telling
from fournil.parts.harness.names import Named, select
from fournil.parts.harness.result import BITS_PER_BYTE, PERPLEXITY, ROUGE, Note, TaskRun

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.api.task import ConfigurableTask

NUM_PROMPTS = 3
"""Contexts that are kept in full."""
SEED = 1234
"""lm_eval's own for drawing worked examples."""

ProgressTo = Callable[[int, int], None]
"""Told how many requests are finished, and of how many."""


Known = dict[bytes, tuple[Any, Note]]
"""Answers by the hash of the request's kind and words."""


class Answers:
    """What a model answered, kept for a task's other edition, often of the same prompts; of one model at a time.

    The model is not held by them; when it goes, they go.
    """

    def __init__(self) -> None:
        self._model: weakref.ref[Any] | None = None
        self._known: Known = {}

    def of(self, lm: LM) -> Known:
        """Return the answers of a model by request; another model's are forgotten."""
        model = getattr(lm, "scorer", lm)
        if self._model is None or self._model() is not model:
            known: Known = {}
            self._model, self._known = weakref.ref(model, lambda _: known.clear()), known
        return self._known

    def forget(self) -> None:
        """Let go of all of them."""
        self._model, self._known = None, {}


def run_task(
    name: str | Named,
    lm: LM,
    *,
    shots: int | None = None,
    seed: int = SEED,
    limit: int | None = None,
    data: Path | None = None,
    edition: str = OFFICIAL,
    progress: ProgressTo | None = None,
    answers: Answers | None = None,
) -> TaskRun:
    """Score a model on a task, or on a group of tasks as one (mmlu).

    Args:
        name: A task of lm_eval.
        lm: A model. One with `notes` (a `Note` per request of its last call) has cut and uneven items counted; one
            with an attribute `advance` has it called with numbers of finished requests.
        shots: How many worked examples before each item; None for as many as the definition says. Tasks that allow
            none get none.
        seed: For drawing them, where the definition draws.
        limit: The most items, of each task of a group; None or 0 for all.
        data: A folder with data sets; None for the hub.
        edition: `official`, or `fixed` for the mended definition.
        progress: Told how far it is.
        answers: Where answers are kept, so that another edition of the task need not ask for the same again.

    Raises:
        FournilError: The extra or the data is missing, the data does not fit, or the model cannot answer.
    """
    task = name if isinstance(name, Named) else select([name])[0]
    with quietly(), seeded():
        loaded = load_task(task, shots=shots, seed=seed, data=data, edition=edition)
        for own, each in loaded.tasks.items():
            with telling(own):  # asking a task for its name draws a random one, which lm_eval does not at this point
                each.build_all_requests(limit=limit or None)
        requests = [request for each in loaded.tasks.values() for request in each.instances]
        notes = _answer(lm, requests, progress, None if answers is None else answers.of(lm))
        scored = [_Scored(name, each, notes) for name, each in loaded.tasks.items()]
        for each in scored:
            with telling(each.name):
                each.score()
    metrics = {key: value for one in scored for key, value in one.metrics.items()}
    if loaded.group is not None:
        metrics = _of_group(loaded.group, scored)
    first = scored[0]
    items = [item for one in scored for item in one.items]
    for number, item in enumerate(items):
        item["item"] = number
        if loaded.group is None:
            del item["details"]["subtask"]
    main = task.main or next(iter(metrics), "")
    if main not in metrics:
        raise FournilError(tr("the task {name} gives no metric {metric!r}", name=task.name, metric=main))
    return TaskRun(
        task=task.fixed if edition != OFFICIAL else task.name,
        edition=edition,
        of=task.name,
        language=task.language,
        pair=task.pair,
        shots=int(first.task.get_config("num_fewshot") or 0),
        seed=seed,
        version=str(loaded.group.version if loaded.group is not None else _version(first.task)),
        main=main,
        num_items=len(items),
        data_sha256=canonical_hash([one.data_sha256 for one in scored]),
        data_source=loaded.source,
        metrics=metrics,
        aggregations={key: value for one in scored for key, value in one.aggregations.items() if key in metrics},
        higher_is_better={key: value for one in scored for key, value in one.higher.items() if key in metrics},
        items=items,
        prompts=_first_prompts(requests),
        num_truncated=sum(item["details"].get("truncated", False) for item in items),
        num_uneven=sum(item["details"].get("uneven", False) for item in items),
    )


def _first_prompts(requests: Sequence[Instance]) -> list[str]:
    contexts = {(request.task_name, request.doc_id): str(request.args[0]) for request in reversed(requests)}
    return list(reversed(contexts.values()))[:NUM_PROMPTS]


def _version(task: ConfigurableTask) -> str:
    return "" if task.VERSION in (None, "Yaml") else str(task.VERSION)


def _key(kind: str, request: Instance) -> bytes:
    return sha256(repr((kind, request.args)).encode("utf-8", "surrogatepass")).digest()


def _answer(lm: LM, requests: Sequence[Instance], progress: ProgressTo | None, known: Known | None) -> dict[int, Note]:
    """Have the model answer all requests of each kind at once; returns what it noted, by the request's identity.

    What is known already is not asked again, but for repeats: their answers are drawn, and meant to differ. None keeps
    nothing.
    """
    notes: dict[int, Note] = {}
    by_kind: dict[str, list[Instance]] = defaultdict(list)
    for request in requests:
        by_kind[request.request_type] += [request] * (request.repeats or 1)
    total, done = sum(map(len, by_kind.values())), 0

    def advance(amount: float = 1) -> None:
        nonlocal done
        done += int(amount)
        if progress is not None:
            progress(done, total)

    hooked = hasattr(lm, "advance")
    if hooked:
        setattr(lm, "advance", advance)  # noqa: B010 - a plain LM has none
    try:
        for kind, wanted in by_kind.items():
            keys = [] if known is None else [_key(kind, request) for request in wanted]
            found = {} if known is None else {place: known[key] for place, key in enumerate(keys) if key in known}
            asked = [place for place, one in enumerate(wanted) if place not in found or (one.repeats or 1) > 1]
            if len(asked) < len(wanted):
                advance(len(wanted) - len(asked))
            before = done
            said = getattr(lm, kind)([wanted[place] for place in asked]) if asked else []
            if asked and (not hooked or done == before):
                advance(len(asked))
            found.update(zip(asked, zip(said, _notes(lm, len(asked)), strict=True), strict=True))
            for place, request in enumerate(wanted):
                answer, note = found[place]
                request.resps.append(answer)
                last = notes.get(id(request), Note())
                notes[id(request)] = Note(last.truncated or note.truncated, last.uneven or note.uneven)
            if known is not None:
                known.update({keys[place]: found[place] for place in asked})
    finally:
        if hooked:
            setattr(lm, "advance", None)  # noqa: B010
    return notes


def _notes(lm: LM, count: int) -> Sequence[Note]:
    notes = getattr(lm, "notes", None)
    return notes if notes is not None and len(notes) == count else [Note()] * count


@dataclass
class _Scored:
    """One task's answers made into figures."""

    name: str
    task: ConfigurableTask
    notes: dict[int, Note]
    metrics: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    aggregations: dict[str, str] = field(default_factory=dict)
    higher: dict[str, bool] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    data_sha256: str = ""

    def score(self) -> None:
        """Fill it in, as lm_eval's evaluator goes about it."""
        task = self.task
        task.apply_filters()
        by_doc: dict[int, list[Instance]] = defaultdict(list)
        for request in task.instances:
            assert request.doc_id is not None
            by_doc[request.doc_id].append(request)
        raw: dict[str, list[Any]] = defaultdict(list)
        for doc_id, requests in by_doc.items():
            requests.sort(key=lambda request: request.idx)
            item = self._item(doc_id, requests)
            for key in requests[0].filtered_resps:
                found = task.process_results(requests[0].doc, [request.filtered_resps[key] for request in requests])
                for metric, value in found.items():
                    name = metric if key == "none" else f"{metric},{key}"
                    raw[name].append(value)
                    self._put(item, name, metric, value)
            self.items.append(item)
        for name, values in raw.items():
            metric = name.split(",")[0]
            aggregate = self._aggregate(metric)
            self.metrics[name] = (float(aggregate(values)), self._error(aggregate, values))
            self.aggregations[name] = _name_of(aggregate)
            self.higher[name] = bool(task.higher_is_better().get(metric, True))
        hashes = [item["sha256"] for item in self.items]
        self.data_sha256 = canonical_hash([*hashes, [_hash(doc) for doc in self._pool()]])

    def _pool(self) -> Sequence[Any]:
        """The documents that worked examples come from."""
        sampler = getattr(self.task, "sampler", None)
        return sampler.df if sampler is not None and self.task.get_config("num_fewshot") else []

    @cached_property
    def _mean(self) -> Any:  # noqa: ANN401 - lm_eval's
        from lm_eval.api.metrics import mean

        return mean

    def _aggregate(self, metric: str) -> Callable[[Sequence[Any]], float]:
        return self.task.aggregation().get(metric, self._mean)

    def _error(self, aggregate: Callable[..., float], values: Sequence[Any]) -> float | None:
        """Return the standard error where lm_eval has a formula; resampling is others' work."""
        from lm_eval.api.metrics import mean_stderr

        if aggregate is not self._mean or len(values) < 2:
            return None
        return float(mean_stderr(values))

    def _item(self, doc_id: int, requests: Sequence[Instance]) -> dict[str, Any]:
        task, doc = self.task, requests[0].doc
        kind = str(task.OUTPUT_TYPE)
        notes = [self.notes.get(id(request), Note()) for request in requests]
        details: dict[str, Any] = {"subtask": self.name}
        arguments: list[tuple[Any, ...]] = [request.args for request in requests]
        answers: list[Any] = [request.resps[0] for request in requests]
        if kind == "loglikelihood_rolling":
            details["log_likelihood"] = float(answers[0])
        elif kind == "generate_until":
            details |= {"text": _json(answers[0]), "reference": _json(task.doc_to_target(doc))}
        else:
            scores = [float(answer[0]) for answer in answers]
            details |= {
                "choices": [argument[1] for argument in arguments],
                "log_likelihoods": scores,
                "greedy": [bool(answer[1]) for answer in answers],
                "choice": max(range(len(scores)), key=scores.__getitem__),
                "gold": _json(task.doc_to_target(doc)),
            }
        for name in Note._fields:
            if any(getattr(note, name) for note in notes):
                details[name] = True
        return {"item": doc_id, "sha256": _hash(doc), "values": {}, "details": details}

    def _put(self, item: dict[str, Any], name: str, metric: str, value: Any) -> None:  # noqa: ANN401
        aggregate = self._aggregate(metric)
        kind = _name_of(aggregate)
        if kind in (PERPLEXITY, BITS_PER_BYTE):
            item["details"].setdefault("parts", {})[name] = [float(part) for part in value]
        alone = _alone(aggregate, value)
        if alone is not None and math.isfinite(alone):
            item["values"][name] = alone


def _name_of(aggregate: Callable[..., float]) -> str:
    """Return what a function is called; one that has no name, as `partial` makes them, is called after its type."""
    return str(getattr(aggregate, "__name__", type(aggregate).__name__))


def _alone(aggregate: Callable[[Sequence[Any]], float], value: Any) -> float | None:  # noqa: ANN401
    """Return what an item would score if there were no other.

    None where the metric cannot say: it has no words, a score past floats, or needs several items; only what a task
    makes of all of them is its score.
    """
    try:
        if _name_of(aggregate) == ROUGE:
            return rouge.rouge1_of(*value)
        if isinstance(value, bool | int | float) or hasattr(value, "item"):
            return float(value)
        return float(aggregate([value]))
    except MemoryError:
        raise
    except Exception:  # a metric is code of the definition's: it can raise anything
        return None


def _of_group(group: Any, scored: Sequence[_Scored]) -> dict[str, tuple[float, float | None]]:  # noqa: ANN401
    """Aggregate as lm_eval does; a group that says nothing of aggregation gives the mean of all items."""
    found: dict[str, dict[str, Any]] = {}
    for one in scored:
        found[one.name] = {"sample_len": len(one.items)}
        for metric, (value, error) in one.metrics.items():
            key, _, filter_ = metric.partition(",")
            found[one.name][f"{key},{filter_ or 'none'}"] = value
            found[one.name][f"{key}_stderr,{filter_ or 'none'}"] = "N/A" if error is None else error
    metrics: dict[str, tuple[float, float | None]] = {}
    for key, value in group.aggregate(found).items():
        metric, comma, filter_ = key.partition(",")
        if not comma or metric.endswith("_stderr"):
            continue
        error = group.aggregate(found).get(f"{metric}_stderr,{filter_}")
        name = metric if filter_ == "none" else f"{metric},{filter_}"
        metrics[name] = (float(value), float(error) if isinstance(error, float) else None)
    if not metrics:
        raise FournilError(
            tr("the group {name} has no score of its own", name=group.name), fix=tr("Name the tasks that you want.")
        )
    return metrics


def _hash(doc: Any) -> str:  # noqa: ANN401 - whatever a data set holds
    return canonical_hash(_json(doc))


def _json(value: Any) -> Any:  # noqa: ANN401 - whatever a data set holds
    """Return what JSON can hold of a value."""
    if isinstance(value, dict):
        return {str(key): _json(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(part) for part in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "item"):
        return value.item()
    return str(value)
