"""Checkpoints of several processes: torch.distributed.checkpoint's layout of safetensors files, without pickle.

It takes a second to import, and one process does without.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.storage import WriteResult


class _Writer(HuggingFaceStorageWriter):
    """Ends, on the first process and when all have written, by giving the folder its final name."""

    def __init__(self, folder: Path, finish: Callable[[], None]) -> None:
        super().__init__(str(folder), save_distributed=True)
        self._finish = finish

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Nothing is written about the whole: each file's header says what it holds."""
        self._finish()


def save(tensors: dict[str, Tensor], folder: Path, finish: Callable[[], None], *, group: Any) -> None:  # noqa: ANN401
    """Write what each process holds.

    Args:
        tensors: Spread ones (DTensor), and others that are the same on each process.
        folder: Made when it is missing.
        finish: Called on the first process when all have written.
        group: The processes, over gloo.
    """
    with _what_it_was():
        state_dict_saver.save(dict(tensors), storage_writer=_Writer(folder, finish), process_group=group)


def save_aside(
    tensors: dict[str, Tensor],
    folder: Path,
    finish: Callable[[], None],
    *,
    group: Any,  # noqa: ANN401
) -> Callable[[], None]:
    """As `save`, from a copy in the processor's memory, while the caller goes on.

    Returns:
        A function that waits for the end, and raises what writing raised.
    """
    writing: Any = state_dict_saver.async_save(
        dict(tensors), storage_writer=_Writer(folder, finish), process_group=group
    )

    def wait() -> None:
        with _what_it_was():
            writing.result()

    return wait


def load(tensors: dict[str, Tensor], folder: Path, *, group: Any) -> None:  # noqa: ANN401
    """Set tensors to what a checkpoint of any number of processes has, each process what it holds."""
    with _what_it_was():
        state_dict_loader.load(dict(tensors), storage_reader=HuggingFaceStorageReader(str(folder)), process_group=group)


@contextlib.contextmanager
def _what_it_was() -> Iterator[None]:
    """Raise what went wrong in one of the processes, on all of them: torch wraps it in what is no Exception."""
    try:
        yield
    except CheckpointException as error:
        inner = next((failure for failure, _ in error.failures.values()), None)
        raise (inner if isinstance(inner, Exception) else RuntimeError(str(error))) from error
