"""The flow: which stages there are, which are stale, running those, and the ledger that only this module writes."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fournil.core import ledger
from fournil.core.context import Artifact, Context
from fournil.core.energy import Meter, peak_memory_bytes, reset_peak_memory
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.files import TEMPORARY, canonical_hash, hash_tree, mending, remove_leftovers, sha256_file, write_text
from fournil.core.record import (
    FILE_NAME,
    Record,
    artifact_fields,
    code_version,
    freshness_key,
    machine,
    read_record,
    write_record,
)
from fournil.core.settings import to_table
from fournil.core.speech import tr
from fournil.parts.model.resolve import base_of
from fournil.recipe import SECTIONS, Recipe, freeze

STAGES = SECTIONS
"""The stages in order. The recipe's sections, the folders of a run and the numbered docs show the same order."""

KEY = ".key"
"""Beside an output that is not in the ledger yet: the hash of what decides it, and the seconds of killed tries."""

KILLED = ".killed"
"""Beside outputs that are not finished: what tries by other settings left of stages that take parts of it over."""

RECIPE_NAME = "recipe.lock.toml"
"""In a run folder: every value of the recipe, resolved."""

BASE_MODEL = "base"
"""How evaluate and export name the pretrained model; finetuned ones have their own names."""


@dataclass(frozen=True)
class Step:
    """One stage of one run, with where its inputs come from."""

    stage: str
    name: str
    """The stage's name, or the finetuned model's."""
    folder: str
    config: Any
    inputs: dict[str, str | Path] = field(default_factory=dict)
    """Role → folder of an earlier step of this run (a string), or a path outside the run."""

    @property
    def label(self) -> str:
        """How messages name the step."""
        return self.folder


def folder_of(stage: str) -> str:
    """Return the folder of a stage, such as `02-curate`."""
    return f"{STAGES.index(stage) + 1:02d}-{stage}"


def steps_of(recipe: Recipe) -> list[Step]:
    """Lay out a recipe's steps in order, each with its inputs."""
    steps: list[Step] = []
    models: dict[str, str] = {}
    for stage in (stage for stage in STAGES if stage in recipe.stages):
        for config in recipe.stages[stage]:
            folder = folder_of(stage)
            name = stage
            if stage == "finetune":
                name = config.name
                folder = f"{folder}/{name}"
                if name == BASE_MODEL:
                    raise FournilError(
                        tr("a finetuned model cannot be called {name!r}: the pretrained one is", name=name),
                        where=f"finetune.{name}",
                        fix=tr("Give it another name."),
                        code=EXIT_USAGE,
                    )
                if name in models:
                    raise FournilError(
                        tr("two models are called {name!r}", name=name),
                        where=f"finetune.{name}",
                        fix=tr("Give each [[finetune]] a name of its own."),
                        code=EXIT_USAGE,
                    )
            inputs = _inputs(stage, config, recipe, models)
            steps.append(Step(stage, name, folder, config, inputs))
            if stage in ("pretrain", "finetune"):
                models[BASE_MODEL if stage == "pretrain" else name] = folder
    return steps


def _inputs(stage: str, config: Any, recipe: Recipe, models: dict[str, str]) -> dict[str, str | Path]:  # noqa: ANN401
    if stage == "curate":
        return {"sources": folder_of("sources")}
    if stage == "tokenizer":
        return {"curate": folder_of("curate")}
    if stage == "pretrain":
        return {"tokenizer": folder_of("tokenizer")}
    if stage in ("finetune", "export"):
        found: dict[str, str | Path] = {"model": _model(config.model, models, stage)}
        return found | ({"curate": folder_of("curate")} if stage == "finetune" else {})
    if stage == "evaluate":
        text: dict[str, str | Path] = {}
        if "curate" in recipe.stages:
            text = {"curate": folder_of("curate")}
        elif "sources" in recipe.stages or not (config.tasks or config.fidelity):
            text = {"text": folder_of("sources")}
        model = _model(config.model, models, stage)
        if config.checkpoints and isinstance(model, Path):
            origin = base_of(model)  # a finetuned model of another run: curves begin with its pretraining
            text |= {"base_of_model": origin} if origin else {}
        base = (
            {"base": models[BASE_MODEL]} if model in models.values() and models.get(BASE_MODEL, model) != model else {}
        )
        return {"model": model, **base, **text}
    if stage == "report" and "export" in recipe.stages:
        return {"export": folder_of("export")}
    return {}


