"""The page as a folder for a web host: both languages, and the model's weights in a file beside them.

Each file is written whole, the weights first and under a name of their hash, so a host never shows a page whose weights
are not there yet, and browsers keep the weights until there are others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fournil.core.context import Context
from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.files import atomic_path, mending, remove_leftovers, write_text
from fournil.core.speech import LANGUAGES, retell, tr
from fournil.stages.report.config import Config
from fournil.stages.report.model.pack import Packed, Unpackable, carried
from fournil.stages.report.page import draw_in, file_name
from fournil.stages.report.story import read_story

OURS = '<meta name="generator" content="Fournil">'
"""Stands in the head of every page of ours."""
_WEIGHTS = re.compile(r'data-src="(model-[0-9a-f]{16}\.bin)"')


@dataclass(frozen=True)
class Published:
    """What was written."""

    files: dict[str, int]
    """Name → bytes."""


def publish(config: Config, run: Path, export: Path, out: Path, context: Context, *, force: bool = False) -> Published:
    """Write the page of a run and its model's weights as a folder that any web host can serve.

    Args:
        config: What is shown at most.
        run: The run's folder, of which only the ledger is read.
        export: The folder of its export.
        out: Made where it is missing. Files of others in it stay.
        context: The recipe's name, title, description and languages.
        force: Write over pages that are not ours.

    Raises:
        FournilError: The model is not one that a page carries, or `out` holds a page of somebody else.
    """
    story = read_story(
        run, name=context.name, title=context.title, description=context.description, languages=context.languages
    )
    model = carried(export / "huggingface", context.languages)
    if not isinstance(model, Packed):
        raise _not_carried(model, export)
    pages = [file_name(language) for language in LANGUAGES]
    if not force:
        _refuse_others(out, pages)
    weights = f"model-{model.sha256[:16]}.bin"
    drawn: dict[str, str] = {}
    for language in reversed(LANGUAGES):  # index.html last: from it on the folder is the new one
        drawn[file_name(language)] = draw_in(language, story, config, context, model, src=weights)
    with mending(out):
        out.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        before = {name for page in pages for name in _weights_of(out / page)}
        with atomic_path(out / weights) as temporary:
            temporary.write_bytes(model.data)
        for name, html in drawn.items():
            write_text(out / name, html)
        for name in before - {weights}:
            (out / name).unlink(missing_ok=True)
    sizes = {name: len(html.encode()) for name, html in drawn.items()}
    return Published({**{name: sizes[name] for name in pages}, weights: len(model.data)})


def _not_carried(model: Unpackable | None, export: Path) -> FournilError:
    if model is None:
        return FournilError(
            tr("this run has no exported model"),
            where=export,
            fix=tr("Bake it with the stage export: fournil bake RECIPE."),
        )
    return FournilError(
        tr("a page cannot carry this model: {reason}", reason=retell(model.reason)),
        where=export,
        fix=tr(
            "Publish the folder huggingface on a model hub, or serve a file of gguf with llama-server; "
            "the page alone is in the folder of the report."
        ),
    )


def _refuse_others(out: Path, pages: list[str]) -> None:
    if out.exists() and not out.is_dir():
        raise FournilError(tr("this is a file"), where=out, fix=tr("Name a folder."), code=EXIT_USAGE)
    for name in pages:
        path = out / name
        if path.exists() and OURS not in _head_of(path):
            raise FournilError(
                tr("this page is not one of Fournil’s"),
                where=path,
                fix=tr("Name another folder, or write over it with --force."),
                code=EXIT_USAGE,
            )


def _head_of(path: Path) -> str:
    """The beginning of a page: all of its head, where it is one of ours."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(4000)


def _weights_of(page: Path) -> list[str]:
    """The weights that a page of ours loads."""
    if OURS not in _head_of(page):
        return []
    return _WEIGHTS.findall(page.read_text(encoding="utf-8", errors="replace"))
