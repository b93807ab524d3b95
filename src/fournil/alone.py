"""Stages alone on a stranger's files: a small recipe is made of the command line, and baked like any other.

So the result has the same layout, records, ledger and page as a bake.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.speech import tr
from fournil.parts.model.resolve import model_folder
from fournil.recipe import MAX_NAME, Recipe, apply_change, check_recipe

UNSTATED = "LicenseRef-not-stated"
"""The licence of a stranger's files when the command line gives none: the page then says so."""

ON_FILES = {
    "sources": ("sources", "report"),
    "curate": ("sources", "curate", "report"),
    "evaluate": ("sources", "evaluate", "report"),
    "export": ("export", "report"),
}
"""What runs when a stage is called on files."""


def recipe_for_files(options: argparse.Namespace) -> Recipe:
    """Make the recipe that a stage's command line on files stands for.

    Args:
        options: The parsed command line of a stage's verb.

    Raises:
        FournilError: When files, model or the output folder are missing, or the verb needs a recipe.
    """
    verb = options.verb
    if verb not in ON_FILES:
        raise FournilError(
            tr("{verb} needs a recipe", verb=verb),
            fix=tr("Try: {command}", command=f"fournil {verb} --recipe recipes/mie.toml"),
            code=EXIT_USAGE,
        )
    if (options.out or options.run) is None:
        raise FournilError(
            tr("{verb} on files needs a folder for its result", verb=verb), fix=tr("Add -o FOLDER."), code=EXIT_USAGE
        )
    table: dict[str, Any] = {
        "recipe": {"name": _name(options), "title": f"fournil {verb}", "stages": list(ON_FILES[verb])}
    }
    if verb in ("evaluate", "export") and not options.model:
        raise FournilError(
            tr("{verb} needs a model folder or --recipe", verb=verb),
            fix=tr("Try: {command}", command=f"fournil {verb} --recipe recipes/mie.toml"),
            code=EXIT_USAGE,
        )
    if verb == "export":
        table[verb] = {"model": str(Path(options.model).expanduser().resolve())}
    if verb == "evaluate":
        _evaluate(options, table)
    elif verb != "export":
        table["sources"] = {"files": [_files(options)]}
        if options.language:
            table["recipe"]["languages"] = [options.language]
        if verb == "curate":  # whoever cleans files wants all of them back
            table["curate"] = {"heldout": {"share": 0.0, "min_documents": 0, "min_pairs": 0}}
    table["recipe"]["description"] = _description(verb)
    for change in options.set:
        apply_change(table, change)
    return check_recipe(table, where=tr("the command line"))


def _evaluate(options: argparse.Namespace, table: dict[str, Any]) -> None:
    """Fill in what an evaluation measures: texts, tasks, or both."""
    changes = task_settings(options)
    if options.text or not ("tasks" in changes or "fidelity" in changes):
        table["sources"] = {"min_letters": 1, "files": _texts(options.text)}
        languages = list(dict.fromkeys(entry["language"] for entry in table["sources"]["files"]))
        table["recipe"]["languages"] = languages
    else:
        table["recipe"]["stages"] = [stage for stage in table["recipe"]["stages"] if stage != "sources"]
    table["evaluate"] = {"model": str(model_folder(options.model).resolve()), **changes}


def task_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of `[evaluate]` that a command line gives for tasks.

    Raises:
        FournilError: An option is given that only tasks need, and no task is named.
    """
    given = {
        "tasks": [_task(name) for name in options.tasks] or None,
        "shots": options.shots,
        "limit": options.limit,
        "seed": options.seed,
        "data": None if options.data is None else str(options.data.expanduser().resolve()),
        "precision": options.precision,
        "fidelity": options.fidelity or None,
        "checkpoints": options.checkpoints,
    }
    found = {name: value for name, value in given.items() if value is not None}
    if found and not options.recipe and not ("tasks" in found or "fidelity" in found):
        fix = tr("Add --tasks fournil-mini, or --tasks frenchbench.")
        name = f"--{next(iter(found))}"
        raise FournilError(tr("{option} is for tasks, and none is named", option=name), fix=fix, code=EXIT_USAGE)
    return found


def _task(name: str) -> str:
    """A task's name; the path of a local set whole, so that it is found from anywhere."""
    return str(Path(name).expanduser().resolve()) if name.endswith(".toml") else name


def texts_by_language(entries: list[str]) -> list[tuple[str, Path]]:
    """Read `--text TAG=FILE` options.

    Raises:
        FournilError: For an entry without its language, or a file that is not there.
    """
    found: list[tuple[str, Path]] = []
    for entry in entries:
        language, equals, name = entry.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", language):
            fix = tr("Write --text TAG=FILE, such as --text fr=page.txt.")
            raise FournilError(tr("cannot read --text {entry!r}", entry=entry), fix=fix, code=EXIT_USAGE)
        path = Path(name).expanduser()
        if not path.exists():
            raise FournilError(tr("no such file"), where=path, code=EXIT_USAGE)
        found.append((language, path))
    return found


def _texts(entries: list[str]) -> list[dict[str, Any]]:
    if not entries:
        fix = tr("Add --tasks fournil-mini, or --text fr=FILE --text en=FILE.")
        raise FournilError(tr("evaluate on a model folder needs tasks or texts"), fix=fix, code=EXIT_USAGE)
    found = texts_by_language(entries)
    return [
        {"key": f"text-{language.lower()}-{number}", "paths": [str(path)], "language": language, "licence": UNSTATED}
        for number, (language, path) in enumerate(found)
    ]


def _files(options: argparse.Namespace) -> dict[str, Any]:
    if not options.files:
        fix = tr("Try: {command}", command=f"fournil {options.verb} *.parquet --language fr -o clean/")
        raise FournilError(tr("{verb} needs files or --recipe", verb=options.verb), fix=fix, code=EXIT_USAGE)
    entry: dict[str, Any] = {"key": "files", "title": "Files", "paths": list(options.files)}
    entry |= {"licence": options.licence or UNSTATED, "own_licence": not options.licence}
    return entry | ({"language": options.language} if options.language else {})


def _name(options: argparse.Namespace) -> str:
    folder = (options.out or options.run).resolve().name.lower()
    return re.sub(r"[^a-z0-9]+", "-", folder).strip("-")[:MAX_NAME].rstrip("-") or options.verb


def _description(verb: str) -> str:
    return {
        "sources": "Files read into documents.",
        "curate": "Files curated: identified, filtered, masked, de-duplicated.",
        "evaluate": "A model measured.",
        "export": "A model folder exported.",
    }[verb]