def _model(wanted: str, models: dict[str, str], stage: str) -> str | Path:
    if not wanted and models:
        return list(models.values())[-1]
    if wanted in models:
        return models[wanted]
    if wanted and Path(wanted).expanduser().is_dir():
        return Path(wanted).expanduser().resolve()
    what = tr("no model {name!r}", name=wanted) if wanted else tr("no model is named")
    if models:
        names = ", ".join(models)
        fix = tr("Models before this stage: {names}; or name a folder in the Hugging Face layout.", names=names)
    else:
        fix = tr("No stage before this one makes a model; name a folder in the Hugging Face layout.")
    raise FournilError(what, where=f"{stage}.model", fix=fix, code=EXIT_USAGE)


def stage_module(stage: str) -> Any:  # noqa: ANN401 - a module
    """Import a stage: `FORMAT`, `run`, and what only some have.

    `reads` tells files outside the run that it depends on; `unfinished` what failed in a finished record, so that it is
    tried again; `REUSES` that it goes on from what it left last time, which it gets as the input `before`, and from
    what a killed try by other settings left, which it gets as `killed`.
    """
    return importlib.import_module(f"fournil.stages.{stage}")


@dataclass(frozen=True)
class State:
    """Whether a step needs to run."""

    step: Step
    fresh: bool
    why: str
    """`up to date`, or why it is not."""
    record: Record | None = None


def state_of(step: Step, recipe: Recipe, run: Path) -> State:
    """Say whether one step's output is what its config, inputs and format would make now."""
    try:
        record = read_record(run / step.folder)
    except FournilError:
        return State(step, False, tr("its record cannot be read"))
    if record is None:
        return State(step, False, tr("missing"))
    if _was_altered(record, run, step.folder):
        return State(step, False, tr("its record was altered"), record)
    format_now = stage_module(step.stage).FORMAT
    if record.format != format_now:
        why = tr("made by format {old}, now {new}", old=record.format, new=format_now)
        return State(step, False, why, record)
    config = _config_table(step, recipe)
    if record.config != config:
        settings = ", ".join(_differences(record.config, config)[:3])
        return State(step, False, tr("changed: {settings}", settings=settings), record)
    inputs = _hash_inputs(step, run)
    changed = sorted(role for role in inputs if record.inputs.get(role, {}).get("sha256") != inputs[role]["sha256"])
    if changed:
        return State(step, False, tr("changed input: {roles}", roles=", ".join(changed)), record)
    if len(inputs) != len(record.inputs):
        return State(step, False, tr("an input is no longer there"), record)
    if hash_tree(run / step.folder)["sha256"] != record.outputs["sha256"]:
        return State(step, False, tr("its files were altered"), record)
    left = _unfinished(record)
    if left:
        return State(step, False, tr("failed the last time: {names}", names=", ".join(left[:3])), record)
    return State(step, True, tr("up to date"), record)


def _unfinished(record: Record) -> list[str]:
    """Parts of a stage's work that failed while the rest was kept, by its own account."""
    told = getattr(stage_module(record.stage), "unfinished", None)
    return told(record.facts) if told else []


def failures(records: Sequence[Record]) -> list[str]:
    """Return what failed in finished steps, such as single tasks of an evaluation."""
    return [name for record in records for name in _unfinished(record)]


def _was_altered(record: Record, run: Path, folder: str) -> bool:
    """Whether a record is another than the ledger's; one that its key stands beside still has to be entered."""
    if (run / folder / KEY).exists():
        return False
    entered = ledger.latest(ledger.read_ledger(run)).get((record.stage, record.name))
    return entered is not None and entered.to_json() != record.to_json()


