"""Scores tasks one by one: what is finished is kept, what fails says why, and the rest goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash, write_json
from fournil.core.speech import Message, mark, markn, retell, tr
from fournil.parts.model.resolve import shown_name
from fournil.parts.scoring import Scorer, open_scorer
from fournil.parts.train.kept import kept, last_step
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.hashing import hash_model
from fournil.stages.evaluate.intervals import task_rows
from fournil.stages.evaluate.outputs import read_task, write_hub_results, write_items, write_lm_eval, write_task
from fournil.stages.evaluate.result import MODEL, Failure, Item, TaskResult, label_of
from fournil.stages.evaluate.suite import Job, name_of_job

REVISION = 2
"""Raised when scoring changes meaning: what earlier tries finished then counts no longer."""


@dataclass
class Tasks:
    """What came of all tasks."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """Scores of the model."""
    on_the_way: list[dict[str, Any]] = field(default_factory=list)
    """Scores of its checkpoints."""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    fidelity: dict[str, Any] = field(default_factory=dict)
    num_resumed: int = 0
    """Tasks that an earlier try had finished, on checkpoints too."""

    def headline(self) -> list[Message]:
        """How many were scored, and how many were not."""
        done = sum(block["status"] == "done" for block in self.blocks)
        failed = len(self.blocks) - done
        said = [markn("{count:,} task scored", "{count:,} tasks scored", done)] if self.blocks else []
        return said + ([markn("{count:,} failed", "{count:,} failed", failed)] if failed else [])


def score_tasks(
    jobs: Sequence[Job],
    inputs: Mapping[str, Path],
    out: Path,
    config: Config,
    context: Context,
    model_sha256: str,
) -> Tasks:
    """Score every job, and fidelity where it is asked for.

    Args:
        jobs: What is asked for.
        inputs: `model`; `base`, the model before finetuning, whose checkpoints come first in curves; `before` and
            `killed`, what the stage left last time and when it was killed, from which finished tasks are taken.
        out: Where finished tasks are kept.
        config: Settings.
        context: Device, threads, progress, languages.
        model_sha256: Of the model.

    Raises:
        FournilError: The model cannot be loaded, or there are no checkpoints to draw curves from.
    """
    found = Tasks()
    stops = checkpoints_of(inputs, config) if config.checkpoints and jobs else []
    earlier = [inputs[role] for role in ("killed", "before") if role in inputs]
    runner = _Runner(config, context, [out, *earlier])
    results, failures = runner.run(jobs, inputs["model"], model_sha256, out)
    for job in jobs:
        name = name_of_job(job)
        if name in results:
            found.rows += task_rows(results[name], model_sha256, config.num_bootstrap)
            found.blocks.append(results[name].block())
        else:
            found.blocks.append(failures[name].block())
    if config.fidelity:
        fidelity = runner.fidelity(inputs["model"], model_sha256, out)
        if isinstance(fidelity, Failure):
            found.blocks.append(fidelity.block())
        else:
            found.fidelity, rows = fidelity
            found.rows += rows
    found.num_resumed = runner.num_resumed
    runner.close()  # a checkpoint takes as much memory again
    scored = list(results.values())
    if scored:
        write_lm_eval(out, scored, found.rows, shown_name(inputs["model"]), config)
        write_hub_results(out, scored)
    points: dict[str, list[dict[str, Any]]] = {name: [] for name in results}
    for step, folder in stops:
        own = out / "checkpoints" / f"step-{step:08d}"
        sha256 = model_sha256 if folder == inputs["model"] else hash_model(folder)
        at_step = results
        if folder != inputs["model"]:
            wanted = [job for job in jobs if name_of_job(job) in results]
            at_this = [place / "checkpoints" / own.name for place in earlier]
            runner = _Runner(config, context, [own, *at_this], step)
            at_step, failures = runner.run(wanted, folder, sha256, own)
            runner.close()
            found.num_resumed += runner.num_resumed
            found.blocks += [failure.block() for failure in failures.values()]
        for name, result in at_step.items():
            rows = task_rows(result, sha256, config.num_bootstrap, checkpoint=step)
            if folder != inputs["model"]:
                found.on_the_way += rows
            main = next(row for row in rows if row["main"] and row["system"] == MODEL)
            points[name].append({"step": step, "value": main["value"], "interval": main["interval"]})
    if stops:
        found.curves = [_curve(results[name], points[name]) for name in results]
    return found


def _curve(result: TaskResult, points: list[dict[str, Any]]) -> dict[str, Any]:
    main = next(measure for measure in result.measures if measure.main and measure.system == MODEL)
    return {
        "task": result.task,
        "edition": result.edition,
        "metric": main.metric,
        "language": result.language,
        "pair": result.pair,
        "higher_is_better": main.higher_is_better,
        "points": points,
    }


def checkpoints_of(inputs: Mapping[str, Path], config: Config) -> list[tuple[int, Path]]:
    """List the models that curves go through, by step of the whole training: pretraining, then finetuning.

    Raises:
        FournilError: There are none, or not the ones asked for.
    """
    found: list[tuple[int, Path]] = []
    begun = 0
    base = inputs.get("base") or inputs.get("base_of_model")
    for model in dict.fromkeys(folder for folder in (base, inputs["model"]) if folder is not None):
        last = last_step(model)
        found += [(begun + step, folder) for step, folder in (*kept(model), (last, model))]
        begun += last
    steps = config.steps()
    missing = sorted(set(steps) - {step for step, _ in found})
    if missing or len(found) < 2:
        known = ", ".join(str(step) for step, _ in found)
        what = tr("no checkpoint of step {step}", step=missing[0]) if missing else tr("no checkpoints were kept")
        fix = tr("There are: {steps}. Trainings keep them where `keep_every` is set.", steps=known)
        raise FournilError(what, where=inputs["model"], fix=fix)
    return [(step, folder) for step, folder in found if not steps or step in steps]


class _Runner:
    """Scores jobs on one model, which is loaded when the first of them is not finished yet.

    Args:
        config: Settings.
        context: Device, threads, progress.
        places: Where finished tasks may be found.
        step: Of the training, where the model is a checkpoint.
    """

    def __init__(self, config: Config, context: Context, places: Sequence[Path], step: int | None = None) -> None:
        self.config, self.context, self.places, self.step = config, context, places, step
        self.num_resumed = 0
        self._scorer: Scorer | None = None

    def scorer(self, model: Path) -> Scorer:
        if self._scorer is None:
            self._scorer = open_scorer(
                model, device=self.context.device, precision=self.config.precision, threads=self.context.threads
            )
        return self._scorer

    def close(self) -> None:
        """Let go of the model."""
        self._scorer = None

    def run(
        self, jobs: Sequence[Job], model: Path, sha256: str, out: Path
    ) -> tuple[dict[str, TaskResult], dict[str, Failure]]:
        """Score jobs; what is finished stands in `out` at once."""
        results: dict[str, TaskResult] = {}
        failures: dict[str, Failure] = {}
        for number, job in enumerate(jobs, 1):
            name = name_of_job(job)
            key = canonical_hash(
                {"job": job.identity(), "model": sha256, "precision": self.config.precision, "revision": REVISION}
            )
            done = self._finished(job, name, key, out)
            if done is not None:
                results[name] = done
                continue
            if self.step is None:  # without the model there is nothing to score; without a checkpoint, one point less
                self.scorer(model)
            title = self._title(job, number, len(jobs))
            try:
                scorer = self.scorer(model)
                with self.context.progress.task(title, job.total(), tr("requests")) as bar:
                    result = job.score(scorer, bar)
                _refuse_not_finite(result)
                scored_as = {"precision": self.config.precision, "limit": self.config.limit, "model_sha256": sha256}
                result = replace(result, **scored_as)
            except MemoryError:
                raise
            except Exception as error:  # whatever a task's own code raises on data that it does not expect
                failures[name] = Failure(job.task, job.edition, job.language, _reason(error), job.pair, self.step)
                self._tell(failures[name])
                continue
            write_task(out, result, key)
            results[name] = result
        return results, failures

    def _tell(self, failure: Failure) -> None:
        reason = retell(failure.reason)
        self.context.progress.note(tr("{task} failed: {reason}", task=label_of(failure.block()), reason=reason))

    def _title(self, job: Job, number: int, total: int) -> str:
        known = {"task": job.task, "edition": job.edition, "language": job.language, "number": number, "total": total}
        if self.step is not None:
            return tr("Step {step:,}: {task} in {language} ({number} of {total})", step=self.step, **known)
        return tr("{task} in {language}, {edition} ({number} of {total})", **known)

    def _finished(self, job: Job, name: str, key: str, out: Path) -> TaskResult | None:
        for place in self.places:
            found = read_task(place, name, key)
            if found is not None and job.is_current(found):
                self.num_resumed += 1
                if place != out:
                    write_task(out, found, key)
                return found
        return None

    def fidelity(self, model: Path, sha256: str, out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]] | Failure:
        """Language fidelity: facts and score rows; kept like a task, and failing like one."""
        from fournil.stages.evaluate.fidelity import EDITION, run_fidelity
        from fournil.stages.evaluate.fidelity.fidelity import TASK

        settings = {"languages": list(self.context.languages), "seed": self.context.seed, "edition": EDITION}
        settings |= {"num_bootstrap": self.config.num_bootstrap, "revision": REVISION}
        key = canonical_hash({"fidelity": settings, "model": sha256, "precision": self.config.precision})
        for place in self.places:
            kept_before = _read_kept(place / "tasks" / "fidelity.json", key)
            if kept_before is not None:
                items = {language: [Item(**row) for row in rows] for language, rows in kept_before["items"].items()}
                found = kept_before["facts"], kept_before["rows"]
                break
        else:
            scorer = self.scorer(model)
            try:
                ran = run_fidelity(
                    scorer,
                    self.context.languages,
                    seed=self.context.seed,
                    progress=self.context.progress,
                    model_sha256=sha256,
                    num_bootstrap=self.config.num_bootstrap,
                )
            except MemoryError:
                raise
            except Exception as error:  # as of tasks: the others' scores are written
                failure = Failure(TASK, EDITION, "", _reason(error))
                self._tell(failure)
                return failure
            items, found = ran.items, (ran.facts, ran.rows)
        rows = {
            language: [{"item": i.item, "sha256": i.sha256, "values": i.values, "details": i.details} for i in own]
            for language, own in items.items()
        }
        for language, own in items.items():
            write_items(out, f"{TASK}-{language}", f"{TASK}-{language}", EDITION, own)
        told = {"key": key, "precision": self.config.precision, "facts": found[0], "rows": found[1], "items": rows}
        write_json(out / "tasks" / "fidelity.json", told)
        return found


def _read_kept(path: Path, key: str) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return found if found["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refuse_not_finite(result: TaskResult) -> None:
    for measure in result.measures:
        if not math.isfinite(measure.value):
            raise FournilError(
                tr("{metric} is not a finite number", metric=measure.metric),
                where=result.task,
                fix=tr("Look at the task's data, and at whether the model answers at all."),
            )


def _reason(error: Exception) -> Message:
    if not isinstance(error, FournilError):
        return mark("unexpected {kind}: {error}", kind=type(error).__name__, error=str(error)[:500])
    if error.where and error.fix:
        return mark("{what} [{where}]. {fix}", what=error.what, where=error.where, fix=error.fix)
    if error.where or error.fix:
        return mark("{what}: {more}", what=error.what, more=error.where or error.fix or "")
    return mark("{what}", what=error.what)
