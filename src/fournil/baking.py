"""Baking as a person sees it: what each step says, and at the end what to do next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from fournil.core.context import Context
from fournil.core.errors import EXIT_DONE, EXIT_FAILED, FournilError
from fournil.core.progress import duration, progress_for
from fournil.core.record import Record, read_record
from fournil.core.speech import retell, spoken, tr, trn
from fournil.flow import Step, bake, failures, folder_of, holding, leaving_nothing, steps_of
from fournil.planning import foretold
from fournil.recipe import Recipe, read_recipe
from fournil.stages.evaluate.table import task_tables

TAUGHT_MESSAGES = ("mie", "petit")
"""Recipes that ship with Fournil and whose model has learnt messages of programs, such as that of the README."""


def make_context(recipe: Recipe | None = None, *, threads: int = 0, quiet: bool = False) -> Context:
    """Build what stages share: all threads that this process may use, a GPU where there is one."""
    return Context(
        device=device_here(),
        threads=threads or available_threads(),
        progress=progress_for(sys.stdout, quiet=quiet),
        **(recipe.shared() if recipe is not None else {}),
    )


def available_threads() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spare_other_programs(loadavg: Path = Path("/proc/loadavg")) -> bool:
    """On a machine that is busy with something else, let waiting threads sleep instead of spinning.

    libgomp's threads spin while they wait for work. On an idle machine that is twice as fast as sleeping; where another
    program wants the core, training takes five times longer for it. libgomp reads its variable when torch is loaded, so
    this comes before.

    Returns:
        Whether threads will sleep: another program was running most of the time for a tenth of a second.
    """
    others: list[int] = []
    for _ in range(7):
        try:
            others.append(int(loadavg.read_text().split()[3].split("/")[0]) - 1)
        except (OSError, ValueError, IndexError):
            return False
        time.sleep(0.015)
    busy = sorted(others)[len(others) // 2] >= 1
    if busy:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return busy


def choose_recipe(paths: Sequence[Path], changes: Sequence[str], run: Path | None, *, quiet: bool = False) -> Recipe:
    """Read a recipe; of several, the first whose documents are read already or else can be reached from this machine.

    Args:
        paths: The recipes, the one that is wanted most first.
        changes: Settings to change in whichever it is.
        run: The run's folder, when it is not the recipe's own.
        quiet: Do not say which recipe was left aside.

    Raises:
        FournilError: When a recipe is wrong, or none of several can be reached; then it holds each one's reason.
    """
    recipes = [read_recipe(path, changes) for path in paths]
    if len(recipes) == 1:
        return recipes[0]
    for recipe in recipes:
        if has_sources(run or Path("runs") / recipe.head.name, recipe):
            return recipe
    from fournil.stages.sources.reach import reachable

    reasons: list[str] = []
    for path, recipe in zip(paths, recipes, strict=True):
        reason = next(filter(None, (reachable(config) for config in recipe.stages.get("sources", ()))), "")
        if not reason:
            if reasons and not quiet:
                print("\n".join(reasons), flush=True)
            return recipe
        reasons.append(tr("{recipe} cannot be baked here: {reason}", recipe=path, reason=reason))
    raise FournilError(
        "; ".join(reasons),
        fix=tr(
            "On Debian and Ubuntu run `apt-get update` first; elsewhere name a mirror, such as --mirror "
            "https://deb.debian.org/debian, or check that this machine reaches https://huggingface.co. "
            "Without a network, fournil bake recipes/mie.toml needs nothing."
        ),
    )


def has_sources(run: Path, recipe: Recipe) -> bool:
    """Return whether a run holds the finished sources of a recipe of that name."""
    try:
        record = read_record(run / folder_of("sources"))
        frozen = tomllib.loads((run / "recipe.lock.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError, FournilError):
        return False
    return record is not None and frozen.get("recipe", {}).get("name") == recipe.head.name


def device_here() -> str:
    """Return `cuda` where torch finds a GPU, `cpu` elsewhere."""
    if shutil.which("nvidia-smi") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def bake_and_tell(recipe: Recipe, run: Path, *, threads: int = 0, quiet: bool = False, until: str | None = None) -> int:
    """Bake, saying a line per step, and end with what to do next."""
    context = make_context(recipe, threads=threads, quiet=quiet)
    width = max(len(step.label) for step in steps_of(recipe))

    def say(line: str = "") -> None:
        if not quiet:
            print(line, flush=True)

    def tell(step: Step, event: str, record: Record | None) -> None:
        name = step.label.ljust(width)
        if event == "start":
            say(f"{name}  …")
        elif event == "resume":
            say(f"{name}  {tr('… going on where it was')}")
        elif record is not None:
            headline = retell(record.headline)
            took = tr("up to date") if event == "fresh" else duration(record.seconds)
            say(f"{name}  {headline}  ({took})" if headline else f"{name}  ({took})")
            hint = unknown_licences(record)
            if hint and event == "done":
                say(f"{' ' * width}  {hint}")

    say(tr("Baking {name} in {run}", name=recipe.head.name, run=run))
    with leaving_nothing(run):
        with holding(run):  # another bake in this folder is named before anything is measured
            planned = foretold(recipe, run, threads=context.threads, device=context.device, until=until)
        if planned and ("pretrain" in recipe.stages or "evaluate" not in recipe.stages):  # else the model is unknown
            whole = duration(sum(step["seconds"] for step in planned.values()))
            say(tr("Foretold: about {whole} of work on this machine", whole=whole))
        records = bake(recipe, run, context, tell, until=until, planned=planned)
    for record in records:
        for line in task_tables(record.facts) if record.stage == "evaluate" else ():
            say(line)
    if until is None:
        for line in summary(recipe, run, records):
            say(line)
    failed = failures(records)
    if failed:
        names = ", ".join(failed)
        what = trn("{count:,} task failed: {names}", "{count:,} tasks failed: {names}", len(failed), names=names)
        print(what + ". " + tr("The others are kept; the same command tries these again."), file=sys.stderr)
        return EXIT_FAILED
    return EXIT_DONE


def unknown_licences(record: Record) -> str:
    """Return a hint when documents were refused because their licence is unknown; else nothing."""
    number = sum(count["refused"].get("licence-unknown", 0) for count in record.counts)
    if not number:
        return ""
    return trn(
        "{count:,} refused: what it names as its licence is no SPDX expression "
        "(on files of your own, --licence SPDX says it for all of them)",
        "{count:,} refused: what they name as their licence is no SPDX expression "
        "(on files of your own, --licence SPDX says it for all of them)",
        number,
    )


def summary(recipe: Recipe, run: Path, records: list[Record]) -> list[str]:
    """Return the closing lines: time, energy, and what can be done with the result."""
    work = {
        "name": recipe.head.name,
        "time": duration(sum(record.seconds for record in records)),
        "energy": sum(record.energy.get("kwh", 0.0) for record in records) * 1000,
        "run": run,
    }
    if any("estimated" in record.energy.get("method", "") for record in records):
        lines = ["", tr("{name}: {time} of work, {energy:,.1f} Wh (estimated), in {run}", **work), ""]
    else:
        lines = ["", tr("{name}: {time} of work, {energy:,.1f} Wh (measured), in {run}", **work), ""]
    stages = [record.stage for record in records]
    if "report" in stages:
        lines.append("  " + tr("open {page}", page=run / folder_of("report") / page_name(run)))
    if "curate" in stages and "tokenizer" not in stages:
        lines.append("  " + tr("kept documents: {folder}", folder=run / folder_of("curate") / "documents"))
    if "finetune" in stages:
        published = "fournil chat croissantllm/CroissantLLMChat-v0.1"
        lines += [
            *(f"  fournil translate {run} --to {to} {text}" for to, text in _to_try(recipe, records)),
            f"  fournil chat {run}",
            f"  {published}     {tr('(a full-size published model, 2.7 GB from the hub)')}",
        ]
    elif "pretrain" in stages:
        lines.append(f"  fournil chat {run}     {tr('(it goes on with what is typed)')}")
    lines.append(f"  fournil show {run}")
    return lines


def _to_try(recipe: Recipe, records: list[Record]) -> list[tuple[str, str]]:
    """A language, and a text to translate into it, quoted for a shell; nothing where none is known to fit the model."""
    if recipe.head.name in TAUGHT_MESSAGES:
        return [("fr", '"The file already exists."')]
    evaluated = next((record for record in records if record.stage == "evaluate"), None)
    rows = [row for row in evaluated.facts.get("translations", ()) if "\n" not in row["source"]] if evaluated else []
    if not rows:
        return []
    first = recipe.head.languages[0]
    row = min(rows, key=lambda row: (row["to"] != first, len(row["source"].split()) < 3, len(row["source"])))
    text = row["source"]
    return [(row["to"], shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"')]


def page_name(run: Path) -> str:
    """Return the name of the page in the language that is spoken; the English one where there is no other."""
    name = f"index.{spoken()}.html"
    return name if (run / folder_of("report") / name).is_file() else "index.html"
