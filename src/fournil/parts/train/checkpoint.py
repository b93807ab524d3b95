"""The states of a training, each a folder that appears whole, so that a killed training goes on to the last bit.

A folder holds safetensors files and state.json. One process writes one file; of several, each writes what it holds, by
torch.distributed.checkpoint, in the layout that it has for safetensors (never pickle). Either is read by any number of
processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, distributed

from fournil.core.errors import FournilError
from fournil.core.files import TEMPORARY, mendable, to_json, write_text
from fournil.core.speech import tr
from fournil.parts.model.transformer import Llama
from fournil.parts.train.optimizer import Optimizer
from fournil.parts.train.world import ALONE, HANGING, World, held

FOLDER = "checkpoint"
PREFIX = "step-"
KEPT = 2
"""How many checkpoints stay: the last ones. Beside them stays the last one that is known to be good, for a model may be
spoilt for longer than they reach before its losses show it."""

STATE = ("step", "precision", "tokens_seen", "tokens_learnt", "tally", "num_lines", "threads", "ranks", "guard")
"""What a checkpoint says beside its tensors."""

SEEING_SECONDS = 15.0
"""How long what one machine writes may take to be seen by the others."""

SHARDING = "DCP_SHARDING_INFO"
"""Where torch.distributed.checkpoint says, in a file's header, which part of each tensor the file has."""


