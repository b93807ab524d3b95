import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from fournil.core import files
from fournil.core.errors import FournilError
from fournil.core.files import (
    atomic_path,
    canonical_hash,
    hash_tree,
    mendable,
    mending,
    remove_leftovers,
    sha256_file,
    write_json,
    write_text,
)


def test_nothing_is_left_when_writing_fails(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        assert target.read_text() == "old"
        raise RuntimeError("killed")
    assert target.read_text() == "old"


def test_a_full_disk_is_said_in_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FournilError, match="the disk is full") as caught:
        write_text(tmp_path / "a.txt", "x")
    assert "goes on from here" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_json_is_canonical_and_refuses_nan(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": "é",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"a": float("nan")})
    assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": 1})


def test_a_tree_changes_with_any_byte_and_any_name(tmp_path):
    write_text(tmp_path / "one" / "a.txt", "a")
    before = hash_tree(tmp_path)
    assert list(before["files"]) == ["one/a.txt"]
    write_text(tmp_path / "one" / "a.txt", "b")
    after = hash_tree(tmp_path)
    assert after["sha256"] != before["sha256"]
    (tmp_path / "one" / "a.txt").rename(tmp_path / "one" / "c.txt")
    assert hash_tree(tmp_path)["sha256"] != after["sha256"]


def test_an_untouched_file_is_not_read_again_but_verify_reads_all(tmp_path, monkeypatch):
    reads: list[str] = []
    monkeypatch.setattr(files, "sha256_file", lambda path: reads.append(path.name) or sha256_file(path))
    write_text(tmp_path / "a.txt", "aaaa")
    monkeypatch.setattr(files, "RACY_NS", -(10**12))
    assert hash_tree(tmp_path) == hash_tree(tmp_path)
    assert reads == ["a.txt"]
    hash_tree(tmp_path, trust_times=False)
    assert reads == ["a.txt", "a.txt"]


def test_a_file_that_changed_as_it_was_read_is_read_again(tmp_path):
    write_text(tmp_path / "a.txt", "aaaa")
    first = hash_tree(tmp_path)
    assert not (tmp_path / files.SEEN).exists()
    (tmp_path / "a.txt").write_text("bbbb")  # within the same tick of the clock, for all that its times say
    assert hash_tree(tmp_path)["sha256"] != first["sha256"]


def test_times_set_back_by_hand_do_not_hide_a_change(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "RACY_NS", -(10**12))
    path = tmp_path / "a.txt"
    write_text(path, "aaaa")
    first, status = hash_tree(tmp_path), path.stat()
    path.write_text("bbbb")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert hash_tree(tmp_path)["sha256"] != first["sha256"]


def test_a_time_in_the_future_is_not_trusted(tmp_path):
    write_text(tmp_path / "a.txt", "aaaa")
    os.utime(tmp_path / "a.txt", (2**33, 2**33))
    hash_tree(tmp_path)
    assert not (tmp_path / files.SEEN).exists()


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a.txt": 1}', '{"a.txt": [4]}', "[" * 100_000, "\x00"])
def test_hashes_kept_from_before_may_be_rubbish(tmp_path, text):
    write_text(tmp_path / "a.txt", "aaaa")
    expected = hash_tree(tmp_path)
    (tmp_path / files.SEEN).write_text(text)
    assert hash_tree(tmp_path) == expected


def test_what_a_killed_process_was_writing_is_cleared_away_and_no_other(tmp_path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    for name in (f".tmp-{gone.stdout.strip()}-a", f".tmp-{os.getpid()}-b", ".tmp-x", "c"):
        (tmp_path / name).write_text("half")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".tmp-{os.getpid()}-b", ".tmp-x", "c"]


def test_hidden_files_and_the_record_are_no_outputs(tmp_path):
    write_text(tmp_path / "a.txt", "a")
    before = hash_tree(tmp_path)["sha256"]
    write_text(tmp_path / ".work" / "state", "x")
    write_text(tmp_path / "record.json", "{}")
    assert hash_tree(tmp_path)["sha256"] == before


def test_a_folder_in_a_place_of_a_file_is_no_fournil_error(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_text(Path(tmp_path / "a"), "x")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError("80 requested and 3 written"), "the disk is full"),  # numpy
        (ValueError('IoError(Os { code: 28, kind: StorageFull, message: "…" })'), "the disk is full"),  # safetensors
        (OSError(errno.EROFS, "Read-only file system"), "this file cannot be written"),
        (OSError(errno.EACCES, "Permission denied"), "this file cannot be written"),
        (OSError(errno.EIO, "Input/output error"), "the disk cannot be read or written"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), "this name is too long"),
    ],
)
def test_what_the_system_refuses_is_said_with_its_place(tmp_path, error, message):
    with pytest.raises(FournilError, match=message) as caught, mending(tmp_path):
        raise error
    assert str(tmp_path) in str(caught.value)
    named = OSError(error.errno, "x", "other") if isinstance(error, OSError) and error.errno else None
    if named is not None:
        assert "[other]" in str(mendable(named, tmp_path))


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), mending(tmp_path):
        raise ZeroDivisionError
    with pytest.raises(FileNotFoundError), mending(tmp_path):
        (tmp_path / "none").read_bytes()


def test_a_full_folder_for_temporary_files_is_the_one_that_is_named(tmp_path, monkeypatch):
    sizes = {True: SimpleNamespace(free=10**10), False: SimpleNamespace(free=4096)}
    monkeypatch.setattr(files.shutil, "disk_usage", lambda path: sizes[tmp_path in (path, *path.parents)])
    error = mendable(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "a" / "b")
    assert f"[{tempfile.gettempdir()}]" in str(error)
