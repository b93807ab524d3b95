import errno
import os
from pathlib import Path

import pytest

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path, canonical_hash, hash_tree, write_json, write_text


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


def test_an_untouched_file_is_not_read_again_but_verify_reads_all(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "aaaa")
    first = hash_tree(tmp_path)
    status = path.stat()
    path.write_text("bbbb")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hash_tree(tmp_path)["sha256"] == first["sha256"]
    assert hash_tree(tmp_path, trust_times=False)["sha256"] != first["sha256"]


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
