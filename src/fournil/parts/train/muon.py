"""Muon: the momentum of each matrix is replaced by the nearest matrix with orthonormal rows or columns.

Jordan and others, 2024 (https://kellerjordan.github.io/posts/muon/), by a few Newton-Schulz steps. Matrices of one
shape go through them together: one by one, the small products cost twice the time. Where several processes train one
model, each makes its share of the matrices orthogonal and sends them to the others; nothing is made twice.

Shapes: M matrices of one shape, R rows, C columns, R <= C after tall matrices are turned.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from fournil.parts.model.transformer import Block, Llama
from fournil.parts.train.world import World, held, is_spread

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Muon's own coefficients: they lift small singular values fastest and end within 0.7 to 1.2, which is enough."""


@dataclass(frozen=True)
class _Slice:
    """One matrix: some rows of a parameter that holds several."""

    name: str
    parameter: nn.Parameter
    start: int
    end: int
    rows: tuple[tuple[int, int], ...]
    """For each process, which of the parameter's rows it holds."""

    @property
    def columns(self) -> int:
        return self.parameter.shape[1]

    @property
    def tall(self) -> bool:
        return self.end - self.start > self.columns

    def part(self, rank: int) -> tuple[int, int]:
        """Which rows of this matrix a process holds, counted in the parameter."""
        begin, end = self.rows[rank]
        return max(begin, self.start), max(min(end, self.end), max(begin, self.start))

    def num(self, rank: int) -> int:
        """How many numbers of this matrix a process holds."""
        begin, end = self.part(rank)
        return (end - begin) * self.columns

    def local(self, tensor: Tensor, rank: int) -> Tensor:
        """This process's rows of this matrix in what it holds of a tensor of the parameter's shape."""
        begin, end = self.part(rank)
        first = self.rows[rank][0]
        return tensor[begin - first : end - first]

    def turned(self, matrix: Tensor) -> Tensor:
        """The whole matrix with no more rows than columns, or turned back."""
        return matrix.T if self.tall else matrix


@dataclass(frozen=True)
class _Stack:
    """All matrices of one shape, and which process makes each of them orthogonal."""

    slices: list[_Slice]
    owners: list[int]


class Muon:
    """Trains the matrices inside blocks."""

    def __init__(self, model: Llama, names: list[str], world: World) -> None:
        """Sort matrices by shape, and divide them among the processes.

        Args:
            model: Whole on each process, or spread over them by rows (FSDP2).
            names: Of the parameters to train.
            world: The processes.
        """
        self.world = world
        self.parameters = {name: model.get_parameter(name) for name in names}
        self.momentum = {name: torch.zeros_like(p, requires_grad=False) for name, p in self.parameters.items()}
        self._spread = any(is_spread(parameter) for parameter in self.parameters.values())
        self._stacks = _stacks(model, self.parameters, world)

    @torch.no_grad()
    def step(self, rate: float, *, momentum: float, steps: int, weight_decay: float) -> None:
        """Move the matrices along their gradients.

        Args:
            rate: Learning rate.
            momentum: Nesterov's.
            steps: Of Newton and Schulz.
            weight_decay: Decoupled.
        """
        updates: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            if parameter.grad is None:
                continue  # its rate is 0 in all phases
            gradient, mean = held(parameter.grad), held(self.momentum[name])
            mean.lerp_(gradient, 1.0 - momentum)
            updates[name] = gradient.lerp(mean, momentum)
        for stack in self._stacks:
            if stack.slices[0].name in updates:
                self._step_stack(stack, updates, rate, steps, weight_decay)

    def _step_stack(
        self, stack: _Stack, updates: dict[str, Tensor], rate: float, steps: int, weight_decay: float
    ) -> None:
        first, rank = stack.slices[0], self.world.rank
        R, C = first.end - first.start, first.columns
        scale = (R / C) ** 0.5 if first.tall else 1.0
        own = [s for s, owner in zip(stack.slices, stack.owners, strict=True) if owner == rank]
        if self.world.ranks == 1:
            found = self._orthogonal(stack.slices, [updates[s.name][s.start : s.end] for s in own], steps)
        else:
            found = self._shared(stack, own, updates, steps)
        for matrix, update in zip(stack.slices, found, strict=True):
            target = matrix.local(held(matrix.parameter), rank)
            if weight_decay:
                target.mul_(1.0 - rate * weight_decay)
            target.add_(update, alpha=-rate * scale)

    def _orthogonal(self, slices: list[_Slice], matrices: list[Tensor], steps: int) -> list[Tensor]:
        if not matrices:
            return []
        wide_MRC = torch.stack([s.turned(matrix) for s, matrix in zip(slices, matrices, strict=False)])
        return [s.turned(matrix) for s, matrix in zip(slices, orthogonalize(wide_MRC, steps), strict=False)]

    def _shared(self, stack: _Stack, own: list[_Slice], updates: dict[str, Tensor], steps: int) -> list[Tensor]:
        """Each process makes its own matrices orthogonal; all get the rows of all that they hold."""
        ranks, rank = range(self.world.ranks), self.world.rank
        by_owner = [[s for s, o in zip(stack.slices, stack.owners, strict=True) if o == owner] for owner in ranks]
        if self._spread:
            parts = [s.local(updates[s.name], rank).reshape(-1) for owned in by_owner for s in owned]
            sent = [sum(s.num(rank) for s in owned) for owned in by_owner]
            pieces = _exchanged(parts, sent, [sum(s.num(other) for s in own) for other in ranks], self.world).split(
                [s.num(other) for other in ranks for s in own]
            )
            whole = [torch.cat(pieces[i :: len(own)]).view(s.end - s.start, s.columns) for i, s in enumerate(own)]
        else:
            whole = [updates[s.name][s.start : s.end] for s in own]
        made = [matrix.contiguous() for matrix in self._orthogonal(own, whole, steps)]
        parts = [
            matrix[s.part(other)[0] - s.start : s.part(other)[1] - s.start].reshape(-1)
            for other in ranks
            for s, matrix in zip(own, made, strict=True)
        ]
        sent = [sum(s.num(other) for s in own) for other in ranks]
        back = _exchanged(
            parts,
            sent,
            [sum(s.num(rank) for s in owned) for owned in by_owner],
            self.world,
            like=next(iter(updates.values())),
        ).split([s.num(rank) for owned in by_owner for s in owned])
        order = [s for owned in by_owner for s in owned]
        rows = {id(s): piece.view(-1, s.columns) for s, piece in zip(order, back, strict=True)}
        return [rows[id(s)] for s in stack.slices]


