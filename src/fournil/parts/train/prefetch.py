"""Batches made by a thread while the device trains on those before; how long the device waited is measured."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any

import torch

from fournil.parts.train.loop import Batch

DEPTH = 2
"""Batches that may lie ready."""


class Prefetch:
    """A batch function that makes the next batches before they are asked for.

    It may be asked for any step at any time, as after going back to a checkpoint: asked for another than the one that
    follows, it begins anew from there. It is a context manager; leaving it ends its thread.
    """

    def __init__(self, batch: Callable[[int], Batch], steps: int, *, depth: int = DEPTH, pin: bool = False) -> None:
        """Take a batch function.

        Args:
            batch: A pure function of the step.
            steps: How many there are: beyond the last one nothing is made.
            depth: Batches that may lie ready, at least 1.
            pin: Batches lie in page-locked memory, from which a GPU copies while it computes.
        """
        self._batch, self._steps, self._depth, self._pin = batch, steps, depth, pin
        self._changed = threading.Condition()
        self._ready: deque[Batch | BaseException] = deque()
        self._expected = self._next = -1
        self._turn, self._closed, self._failed = 0, False, False
        self._thread: threading.Thread | None = None
        self.waited_seconds = 0.0
        """How long those who asked have waited; the very first batch, for which nobody could be early, apart."""
        self.first_seconds = 0.0
        """How long they waited where making had to begin: at the start, and after each leap."""
        self.made_seconds = 0.0
        """How long the thread worked."""
        self.num_batches = 0
        """How many were handed out."""

    def __call__(self, step: int) -> Batch:
        """The batch of a step; what making it raised is raised here."""
        began = time.perf_counter()
        with self._changed:
            leap = step != self._expected
            if leap:
                self._turn, self._next, self._failed = self._turn + 1, step, False
                self._ready.clear()
            self._expected = step + 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._make, name="batches", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            while not self._ready:
                self._changed.wait()
            found = self._ready.popleft()
            self._changed.notify_all()
            waited = time.perf_counter() - began
            if leap:
                self.first_seconds += waited
            else:
                self.waited_seconds += waited
            self.num_batches += 1
        if isinstance(found, BaseException):
            self._expected = -1
            raise found
        return found

    def measured(self) -> dict[str, Any]:
        """JSON for a record: batches made, seconds that making took, and seconds that training waited for them."""
        return {
            "batches": self.num_batches,
            "making_seconds": round(self.made_seconds, 3),
            "waiting_seconds": round(self.waited_seconds, 4),
            "first_batch_seconds": round(self.first_seconds, 4),
        }

    def __enter__(self) -> Prefetch:
        """Nothing is made before the first batch is asked for."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _make(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (
                    self._failed or len(self._ready) >= self._depth or self._next >= max(self._steps, self._expected)
                ):
                    self._changed.wait()
                if self._closed:
                    return
                turn, step = self._turn, self._next
            began = time.perf_counter()
            found: Batch | BaseException
            try:
                found = self._pinned(self._batch(step))
            except BaseException as error:  # raised where the batch is asked for
                found = error
            with self._changed:
                self.made_seconds += time.perf_counter() - began
                if turn == self._turn:  # else another step was asked for meanwhile
                    self._ready.append(found)
                    self._next, self._failed = step + 1, isinstance(found, BaseException)
                self._changed.notify_all()

    def _pinned(self, batch: Batch) -> Batch:
        if not self._pin:
            return batch
        tensors = {
            name: tensor.pin_memory() for name, tensor in vars(batch).items() if isinstance(tensor, torch.Tensor)
        }
        return replace(batch, **tensors)
