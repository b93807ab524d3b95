"""How fast a training is, and what it takes: tokens a second, part of what the machine can, memory, energy."""

from __future__ import annotations

import time
from typing import Any

import torch

from fournil.core.energy import Meter, peak_memory_bytes
from fournil.parts.train.world import World

SIZES = {"cpu": 512, "cuda": 8192}
"""Rows and columns of the product that tells what a device can do: large enough, and on a GPU some milliseconds."""
METER_SECONDS = 10.0
"""Seconds between two looks at the energy: a look at a GPU's starts a program."""


def dense_rate(device: str, precision: str) -> float:
    """Floating-point operations a second of one large matrix product: the best of several, measured here and now.

    Args:
        device: "cpu" or "cuda".
        precision: "float32" or "bfloat16".
    """
    size, dtype = SIZES[device], getattr(torch, precision)
    left, right = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(2))
    best, until = float("inf"), time.perf_counter() + 0.02
    for _ in range(20):
        _wait_for(device)
        began = time.perf_counter()
        torch.mm(left, right)
        _wait_for(device)
        best = min(best, time.perf_counter() - began)
        if time.perf_counter() > until and device == "cpu":
            break
    return 2.0 * size**3 / best


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


class Throughput:
    """Measures a training while it runs; time spent aside (validation, checkpoints) does not count as training."""

    def __init__(self, world: World, device: str, precision: str) -> None:
        self._world, self._device = world, device
        self.peak = dense_rate(device, precision)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self._meter, self._looked, self._kwh = Meter(), time.monotonic(), 0.0
        self._began = self._line_began = time.monotonic()
        self.aside_seconds = 0.0
        self._line_aside = 0.0
        self.tokens = self._line_tokens = 0
        self.operations = self._line_operations = 0.0

    def add(self, tokens: int, operations: float) -> None:
        """Count a step: its tokens over all processes, and floating-point operations, the backward pass included."""
        self.tokens += tokens
        self.operations += operations

    def aside(self, seconds: float) -> None:
        """Count time that was no training."""
        self.aside_seconds += seconds

    def since_last(self) -> tuple[float, float]:
        """Tokens a second, and the part of what the devices can do, since the last call (or the start)."""
        now = time.monotonic()
        seconds = max(now - self._line_began - (self.aside_seconds - self._line_aside), 1e-9)
        speed = (self.tokens - self._line_tokens) / seconds
        used = (self.operations - self._line_operations) / seconds / (self.peak * self._world.ranks)
        self._line_began, self._line_aside = now, self.aside_seconds
        self._line_tokens, self._line_operations = self.tokens, self.operations
        return speed, used

    def memory_bytes(self) -> int:
        """The most memory that this process has taken so far: the GPU's where there is one."""
        return torch.cuda.max_memory_allocated() if self._device == "cuda" else peak_memory_bytes()

    def kwh(self) -> float:
        """Energy so far as this process knows it, not looked at more often than every ten seconds."""
        if time.monotonic() - self._looked > METER_SECONDS:
            self._looked, self._kwh = time.monotonic(), self._meter.stop().kwh
        return self._kwh

    def measured(self) -> dict[str, Any]:
        """JSON for the record, of all processes together; every process has to ask.

        What counters of a machine tell is counted once a machine; what is estimated from a process's own time, for
        each, unless there are GPUs: their meter tells of all of a machine's.
        """
        seconds = max(time.monotonic() - self._began - self.aside_seconds, 1e-9)
        energy = self._meter.stop()
        own = self._device == "cpu" and energy.method.startswith("estimated")
        world = self._world.gathered(
            (energy.kwh if own or self._world.is_first_of_machine else 0.0, self.memory_bytes(), self.peak)
        )
        peak = sum(rate for _, _, rate in world)
        return {
            "train_seconds": round(seconds, 3),
            "other_seconds": round(self.aside_seconds, 3),
            "tokens_per_second": round(self.tokens / seconds, 1),
            "flops_per_second": round(self.operations / seconds),
            "dense_flops_per_second": round(peak),
            "mfu": round(self.operations / seconds / peak, 4),
            "training_memory_bytes": max(memory for _, memory, _ in world),
            "training_kwh": sum(kwh for kwh, _, _ in world),
            "training_energy_method": energy.method,
        }
