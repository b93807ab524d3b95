"""Stage 6: measure a model on text that it never saw, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fournil.core.context import Artifact, Context
from fournil.stages.evaluate.config import Config

__all__ = ["FORMAT", "Config", "run"]

FORMAT = 3


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Measure a model.

    Args:
        config: Settings.
        inputs: `model`, a Hugging Face folder; `curate`, with pairs/, heldout/documents/ and heldout/pairs/, or, where
            nothing was baked, `text`, a folder of documents; `base`, if given, is the model before finetuning: then
            what concerns plain text is measured on it.
        out: Gets scores.json and translations/.
        context: Languages, seed, device, threads, progress.

    Raises:
        FournilError: The model cannot be loaded, or there is no text to measure on.
    """
    from fournil.stages.evaluate.evaluation import evaluate

    return evaluate(config, inputs, out, context)
