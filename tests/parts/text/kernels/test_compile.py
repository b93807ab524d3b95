"""Kernels are kept where a folder can be written, and work where none can."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = """
from fournil.parts.text.kernels.compile import kernel

@kernel
def twice(value):
    return 2 * value

print(twice(21), twice.stats.cache_path)
"""


@pytest.mark.parametrize("writable", [True, False])
def test_kernel_runs_with_and_without_a_place_to_keep_it(tmp_path: Path, writable: bool) -> None:
    script = tmp_path / "script.py"
    if writable:
        script.write_text(SOURCE)
    else:
        # A folder that does not exist and cannot be made, for root too: below a file.
        (tmp_path / "file").write_text("")
    program = SOURCE if not writable else f"import runpy; runpy.run_path({str(script)!r})"
    environment = {"PATH": "", "HOME": str(tmp_path / ("home" if writable else "file/home"))}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("42 ")
    assert bool(list(tmp_path.rglob("*.nbi"))) is writable


OUTER = """
from fournil.parts.text.kernels.compile import kernel
from inner import ADDED, plus

@kernel
def twice(value):
    return 2 * plus(value) + ADDED

print(twice(20))
"""
INNER = """
from fournil.parts.text.kernels.compile import kernel

ADDED = {added}

@kernel
def plus(value):
    return value + {number}
"""


def test_kernel_is_compiled_again_when_what_it_swallowed_has_changed(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text(OUTER)
    environment = {"PATH": "", "HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    said = []
    # A line more each time, since a file may change within one tick of its clock.
    for changes, (number, added) in enumerate([(1, 0), (2, 0), (2, 5)]):
        (tmp_path / "inner.py").write_text(INNER.format(number=number, added=added) + "\n" * changes)
        command = [sys.executable, str(tmp_path / "outer.py")]
        said.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert said == ["42\n", "44\n", "49\n"]
