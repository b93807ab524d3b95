"""Several processes work as one: `torchrun --nproc-per-node N -m fournil evaluate …`, a process for each GPU.

The first process runs the program; the others load the same model and answer their share of what it asks, or take part
in a function that all of them call. So only one of them reads tasks and writes files, and a run that was begun with two
GPUs goes on with one.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import distributed

from fournil.core.errors import EXIT_FAILED, FournilError
from fournil.core.speech import tr
from fournil.parts.model.generate import Sampling
from fournil.parts.scoring.requests import Prompt, Request

if TYPE_CHECKING:
    from fournil.parts.scoring.scorer import Scorer

PATIENCE = timedelta(days=30)
"""How long a process waits for its share: the first one may be busy with other things."""


FAREWELL_SECONDS = 10.0
"""How long a process that failed waits for the first one, which says why when it failed alike."""


_failed = threading.Event()
"""A call of all has failed: the others may be amid something, hear no question, and end with the program."""


@dataclass(frozen=True)
class Call:
    """Call this function of a module, as all do at the same time."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Open:
    """Load this model."""

    folder: Path
    device: str
    precision: str
    max_tokens: int


@dataclass(frozen=True)
class Score:
    """Score your share of these."""

    requests: Sequence[Request]


@dataclass(frozen=True)
class Write:
    """Write on from your share of these."""

    prompts: Sequence[Prompt]
    sampling: Sampling


def num_ranks() -> int:
    """How many processes there are, as torchrun says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_follower() -> bool:
    """Whether this process only helps another."""
    return num_ranks() > 1 and os.environ.get("RANK", "0") != "0"


def device_here(device: str) -> str:
    """The GPU of this process, where several share a machine."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" and num_ranks() > 1 else device


def join() -> None:
    """Meet the other processes, once."""
    if num_ranks() > 1 and not distributed.is_initialized():
        backend = "gloo"
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
            backend = "cpu:gloo,cuda:nccl"
        distributed.init_process_group(backend, timeout=PATIENCE)


def call_together(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401
    """Call a function in all processes at the same time, and return what it returned in the first one.

    Args:
        function: Of a module. What its processes tell one another goes through groups of its own.
        arguments: They go from process to process.

    Raises:
        FournilError: What the function raised, or another process is gone.
    """
    join()
    ask(Call(function, arguments))
    try:
        answer = function(*arguments)
        gather(None)
    except Exception as error:
        _failed.set()  # whatever it is: the others wait for something else than what `dismiss` would tell them
        if not (isinstance(error, RuntimeError) and is_farewell(error)):
            raise
        raise FournilError(
            tr("another process of this training has ended"),
            fix=tr("What it says stands above; the same command goes on from the last checkpoint."),
        ) from error
    return answer


def is_farewell(error: Exception) -> bool:
    """Whether an error says that another process is gone, or hangs."""
    return isinstance(error, distributed.DistError) or any(words in str(error) for words in ("onnection", "imed out"))


def ask(job: Call | Open | Score | Write | None) -> None:
    """Tell the others what to do; nothing means that all is done."""
    distributed.broadcast_object_list([job], src=0)


def gather(answer: Any) -> list[Any]:  # noqa: ANN401 - whatever the job's answer is
    """The answers of all processes, on the first one.

    Raises:
        FournilError: One of them failed.
    """
    found: list[Any] = [None] * num_ranks()
    distributed.gather_object(answer, found if distributed.get_rank() == 0 else None, dst=0)
    for one in found:
        if isinstance(one, Exception):
            raise one
    return found


def as_answer(error: Exception) -> FournilError:
    """An error that can go from one process to another."""
    return error if isinstance(error, FournilError) else FournilError(f"{type(error).__name__}: {str(error)[:500]}")


def share_of_requests(requests: Sequence[Request], rank: int, ranks: int) -> slice:
    """The requests of one process: neighbours, which have much in common, about as many tokens for each."""
    sums = [0, *accumulate(len(request.ids) for request in requests)]
    bounds = [next(i for i, done in enumerate(sums) if done * ranks >= sums[-1] * part) for part in (rank, rank + 1)]
    return slice(bounds[0], len(requests) if rank == ranks - 1 else bounds[1])


def share_of_prompts(rank: int, ranks: int) -> slice:
    """The prompts of one process: every so many, so that long ones are spread."""
    return slice(rank, None, ranks)


def follow(open_scorer: Callable[[Open], Scorer]) -> None:
    """Do what the first process asks until it is done; where that one is gone, it has said why, and this one ends."""
    try:
        _follow(open_scorer)
    except RuntimeError as error:
        if not is_farewell(error):
            raise
        os._exit(EXIT_FAILED)


def _follow(open_scorer: Callable[[Open], Scorer]) -> None:
    join()
    rank, scorer = distributed.get_rank(), None
    while True:
        box: list[Any] = [None]
        distributed.broadcast_object_list(box, src=0)
        job = box[0]
        if job is None:
            break
        answer: Any = None
        try:
            if isinstance(job, Call):
                job.function(*job.arguments)
            elif isinstance(job, Open):
                scorer = open_scorer(job)
            elif isinstance(job, Score):
                assert scorer is not None
                answer = scorer.score_here(job.requests[share_of_requests(job.requests, rank, num_ranks())], None)
            elif isinstance(job, Write):
                assert scorer is not None
                answer = scorer.write_here(job.prompts[share_of_prompts(rank, num_ranks())], job.sampling, None)
        except Exception as error:  # whatever it is, the others wait for an answer
            answer = as_answer(error)
            if isinstance(job, Call):
                leave(error)
        gather(answer)
    distributed.destroy_process_group()


def leave(error: Exception) -> NoReturn:
    """End this process because it failed amid a call of all; it speaks only if the first one does not end as well."""

    def say() -> None:
        if not is_farewell(error):
            print(
                tr("fournil: process {rank}: {error}", rank=os.environ.get("RANK", ""), error=as_answer(error)),
                file=sys.stderr,
                flush=True,
            )
        os._exit(EXIT_FAILED)

    waiting = threading.Timer(FAREWELL_SECONDS, say)
    waiting.daemon = True
    waiting.start()
    with contextlib.suppress(RuntimeError):  # the first one has ended
        gather(as_answer(error))
    os._exit(EXIT_FAILED)


def dismiss() -> None:
    """Let the other processes go, at the end of the program."""
    if num_ranks() > 1 and distributed.is_initialized() and not is_follower() and not _failed.is_set():
        ask(None)
        distributed.destroy_process_group()