class Checkpoints:
    """The checkpoints of a training."""

    def __init__(
        self, work: Path, model: Llama, optimizer: Optimizer, world: World = ALONE, *, aside: bool = False
    ) -> None:
        """Look at what there is.

        Args:
            work: Its subfolder "checkpoint" is used; all processes see the same one.
            model: Whole, or spread over the processes.
            optimizer: Its moments are kept too.
            world: The processes; all of them call what changes anything.
            aside: Training goes on while a checkpoint is being written, from a copy in the processor's memory.

        Raises:
            FournilError: The processes see different folders.
        """
        self.folder, self.world, self._aside = work / FOLDER, world, aside
        self._model, self._optimizer = model, optimizer
        self._group: Any = distributed.new_group(backend="gloo", timeout=HANGING) if world.ranks > 1 else None
        self._writing: Callable[[], None] | None = None
        if world.is_first:
            self.folder.mkdir(parents=True, exist_ok=True)
            for leftover in self.folder.glob(f"{TEMPORARY}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        world.meet()
        if world.ranks > 1:
            self._refuse_other_folders()

    def steps(self) -> list[int]:
        """Of which steps there are checkpoints, in order.

        Raises:
            FournilError: The processes see different folders.
        """
        names = [path.name.removeprefix(PREFIX) for path in self.folder.glob(f"{PREFIX}*")]
        found = sorted(int(name) for name in names if name.isdecimal())
        if any(other != found for other in self.world.gathered(found)):
            raise self._other_folders()
        return found

    def save(self, state: Mapping[str, Any]) -> None:
        """Write weights, moments and `state` (JSON, with "step"); the checkpoint before the last one goes.

        Raises:
            FournilError: The disk is full, or what else the system refuses; what was there stays. With `aside`, the
                next call says it.
        """
        self.wait()
        final = self.folder / f"{PREFIX}{int(state['step']):08d}"
        unfinished = self.folder / f"{TEMPORARY}{self.world.first_says(os.getpid())}-{final.name}"
        finish = _Finish(unfinished, final, to_json(dict(state)), state["guard"]["good_step"])  # as it is now
        if self.world.ranks > 1:
            self._writing = self._save_shares(unfinished, finish)
        else:
            self._writing = self._save_all(unfinished, finish)
        if not self._aside:
            self.wait()

    def wait(self) -> None:
        """Wait until what is being written is there.

        Raises:
            FournilError: It could not be written.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing()
        except Exception as error:
            raise _said(error, self.folder) from error

    def restore(self, step: int | None = None) -> dict[str, Any] | None:
        """Set weights and moments to those of a checkpoint.

        Args:
            step: Of which one; None: the last.

        Returns:
            What was saved as `state`, or None (and nothing is changed) where there is no checkpoint.

        Raises:
            FournilError: The checkpoint is broken or belongs to another model.
        """
        self.wait()
        steps = self.steps()
        if not steps:
            return None
        folder = self.folder / f"{PREFIX}{steps[-1] if step is None else step:08d}"
        state = _read_state(folder)
        own = self._tensors()
        _refuse_other(folder, own)
        if self.world.ranks > 1:
            self._load_shares(folder, own)
        else:
            _load_all(folder, own)
        finite = all(bool(torch.isfinite(held(own[name])).all()) for name in own if name.startswith("model."))
        if not self.world.all_true(finite):
            raise _unusable(tr("the checkpoint holds NaN or an infinity"), folder)
        return state

    def forget_after(self, step: int) -> None:
        """Take away the checkpoints of later steps: the model that they hold is given up."""
        later = [found for found in self.steps() if found > step]
        if self.world.is_first:
            for found in later:
                _remove(self.folder / f"{PREFIX}{found:08d}")
        self.world.meet()

    def _refuse_other_folders(self) -> None:
        """Look whether all processes see what the first one makes, before any of them writes where no other looks."""
        mark = self.folder / self.world.first_says(f"{TEMPORARY}{os.getpid()}-seen-{time.time_ns()}")
        if self.world.is_first:
            mark.mkdir()
        self.world.meet()
        until = time.monotonic() + SEEING_SECONDS
        while not mark.exists() and time.monotonic() < until:
            time.sleep(0.1)
        seen = self.world.all_true(mark.exists())
        if self.world.is_first:
            mark.rmdir()
        if not seen:
            raise self._other_folders()

    def _other_folders(self) -> FournilError:
        return FournilError(
            tr("the processes of this training see different folders"),
            where=self.folder,
            fix=tr("Give a run folder that all machines share, under the same path."),
        )

    def _tensors(self) -> dict[str, Tensor]:
        tensors = {f"model.{name}": parameter.detach() for name, parameter in self._model.named_parameters()}
        return tensors | {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state().items()}

    def _save_all(self, unfinished: Path, finish: _Finish) -> Callable[[], None]:
        copy = self._aside  # what is trained on may change while it is written
        tensors = {
            name: tensor.to("cpu", copy=copy).contiguous() if copy else tensor.to("cpu").contiguous()
            for name, tensor in self._tensors().items()
        }

        def write() -> None:
            unfinished.mkdir(parents=True, exist_ok=True)
            save_file(tensors, unfinished / "training.safetensors")
            finish()

        if not self._aside:
            return write
        return _in_thread(write)

    def _save_shares(self, unfinished: Path, finish: _Finish) -> Callable[[], None]:
        from fournil.parts.train import shards

        tensors, finish_shares = self._tensors(), (unfinished, finish)
        if self._aside:
            return shards.save_aside(tensors, *finish_shares, group=self._group)
        return lambda: shards.save(tensors, *finish_shares, group=self._group)

    def _load_shares(self, folder: Path, own: dict[str, Tensor]) -> None:
        from fournil.parts.train import shards

        try:
            shards.load(own, folder, group=self._group)
        except Exception as error:
            raise _unusable(tr("the checkpoint is broken ({error})", error=_first_line(error)), folder) from error


class _Finish:
    """Gives what is written its final name; of several processes, the first does so when all of them have written."""

    def __init__(self, unfinished: Path, final: Path, state: str, good_step: int) -> None:
        self.unfinished, self.final, self.state, self.good_step = unfinished, final, state, good_step

    def __call__(self) -> None:
        write_text(self.unfinished / "state.json", self.state)
        for path in sorted(self.unfinished.iterdir()):
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        _remove(self.final)  # there only if somebody put it aside and brought it back
        self.unfinished.rename(self.final)
        folder = os.open(self.final.parent, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some file systems cannot flush a folder
                os.fsync(folder)
        finally:
            os.close(folder)
        found = sorted(self.final.parent.glob(f"{PREFIX}*"))
        good = [path for path in found if path.name <= f"{PREFIX}{self.good_step:08d}"]
        for old in found[:-KEPT]:
            if old not in good[-1:]:
                _remove(old)


def _remove(folder: Path) -> None:
    """Take a checkpoint away: at once under its name, so that a kill amid this leaves no half of one."""
    if not folder.exists():
        return
    going = folder.with_name(f"{TEMPORARY}{os.getpid()}-old-{folder.name}")
    with contextlib.suppress(OSError):  # what cannot be moved stays as it is
        folder.rename(going)
        shutil.rmtree(going, ignore_errors=True)


def _in_thread(work: Callable[[], None]) -> Callable[[], None]:
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="checkpoint")
    thread.start()

    def wait() -> None:
        thread.join()
        if failed:
            raise failed[0]

    return wait


def _said(error: Exception, folder: Path) -> Exception:
    """What a person can mend about a failed checkpoint, or the error itself; unfinished files are removed."""
    for unfinished in folder.glob(f"{TEMPORARY}{os.getpid()}-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    return mendable(error, folder)


def _read_state(folder: Path) -> dict[str, Any]:
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(tr("the checkpoint is broken ({error})", error=error), folder) from None
    if not isinstance(state, dict) or not set(STATE) <= set(state):
        raise _unusable(tr("the checkpoint does not say how far the training came"), folder)
    return state


def _pieces(folder: Path) -> Iterator[tuple[Any, str, tuple[int, ...], tuple[int, ...]]]:
    """Each piece of a tensor in a checkpoint: the open file, the tensor's name, where the piece begins, its shape."""
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            sharding = json.loads((file.metadata() or {}).get(SHARDING, "{}"))
            for name in sorted(file.keys()):
                shape = tuple(file.get_slice(name).get_shape())
                begins = tuple(sharding[name]["saved_offsets"]) if sharding else (0,) * len(shape)
                yield file, name, begins, shape


def _refuse_other(folder: Path, own: dict[str, Tensor]) -> None:
    """Look at the headers: every weight and moment has to be there, whole, in its shape."""
    numbers: dict[str, int] = dict.fromkeys(own, 0)
    ends: dict[str, tuple[int, ...]] = {}
    try:
        for _, name, begins, shape in _pieces(folder):
            numbers[name] = numbers.get(name, 0) + torch.Size(shape).numel()
            here = tuple(begin + size for begin, size in zip(begins, shape, strict=True))
            ends[name] = tuple(max(pair) for pair in zip(here, ends.get(name, here), strict=True))
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise _unusable(tr("the checkpoint is broken ({error})", error=error), folder) from None
    if set(ends) != set(own) or any(ends[name] != tuple(tensor.shape) for name, tensor in own.items()):
        raise _unusable(tr("the checkpoint is of another model, or of another optimizer"), folder)
    for name, tensor in own.items():
        if numbers[name] != tensor.numel():
            raise _unusable(tr("a part of {name} is missing in the checkpoint", name=name), folder)


def _load_all(folder: Path, own: dict[str, Tensor]) -> None:
    try:
        with torch.no_grad():
            for file, name, begins, shape in _pieces(folder):
                target = own[name]
                for dimension, (begin, size) in enumerate(zip(begins, shape, strict=True)):
                    target = target.narrow(dimension, begin, size)
                target.copy_(file.get_tensor(name))
    except (SafetensorError, OSError) as error:
        raise _unusable(tr("the checkpoint is broken ({error})", error=error), folder) from None


def _unusable(what: str, folder: Path) -> FournilError:
    return FournilError(
        what,
        where=folder,
        fix=tr("Remove it: training then goes on from the checkpoint before it, or from the start."),
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
