"""Pretraining beside its peers: throughput, time to the same loss, and quality at equal compute.

    python bench/pretrain.py [--cases cpu-5M …] [--data FOLDER] [--peers FOLDER] [--minutes 60]

The table is kept in bench/results/pretrain.txt, case by case: cases that are not asked for keep the rows that they have
there. Every sweep and every training is a line of bench/results/pretrain_runs.jsonl and is not made twice, so that a
long comparison (time-to-loss, quality: hours) can be made over several sittings: --minutes ends one.

cpu-SIZE: one model, one batch, AdamW, each engine at the strongest of the settings tried (threads, precision, compile,
rows at a time), in turns of seconds. default-SIZE: transformers as people run it. time-to-loss: the wall time in which
we reach the held-out French and English bits per byte of transformers' own best AdamW run. quality: AdamW with cosine
beside Muon, rates swept, three seeds. gpu-SIZE: CroissantLLM's sizes, settings swept, part of the measured peak.

Peers that would bring another torch are installed beside the environment, in the folder that --peers names:

    pip install --no-deps --target PEERS litgpt lightning lightning-utilities torchmetrics jsonargparse
    git clone https://github.com/karpathy/nanoGPT PEERS/nanoGPT
    git clone https://github.com/karpathy/nanochat PEERS/nanochat
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from tables import compared, kept, last_line  # noqa: E402 - from this folder

SPEED = tuple(f"{kind}-{size}" for size in ("5M", "60M") for kind in ("cpu", "default"))
LEARNING = ("time-to-loss", "quality")
GPU = tuple(f"gpu-{size}" for size in ("58M", "268M", "440M", "1.3B"))
CASES = (*SPEED, *LEARNING, *GPU)
RESULTS = ROOT / "bench" / "results" / "pretrain.txt"
RUNS = ROOT / "bench" / "results" / "pretrain_runs.jsonl"


def measured(case: str, asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows of one case. What it needs is imported only here."""
    from pretraining.runs import Runs

    runs = Runs(asked.runs)
    until = time.monotonic() + asked.minutes * 60 if asked.minutes else None
    if case in SPEED:
        from pretraining import speed

        yield from speed.rows(case, runs, asked.peers, rounds=asked.rounds, steps=asked.steps)
    elif case in LEARNING:
        from pretraining import learning

        yield from learning.rows(case, runs, asked.data, asked.work, until=until)
    else:
        from pretraining import gpu

        yield from gpu.rows(case, runs, asked.peers, steps=asked.steps)


def written(held: dict[str, list[dict[str, Any]]]) -> str:
    """The table, what is said of its rows, and the rows as JSON."""
    rows = [row for case in CASES for row in held.get(case, ())]
    lines = compared(rows)
    lines.append("")
    for row in rows:
        settings = row.get("settings")
        said = [f"ours: {settings['ours']}; peer: {settings['peer']}"] if settings else []
        said += [row["note"]] if "note" in row else []
        if said:
            lines.append(f"{row['case']}: {'; '.join(said)}.")
    machines = sorted({row["machine"] for row in rows if "machine" in row})
    head = f"Pretraining beside its peers ({'; '.join(machines)}); ratio: how many times as fast as the peer\n"
    measured_rows = [row for row in rows if "ratio" in row]
    notes = [row for row in rows if "ratio" not in row]
    return "\n".join((head, *lines, "", last_line("pretrain", measured_rows, notes))) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="real text")
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "fournil-bench" / "peers")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "fournil-bench", help="token shards")
    parser.add_argument("--minutes", type=float, default=60.0, help="start no further training after so many; 0: go on")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each engine")
    parser.add_argument("--steps", type=int, default=4, help="steps of a turn")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--runs", type=Path, default=RUNS)
    asked = parser.parse_args()
    from pretraining.runs import machine

    held = kept(asked.results)
    for case in asked.cases:
        found = [{"of": case, "machine": machine(), **row} for row in measured(case, asked)]
        if not found:
            continue
        for row in found:
            print(json.dumps(row, ensure_ascii=False), flush=True)
        if any("ratio" in row for row in found):
            held[case] = found
            asked.results.write_text(written(held), "utf-8")
    if asked.results.is_file():
        print(asked.results.read_text("utf-8"), end="")


if __name__ == "__main__":
    main()
