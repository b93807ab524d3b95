"""Stage 6: measure a model on text that it never saw and on tasks, beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fournil.core.context import Artifact, Context
from fournil.stages.evaluate.config import Config

__all__ = ["FORMAT", "REUSES", "Config", "reads", "run", "unfinished"]

FORMAT = 5

REUSES = True
"""The stage takes finished tasks from what it left last time, which flow gives it as the input `before`."""


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Measure a model.

    Args:
        config: Settings.
        inputs: `model`, a Hugging Face folder; `curate`, with pairs/, heldout/documents/ and heldout/pairs/, or, where
            nothing was baked, `text`, a folder of documents; `base`, if given, is the model before finetuning: then
            what concerns plain text is measured on it. Neither is needed where the config names tasks.
        out: Gets scores.json, translations/, and of tasks tasks/, items/, lm_eval/, .eval_results/, checkpoints/.
        context: Languages, seed, device, threads, progress.

    Raises:
        FournilError: The model cannot be loaded, there is nothing to measure on, or a name is no task. A task that
            fails by itself is a fact, and the others go on.
    """
    from fournil.stages.evaluate.evaluation import evaluate

    return evaluate(config, inputs, out, context)


def reads(config: Config) -> list[Path]:
    """Return the files outside a run that the tasks are made of: data, local sets, fournil-mini's items."""
    from fournil.stages.evaluate.suite import files_of

    return files_of(config) if config.tasks else []


def unfinished(facts: Mapping[str, Any]) -> list[str]:
    """Return the tasks that failed: they are tried again when the stage is called the next time."""
    from fournil.stages.evaluate.result import label_of

    return [label_of(block) for block in facts.get("tasks") or [] if block.get("status") == "failed"]
