"""Run a function in several processes that train together, over gloo: what tests of distributed training stand on."""

import multiprocessing
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

PRELOADED = [
    "fournil.parts.train.loop",
    "torch.distributed.checkpoint.hf_storage",
    "torch.distributed.fsdp",
    "torch.nn.parallel",
]
"""Imported once by the process that all others are forks of."""


def start(ranks: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Start processes that call function(rank, *arguments), and return (process, pipe) of each."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    meeting = folder / f"meeting-{os.urandom(4).hex()}"
    found = []
    for rank in range(ranks):
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(rank, ranks, meeting, theirs, function, arguments), daemon=True)
        process.start()
        theirs.close()
        found.append((process, mine))
    return found


def together(ranks: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What function(rank, *arguments) returned in each of so many processes; an error of one of them is raised."""
    started = start(ranks, folder, function, *arguments)
    answers = [pipe.recv() if pipe.poll(120) else ("silence", None) for _, pipe in started]
    for process, _ in started:
        process.join(30)
    for kind, answer in answers:
        assert kind == "done", answer
    return [answer for _, answer in answers]


def _run(rank: int, ranks: int, meeting: Path, pipe: Any, function: Callable[..., Any], arguments: Any) -> None:
    import torch
    from torch import distributed

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(ranks), "LOCAL_RANK": str(rank)}
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=ranks)
    try:
        answer = ("done", function(rank, *arguments))
    except BaseException:
        answer = ("failed", traceback.format_exc())
    pipe.send(answer)
    pipe.close()
    if answer[0] == "done":
        distributed.destroy_process_group()
    os._exit(0)
