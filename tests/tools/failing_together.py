"""What several processes do together until one of them fails: started by tests, which import nothing of each other."""

import errno
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from small_training import training

from fournil.parts.model.transformer import Llama
from fournil.parts.scoring import ranks
from fournil.parts.train import world
from fournil.parts.train.world import world_here


def fails(error: Exception, late: bool) -> None:
    """What all do together; in the first process it fails, amid it or once the others have done their part."""
    here = world_here()
    if late:
        here.meet()
    if here.is_first:
        raise error
    if not late:
        here.meet()


def call(rank: int, error: Exception, late: bool) -> str | None:
    """Be the command line of a process; returns what the first one caught."""
    if rank:
        ranks.follow(lambda _: 1 / 0)  # nothing is to be opened
        return None
    try:
        ranks.call_together(fails, error, late)
    except Exception as failed:
        ranks.dismiss()  # as the command line does
        return type(failed).__name__
    return None


def command(rank: int, words: list[str], said: Path) -> int:
    """Be the program under torchrun; what a process says goes to a file of its own. Returns the exit code."""
    from fournil.cli import main

    with (said / f"said-{rank}.txt").open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def training_on_a_full_disk(rank: int, out: Path) -> str:
    """Train; the second process cannot write its share of the second checkpoint. Returns what each of them says."""
    from fournil.parts.train.shards import _Writer

    whole, calls = _Writer.write_data, []

    def write_data(writer: _Writer, *arguments: object) -> object:
        calls.append(arguments)
        if rank == 1 and len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(writer, *arguments)

    _Writer.write_data = write_data
    try:
        training(rank, out, strategy="fsdp", checkpoint_every=5)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def training_beside_one_that_hangs(rank: int, out: Path, strategy: str) -> str:
    """Train; the second process hangs amid a step. Returns what each of them comes to."""
    world.HANGING = timedelta(seconds=2)
    loss, calls = Llama.loss, []

    def hangs(model: Llama, *arguments: object) -> object:
        calls.append(arguments)
        if rank == 1 and len(calls) == 3:
            time.sleep(8)
            os._exit(7)
        return loss(model, *arguments)

    Llama.loss = hangs
    try:
        training(rank, out, strategy=strategy)
    except RuntimeError as error:
        return "given up" if ranks.is_farewell(error) else str(error)
    return "nothing"