def _config_table(step: Step, recipe: Recipe) -> dict[str, Any]:
    shared = {"languages": list(recipe.head.languages), "seed": recipe.head.seed}
    if step.stage in ("export", "report"):
        shared |= {"name": recipe.head.name, "description": recipe.head.description}
    if step.stage == "report":
        shared |= {"title": recipe.head.title, "titles": recipe.head.titles, "descriptions": recipe.head.descriptions}
    table = to_table(step.config)
    for section in getattr(stage_module(step.stage), "WHERE_ONLY", ()):
        table.pop(section, None)
    return {**table, "shared": shared}


def _differences(old: dict[str, Any], new: dict[str, Any], path: str = "") -> list[str]:
    found: list[str] = []
    for key in sorted(set(old) | set(new)):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differences(before, after, f"{path}{key}.")
        elif before != after:
            found.append(f"{path}{key}")
    return found


def _hash_inputs(step: Step, run: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for role, place in step.inputs.items():
        path = run / place if isinstance(place, str) else place
        found[role] = _hash_place(path, str(place))
    reads = getattr(stage_module(step.stage), "reads", None)
    for number, path in enumerate(reads(step.config) if reads else ()):
        found[f"file-{number:04d}"] = _hash_place(path, _outside_name(path))
    if step.stage == "report":
        found["ledger"] = _hash_ledger(run)
    return found


def _outside_name(path: Path) -> str:
    """Name a file outside the run: those of the package without the folder that it is installed in."""
    package = Path(__file__).resolve().parent
    return f"fournil:{path.relative_to(package).as_posix()}" if path.is_relative_to(package) else str(path)


def _hash_place(path: Path, name: str) -> dict[str, Any]:
    if path.is_file():
        return {"path": name, "sha256": sha256_file(path), "bytes": path.stat().st_size}
    if not path.is_dir():
        raise FournilError(tr("no such file or folder"), where=path)
    record = read_record(path)
    tree = record.outputs if record else hash_tree(path)
    return {"path": name, "sha256": tree["sha256"], "bytes": tree["bytes"]}


def _hash_ledger(run: Path) -> dict[str, Any]:
    last = [r for r in ledger.latest(ledger.read_ledger(run)).values() if r.stage != "report"]
    rows = sorted(({"stage": r.stage, "name": r.name, "record": canonical_hash(r.to_json())} for r in last), key=str)
    return {"path": ledger.FILE_NAME, "sha256": canonical_hash(rows), "bytes": 0}


@contextlib.contextmanager
def holding(run: Path) -> Iterator[None]:
    """Hold a run folder while the block runs; a second bake in it is told who holds it.

    Raises:
        FournilError: When another process holds it, or the folder cannot be written.
    """
    path = run / ".lock"
    if run.exists() and not run.is_dir():
        raise FournilError(tr("this is a file, no run folder"), where=run, fix=tr("Choose another with --run."))
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        what = tr("this run folder cannot be written: {reason}", reason=error.strerror or str(error))
        raise FournilError(what, where=run, fix=tr("Choose another with --run.")) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            fix = tr("Wait for it to end, or choose another folder with --run.")
            raise FournilError(_held(file.read()), where=run, fix=fix) from error
        except OSError:  # some network file systems know no locks
            pass
        file.seek(0)
        file.truncate()
        since = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        file.write(json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since}))
        file.flush()
        yield


@contextlib.contextmanager
def leaving_nothing(run: Path) -> Iterator[None]:
    """Take a run folder away again that wrong use made, while nothing was done in it.

    A folder that was there before stays, and so does one in which any work lies.
    """
    new = [path for path in (run, *run.parents) if not path.exists()]
    try:
        yield
    except FournilError as error:
        if error.code == EXIT_USAGE and new and not _has_work(run):
            shutil.rmtree(run, ignore_errors=True)
            for parent in new[1:]:
                with contextlib.suppress(OSError):  # somebody else put something there
                    parent.rmdir()
        raise


def _has_work(run: Path) -> bool:
    names = (path.name for path in run.rglob("*") if path.is_file())
    return any(name not in (".lock", RECIPE_NAME, KEY) and not name.startswith(TEMPORARY) for name in names)


