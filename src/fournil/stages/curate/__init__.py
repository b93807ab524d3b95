"""Curate: what is trained on, what is held out, what is refused and why.

First all that changes a text (Unicode, personal data, cookie lines), then the held-out split, then all that refuses:
so the split sees the texts as they will be trained on, and no filter decides what is evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fournil.stages.curate.config import Config

if TYPE_CHECKING:
    from fournil.core.context import Artifact, Context

__all__ = ["FORMAT", "WHERE_ONLY", "Config", "reads", "run"]

FORMAT = 4
WHERE_ONLY = ("engine",)
"""Sections that say where the work is done and change no byte of it: they make nothing stale."""


def reads(config: Config) -> list[Path]:
    """Return the files outside a run on which the output depends.

    These are evaluation sets and their data, lists of words, models of quality, and earlier runs.
    """
    from importlib.resources import files

    from fournil.parts.contamination.sets import OURS, is_path

    data = Path(str(files("fournil.data")))
    sets = config.contamination.sets
    ours = [data / name.removeprefix("fournil-") for name in OURS if name in sets]
    found = [path for folder in (*ours, data / "toxicity") for path in sorted(folder.rglob("*")) if _is_data(path)]
    found += [Path(name) for name in sets if is_path(name)]
    if config.contamination.data and any(name not in OURS and not is_path(name) for name in sets):
        found.append(Path(config.contamination.data))
    toxicity, models = config.toxicity, config.models
    found += [Path(name) for name in (*toxicity.lists.values(), toxicity.classifier) if name]
    found += [Path(name) for name in (*models.perplexity.models.values(), *(each.model for each in models.classifier))]
    found += [Path(name) for name in config.duplicates.against]
    return [path.expanduser() for path in found]


def _is_data(path: Path) -> bool:
    return path.suffix in (".jsonl", ".txt")


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Curate the folder `sources`: its `documents/` and `pairs/`.

    Args:
        config: Settings.
        inputs: "sources".
        out: Gets documents/, pairs/, heldout/, refused/ and edits/.
        context: What all stages share.

    Raises:
        FournilError: when there is nothing to curate, an id is given twice, or a held-out text leaked.
    """
    from fournil.stages.curate.steps import curate

    return curate(config, inputs["sources"], out, context)