def orthogonalize(matrices_MRC: Tensor, steps: int) -> Tensor:
    """The nearest matrices with orthonormal rows, roughly: singular values end between about 0.7 and 1.2.

    Args:
        matrices_MRC: Matrices with no more rows than columns.
        steps: Of Newton and Schulz.
    """
    a, b, c = QUINTIC
    x_MRC = matrices_MRC / (torch.linalg.matrix_norm(matrices_MRC, keepdim=True) + 1e-7)
    if x_MRC.is_cuda:
        x_MRC = x_MRC.bfloat16()
    for _ in range(steps):
        gram_MRR = x_MRC @ x_MRC.mT
        polynomial_MRR = torch.baddbmm(gram_MRR, gram_MRR, gram_MRR, beta=b, alpha=c)
        x_MRC = torch.baddbmm(x_MRC, polynomial_MRR, x_MRC, beta=a)
    return x_MRC.to(matrices_MRC.dtype)


def _exchanged(
    parts: list[Tensor], sent: list[int], received: list[int], world: World, like: Tensor | None = None
) -> Tensor:
    """Send each process its numbers, and return those that all of them sent here, in their order."""
    like = parts[0] if like is None else like
    flat = torch.cat(parts) if parts else like.new_empty(0)
    found = like.new_empty(sum(received))
    distributed.all_to_all_single(found, flat, output_split_sizes=received, input_split_sizes=sent, group=world.data)
    return found


def _stacks(model: Llama, parameters: dict[str, nn.Parameter], world: World) -> list[_Stack]:
    """All matrices by shape; query, key, value, gate and up each for themselves."""
    found: dict[str, list[_Slice]] = {}
    for name, parameter in parameters.items():
        block = model.get_submodule(name.rsplit(".", 1)[0])
        assert isinstance(block, Block)
        start, parts = 0, _rows_held(parameter, world)
        for rows in block.matrix_rows(name.rsplit(".", 1)[1]):
            matrix = _Slice(name, parameter, start, start + rows, parts)
            found.setdefault(f"{rows}x{parameter.shape[1]}", []).append(matrix)
            start += rows
    stacks, dealt = [], 0
    for _, slices in sorted(found.items()):
        stacks.append(_Stack(slices, [(dealt + i) % world.ranks for i in range(len(slices))]))
        dealt += len(slices)
    return stacks


def _rows_held(parameter: nn.Parameter, world: World) -> tuple[tuple[int, int], ...]:
    """Which rows of a parameter each process holds: all of them, or its part under FSDP2."""
    rows = parameter.shape[0]
    if not is_spread(parameter):
        return ((0, rows),) * world.ranks
    share = -(-rows // world.ranks)
    parts = tuple((min(rank * share, rows), min((rank + 1) * share, rows)) for rank in range(world.ranks))
    begin, end = parts[world.rank]
    assert held(parameter).shape[0] == end - begin
    return parts
