"""Muon for matrices, AdamW for the rest.

Muon (Jordan and others, 2024; https://kellerjordan.github.io/posts/muon/): the momentum of each matrix is replaced by
the nearest matrix with orthonormal rows or columns, by a few Newton-Schulz steps. Matrices of one shape go through
them together: one by one, the small products cost twice the time.

Shapes: M matrices of one shape, R rows, C columns, R <= C (tall matrices are turned).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.transformer import Block, Llama
from fournil.parts.train.schedule import Rates

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Muon's own coefficients: they lift small singular values fastest and end within 0.7 to 1.2, which is enough."""

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


@dataclass(frozen=True)
class _Slice:
    """One matrix: some rows of a parameter that holds several."""

    parameter: nn.Parameter
    start: int
    end: int
    tall: bool

    def wide(self, tensor: Tensor) -> Tensor:
        """This matrix's part of a tensor of the parameter's shape, turned to have no more rows than columns."""
        part = tensor[self.start : self.end]
        return part.T if self.tall else part


@dataclass(frozen=True)
class _Stack:
    """All matrices of one shape and turn, and their momenta."""

    name: str
    slices: list[_Slice]
    momentum_MRC: Tensor


class Optimizer:
    """Trains a Llama; its state can be written out and read back to the last bit."""

    def __init__(self, model: Llama, settings: OptimizerSettings) -> None:
        """Sort the model's weights into kinds.

        Raises:
            FournilError: The settings name an unknown optimizer.
        """
        if settings.matrices not in ("muon", "adamw"):
            raise FournilError(
                tr("unknown optimizer {matrices!r}", matrices=settings.matrices),
                fix=tr('Known are "muon" and "adamw".'),
            )
        self.settings = settings
        self.kinds: dict[str, dict[str, nn.Parameter]] = {kind: {} for kind in KINDS}
        for name, parameter in model.named_parameters():
            kind = name if name in KINDS else ("norm" if parameter.ndim == 1 else "matrix")
            self.kinds[kind][name] = parameter
        muon = self.kinds["matrix"] if settings.matrices == "muon" else {}
        self._stacks = _stacks(model, list(muon))
        self._adam_kinds = [kind for kind in KINDS if kind != "matrix" or settings.matrices == "adamw"]
        self._adam = torch.optim.AdamW(
            [
                {
                    "params": list(self.kinds[kind].values()),
                    "weight_decay": settings.weight_decay if kind == "matrix" else 0.0,
                }
                for kind in self._adam_kinds
                if self.kinds[kind]
            ],
            betas=(settings.beta1, settings.beta2),
            eps=settings.epsilon,
            fused=True,
        )
        self._adam_kinds = [kind for kind in self._adam_kinds if self.kinds[kind]]
        for group in self._adam.param_groups:
            for parameter in group["params"]:
                self._adam.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }

    def state(self) -> dict[str, Tensor]:
        """All moments: Muon's by shape, AdamW's by the weights' names."""
        state = {f"muon.{stack.name}": stack.momentum_MRC for stack in self._stacks}
        for group, kind in zip(self._adam.param_groups, self._adam_kinds, strict=True):
            for parameter, name in zip(group["params"], self.kinds[kind], strict=True):
                state |= {f"adamw.{name}.{part}": tensor for part, tensor in self._adam.state[parameter].items()}
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Set all moments to those that `state` gave.

        Raises:
            FournilError: They belong to another model or other settings.
        """
        own = self.state()
        if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in state.items()}:
            raise FournilError(
                tr("the optimizer's state belongs to other weights"),
                fix=tr("Remove the checkpoint, or the settings' change."),
            )
        for name, tensor in own.items():
            tensor.copy_(state[name])

    @torch.no_grad()
    def step(self, rates: Rates, factor: float) -> None:
        """Move all weights along their gradients, and clear the gradients.

        Args:
            rates: Peak learning rates.
            factor: What they are multiplied by in this step.
        """
        parameters = [parameter for pairs in self.kinds.values() for parameter in pairs.values()]
        if self.settings.max_gradient_norm:
            nn.utils.clip_grad_norm_(parameters, self.settings.max_gradient_norm)
        for stack in self._stacks:
            self._step_muon(stack, rates.matrix * factor)
        for group, kind in zip(self._adam.param_groups, self._adam_kinds, strict=True):
            group["lr"] = getattr(rates, kind) * factor
        self._adam.step()
        for parameter in parameters:
            parameter.grad = None

    def _step_muon(self, stack: _Stack, rate: float) -> None:
        gradients = [s.parameter.grad for s in stack.slices]
        if any(gradient is None for gradient in gradients):
            return  # their rate is 0 in all phases
        update_MRC = torch.stack([s.wide(g) for s, g in zip(stack.slices, gradients, strict=True) if g is not None])
        stack.momentum_MRC.lerp_(update_MRC, 1.0 - self.settings.momentum)
        update_MRC = orthogonalize(update_MRC.lerp_(stack.momentum_MRC, self.settings.momentum), self.settings)
        R, C = update_MRC.shape[1:]
        scale = (C / R) ** 0.5 if stack.slices[0].tall else 1.0
        for matrix, update_RC in zip(stack.slices, update_MRC, strict=True):
            target_RC = matrix.wide(matrix.parameter)
            if self.settings.weight_decay:
                target_RC.mul_(1.0 - rate * self.settings.weight_decay)
            target_RC.add_(update_RC, alpha=-rate * scale)


def orthogonalize(matrices_MRC: Tensor, settings: OptimizerSettings) -> Tensor:
    """The nearest matrices with orthonormal rows, roughly: singular values end between about 0.7 and 1.2.

    Args:
        matrices_MRC: Matrices with no more rows than columns.
        settings: How many Newton-Schulz steps.
    """
    a, b, c = QUINTIC
    x_MRC = matrices_MRC / (torch.linalg.matrix_norm(matrices_MRC, keepdim=True) + 1e-7)
    if x_MRC.is_cuda:
        x_MRC = x_MRC.bfloat16()
    for _ in range(settings.newton_schulz_steps):
        gram_MRR = x_MRC @ x_MRC.mT
        polynomial_MRR = torch.baddbmm(gram_MRR, gram_MRR, gram_MRR, beta=b, alpha=c)
        x_MRC = torch.baddbmm(x_MRC, polynomial_MRR, x_MRC, beta=a)
    return x_MRC.to(matrices_MRC.dtype)


def _stacks(model: Llama, names: list[str]) -> list[_Stack]:
    """All matrices by shape and turn; query, key, value, gate and up each for themselves."""
    found: dict[str, list[_Slice]] = {}
    for name in names:
        parameter = model.get_parameter(name)
        block = model.get_submodule(name.rsplit(".", 1)[0])
        assert isinstance(block, Block)
        start, columns = 0, parameter.shape[1]
        for rows in block.matrix_rows(name.rsplit(".", 1)[1]):
            tall = rows > columns
            found.setdefault(f"{rows}x{columns}", []).append(_Slice(parameter, start, start + rows, tall))
            start += rows
    stacks = []
    for shape, slices in sorted(found.items()):
        wide = [slices[0].wide(slices[0].parameter)] * len(slices)
        stacks.append(_Stack(shape, slices, torch.zeros_like(torch.stack(wide), requires_grad=False).detach()))
    return stacks
