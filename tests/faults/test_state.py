"""What happens to a run folder between two bakes: edited, cut, moved, copied, held by another, looked at meanwhile."""

import json
import os
import signal
import subprocess
import sys

import pytest

from fournil import flow
from fournil.core import ledger


def stages_again(said: str) -> list[str]:
    """The stages that a bake did not find up to date."""
    lines = [line for line in said.splitlines() if line[:2].isdigit() and line.endswith(")")]
    assert len(lines) == len(flow.STAGES)
    return [line.split()[0] for line in lines if not line.endswith("(up to date)")]


def test_an_edited_page_is_drawn_again_and_it_is_said_why(mie, copy_of_mie):
    page = copy_of_mie.run / "08-report" / "index.html"
    page.write_text(page.read_text().replace("kept", "lost"))
    said = copy_of_mie.done()
    assert stages_again(said) == ["08-report"]
    assert "made again: its files were altered" in said
    copy_of_mie.check_same_as(mie)


def edit(path) -> None:
    record = json.loads(path.read_text())
    record["facts"]["headline"] = "the best page"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (edit, "its record was altered"),
        (lambda path: path.write_bytes(b"\x00\xff"), "its record cannot be read"),
        (lambda path: path.write_text("[]"), "its record cannot be read"),
    ],
)
def test_an_edited_record_is_noticed(mie, copy_of_mie, spoil, why):
    record = copy_of_mie.run / "08-report" / "record.json"
    spoil(record)
    assert flow.verify(copy_of_mie.run) == ["08-report/record.json: not what the ledger says"]
    said = copy_of_mie.done()
    assert stages_again(said) == ["08-report"]
    assert f"made again: {why}" in said
    copy_of_mie.check_same_as(mie)


def test_a_ledger_that_was_cut_is_named_and_its_advice_works(mie, copy_of_mie):
    path = copy_of_mie.run / "ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    done = copy_of_mie.bake()
    assert done.returncode == 1
    assert done.stderr == (
        f"fournil: the ledger was altered at line 6, or cut after it: its head is another [{path}]. Restore it from a "
        "copy; or delete ledger.jsonl and ledger.head, and bake again: the records beside the outputs are entered "
        "anew.\n"
    )
    path.unlink()
    (copy_of_mie.run / "ledger.head").unlink()
    assert stages_again(copy_of_mie.done()) == []
    copy_of_mie.check_same_as(mie)


def test_the_resolved_recipe_is_only_a_copy(mie, copy_of_mie):
    lock = copy_of_mie.run / "recipe.lock.toml"
    lock.write_text(lock.read_text().replace("steps = 60", "steps = 6"))
    assert stages_again(copy_of_mie.done()) == []
    copy_of_mie.check_same_as(mie)


def test_moved_and_copied_it_is_still_up_to_date(copy_of_mie):
    copy_of_mie.run = copy_of_mie.run.rename(copy_of_mie.run.parent / "ailleurs")
    assert stages_again(copy_of_mie.done()) == []


def test_a_clock_that_was_set_back(mie, copy_of_mie):
    for path in copy_of_mie.run.rglob("*"):
        os.utime(path, (2**32, 2**32))  # the year 2106
    page = copy_of_mie.run / "08-report" / "index.html"
    page.write_text(page.read_text().replace("kept", "lost"))
    os.utime(page, (2**32, 2**32))
    assert stages_again(copy_of_mie.done()) == ["08-report"]
    assert all(record.seconds >= 0 for record in ledger.read_ledger(copy_of_mie.run))
    copy_of_mie.check_same_as(mie)


def test_a_second_bake_is_told_who_holds_the_folder(copy_of_mie):
    with flow.holding(copy_of_mie.run):
        done = copy_of_mie.bake()
    assert done.returncode == 1
    who = f"fournil: process {os.getpid()} on {os.uname().nodename} has been baking in this folder since 2"
    assert done.stderr.startswith(who)
    assert done.stderr.endswith("Wait for it to end, or choose another folder with --run.\n")
    assert stages_again(copy_of_mie.done()) == []


def test_a_lock_that_a_dead_process_left_blocks_nobody(copy_of_mie):
    code = "import sys, os; from pathlib import Path; from fournil import flow; h = flow.holding(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", f"{code}; h.__enter__(); os._exit(9)", str(copy_of_mie.run)])
    assert '"pid"' in (copy_of_mie.run / ".lock").read_text()
    assert stages_again(copy_of_mie.done()) == []


def test_a_run_can_be_looked_at_while_it_is_baked(mie, copy_of_mie):
    (copy_of_mie.run / "08-report" / "record.json").unlink()
    process = copy_of_mie.start("say", "os.rename", "08-report", "1")
    assert process.stderr is not None
    assert b"moment" in process.stderr.readline()
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        assert copy_of_mie.fournil("show", str(copy_of_mie.run)).returncode == 0
        looked = copy_of_mie.fournil("verify", str(copy_of_mie.run))
        assert "Traceback" not in looked.stderr
        assert copy_of_mie.fournil("why", str(copy_of_mie.run), "mie").returncode in (0, 1)
        second = copy_of_mie.bake()
        assert f"process {process.pid} on" in second.stderr
    finally:
        os.killpg(process.pid, signal.SIGCONT)
    process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    copy_of_mie.check_same_as(mie)


def test_outputs_have_the_rights_that_new_files_have(copy_of_mie):
    before = os.umask(0o027)
    try:
        (copy_of_mie.run / "08-report" / "record.json").unlink()
        copy_of_mie.done()
    finally:
        os.umask(before)
    assert (copy_of_mie.run / "08-report" / "index.html").stat().st_mode & 0o777 == 0o640
