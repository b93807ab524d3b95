"""Stage 5: the base model becomes a translator in both directions, spoken to in CroissantLLM's chat template."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fournil.core.context import Artifact, Context
from fournil.stages.finetune.config import Config

__all__ = ["FORMAT", "Config", "run"]

FORMAT = 2


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Train a model on translation pairs.

    Args:
        config: Settings.
        inputs: `model`, a Hugging Face folder of a Llama; `curate`, with pairs/ and heldout/pairs/.
        out: Gets a Hugging Face folder with a chat template, and losses.jsonl.
        context: Languages, seed, device, threads, progress.

    Raises:
        FournilError: The model has no fitting tokenizer, or there are no pairs.
    """
    from fournil.stages.finetune.training import finetune

    return finetune(config, inputs["model"], inputs["curate"], out, context)
