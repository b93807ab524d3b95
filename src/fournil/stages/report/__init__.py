"""The stage `report`: one offline page in each language that says what is inside, from the ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fournil.stages.report.config import Config
from fournil.stages.report.markup import without_measured

if TYPE_CHECKING:
    from fournil.core.context import Artifact, Context

__all__ = ["FORMAT", "Config", "run", "without_measured"]

FORMAT = 3


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Draw the page of a run.

    Args:
        config: What is shown at most.
        inputs: `run`, the run's folder, of which only the ledger is read; `export`, where the run has one: the page
            carries its model when that is small enough.
        out: Gets index.html in English and index.fr.html in French, whatever language is spoken.
        context: The recipe's name, title, description and languages.

    Raises:
        FournilError: When the ledger was altered, or holds nothing to tell.
    """
    from fournil.core.context import Artifact
    from fournil.core.files import write_text
    from fournil.core.speech import LANGUAGES, mark
    from fournil.stages.report.model.pack import Packed, Unpackable, carried
    from fournil.stages.report.page import draw_in, file_name
    from fournil.stages.report.story import read_story

    story = read_story(
        inputs["run"],
        name=context.name,
        title=context.title,
        description=context.description,
        languages=context.languages,
    )
    model = None
    if config.carry_model and "export" in inputs:
        model = carried(inputs["export"] / "huggingface", context.languages)
    num_bytes = {}
    for language in LANGUAGES:
        html = draw_in(language, story, config, context, model)
        write_text(out / file_name(language), html)
        num_bytes[file_name(language)] = len(html.encode())
    pages = {
        key: mark("{name} ({size:,.0f} kB)", name=name, size=round(num_bytes[name] / 1e3))
        for key, name in (("english", file_name("en")), ("french", file_name("fr")))
    }
    if isinstance(model, Packed):
        held: dict[str, object] = {"sha256": model.sha256, "weight_bytes": model.weight_bytes, "bytes": len(model.data)}
        told = mark("the page in English, {english}, and in French, {french}, each with the model in it", **pages)
    else:
        held = {"not_carried": model.reason} if isinstance(model, Unpackable) else {}
        told = mark("the page in English, {english}, and in French, {french}", **pages)
    # Pages hold times and energy, so their sizes are no facts.
    return Artifact(facts={"model": held}, measured={"bytes": num_bytes, "headline": told})
