"""How cost grows with the input, what a bound on memory does, and a cluster against this machine.

The rows of bench/curate.py's table for the cases `growth-10`, `growth-100`, `memory`, `start` and `cluster`; alone:
`python bench/curating/scale.py --data FOLDER --work FOLDER [--cases …]`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from curating.corpus import make_corpus
from curating.measure import Taken, curate
from fournil.core.files import hash_tree

CASES = ("growth-10", "growth-100", "memory", "start", "cluster")
BASE_MB = 20
MEMORY_MB = 10_000
BUDGET_BYTES = 2 * 10**9
CLUSTER_MB = 60
PROGRAM = Path(__file__).resolve().parents[2] / "tests" / "stages" / "curate" / "program.py"


def rows(
    data: Path, work: Path, cases: tuple[str, ...] = CASES, *, memory_mb: int = MEMORY_MB
) -> Iterator[dict[str, Any]]:
    """Measure some cases, each a row or two.

    Args:
        data: The folder of real text.
        work: Gets the corpora and what is made of them; what one case leaves is deleted before the next one.
        cases: Which.
        memory_mb: How much text goes through the bound on memory.
    """
    makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "growth-10": lambda: _growth(data, work, 10),
        "growth-100": lambda: _growth(data, work, 100),
        "memory": lambda: _memory(data, work, memory_mb),
        "start": lambda: _start(work),
        "cluster": lambda: _cluster(data, work),
    }
    for name, make in makers.items():
        if name in cases:
            yield from make()


def _row(case: str, ours: float, peer: float, unit: str, *, equal: bool | None = None, **more: Any) -> dict[str, Any]:
    return {"case": case, "ours": ours, "peer": peer, "unit": unit, "ratio": peer / ours, "equal": equal, **more}


def _curated(data: Path, work: Path, mb: int, **more: Any) -> Taken:
    sources, out = work / f"corpus-{mb}", work / f"curated-{mb}"
    make_corpus(data, sources, mb * 10**6)
    shutil.rmtree(out, ignore_errors=True)
    try:
        return curate(sources, out / "02-curate", **more)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _growth(data: Path, work: Path, times: int) -> list[dict[str, Any]]:
    """Processor's seconds for each gigabyte; the peer is ourselves with a tenth, or a hundredth, of the text."""
    _curated(data, work, BASE_MB, workers=1)  # kernels are compiled, files are in memory
    taken = {mb: _curated(data, work, mb, workers=1) for mb in (BASE_MB, BASE_MB * times)}
    cost = {mb: each.cpu_seconds / mb * 1000 for mb, each in taken.items()}
    phases = {mb: each.told["measured"]["seconds"] for mb, each in taken.items()}
    return [
        _row(
            f"growth-{times}",
            cost[BASE_MB * times],
            cost[BASE_MB],
            "CPU s/GB",
            phases_seconds_per_gb={
                name: {mb: round(seconds[name] / mb * 1000, 2) for mb, seconds in phases.items()}
                for name in phases[BASE_MB]
            },
            peak_mb={mb: round(each.anonymous_bytes / 1e6) for mb, each in taken.items()},
        )
    ]


def _memory(data: Path, work: Path, mb: int) -> list[dict[str, Any]]:
    """Two workers within the budget, which the system keeps: whoever wants more is ended."""
    taken = _curated(data, work, mb, workers=2, limit_bytes=BUDGET_BYTES, memory_gb=BUDGET_BYTES / 1e9)
    return [
        _row(
            f"memory-{mb // 1000}-gb" if mb >= 1000 else f"memory-{mb}-mb",
            taken.anonymous_bytes / 1e9,
            BUDGET_BYTES / 1e9,
            "GB",
            seconds=round(taken.seconds),
            cpu_seconds=round(taken.cpu_seconds),
            with_files_gb=round(taken.proportional_bytes / 1e9, 2),
            counts=[count["num_out"] for count in taken.told["counts"]],
        )
    ]


_START = """
import time
began = time.perf_counter()
from pathlib import Path
import sys
from fournil.core.context import Context
from fournil.stages.curate import Config, run
run(Config(), {"sources": Path(sys.argv[1])}, Path(sys.argv[2]), Context(("fr", "en"), seed=7))
print(time.perf_counter() - began)
"""


def _start(work: Path) -> list[dict[str, Any]]:
    """Seconds for one short document, imports and kernels from the cache included."""
    sources, out = work / "corpus-start", work / "curated-start"
    text = "Le chat dort sur la chaise de la cuisine, et la pluie tombe doucement sur le toit de la vieille maison."
    from fournil.core.document import DOCUMENTS, document_row
    from fournil.core.shards import ShardWriter

    shutil.rmtree(sources, ignore_errors=True)
    with ShardWriter(sources / "documents", DOCUMENTS) as writer:
        writer.write_rows([document_row("a/1", text, source="a", licence="CC0-1.0", language="fr")])
    seconds = []
    for _ in range(4):
        shutil.rmtree(out, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-c", _START, str(sources), str(out)], capture_output=True, text=True, check=True
        )
        seconds.append(float(done.stdout))
    shutil.rmtree(out, ignore_errors=True)
    return [_row("start", sorted(seconds[1:])[1], 3.0, "s", first=round(seconds[0], 1))]


def _cluster(data: Path, work: Path) -> list[dict[str, Any]]:
    """A Ray cluster of two workers here, one of them killed, against two processes: seconds, and the bytes equal."""
    sources = work / f"corpus-{CLUSTER_MB}"
    make_corpus(data, sources, CLUSTER_MB * 10**6)
    seconds: dict[str, float] = {}
    cpu: dict[str, float] = {}
    trees: dict[str, Any] = {}
    for kind in ("processes", "cluster"):
        out = work / f"curated-{kind}"
        shutil.rmtree(out, ignore_errors=True)
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "RAY_DEDUP_LOGS": "0"}
        began, before = time.perf_counter(), os.times()
        command = [sys.executable, str(PROGRAM), str(sources), str(out), kind]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        seconds[kind], after = time.perf_counter() - began, os.times()
        cpu[kind] = after.children_user + after.children_system - before.children_user - before.children_system
        trees[kind] = hash_tree(out, trust_times=False)["files"]
        shutil.rmtree(out, ignore_errors=True)
    equal = trees["cluster"] == trees["processes"]
    more = {"cpu_seconds": {kind: round(each, 1) for kind, each in cpu.items()}}
    return [_row("cluster", seconds["cluster"], seconds["processes"], "s", equal=equal, **more)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--memory-mb", type=int, default=MEMORY_MB)
    options = parser.parse_args()
    for row in rows(options.data, options.work, tuple(options.cases), memory_mb=options.memory_mb):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
