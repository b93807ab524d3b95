"""What a process and its children take: seconds, processor's seconds, memory; and a bound on memory that the system
keeps."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
PROGRAM = """
import dataclasses, json, sys, time
began = time.perf_counter()
from pathlib import Path
from fournil.core.context import Context
from fournil.stages.curate import Config, run
from fournil.stages.curate.sections.engine import EngineSettings

def main():
    told = json.loads(sys.argv[1])
    config = Config(engine=EngineSettings(**told["engine"]))
    context = Context(("fr", "en"), seed=7, threads=told["threads"])
    artifact = run(config, {"sources": Path(told["sources"])}, Path(told["out"]), context)
    print(json.dumps({"measured": artifact.measured, "counts": [dataclasses.asdict(c) for c in artifact.counts]}))

if __name__ == "__main__":
    main()
"""


@dataclass
class Taken:
    """What a run took."""

    seconds: float
    cpu_seconds: float
    anonymous_bytes: int
    """At the peak, all processes together: memory that is no file's."""

    proportional_bytes: int
    """At the peak, all processes together, with the files that they map, each page counted once."""

    told: dict


class OutOfMemoryError(Exception):
    """The system ended a run that wanted more than it was given."""


def curate(
    sources: Path,
    out: Path,
    *,
    workers: int,
    kind: str = "processes",
    memory_gb: float = 0.0,
    limit_bytes: int = 0,
    address: str = "",
) -> Taken:
    """Curate in a process of its own.

    Args:
        sources: With documents/ and pairs/.
        out: The stage's folder.
        workers: How many.
        kind: Of workers.
        memory_gb: What the setting says.
        limit_bytes: What the system lets all processes have together, files' pages in memory too; 0: no bound.
        address: Of a cluster.

    Raises:
        OutOfMemoryError: More than limit_bytes was needed.
    """
    engine = {"kind": kind, "workers": workers, "memory_gb": memory_gb, "address": address}
    told = {"sources": str(sources), "out": str(out), "threads": workers, "engine": engine}
    out.mkdir(parents=True, exist_ok=True)
    script = out.parent / "curate_program.py"  # a file: workers begin by reading it again
    script.write_text(PROGRAM)
    with _group(limit_bytes) as group:
        prefix = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"] if group else []
        began, cpu = time.perf_counter(), os.times()
        process = subprocess.Popen(
            [*prefix, sys.executable, str(script), json.dumps(told)], stdout=subprocess.PIPE, text=True
        )
        watch = _Watch(process.pid)
        watch.start()
        said, _ = process.communicate()
        watch.stop()
        seconds, after = time.perf_counter() - began, os.times()
    if process.returncode:
        raise OutOfMemoryError(f"curate ended with {process.returncode} under {limit_bytes:,} bytes")
    cpu_seconds = after.children_user + after.children_system - cpu.children_user - cpu.children_system
    return Taken(seconds, cpu_seconds, watch.anonymous, watch.proportional, json.loads(said.splitlines()[-1]))


@contextlib.contextmanager
def _group(limit_bytes: int) -> Iterator[Path | None]:
    """A control group with a bound on memory, where the system lets one be made."""
    if not limit_bytes:
        yield None
        return
    for root, name in zip(GROUPS, ("memory.limit_in_bytes", "memory.max"), strict=True):
        group = root / f"fournil-{os.getpid()}"
        try:
            group.mkdir()
            (group / name).write_text(str(limit_bytes))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        try:
            yield group
        finally:
            time.sleep(0.5)
            with contextlib.suppress(OSError):
                group.rmdir()
        return
    yield None


class _Watch(threading.Thread):
    """Looks at the memory of a process and all below it, five times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._over = pid, threading.Event()
        self.anonymous = self.proportional = 0

    def run(self) -> None:
        while not self._over.wait(0.2):
            totals = [_memory(pid) for pid in _family(self._pid)]
            self.anonymous = max(self.anonymous, sum(one for one, _ in totals))
            self.proportional = max(self.proportional, sum(other for _, other in totals))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _family(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def _memory(pid: int) -> tuple[int, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
    return sizes.get("Anonymous", 0), sizes.get("Pss", 0)
