"""When the first process fails amid a call of all, every process ends, and only the first one says why."""

import pytest
from together import start

from fournil.core.errors import EXIT_FAILED, FournilError
from fournil.parts.scoring import ranks
from fournil.parts.train.world import world_here


def fails(error, late):
    """What all do together; in the first process it fails, amid it or once the others have done their part."""
    world = world_here()
    if late:
        world.meet()
    if world.is_first:
        raise error
    if not late:
        world.meet()


def call(rank, error, late):
    if rank:
        return ranks.follow(lambda _: pytest.fail("nothing is to be opened"))
    try:
        ranks.call_together(fails, error, late)
    except Exception as failed:
        ranks.dismiss()  # as the command line does
        return type(failed).__name__


@pytest.mark.parametrize(
    ("error", "late"), [(RuntimeError("not enough memory on this device"), False), (FournilError("full"), True)]
)
def test_nobody_waits_for_a_process_that_failed(error, late, tmp_path):
    (first, answer), (second, _) = start(2, tmp_path, call, error, late)
    assert answer.poll(20)
    assert answer.recv() == ("done", type(error).__name__)
    first.kill()  # it is done; what it holds open would be closed by the end of the program
    second.join(20)
    assert second.exitcode == EXIT_FAILED