def _held(text: str) -> str:
    try:
        holder = json.loads(text)
        return tr(
            "process {pid} on {host} has been baking in this folder since {since}",
            pid=str(holder["pid"]),
            host=holder["host"],
            since=holder["since"],
        )
    except (ValueError, KeyError, TypeError):  # it is just being written
        return tr("another process is baking in this folder")


Tell = Callable[[Step, str, Record | None], None]
"""Called with a step and `fresh`, `start`, `resume` or `done`."""


Planned = Mapping[str, Mapping[str, float]]
"""Folder of a step → what was planned for it: `seconds`, `memory_bytes`."""


def bake(
    recipe: Recipe,
    run: Path,
    context: Context,
    tell: Tell,
    *,
    until: str | None = None,
    planned: Planned | None = None,
) -> list[Record]:
    """Run every step that is missing or stale, in order.

    Args:
        recipe: What to bake.
        run: The run folder; made when missing.
        context: What stages share.
        tell: Is told what happens.
        until: The last stage to bring up to date; all by default.
        planned: Is kept in the records, beside what the steps then took.

    Returns:
        The records of all steps, fresh ones included.
    """
    records: list[Record] = []
    steps = steps_of(recipe)
    with holding(run), mending(run):
        remove_leftovers(run)
        freeze(recipe, run / RECIPE_NAME)
        for step in steps:
            if until is not None and STAGES.index(step.stage) > STAGES.index(until):
                break
            state = state_of(step, recipe, run)
            if state.fresh and state.record is not None:
                _settle(run, step.folder, state.record)
                tell(step, "fresh", state.record)
                records.append(state.record)
            else:
                records.append(_run_step(state, recipe, run, context, tell, (planned or {}).get(step.folder)))
        if until is None:  # what is left was begun by other settings
            shutil.rmtree(run / ".partial", ignore_errors=True)
    return records


