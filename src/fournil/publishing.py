"""Handing a result to the world: the page of a run with its model, as a folder for a web host."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TextIO

from fournil.core.context import Context
from fournil.core.errors import EXIT_DONE, EXIT_USAGE, FournilError
from fournil.core.files import hash_tree
from fournil.core.ledger import newest_records
from fournil.core.speech import tr
from fournil.flow import folder_of
from fournil.recipe import Recipe, read_recipe


def publish_page(run: Path, folder: Path, file: TextIO, *, force: bool = False, quiet: bool = False) -> int:
    """Write the page of a run and its model's weights into a folder, and say what to do with it.

    Args:
        run: A baked run.
        folder: Where to write.
        file: Where to say it.
        force: Write over pages that are not ours.
        quiet: Say nothing.

    Raises:
        FournilError: The folder is no run, its model was not exported or was altered, the model is not one that a page
            carries, or the folder holds a page of somebody else.
    """
    recipe = _recipe_of(run)
    from fournil.stages.report.config import Config
    from fournil.stages.report.publish import publish

    context = Context(**recipe.shared())
    config = next(iter(recipe.stages.get("report", ())), Config())
    made = publish(config, run, run / folder_of("export"), folder, context, force=force)
    if not quiet:
        for name, num_bytes in made.files.items():
            print(tr("{path}: {kilobytes:,.0f} kB", path=folder / name, kilobytes=num_bytes / 1000), file=file)
        print(tr("Put these files on any web host. To look at them here:"), file=file)
        command = f"python3 -m http.server --bind 127.0.0.1 --directory {shlex.quote(str(folder))}"
        print(f"  {command}", file=file)
    return EXIT_DONE


def _recipe_of(run: Path) -> Recipe:
    """The recipe that a run was baked by; its export is the ledger's.

    Raises:
        FournilError: See `publish_page`.
    """
    place = run / folder_of("export")
    record = next((record for record in newest_records(run) if record.stage == "export"), None)
    if record is None or not place.is_dir():
        raise FournilError(
            tr("this run has no exported model"),
            where=run,
            fix=tr("Bake it with the stage export: fournil bake RECIPE."),
            code=EXIT_USAGE,
        )
    if hash_tree(place)["sha256"] != record.outputs["sha256"]:
        raise FournilError(
            tr("its files are not what the ledger says"),
            where=place,
            fix=tr("Bake it again: fournil bake {recipe}", recipe=run / "recipe.lock.toml"),
        )
    return read_recipe(run / "recipe.lock.toml")
