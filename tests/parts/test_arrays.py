import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fournil.parts.arrays import load, load_all, save

REPOSITORY = Path(__file__).parents[2]
RECORDS = np.array([(1, 2.5)], [("key", np.uint64), ("share", np.float64)])


@pytest.mark.parametrize("values", [np.arange(6, dtype=np.uint32).reshape(2, 3), np.zeros(0, np.int64), RECORDS])
@pytest.mark.parametrize("mode", [None, "r", "c"])
def test_what_was_saved_is_read(tmp_path: Path, values: np.ndarray, mode) -> None:
    save(tmp_path / "values.npy", values)
    found = load(tmp_path / "values.npy", mode)
    assert found.dtype == values.dtype
    assert np.array_equal(found, values)
    assert found.flags.writeable is (mode != "r")
    assert isinstance(found, np.memmap) is (mode is not None)


def test_several_arrays_in_one_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "values.npz", rows=np.arange(3), counts=np.zeros(0))
    found = load_all(tmp_path / "values.npz")
    assert found["rows"].tolist() == [0, 1, 2]
    assert found["counts"].tolist() == []
    assert len(found) == 2


def test_a_file_cut_short_is_said(tmp_path: Path) -> None:
    save(tmp_path / "values.npy", np.arange(1000))
    (tmp_path / "values.npy").write_bytes((tmp_path / "values.npy").read_bytes()[:500])
    with pytest.raises(ValueError, match="mmap length"):
        load(tmp_path / "values.npy")


@pytest.mark.parametrize("several", [False, True])
def test_headers_are_read_one_after_the_other(tmp_path: Path, monkeypatch, several: bool) -> None:
    save(tmp_path / "values.npy", np.arange(3))
    np.savez(tmp_path / "values.npz", values=np.arange(3))
    read, inside, most = np.load, threading.Semaphore(1), []

    def slow(*args, **options):
        most.append(inside.acquire(blocking=False))
        time.sleep(0.01)
        if most[-1]:
            inside.release()
        return read(*args, **options)

    monkeypatch.setattr(np, "load", slow)
    with ThreadPoolExecutor(4) as pool:
        function, path = (load_all, "values.npz") if several else (load, "values.npy")
        list(pool.map(function, [tmp_path / path] * 8))
        assert all(most)
        list(pool.map(slow, [tmp_path / path] * 8))
        assert not all(most)  # without the lock, this test sees it


def test_nobody_else_reads_arrays() -> None:
    code = "import numpy as np\n\nnp.load('values.npy')\n"
    asked = [sys.executable, "-m", "ruff", "check", "--quiet", "--stdin-filename"]
    for name, refused in (("src/fournil/parts/other.py", True), ("src/fournil/parts/arrays.py", False)):
        told = subprocess.run([*asked, name, "-"], input=code, capture_output=True, text=True, cwd=REPOSITORY)
        assert ("TID251" in told.stdout) is refused
