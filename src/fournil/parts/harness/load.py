"""lm_eval's task definitions as a library: only the folders that are needed, on data that we find.

Nothing in a definition changes: prompts, choices, filters and metrics are lm_eval's. Replaced while one of them is
loaded or used are where its data comes from, its progress bars, and its compiling of each template for each item.
"""

from __future__ import annotations

import functools
import logging
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.speech import tr
from fournil.parts.harness import rouge
from fournil.parts.harness.data import open_hub, open_local
from fournil.parts.harness.docs import light_datasets, standing_in
from fournil.parts.harness.fixed import overrides
from fournil.parts.harness.names import KNOWN, Named

if TYPE_CHECKING:
    from lm_eval.api.group import Group
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.config.task import TaskConfig
    from lm_eval.tasks import TaskManager

OFFICIAL, FIXED = "official", "fixed"
_BUILDERS = ("json", "csv", "parquet", "text", "arrow", "pandas")
"""What a definition may call a data set that lies beside it."""
_ROUGE_MODULES = ("lm_eval.tasks.french_bench.utils",)
"""Modules of lm_eval's that ask the library `evaluate` for ROUGE."""


@dataclass(frozen=True)
class Loaded:
    """A task with its data, or a group of tasks."""

    tasks: Mapping[str, ConfigurableTask]
    """By lm_eval's name; one, but for a group."""
    group: Group | None
    source: str
    """Where the data comes from: the hub's `name@commit`, or the local folder's name; several joined by commas."""


def load_task(
    task: Named, *, shots: int | None, seed: int, data: Path | None = None, edition: str = OFFICIAL
) -> Loaded:
    """Load a task and the data that it needs.

    Args:
        task: Which, of `names.select`.
        shots: How many worked examples before each item; None for as many as the definition says, 0 if it says none.
            A definition that fixes 0 keeps it.
        seed: For drawing these examples, where the definition draws.
        data: A folder with data sets; None for the hub.
        edition: `official`, or `fixed` for the mended definition of the same task.

    Raises:
        FournilError: The extra is missing, there is no such task or edition, or its data is not there or not whole.
    """
    with quietly():
        manager = _manager(task.folder or folder_of(task.name))
        entry = manager.task_index.get(task.name)
        if entry is None:
            close = nearest(task.name, [*KNOWN, *manager.all_tasks])
            raise FournilError(
                tr("lm_eval has no task {name!r}", name=task.name),
                fix=tr("Perhaps {close!r}.", close=close) if close else tr("`fournil lm-eval ls tasks` lists them."),
                code=EXIT_USAGE,
            )
        spec: Any = task.name
        if edition == FIXED:
            if not task.fixed:
                raise FournilError(
                    tr("the task {name} has no fixed edition", name=task.name), fix=tr("Ask for its official one.")
                )
            with _standing_in():
                spec = overrides(task, _definition(entry.yaml_path))
        sources: dict[str, None] = {}
        shots = 0 if task.zero_shot else shots
        with _standing_in(), _our_data(data, task, shots, sources), telling(task.name):
            loaded = manager.load([spec])
        for name in _ROUGE_MODULES:
            if name in sys.modules:
                vars(sys.modules[name])["evaluate"] = rouge
        tasks: dict[str, Any] = dict(loaded["tasks"])
        for each in tasks.values():
            each.set_config("num_fewshot", _shots_of(each.get_config("num_fewshot"), shots))
            each.set_fewshot_seed(seed)
        return Loaded(tasks, loaded.get("groups", {}).get(task.name), ", ".join(sources))


@contextmanager
def _standing_in() -> Iterator[None]:
    """Let definitions be read without two libraries that they ask for more than they need."""
    with light_datasets(), standing_in("evaluate", load=rouge.load):
        yield


def _shots_of(defined: int | None, asked: int | None) -> int:
    """As lm_eval decides: a definition's 0 stands, any other number gives way."""
    if defined == 0:
        return 0
    return asked if asked is not None else defined or 0


@functools.cache
def _manager(folder: str) -> TaskManager:
    if find_spec("lm_eval") is None:
        raise FournilError(
            tr("the tasks of lm-evaluation-harness are not installed"),
            fix=tr("Install them: `pip install 'fournil[bench]'`."),
        )
    with light_datasets():
        import lm_eval.tasks
    if not folder:
        return lm_eval.tasks.TaskManager()
    place = Path(lm_eval.tasks.__file__).parent / folder
    return lm_eval.tasks.TaskManager(include_path=str(place), include_defaults=False)