def _run_step(
    state: State, recipe: Recipe, run: Path, context: Context, tell: Tell, planned: Mapping[str, float] | None
) -> Record:
    step, module = state.step, stage_module(state.step.stage)
    config, inputs = _config_table(step, recipe), _hash_inputs(step, run)
    key = freshness_key(step.stage, step.name, module.FORMAT, config, inputs)
    out = run / ".partial" / step.folder
    reuses = getattr(module, "REUSES", False)
    killed = run / ".partial" / KILLED / step.folder
    spent_before = _prepare(out, key, killed if reuses else None)
    tell(step, "start" if spent_before is None else "resume", None)
    if (run / step.folder).exists():
        context.progress.note(tr("made again: {why}", why=state.why))
    record = _finished(out, key)
    if record is None:
        places = {role: run / place if isinstance(place, str) else place for role, place in step.inputs.items()}
        if step.stage == "report":
            places["run"] = run
        if reuses:
            earlier = {"before": run / step.folder, "killed": killed}
            places |= {role: place for role, place in earlier.items() if place.is_dir()}
        meter, began = Meter(), time.monotonic()
        reset_peak_memory()
        artifact: Artifact = module.run(step.config, places, out, context)
        if planned is not None:
            artifact = replace(artifact, measured={**artifact.measured, "planned": dict(planned)})
        record = Record(
            stage=step.stage,
            name=step.name,
            format=module.FORMAT,
            inputs=inputs,
            config=config,
            outputs=hash_tree(out),
            code=code_version(),
            machine=machine() | {"threads": context.threads, "device": context.device},
            seconds=round(time.monotonic() - began + (spent_before or 0.0), 3),
            peak_memory_bytes=peak_memory_bytes(),
            energy=meter.stop().to_json(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            **artifact_fields(artifact),
        )
        write_record(out, record)
    _publish(out, run / step.folder)
    _settle(run, step.folder, record)
    shutil.rmtree(killed, ignore_errors=True)
    tell(step, "done", record)
    return record


def _prepare(out: Path, key: str, killed: Path | None = None) -> float | None:
    """Keep what an earlier try of the same thing left, delete what another left.

    Args:
        out: Where the step writes.
        key: Of all that decides its output.
        killed: Where what another try left is put instead, onto what tries before it left; None to delete it.

    Returns:
        The seconds that earlier tries took, or None when there is nothing to go on from. They are told by the files:
        from the key's time to the last change, try by try, so the time between two tries does not count.
    """
    marker = out / KEY
    if out.is_dir() and marker.is_file():
        held, _, spent = marker.read_text("utf-8", "replace").strip().partition("\n")
        if held == key:
            for unfinished in list(out.rglob(f"{TEMPORARY}*")):  # files and folders that the killed try was writing
                if unfinished.is_dir():
                    shutil.rmtree(unfinished)
                else:
                    unfinished.unlink(missing_ok=True)
            last = max(path.stat().st_mtime for path in out.rglob("*") if path.is_file())
            seconds = float(spent or 0) + max(0.0, last - marker.stat().st_mtime)
            write_text(marker, f"{key}\n{seconds:.3f}\n")
            return seconds
    if out.exists():
        if killed is not None:
            own = shutil.ignore_patterns(f"{TEMPORARY}*", KEY, ".work", FILE_NAME)
            shutil.copytree(out, killed, ignore=own, dirs_exist_ok=True)
        shutil.rmtree(out)
    (out / ".work").mkdir(parents=True)
    write_text(marker, f"{key}\n0\n")
    return None


def _finished(out: Path, key: str) -> Record | None:
    """The record of an output that a killed try had finished, and not yet given its final name."""
    try:
        record = read_record(out)
    except FournilError:
        return None
    if record is None or record.key != key or hash_tree(out)["sha256"] != record.outputs["sha256"]:
        (out / FILE_NAME).unlink(missing_ok=True)
        return None
    return record


def _publish(out: Path, final: Path) -> None:
    """Give a finished output its final name. From here on the record in it says that it is whole."""
    work = out / ".work"
    if work.exists():  # renamed first: a part of it must never be taken for all
        work.replace(out / f"{TEMPORARY}work")
    shutil.rmtree(out / f"{TEMPORARY}work", ignore_errors=True)
    final.parent.mkdir(parents=True, exist_ok=True)
    old = _old(final)
    if old.exists():
        shutil.rmtree(old)
    if final.exists():
        final.replace(old)
    out.replace(final)


def _old(final: Path) -> Path:
    return final.parent / f".old-{final.name}"


def _settle(run: Path, folder: str, record: Record) -> None:
    """Append a record to the ledger unless it is there already, and clear away what a kill left around its output."""
    last = ledger.latest(ledger.read_ledger(run)).get((record.stage, record.name))
    if last is None or last.to_json() != record.to_json():
        ledger.append(run, record)
    (run / folder / KEY).unlink(missing_ok=True)
    remove_leftovers(run / folder)
    shutil.rmtree(_old(run / folder), ignore_errors=True)


def verify(run: Path) -> list[str]:
    """Read every file of a run again and return what does not fit its record, as sentences."""
    wrong: list[str] = []
    for record in ledger.newest_records(run):
        place = folder_of(record.stage) if record.stage in STAGES else record.stage
        place = f"{place}/{record.name}" if record.stage == "finetune" else place
        folder = run / place
        if not folder.is_dir():
            wrong.append(tr("{place}: the folder is missing", place=place))
            continue
        now = hash_tree(folder, trust_times=False)["files"]
        then = record.outputs["files"]
        for name in sorted(set(now) | set(then)):
            if name not in now:
                wrong.append(tr("{place}: missing", place=f"{place}/{name}"))
            elif name not in then:
                wrong.append(tr("{place}: not in the record", place=f"{place}/{name}"))
            elif now[name]["sha256"] != then[name]["sha256"]:
                wrong.append(tr("{place}: altered", place=f"{place}/{name}"))
        if not _is_record(folder, record):
            wrong.append(tr("{place}: not what the ledger says", place=f"{place}/{FILE_NAME}"))
    return wrong


def _is_record(folder: Path, record: Record) -> bool:
    try:
        found = read_record(folder)
    except FournilError:
        return False
    return found is not None and found.to_json() == record.to_json()
