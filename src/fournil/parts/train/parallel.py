"""One model, trained by one process or by several: whole on each (DDP), or spread over them by rows (FSDP2).

FSDP2 is torch's `fully_shard` (Zhao and others, 2023; each parameter a DTensor): a process holds its part of every
weight, gradient and moment, and gets the rest of a block when the block is due. DDP holds all of it everywhere and adds
gradients up while the backward pass is still going on.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.transformer import Llama
from fournil.parts.train.world import ALONE, World, held, is_spread, whole

STRATEGIES = ("auto", "ddp", "fsdp")

TRAINING_BYTES = 16
"""Of memory for each parameter: weight, gradient, and two moments at most, in float32."""

ROOM = 0.4
"""With "auto", what a training holds of a model may take this part of a GPU's memory; what is larger is spread."""


class _Objective(nn.Module):
    """The loss as a module: what DDP wraps."""

    def __init__(self, model: Llama, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, ids_BT: Tensor, targets_BT: Tensor, segments_BT: Tensor | None) -> Tensor:
        return self._loss(ids_BT, targets_BT, segments_BT)


class Parallel:
    """A model and the processes that train it."""

    def __init__(
        self, model: Llama, *, device: str, strategy: str = "auto", compiled: bool = False, world: World = ALONE
    ) -> None:
        """Put the model where it is trained.

        Args:
            model: The same weights on each process, requires_grad set as wanted.
            device: "cpu" or "cuda" (then of each process its own).
            strategy: "ddp", "fsdp", or "auto": by the memory that a training takes.
            compiled: Let torch.compile make kernels for what is inside blocks.
            world: The processes.

        Raises:
            FournilError: The strategy is unknown.
        """
        if strategy not in STRATEGIES:
            raise FournilError(
                tr("unknown strategy {strategy!r}", strategy=strategy),
                fix=tr("Known are {names}.", names=", ".join(STRATEGIES)),
            )
        self.world, self.device = world, device
        self.strategy = "one process" if world.ranks == 1 else _chosen(strategy, model, device)
        self._ddp: Any = None
        if compiled:
            model.compile_blocks()
        if self.strategy == "fsdp":
            self.model = _spread(model, device, world)
            self.loss: Callable[..., Tensor] = self.model.loss
            return
        self.model = model.to(device)
        self.loss = self.model.loss
        if self.strategy == "ddp":
            from torch.nn.parallel import DistributedDataParallel

            self._ddp = DistributedDataParallel(
                _Objective(self.model, self.loss),
                process_group=world.data,
                forward_sync_buffers=False,
                gradient_as_bucket_view=True,
            )
            self.loss = self._ddp

    def learn(self, rows: Callable[[Callable[..., Tensor]], tuple[Tensor, Any]], *, last: bool) -> Any:  # noqa: ANN401
        """Add the gradients of some rows, over all processes.

        Args:
            rows: Is given the loss function, and returns what these rows add to the batch's loss, and its own answer.
            last: No more rows of this batch follow. Of whole models gradients are sent only then; of a spread one,
                nobody has room to wait with all of them.

        Returns:
            The answer of `rows`.
        """
        with contextlib.nullcontext() if self._ddp is None or last else self._ddp.no_sync():
            loss, answer = rows(self.loss)
            (loss * self.world.ranks if self.world.ranks > 1 else loss).backward()  # what is sent is made the mean
        return answer

    def all_finite(self) -> bool:
        """Whether all weights are numbers, on all processes."""
        mine = all(bool(torch.isfinite(held(parameter)).all()) for parameter in self.model.parameters())
        return self.world.all_true(mine)

    def whole_model(self) -> Llama | None:
        """The model with all its weights: on the first process, None on the others; every process has to ask."""
        if self.strategy != "fsdp":
            return self.model if self.world.is_first else None
        copy = Llama(self.model.config) if self.world.is_first else None
        for name, parameter in self.model.named_parameters():
            full = whole(parameter.detach())
            if copy is not None:
                copy.get_parameter(name).data.copy_(full)
        return copy


def whole_tensors(tensors: dict[str, Tensor], world: World) -> dict[str, Tensor]:
    """All of spread tensors, in the processor's memory of the first process; the others give theirs and get nothing."""
    found = {}
    for name, tensor in tensors.items():
        full = whole(tensor)
        if world.is_first:
            found[name] = full.to("cpu").contiguous()
    return found


def _chosen(strategy: str, model: Llama, device: str) -> str:
    if strategy != "auto":
        return strategy
    if device == "cpu":
        return "ddp"
    room = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory * ROOM
    return "fsdp" if model.config.num_parameters() * TRAINING_BYTES > room else "ddp"


def _spread(model: Llama, device: str, world: World) -> Llama:
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    # The losses are a view, and nobody changes them in place.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = DeviceMesh.from_group(world.data, device)
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    register_fsdp_forward_method(model, "loss")
    assert all(is_spread(parameter) for parameter in model.parameters())
    world.meet()
    return model
