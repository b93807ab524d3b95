"""Muon for matrices, AdamW for the rest; what they remember has the names of the weights.

Under FSDP2 weights and moments are spread over the processes alike, by rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.transformer import Llama
from fournil.parts.train.muon import Muon
from fournil.parts.train.schedule import Rates
from fournil.parts.train.world import ALONE, World, whole

KINDS = ("matrix", "embedding", "unembedding", "norm")
"""The kinds of weights, each with its own rate (schedule.Rates)."""


@dataclass(frozen=True)
class OptimizerSettings:
    """What stays the same over a training."""

    matrices: str = "muon"
    """What trains the matrices inside blocks: "muon" or "adamw"."""
    momentum: float = 0.95
    """Muon's momentum (Nesterov's form)."""
    newton_schulz_steps: int = 3
    """Muon's steps towards an orthogonal matrix: 5 is usual, 3 costs less and is enough for small models."""
    beta1: float = 0.9
    """AdamW's decay of the gradient's mean."""
    beta2: float = 0.95
    """AdamW's decay of the gradient's mean square."""
    epsilon: float = 1e-10
    """AdamW's epsilon."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the matrices inside blocks, times their learning rate."""
    max_gradient_norm: float = 1.0
    """Gradients are scaled down to this norm over all weights (0: never)."""


def kinds_of(model: Llama) -> dict[str, dict[str, nn.Parameter]]:
    """A model's weights by kind and name."""
    kinds: dict[str, dict[str, nn.Parameter]] = {kind: {} for kind in KINDS}
    for name, parameter in model.named_parameters():
        kinds[name if name in KINDS else ("norm" if parameter.ndim == 1 else "matrix")][name] = parameter
    return kinds


class Optimizer:
    """Trains a Llama; what its state holds are the moments themselves, so that who reads them back copies into them."""

    def __init__(self, model: Llama, settings: OptimizerSettings, world: World = ALONE) -> None:
        """Sort the model's weights into kinds.

        Args:
            model: Whole on each process, or spread over them.
            settings: What stays the same.
            world: The processes that train it.

        Raises:
            FournilError: The settings name an unknown optimizer.
        """
        if settings.matrices not in ("muon", "adamw"):
            raise FournilError(
                tr("unknown optimizer {matrices!r}", matrices=settings.matrices),
                fix=tr('Known are "muon" and "adamw".'),
            )
        self.settings = settings
        self.kinds = kinds_of(model)
        self._muon = Muon(model, list(self.kinds["matrix"]) if settings.matrices == "muon" else [], world)
        kinds = [kind for kind in KINDS if kind != "matrix" or settings.matrices == "adamw"]
        self._adam_kinds = [kind for kind in kinds if self.kinds[kind]]
        self._adam = torch.optim.AdamW(
            [
                {
                    "params": list(self.kinds[kind].values()),
                    "weight_decay": settings.weight_decay if kind == "matrix" else 0.0,
                }
                for kind in self._adam_kinds
            ],
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            fused=True,
        )
        for group in self._adam.param_groups:
            for parameter in group["params"]:
                self._adam.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                    "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
                }

    def state(self) -> dict[str, Tensor]:
        """All moments, by the weights' names."""
        state = {f"muon.{name}": momentum for name, momentum in self._muon.momentum.items()}
        for group, kind in zip(self._adam.param_groups, self._adam_kinds, strict=True):
            for parameter, name in zip(group["params"], self.kinds[kind], strict=True):
                state |= {f"adamw.{name}.{part}": tensor for part, tensor in self._adam.state[parameter].items()}
        return state

    @torch.no_grad()
    def step(self, rates: Rates, factor: float, *, longest: float = math.inf) -> float:
        """Move all weights along their gradients, and clear the gradients.

        Args:
            rates: Peak learning rates.
            factor: What they are multiplied by in this step.
            longest: Nothing moves, and no moment changes, where the gradient is longer than this, or no number.

        Returns:
            The length of the gradient over all weights, before it was scaled down; the same on all processes.
        """
        parameters = [parameter for pairs in self.kinds.values() for parameter in pairs.values()]
        norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        length = float(whole(norm))
        if not math.isfinite(length) or length > longest:
            self.forget_gradients()
            return length
        if self.settings.max_gradient_norm:
            nn.utils.clip_grads_with_norm_(parameters, self.settings.max_gradient_norm, norm)
        self._muon.step(
            rates.matrix * factor,
            momentum=self.settings.momentum,
            steps=self.settings.newton_schulz_steps,
            weight_decay=self.settings.weight_decay,
        )
        for group, kind in zip(self._adam.param_groups, self._adam_kinds, strict=True):
            group["lr"] = getattr(rates, kind) * factor
        self._adam.step()
        self.forget_gradients()
        return length

    def forget_gradients(self) -> None:
        """Clear all gradients."""
        for pairs in self.kinds.values():
            for parameter in pairs.values():
                parameter.grad = None
