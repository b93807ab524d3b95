"""The processes that train one model together: who each of them is, and what they tell one another in small numbers.

Gradients and weights go over the device's own network (NCCL on GPUs); what is said here goes over the processors'
(gloo), so that asking whether to stop waits for no GPU.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

HANGING = timedelta(minutes=30)
"""How long a process of a training waits for the others: they have the same work."""


@dataclass(frozen=True)
class World:
    """One of the processes of a training, or the only one."""

    rank: int = 0
    """Its number."""
    ranks: int = 1
    """How many there are."""
    local_rank: int = 0
    """Its number among those of its machine."""
    control: Any = None
    """The group that small numbers go through; None where there is only one process."""
    data: Any = None
    """The group that gradients and weights go through, likewise: a process of it that hangs is given up, where the
    program's own group waits for as long as the first process likes."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and says lines."""
        return self.rank == 0

    @property
    def is_first_of_machine(self) -> bool:
        """Whether this process speaks for its machine."""
        return self.local_rank == 0

    def sums(self, values: Sequence[float]) -> list[float]:
        """The sums of values over all processes, the same numbers on each of them."""
        if self.ranks == 1:
            return [float(value) for value in values]
        tensor = torch.tensor(list(values), dtype=torch.float64)
        distributed.all_reduce(tensor, group=self.control)
        return tensor.tolist()

    def all_true(self, mine: bool) -> bool:
        """Whether something holds on all processes."""
        return self.sums([float(not mine)])[0] == 0

    def gathered(self, mine: Any) -> list[Any]:  # noqa: ANN401 - whatever the caller has
        """What all processes have, in their order, on each of them."""
        if self.ranks == 1:
            return [mine]
        found: list[Any] = [None] * self.ranks
        distributed.all_gather_object(found, mine, group=self.control)
        return found

    def first_says(self, mine: Any) -> Any:  # noqa: ANN401
        """What the first process has, on each of them."""
        if self.ranks == 1:
            return mine
        box = [mine]
        distributed.broadcast_object_list(box, src=0, group=self.control)
        return box[0]

    def meet(self) -> None:
        """Wait until all processes are here."""
        self.sums([0.0])


ALONE = World()


def world_here() -> World:
    """This process's place among those that torchrun started; `ALONE` where the process group was not joined."""
    if not distributed.is_available() or not distributed.is_initialized() or distributed.get_world_size() == 1:
        return ALONE
    return World(
        distributed.get_rank(),
        distributed.get_world_size(),
        int(os.environ.get("LOCAL_RANK", "0")),
        distributed.new_group(backend="gloo", timeout=HANGING),
        distributed.new_group(timeout=HANGING),
    )


def is_spread(tensor: Tensor) -> bool:
    """Whether each process holds only its part of a tensor (a DTensor, which takes a second to import)."""
    return hasattr(tensor, "to_local")


def held(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor."""
    return tensor.to_local() if is_spread(tensor) else tensor  # pyright: ignore[reportAttributeAccessIssue]


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor; where it is spread, every process has to ask."""
    return tensor.full_tensor() if is_spread(tensor) else tensor  # pyright: ignore[reportAttributeAccessIssue]
