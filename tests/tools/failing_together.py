"""What several processes do together until one of them fails: started by tests, which import nothing of each other."""

import errno
from pathlib import Path

from small_training import training

from fournil.parts.scoring import ranks
from fournil.parts.train.world import world_here


def fails(error: Exception, late: bool) -> None:
    """What all do together; in the first process it fails, amid it or once the others have done their part."""
    world = world_here()
    if late:
        world.meet()
    if world.is_first:
        raise error
    if not late:
        world.meet()


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
