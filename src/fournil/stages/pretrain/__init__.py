"""Stage 4, pretrain: a Llama from nothing, on equal amounts of each language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fournil.core.context import Artifact, Context
from fournil.stages.pretrain.config import Config

FORMAT = 4

WHERE_ONLY = ("parallel",)
"""Sections that say how processes share the work, and decide nothing of what is learnt."""

__all__ = ["FORMAT", "WHERE_ONLY", "Config", "run"]


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Train a model on token shards.

    Args:
        config: The section `pretrain` of a recipe.
        inputs: `tokenizer`: a folder with tokenizer/ and shards/.
        out: Gets a Hugging Face folder, training/ (the optimizer's state) and losses.jsonl.
        context: What all stages share.
    """
    from fournil.stages.pretrain.pretrain import pretrain  # torch takes seconds to import

    return pretrain(config, inputs["tokenizer"], out, context)
