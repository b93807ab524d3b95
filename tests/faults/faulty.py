"""Runs the command line with one fault at one moment: `faulty.py FAULT EVENT PATTERN NTH -- ARGUMENTS`.

A moment is the NTH audit event (`open` for writing, `os.rename`, …) whose path, relative to the run folder given by
`--run`, fits PATTERN; or, for `progress`, when the bar whose title fits PATTERN has come to NTH. Faults: `kill`
(SIGKILL), `tear` (half a line is written to the file, then SIGKILL), `full` (the disk is full from here on), `say` (a
line on standard error, for whoever wants to do something from outside).
"""

import errno
import fnmatch
import os
import signal
import sys
from pathlib import Path

SAID = b"the moment has come\n"


def path_of(event: str, values: tuple) -> str | None:
    if event == "open":
        writes = isinstance(values[1], str) and set("wax+") & set(values[1])
        return str(values[0]) if writes else None
    if event == "os.rename":
        return str(values[1])
    return str(values[0]) if event in ("os.remove", "os.mkdir", "shutil.rmtree", "subprocess.Popen") else None


def strike(fault: str, path: str) -> None:
    if fault == "say":
        os.write(2, SAID)
        return
    if fault == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if fault == "tear":
        with Path(path).open("ab") as file:
            file.write(b'{"number":1,"previous":"ab')
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    fault, wanted, pattern, nth, _, *arguments = sys.argv[1:]
    run = Path(arguments[arguments.index("--run") + 1])
    seen = 0

    def watch(event: str, values: tuple) -> None:
        nonlocal seen
        path = path_of(event, values) if event == wanted else None
        if path is None or seen < 0:
            return
        name = path.removeprefix(f"{run}/")
        if not fnmatch.fnmatch(name, pattern):
            return
        seen += 1
        if seen >= int(nth):
            if fault != "full":
                seen = -1  # what the strike itself does is no moment
            strike(fault, path)

    sys.addaudithook(watch)
    from fournil import cli
    from fournil.core.progress import Bar

    advance = Bar.advance

    def advance_and_watch(bar: Bar, amount: float = 1, note: str = "") -> None:
        nonlocal seen
        advance(bar, amount, note)
        if wanted == "progress" and seen == 0 and bar.done >= int(nth) and fnmatch.fnmatch(bar.title, pattern):
            seen = -1
            strike(fault, "")

    Bar.advance = advance_and_watch
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
