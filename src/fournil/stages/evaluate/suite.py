"""From the names that a person asks for to tasks that can be scored one by one, whoever defines them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.files import canonical_hash, hash_tree
from fournil.core.progress import Bar
from fournil.core.speech import tr
from fournil.parts.harness import names
from fournil.parts.harness.run import Answers
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.result import FIXED, MINI, OFFICIAL, OWN, Item, Measure, TaskResult, file_name

if TYPE_CHECKING:
    from fournil.parts.harness.result import TaskRun
    from fournil.parts.scoring import Scorer
    from fournil.stages.evaluate.sets.items import LocalSet
    from fournil.stages.evaluate.sets.spec import Spec

SET = ".toml"
"""How the name of a local set ends."""


class Job(Protocol):
    """A task that is asked for."""

    @property
    def task(self) -> str:
        """Its name."""
        ...

    @property
    def edition(self) -> str:
        """Whose it is."""
        ...

    @property
    def language(self) -> str:
        """Its language, or from which into which."""
        ...

    @property
    def pair(self) -> str:
        """What joins it with its counterpart."""
        ...

    def identity(self) -> dict[str, Any]:
        """What decides its result beside the model and its data: JSON."""
        ...

    def is_current(self, found: TaskResult) -> bool:
        """Whether the data of an earlier result is still what it was."""
        ...

    def total(self) -> int | None:
        """How many requests it makes, where that is known before."""
        ...

    def score(self, scorer: Scorer, bar: Bar) -> TaskResult:
        """Ask the model.

        Raises:
            FournilError: The data is not there or broken, or the model answers NaN.
        """
        ...


def name_of_job(job: Job) -> str:
    """What a job's files are called."""
    return file_name(job.task, job.edition, job.language)


@dataclass(frozen=True)
class NativeJob:
    """A set of ours, or a local one."""

    local: LocalSet = field(repr=False)
    shots: int | None = None
    limit: int = 0
    num_bootstrap: int = 1000
    """Resamples behind the intervals that the set takes itself, those of translation."""

    @property
    def task(self) -> str:
        """Its name."""
        return self.local.spec.name

    @property
    def edition(self) -> str:
        """`fournil-mini` or `own`."""
        return self.local.edition

    @property
    def language(self) -> str:
        """Its language, or from which into which."""
        return self.local.spec.direction

    @property
    def pair(self) -> str:
        """What joins it with its counterpart."""
        return self.local.spec.pair

    def identity(self) -> dict[str, Any]:
        """What decides its result beside the model: settings and items."""
        return {
            "spec": repr(self.local.spec),
            "version": self.local.version,
            "items": canonical_hash([repr(item) for item in (*self.local.items, *self.local.examples)]),
            "shots": self.shots,
            "limit": self.limit,
            **({"num_bootstrap": self.num_bootstrap} if self.local.spec.kind == "translation" else {}),
        }

    def is_current(self, found: TaskResult) -> bool:
        """Its data is part of what identifies it."""
        return True

    def total(self) -> int | None:
        """How many requests it makes."""
        return self.local.num_requests(self.limit)

    def score(self, scorer: Scorer, bar: Bar) -> TaskResult:
        """Ask the model."""
        from fournil.stages.evaluate.sets.run import run_set

        return run_set(
            scorer,
            self.local,
            shots=self.shots,
            limit=self.limit,
            num_bootstrap=self.num_bootstrap,
            advance=bar.advance,
        )