@functools.cache
def folder_of(name: str) -> str:
    """Return the folder whose file defines a task, found by its text: parsing them all takes many times as long.

    Empty for a group or a tag, whose members may lie anywhere, and for what is no task.
    """
    spec = find_spec("lm_eval.tasks") if find_spec("lm_eval") else None
    if spec is None or spec.origin is None:
        return ""
    folder = Path(spec.origin).parent
    line = re.compile(rf"""^["']?task["']?:\s*["']?{re.escape(name)}["']?\s*$""".encode(), re.MULTILINE)
    found = (path for path in sorted(folder.rglob("*.yaml")) if line.search(path.read_bytes()))
    return next((path.parent.relative_to(folder).as_posix() for path in found), "")


def _definition(path: Path | None) -> dict[str, Any]:
    from lm_eval.tasks._yaml_loader import load_yaml

    assert path is not None  # a task of FrenchBench is a file
    return load_yaml(path, resolve_func=True)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep lm_eval from writing to the terminal, and from compiling a template anew for each item, while this runs.

    Raises:
        FournilError: lm_eval is not installed.
    """
    logger = logging.getLogger("lm_eval")
    level = logger.level
    with ExitStack() as stack:
        if find_spec("lm_eval") is not None:
            with light_datasets():
                import lm_eval.api.task
                import lm_eval.utils

            @functools.cache
            def compiled(template: str) -> Any:  # noqa: ANN401 - jinja2.Template
                return lm_eval.utils.env.from_string(template)

            def applied(template: str, doc: Mapping[str, Any]) -> str:
                return compiled(template).render(**doc)

            stack.enter_context(patch.object(lm_eval.utils, "apply_template", applied))
            stack.enter_context(patch.object(lm_eval.api.task, "tqdm", _no_bar))
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


RANDOM_SEED, NUMPY_SEED = 0, 1234
"""lm_eval's own for the generators that definitions draw from, such as to shuffle choices."""


@contextmanager
def seeded() -> Iterator[None]:
    """Seed the generators that all share as lm_eval does before it loads a task, and put them back afterwards."""
    before, before_numpy = random.getstate(), np.random.get_state()
    random.seed(RANDOM_SEED)
    np.random.seed(NUMPY_SEED)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(before_numpy)


def _no_bar(items: Any, **settings: Any) -> Any:  # noqa: ANN401 - as tqdm
    return items


@contextmanager
def _our_data(data: Path | None, task: Named, shots: int | None, sources: dict[str, None]) -> Iterator[None]:
    """Let definitions that are loaded take their data from us; `sources` is told from where."""
    from lm_eval.api.task import ConfigurableTask

    theirs: Callable[..., None] = ConfigurableTask.download
    listings: dict[Any, Any] = {}

    def ours(self: ConfigurableTask, dataset_kwargs: dict[str, Any] | None = None) -> None:
        config = self.config
        path = str(config.dataset_path or "")
        if callable(config.custom_dataset) or path in _BUILDERS or Path(path).exists():
            theirs(self, dataset_kwargs)
            sources[path] = None
            return
        scored = config.test_split or config.validation_split
        only = scored if _shots_of(config.num_fewshot, shots) == 0 else None
        subset, fields = str(config.dataset_name or ""), _fields(config)
        if data is not None:
            names = [*([task.name] if str(config.task) == task.fixed else []), str(config.task)]
            splits = open_local(data, names, path, subset, fields=fields, only=only)
        else:
            splits = open_hub(path, subset, fields=fields, only=only, listings=listings)
        vars(self)["dataset"] = splits
        sources[splits.source] = None

    with patch.object(ConfigurableTask, "download", ours):
        yield


def _fields(config: TaskConfig) -> set[str]:
    """Return the fields that a definition's templates read: left out, some would be scored as other words.

    None for a definition that makes rows of its own, or says what to do without a field.
    """
    from jinja2 import meta
    from lm_eval.utils import env

    templates = [config.doc_to_text, config.doc_to_target, config.doc_to_choice]
    found: set[str] = set()
    for template in (text for text in templates if isinstance(text, str)):
        if config.process_docs is not None or " defined" in template or "default(" in template:
            continue
        found |= meta.find_undeclared_variables(env.parse(template))
    names = [text for text in templates[1:] if isinstance(text, str) and text.isidentifier()]
    return found | set(names if config.process_docs is None else [])


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Turn whatever a definition makes of data that does not fit it into an error that names the task and the data.

    Raises:
        FournilError: Something did not fit.
    """
    try:
        yield
    except (FournilError, MemoryError):  # memory is no matter of the data's fields
        raise
    except Exception as error:  # a definition is code and templates: it can raise anything
        kind = type(error).__name__
        first = (str(error).strip().splitlines() or [kind])[0][:200]
        if kind in ("UndefinedError", "KeyError"):
            what = tr("the data lacks a field that the task {name} needs ({error})", name=name, error=first)
        else:
            what = tr("the task {name} cannot use its data ({error})", name=name, error=f"{kind}: {first}")
        raise FournilError(
            what, fix=tr("Compare the data's fields and splits with those of the data set that the task names.")
        ) from error
