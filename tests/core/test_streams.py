"""Streams that were closed or cannot write every letter; each program runs in a process of its own."""

import subprocess
import sys

PROGRAM = "from fournil.core.streams import open_streams; open_streams(); "


def run(program: str, redirect: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'"{sys.executable}" -c "$0" {redirect}', PROGRAM + program]
    return subprocess.run(command, capture_output=True, text=True, env={**environment})


def test_a_file_never_takes_the_number_of_a_closed_stream(tmp_path):
    path = tmp_path / "a"
    program = f"import os; f = open({str(path)!r}, 'w'); os.system('echo lost'); print('lost'); f.close()"
    done = run(program, ">&- 2>&- <&-")
    assert done.returncode == 0
    assert path.read_text() == ""


def test_what_a_stream_cannot_write_is_a_question_mark():
    done = run("print('pâte')", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stdout) == (0, "p?te\n")
    assert run("print(chr(0xdcff))", PYTHONIOENCODING="utf-8:strict").stdout == "?\n"


def test_streams_that_are_well_stay_as_they_are():
    program = "import sys; before = sys.stdin; open_streams(); print(sys.stdin is before)"
    assert run(program, PYTHONUTF8="1").stdout == "True\n"