@dataclass(frozen=True)
class BrokenJob:
    """A local set whose data cannot be read: its task fails, and the others go on."""

    spec: Spec = field(repr=False)
    error: FournilError

    @property
    def task(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def edition(self) -> str:
        """`own`."""
        return OWN

    @property
    def language(self) -> str:
        """Its language, or from which into which."""
        return self.spec.direction

    @property
    def pair(self) -> str:
        """What joins it with its counterpart."""
        return self.spec.pair

    def identity(self) -> dict[str, Any]:
        """Its settings and what is wrong."""
        return {"spec": repr(self.spec), "error": str(self.error)}

    def is_current(self, found: TaskResult) -> bool:
        """There is no earlier result that counts."""
        return False

    def total(self) -> int | None:
        """Not known."""
        return None

    def score(self, scorer: Scorer, bar: Bar) -> TaskResult:
        """Say what is wrong."""
        raise self.error


@dataclass(frozen=True)
class HarnessJob:
    """A task of lm_eval, as it stands or with its defects mended."""

    named: names.Named
    edition: str
    config: Config = field(repr=False)
    answers: Answers | None = field(default=None, repr=False, compare=False)
    """What the model said to the other edition's prompts, many of which are the same; None where there is none."""

    @property
    def task(self) -> str:
        """lm_eval's name; the mended edition has its own."""
        return self.named.fixed if self.edition == FIXED else self.named.name

    @property
    def language(self) -> str:
        """Its language, or from which into which."""
        return self.named.language

    @property
    def pair(self) -> str:
        """What joins it with its counterpart."""
        return self.named.pair

    @property
    def data(self) -> Path | None:
        """The folder of data sets; None: the hub."""
        return Path(self.config.data).expanduser() if self.config.data else None

    def identity(self) -> dict[str, Any]:
        """What decides its result beside the model and its data."""
        settings = {name: getattr(self.config, name) for name in ("shots", "seed", "limit")}
        known = {"task": self.task, "edition": self.edition, "local": self.data is not None, **settings}
        return known | {"lm_eval": metadata.version("lm_eval")}  # whose definitions these are

    def is_current(self, found: TaskResult) -> bool:
        """Whether the files of a local folder are still the same; a data set of the hub carries its revision."""
        return found.extra.get("data_files", "") == self._files_hash(found.data_source)

    def _files_hash(self, source: str) -> str:
        """One hash over the local folders that a source names; empty for the hub."""
        if self.data is None:
            return ""
        places = [self.data.resolve().parent / name for name in source.split(", ")]
        return canonical_hash([hash_tree(place)["sha256"] if place.is_dir() else "" for place in places])

    def total(self) -> int | None:
        """Not known before the task is loaded."""
        return None

    def score(self, scorer: Scorer, bar: Bar) -> TaskResult:
        """Ask the model through lm_eval's own definition."""
        from fournil.parts.harness.lm import FournilLM
        from fournil.parts.harness.run import run_task

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.advance(done - bar.done)

        try:
            run = run_task(
                self.named,
                FournilLM(scorer=scorer),
                shots=self.config.shots,
                seed=self.config.seed,
                limit=self.config.limit or None,
                data=self.data,
                edition=self.edition,
                progress=show,
                answers=self.answers,
            )
        finally:
            if self.edition == FIXED and self.answers is not None:  # the last that asks for them
                self.answers.forget()
        return _result_of(run, {"data_files": self._files_hash(run.data_source)})


def _result_of(run: TaskRun, extra: dict[str, Any]) -> TaskResult:
    measures = [
        Measure(
            metric,
            value,
            higher_is_better=run.higher_is_better.get(metric, True),
            main=metric == run.main,
            aggregation=run.aggregations.get(metric, "mean"),
            standard_error=error,
        )
        for metric, (value, error) in run.metrics.items()
    ]
    items = [Item(row["item"], row["sha256"], row["values"], row.get("details", {})) for row in run.items]
    return TaskResult(
        task=run.task,
        edition=run.edition,
        language=run.language,
        measures=measures,
        items=items,
        num_items=run.num_items,
        data_sha256=run.data_sha256,
        data_source=run.data_source,
        prompts=run.prompts,
        pair=run.pair,
        of=run.of if run.edition == FIXED else "",
        shots=run.shots,
        seed=run.seed,
        version=run.version,
        num_truncated=run.num_truncated,
        num_uneven=run.num_uneven,
        extra=extra,
    )


def jobs_of(config: Config, languages: Sequence[str]) -> list[Job]:
    """Lay out what is asked for, in the order asked, each task once, mended editions behind the official ones.

    Args:
        config: Has the names.
        languages: Of the run; fournil-mini is asked in those of them that it has.

    Raises:
        FournilError: For a name that is none, a local set that cannot be read, a folder of data that is not there, or
            tasks of lm_eval without lm_eval.
    """
    found: dict[str, Job] = {}
    for job in _jobs(config, languages):
        name = name_of_job(job)
        if name in found and found[name].identity() != job.identity():
            raise FournilError(
                tr("two local sets are called {name!r}", name=job.task),
                where="evaluate.tasks",
                fix=tr("Give each a name of its own."),
                code=EXIT_USAGE,
            )
        found.setdefault(name, job)
    return list(found.values())


def _jobs(config: Config, languages: Sequence[str]) -> Iterator[Job]:
    harness = [name for name in config.tasks if name != MINI and not name.endswith(SET)]
    if harness:
        _check_harness(harness, config)
    for name in config.tasks:
        if name == MINI:
            from fournil.stages.evaluate.mini.suite import mini_sets

            for one in mini_sets(languages):
                yield NativeJob(one, limit=config.limit, num_bootstrap=config.num_bootstrap)
        elif name.endswith(SET):
            yield _local_job(Path(name).expanduser(), config)
        else:
            for named in names.select([name]):
                answers = Answers() if named.fixed else None  # they take memory
                yield HarnessJob(named, OFFICIAL, config, answers)
                if named.fixed:
                    yield HarnessJob(named, FIXED, config, answers)


def _local_job(path: Path, config: Config) -> Job:
    """A local set; what its data lacks fails its task alone, what its TOML lacks is said at once."""
    from fournil.stages.evaluate.sets.items import read_set
    from fournil.stages.evaluate.sets.spec import read_spec

    spec = read_spec(path)
    try:
        return NativeJob(read_set(path), config.shots, config.limit, config.num_bootstrap)
    except FournilError as error:
        return BrokenJob(spec, error)


def _check_harness(wanted: Sequence[str], config: Config) -> None:
    from fournil.parts.harness.load import folder_of

    try:
        import lm_eval  # noqa: F401
    except ImportError:
        raise FournilError(
            tr("{task} needs lm_eval, whose task definitions are used", task=wanted[0]),
            fix=tr("Install it: `pip install 'fournil[bench]'`. fournil-mini and local sets do without."),
        ) from None
    if config.data and not Path(config.data).expanduser().is_dir():
        raise FournilError(
            tr("no such folder"), where=config.data, fix=tr("Give a folder of data sets, or leave it out for the hub.")
        )
    for name in wanted:
        if names.is_task(name) or folder_of(name):
            continue
        guess = nearest(name, (MINI, names.ALL, names.ENGLISH_TAG, *names.TAGS, *names.KNOWN))
        if guess:  # lm_eval's other groups are only known once it reads all of its definitions
            raise FournilError(
                tr("no task is called {name!r}", name=name), fix=tr("Perhaps {close!r}.", close=guess), code=EXIT_USAGE
            )


def files_of(config: Config) -> list[Path]:
    """The files outside a run that the tasks of a recipe read: they decide whether the stage is fresh.

    Raises:
        FournilError: A local set cannot be read.
    """
    found: list[Path] = []
    for name in config.tasks:
        if name == MINI:
            from fournil.stages.evaluate.mini.items import LANGUAGES, SETS, path_of

            found += [path_of(language, one) for language in LANGUAGES for one in SETS]
        elif name.endswith(SET):
            from fournil.stages.evaluate.sets.spec import read_spec

            path = Path(name).expanduser()
            spec = read_spec(path)
            data = [path.parent / name for name in (spec.data, spec.examples) if name]
            found += [path, *(file for file in data if file.exists())]  # what is missing fails its task alone
    harness = any(name != MINI and not name.endswith(SET) for name in config.tasks)
    if config.data and harness:
        found.append(Path(config.data).expanduser())
    return found
