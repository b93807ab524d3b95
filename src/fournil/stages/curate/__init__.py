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

__all__ = ["FORMAT", "WHERE_ONLY", "Config", "run"]

FORMAT = 3
WHERE_ONLY = ("engine",)
"""Sections that say where the work is done and change no byte of it: they make nothing stale."""


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
