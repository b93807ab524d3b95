"""The state of a training in one file that is replaced whole, so that a killed training goes on to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path
from fournil.core.speech import tr
from fournil.parts.model.transformer import Llama
from fournil.parts.train.optimizer import Optimizer

NAME = "checkpoint/training.safetensors"
STATE = ("step", "precision", "tokens_seen", "tokens_learnt", "tally", "lines", "threads")
"""What a checkpoint says beside its tensors."""


def save(folder: Path, model: Llama, optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Write weights, the optimizer's moments and `state` (JSON) to folder/checkpoint, whole or not at all."""
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer.state().items()}
    tensors = {name: tensor.to("cpu").contiguous() for name, tensor in tensors.items()}
    with atomic_path(folder / NAME) as path:
        save_file(tensors, path, metadata={"state": json.dumps(state)})


def restore(folder: Path, model: Llama, optimizer: Optimizer) -> dict[str, Any] | None:
    """Set weights and moments to those of the last checkpoint.

    Returns:
        What was saved as `state`, or None (and nothing is changed) where there is no checkpoint.

    Raises:
        FournilError: The checkpoint is broken or belongs to another model.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads((file.metadata() or {})["state"])
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise FournilError(
            tr("the checkpoint is broken ({error})", error=error), where=path, fix=tr("Remove it to start again.")
        ) from None
    if not isinstance(state, dict) or not set(STATE) <= set(state):
        raise FournilError(
            tr("the checkpoint does not say how far the training came"),
            where=path,
            fix=tr("Remove it to start again."),
        )
    own = {f"model.{name}": parameter for name, parameter in model.named_parameters()}
    for name, parameter in own.items():
        if name not in tensors or tensors[name].shape != parameter.shape:
            raise FournilError(
                tr("the checkpoint is of another model"), where=path, fix=tr("Remove it to start again.")
            )
        if not torch.isfinite(tensors[name]).all():
            raise FournilError(
                tr("the checkpoint holds NaN or an infinity"), where=path, fix=tr("Remove it to start again.")
            )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])
    moments: dict[str, Tensor] = {
        name.removeprefix("optimizer."): tensor for name, tensor in tensors.items() if name.startswith("optimizer.")
    }
    optimizer.restore(moments)
    return state
