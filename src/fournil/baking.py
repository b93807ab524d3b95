"""Baking as a person sees it: what each step says, and at the end what to do next."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from fournil.core.context import Context
from fournil.core.errors import EXIT_DONE
from fournil.core.progress import duration, progress_for
from fournil.core.record import Record
from fournil.flow import Step, bake, folder_of, steps_of
from fournil.recipe import Recipe


def make_context(recipe: Recipe | None = None, *, threads: int = 0, quiet: bool = False) -> Context:
    """Build what stages share: all threads that this process may use, a GPU where there is one."""
    shared = {}
    if recipe is not None:
        head = recipe.head
        shared = {"languages": head.languages, "seed": head.seed, "name": head.name}
        shared |= {"title": head.title, "description": head.description}
    return Context(
        device=_device(),
        threads=threads or available_threads(),
        progress=progress_for(sys.stdout, quiet=quiet),
        **shared,
    )


def available_threads() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spare_other_programs(loadavg: Path = Path("/proc/loadavg")) -> bool:
    """On a machine that is busy with something else, let waiting threads sleep instead of spinning.

    libgomp's threads spin while they wait for work. On an idle machine that is twice as fast as sleeping; where another
    program wants the core, training takes five times longer for it. libgomp reads its variable when torch is loaded, so
    this comes before.

    Returns:
        Whether threads will sleep: another program was running most of the time for a tenth of a second.
    """
    others: list[int] = []
    for _ in range(7):
        try:
            others.append(int(loadavg.read_text().split()[3].split("/")[0]) - 1)
        except (OSError, ValueError, IndexError):
            return False
        time.sleep(0.015)
    busy = sorted(others)[len(others) // 2] >= 1
    if busy:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return busy


def _device() -> str:
    if shutil.which("nvidia-smi") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def bake_and_tell(recipe: Recipe, run: Path, *, threads: int = 0, quiet: bool = False, until: str | None = None) -> int:
    """Bake, saying a line per step, and end with what to do next."""
    context = make_context(recipe, threads=threads, quiet=quiet)
    width = max(len(step.label) for step in steps_of(recipe))

    def say(line: str = "") -> None:
        if not quiet:
            print(line, flush=True)

    def tell(step: Step, event: str, record: Record | None) -> None:
        name = step.label.ljust(width)
        if event == "start":
            say(f"{name}  …")
        elif event == "resume":
            say(f"{name}  … going on where it was")
        elif record is not None:
            headline = record.facts.get("headline", "")
            took = "up to date" if event == "fresh" else duration(record.seconds)
            say(f"{name}  {headline}  ({took})" if headline else f"{name}  ({took})")
            hint = unknown_licences(record)
            if hint and event == "done":
                say(f"{' ' * width}  {hint}")

    say(f"Baking {recipe.head.name} in {run}")
    records = bake(recipe, run, context, tell, until=until)
    if until is None:
        for line in summary(recipe, run, records):
            say(line)
    return EXIT_DONE


def unknown_licences(record: Record) -> str:
    """Return a hint when documents were refused because their licence is unknown; else nothing."""
    number = sum(count["refused"].get("licence-unknown", 0) for count in record.counts)
    if not number:
        return ""
    return (
        f"{number:,} refused: what they name as their licence is no SPDX expression "
        "(on files of your own, --licence SPDX says it for all of them)"
    )


def summary(recipe: Recipe, run: Path, records: list[Record]) -> list[str]:
    """Return the closing lines: time, energy, and what can be done with the result."""
    seconds = sum(record.seconds for record in records)
    kwh = sum(record.energy.get("kwh", 0.0) for record in records)
    method = "estimated" if any("estimated" in r.energy.get("method", "") for r in records) else "measured"
    lines = ["", f"{recipe.head.name}: {duration(seconds)} of work, {kwh * 1000:,.1f} Wh ({method}), in {run}", ""]
    stages = [record.stage for record in records]
    if "report" in stages:
        lines.append(f"  open {run / folder_of('report') / 'index.html'}")
    if "curate" in stages and "tokenizer" not in stages:
        lines.append(f"  kept documents: {run / folder_of('curate') / 'documents'}")
    if "finetune" in stages:
        lines += [
            f'  fournil translate {run} --to fr "The file already exists."',
            f"  fournil chat {run}",
            "  fournil chat croissantllm/CroissantLLMChat-v0.1     (a full-size published model, 2.7 GB from the hub)",
        ]
    lines.append(f"  fournil show {run}")
    return lines
