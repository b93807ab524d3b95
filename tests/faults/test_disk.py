"""A disk that is full, or read-only: one clear sentence, nothing half-made, and on again once there is room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fournil import flow

NO_SMALL_DISK = "needs a small file system of its own"
ONE_SENTENCE = "fournil: the disk is full ["
WHAT_TO_DO = "]. Free some space and run the same command again: it goes on from here."


def said_full(done) -> bool:
    lines = done.stderr.splitlines()
    return done.returncode == 1 and len(lines) == 1 and lines[0].startswith(ONE_SENTENCE) and WHAT_TO_DO in lines[0]


def test_full_at_any_write_it_goes_on_once_there_is_room(mie, bakery):
    moments = [("os.rename", "*", nth) for nth in (1, 2, 6, 11, 16, 20, 22)]
    moments += [("open", "ledger.jsonl", 1), ("os.rename", "*/checkpoint/step-*", 1)]
    moments += [("os.rename", "07-export", 1), ("os.rename", "*/index.html", 1)]
    for event, path, nth in moments:
        done = bakery.bake("full", event, path, str(nth))
        assert said_full(done), f"{event} {path} {nth}: {done.stdout}{done.stderr}"
        bakery.check_nothing_is_half_made()
    bakery.done()
    bakery.check_same_as(mie)


class SmallDisk:
    """A tmpfs of a size that can be changed, mounted here, or in a namespace of a process that only holds it."""

    def __init__(self, folder: Path) -> None:
        self._point, self._holder, self._inside = folder, None, []
        folder.mkdir()
        self.folder = folder
        if self._mount("size=64k") != 0:
            self._holder = subprocess.Popen(["unshare", "-rm", "cat"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self._inside = ["nsenter", "-t", str(self._holder.pid), "-U", "--preserve-credentials", "-m"]
            self.folder = Path(f"/proc/{self._holder.pid}/root{folder}")
            if not any(self._mount("size=64k") == 0 for _ in range(20)):
                self.end()
                pytest.skip(NO_SMALL_DISK)

    def _mount(self, options: str) -> int:
        command = [*self._inside, "mount", "-t", "tmpfs", "-o", options, "none", str(self._point)]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode

    def set(self, options: str) -> None:
        subprocess.run([*self._inside, "mount", "-o", f"remount,{options}", str(self._point)], check=True)

    def end(self) -> None:
        if self._holder is None:
            subprocess.run(["umount", "-l", str(self._point)], check=True)
        else:
            self._holder.communicate()


@pytest.fixture
def small_disk(tmp_path):
    if sys.platform != "linux":
        pytest.skip(NO_SMALL_DISK)
    disk = SmallDisk(tmp_path / "disk")
    yield disk
    disk.end()


def test_a_disk_that_is_really_full_and_grows(mie, bakery, small_disk):
    bakery.run = small_disk.folder / "mie"
    kilobytes, full = 48, 0
    while kilobytes < 2**17:
        small_disk.set(f"size={kilobytes}k")
        done = bakery.bake()
        if done.returncode == 0:
            break
        assert said_full(done), f"{kilobytes} KB: {done.stdout}{done.stderr}"
        bakery.check_nothing_is_half_made()
        full += 1
        kilobytes = kilobytes * 7 // 4 + 40
    assert done.returncode == 0
    assert full >= 6
    bakery.check_same_as(mie)


def test_a_folder_that_may_only_be_read(mie, bakery, small_disk):
    small_disk.set("size=64m")
    subprocess.run(["cp", "-r", str(mie), str(small_disk.folder / "mie")], check=True)
    bakery.run = small_disk.folder / "mie"
    small_disk.set("ro")
    done = bakery.bake()
    assert done.returncode == 1
    assert done.stderr == (
        f"fournil: this run folder cannot be written: Read-only file system [{bakery.run}]. "
        "Choose another with --run.\n"
    )
    assert flow.verify(bakery.run) == []
    assert bakery.fournil("show", str(bakery.run)).returncode == 0


def test_a_file_in_place_of_the_run_folder_or_above_it(bakery):
    bakery.run.write_text("x")
    done = bakery.bake()
    assert done.stderr == f"fournil: this is a file, no run folder [{bakery.run}]. Choose another with --run.\n"
    bakery.run = bakery.run / "below"
    done = bakery.bake()
    assert (done.returncode, done.stderr) == (
        1,
        f"fournil: this run folder cannot be written: Not a directory [{bakery.run}]. Choose another with --run.\n",
    )


def test_what_is_printed_finds_no_room(copy_of_mie):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(copy_of_mie.command(), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "No space left on device" in done.stderr


def test_nobody_listens(copy_of_mie):
    command = " ".join(f"'{word}'" for word in copy_of_mie.command())
    for closed in (">&-", "2>&-", ">&- 2>&- <&-"):
        done = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), closed


@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": ""},
        {"HOME": "/nowhere"},
        {"TMPDIR": "/nowhere"},
        {"LC_ALL": "C", "LANG": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        {"COLUMNS": "5", "TERM": "dumb"},
    ],
    ids=lambda environment: " ".join(f"{key}={value}" for key, value in environment.items()),
)
def test_strange_surroundings(copy_of_mie, environment):
    place = copy_of_mie.run.rename(copy_of_mie.run.parent / f"pâte à « pain » {'é' * 60}")
    copy_of_mie.run, copy_of_mie.environment = place, environment
    (place / "08-report" / "record.json").unlink()
    said = copy_of_mie.done()
    assert said.count("up to date") == len(flow.STAGES) - 1
    assert flow.verify(place) == []


def test_a_path_as_long_as_paths_may_be(copy_of_mie):
    place = copy_of_mie.run.parent
    while len(os.fsencode(place)) < 3700:
        place = place / ("é" * 90)
    place.mkdir(parents=True)
    copy_of_mie.run = copy_of_mie.run.rename(place / "run")
    assert copy_of_mie.done().count("up to date") == len(flow.STAGES)
    copy_of_mie.run = place / ("é" * 200)
    done = copy_of_mie.bake()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "File name too long" in done.stderr
