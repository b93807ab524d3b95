"""kill -9 at ten random moments, and on each time: the bytes are those of a run that nobody disturbed."""

import random
import runpy
import shutil
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fournil.core.files import hash_tree

NUM_KILLS = 10
PROGRAM = Path(__file__).parent / "program.py"


def num_chunks(out: Path) -> int:
    return sum(1 for _ in (out / ".work").rglob("rows.parquet"))


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_goes_on_to_the_same_bytes(sources: Path, tmp_path: Path) -> None:
    few = tmp_path / "sources"
    shutil.copytree(sources / "documents", few / "documents")
    (few / "pairs").mkdir()
    pq.write_table(pq.read_table(sources / "pairs").slice(0, 300), few / "pairs" / "part-00000.parquet")
    context = get_context("forkserver")  # a process that has only imported is copied: each try begins at once
    context.set_forkserver_preload(["fournil.stages.curate.steps", "fournil.stages.curate.sections.engine"])

    def started(out: Path):
        arguments = [str(few), str(out), "threads", "15"]  # small chunks: much to be torn apart
        process = context.Process(target=runpy.run_path, args=(str(PROGRAM), {"ARGUMENTS": arguments}, "__main__"))
        process.start()
        return process

    started(tmp_path / "warm").join()
    began = time.monotonic()
    whole = started(tmp_path / "whole")
    while whole.is_alive() and not num_chunks(tmp_path / "whole"):
        time.sleep(0.01)
    first = time.monotonic() - began
    whole.join()
    seconds = time.monotonic() - began
    assert whole.exitcode == 0
    draw, out = random.Random(11), tmp_path / "killed"
    moments: list[int] = []
    tries = 0
    while len(moments) < NUM_KILLS:
        tries += 1
        assert tries < 80, "it ends before it can be killed"
        process = started(out)
        # Loading kernels takes longer than the work on so little text: most kills fall into the work.
        process.join(draw.uniform(0, first) if len(moments) % 4 == 0 else draw.uniform(first, seconds))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            moments.append(num_chunks(out))
        else:  # it was done: once more from nothing, and killed sooner, since it is faster now than it was when timed
            out = tmp_path / f"killed-{tries}"
            first, seconds = 0.9 * first, 0.9 * seconds
    assert any(moments), "no kill fell into the work"
    print("chunks that were there at each kill:", moments)
    last = started(out)
    last.join()
    assert last.exitcode == 0
    trees = [hash_tree(place, trust_times=False)["files"] for place in (tmp_path / "whole", out)]
    assert trees[0] == trees[1]
    assert not list(out.rglob(".tmp-*/rows.parquet"))
