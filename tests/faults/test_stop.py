"""Ctrl-C in each stage: a sentence, 130, no process left over, and the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GENEROUS_SECONDS = 20
"""How long leaving may take here: the program allows itself 1.5 s, and a busy machine takes its time."""

MOMENTS = [
    ("sources", "os.rename", "*/01-sources/documents/mie-00000.parquet", 1),
    ("curate", "os.rename", "*/02-curate/.work/pairs/000000", 1),
    ("tokenizer", "os.rename", "*/shards/train-pairs/index.parquet", 1),
    ("pretrain", "progress", "Pretraining", 20),
    ("finetune", "progress", "Finetuning", 20),
    ("evaluate", "progress", "Translating into *", 3),
    ("export", "subprocess.Popen", "*", 1),
    ("report", "os.rename", "*/08-report/index.html", 1),
]


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_interrupted_in_each_stage(mie, bakery):
    number = signal.SIGINT
    for stage, event, path, nth in MOMENTS:
        process = bakery.start("say", event, path, str(nth))
        assert process.stderr is not None
        assert b"moment" in process.stderr.readline()
        began = time.monotonic()
        os.killpg(process.pid, number)  # as a terminal does: everybody in the group is told
        if stage == "finetune":
            os.killpg(process.pid, number)  # somebody is impatient
        said = process.stderr.read().decode()
        code = process.wait(GENEROUS_SECONDS)
        print(f"| {stage} | {number.name} | {time.monotonic() - began:.2f} s |")
        process.stderr.close()
        assert (code, said.strip()) == (130, "fournil: stopped. The same command goes on from here."), stage
        deadline = time.monotonic() + GENEROUS_SECONDS
        while is_alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_alive(process.pid), f"{stage}: a process is left over"
        assert bakery.stage_at_work() == stage
        bakery.check_nothing_is_half_made()
        number = signal.SIGTERM if number == signal.SIGINT else signal.SIGINT
    bakery.done()
    bakery.check_same_as(mie)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_alone_it_takes_what_it_started_along(mie, copy_of_mie, number):
    (copy_of_mie.run / "07-export" / "record.json").unlink()
    process = copy_of_mie.start("say", "subprocess.Popen", "*", "1")
    assert process.stderr is not None
    assert b"moment" in process.stderr.readline()
    time.sleep(0.1)
    process.send_signal(number)
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(GENEROUS_SECONDS) == 130
    assert "Traceback" not in said
    deadline = time.monotonic() + GENEROUS_SECONDS
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(process.pid)
    copy_of_mie.done()
    copy_of_mie.check_same_as(mie)


POOL = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from fournil.parts.workers.pools import _begin
if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=("en",)) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


def test_killed_it_leaves_no_reading_process_behind(tmp_path):
    (tmp_path / "pool.py").write_text(POOL)
    process = subprocess.Popen([sys.executable, str(tmp_path / "pool.py")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    reader = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + GENEROUS_SECONDS
    while time.monotonic() < deadline and _runs(reader):
        time.sleep(0.02)
    process.stdout.close()
    assert not _runs(reader)


def _runs(pid: int) -> bool:
    """Whether a process is there and has not ended; an orphan's end may wait for its new parent to notice."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


STARTING = """
import os, sys
from pathlib import Path
from fournil.stages.sources import tasks
from fournil.stages.sources.tasks import Task, read_all

class Source(Task):
    num_bytes = 1

if __name__ == "__main__":
    os.write(1, b"ready\\n")
    read_all([Source(None, None, Path()), Source(None, None, Path())], 2, print)
"""


@pytest.mark.parametrize("milliseconds", [0, 60, 200, 400])
def test_reading_processes_that_are_just_starting_end_without_a_word(tmp_path, milliseconds):
    _stop_starting(tmp_path, STARTING, b"ready\n", milliseconds)


LATE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

if __name__ == "__mp_main__":
    try:
        Path(__file__).with_suffix(".first").touch(exist_ok=False)
    except FileExistsError:
        time.sleep(2)

shutdown = ProcessPoolExecutor.shutdown

def said(*given, **named):
    os.write(1, b"closing\\n")
    shutdown(*given, **named)

ProcessPoolExecutor.shutdown = said
"""


def test_a_process_that_starts_while_the_others_are_sent_home_ends_without_a_word(tmp_path):
    said = _stop_starting(tmp_path, LATE + STARTING, b"ready\nclosing\n", 200)
    assert "KeyboardInterrupt" in said


def _stop_starting(folder: Path, script: str, announced: bytes, milliseconds: int) -> str:
    """Press Ctrl-C so long after a script said something; what it then says, which is nothing of its processes."""
    (folder / "start.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(folder / "start.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in announced.splitlines(keepends=True):
        assert process.stdout.readline() == line
    time.sleep(milliseconds / 1000)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=GENEROUS_SECONDS)
    assert said.decode().count("spawn_main") == 0, said.decode()
    return said.decode()
