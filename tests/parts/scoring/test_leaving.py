"""When the first process fails amid a call of all, every process ends, and only the first one says why."""

import pytest
from failing_together import call
from together import start

from fournil.core.errors import EXIT_FAILED, FournilError


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
