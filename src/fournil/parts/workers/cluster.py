"""Workers on a cluster of machines that see the same files, under Ray (https://docs.ray.io)."""

from __future__ import annotations

import logging
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import fournil
from fournil.core.errors import FournilError
from fournil.core.files import atomic_path
from fournil.core.speech import speak, spoken, tr
from fournil.parts.workers.workers import Advance, Workers

_AHEAD = 3
_TRIES = 5
"""How often a call begins anew when the worker that ran it is gone."""
_GLANCE_SECONDS = 5.0
"""How long the number of cores is taken to stay as it was: machines come and go."""


class ClusterWorkers(Workers):
    """The cores of a cluster. What a machine was doing when it was lost is done again by another.

    Args:
        address: Of the cluster's head (`host:6379`); empty: what RAY_ADDRESS says, or the one that runs here.
        num: At most so many calls at once; 0: one for each core.
        folder: Seen by all machines under the same path; it is tried before any work begins.
        call_bytes: Memory that a call asks for: a machine gets no more of them than it has memory for.

    Raises:
        FournilError: Ray is not installed, the cluster is not found, or its machines see another folder or have
            another Fournil.
    """

    def __init__(self, address: str, num: int, *, folder: Path, call_bytes: int) -> None:
        self._ray = _connected(address)
        self._most = num
        self._folder = folder
        self._cores, self._looked = 0, 0.0
        self._call = self._ray.remote(num_cpus=1, memory=call_bytes, max_retries=_TRIES)(_call)

    @property
    def num(self) -> int:
        """How many calls run at once."""
        if time.monotonic() - self._looked > _GLANCE_SECONDS or not self._cores:
            self._cores = int(self._ray.cluster_resources().get("CPU", 0))
            self._looked = time.monotonic()
        return max(1, min(self._cores, self._most) if self._most else self._cores)

    def run(
        self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], advance: Advance | None = None
    ) -> list[Any]:
        """Do what Workers.run says.

        Raises:
            FournilError: Also when a call lost its worker time and again.
        """
        ray = self._ray
        results: dict[int, Any] = {}
        under_way: dict[Any, int] = {}

        def collect() -> None:
            done, _ = ray.wait(list(under_way), num_returns=1)
            for reference in done:
                number = under_way.pop(reference)
                results[number] = self._result(reference)
                if advance is not None:
                    advance(results[number])

        try:
            for number, call in enumerate(calls):
                under_way[self._call.remote(function, spoken(), call)] = number
                while len(under_way) >= _AHEAD * self.num:
                    collect()
            while under_way:
                collect()
        except BaseException:
            for reference in under_way:
                ray.cancel(reference, force=True)
            raise
        return [results[number] for number in range(len(results))]

    def _result(self, reference: Any) -> Any:  # noqa: ANN401 - whatever the function returns
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, Exception):
                raise error.cause from None
            raise
        except (self._ray.exceptions.WorkerCrashedError, self._ray.exceptions.OutOfMemoryError) as error:
            raise FournilError(
                tr("a worker of the cluster was lost again and again"),
                fix=tr("If memory was short, use fewer workers. The same command goes on from here."),
            ) from error

    def check(self) -> None:
        """See that every machine has this version of Fournil and sees the folder.

        Raises:
            FournilError: One has not, or does not; or none has a core.
        """
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        nodes = [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
        if not nodes:
            raise FournilError(
                tr("the cluster has no worker with a core"), fix=tr("Start one: ray start --address HEAD:6379")
            )
        token = self._folder / f".seen-by-{platform.node()}-{os.getpid()}"
        try:
            with atomic_path(token) as temporary:
                temporary.write_text(fournil.__version__)
            asked = [
                self._call.options(scheduling_strategy=strategy(node["NodeID"], soft=False)).remote(
                    _look, spoken(), (token,)
                )
                for node in nodes
            ]
            for reference in asked:
                host, version, sees = self._result(reference)
                if version != fournil.__version__:
                    what = tr(
                        "{host} has Fournil {there}, this machine has {here}",
                        host=host,
                        there=version,
                        here=fournil.__version__,
                    )
                    raise FournilError(what, fix=tr("Install the same version on all machines."))
                if not sees:
                    raise FournilError(
                        tr("{host} does not see this folder", host=host),
                        where=self._folder,
                        fix=tr("A run on a cluster stands on a file system that all its machines share."),
                    )
        finally:
            token.unlink(missing_ok=True)


def _connected(address: str) -> Any:  # noqa: ANN401 - the module
    try:
        import ray
    except ImportError:
        raise FournilError(
            tr("Ray is not installed"), fix=tr("Install it: `pip install 'fournil[cluster]'`."), code=2
        ) from None
    import ray.util.scheduling_strategies

    if not ray.is_initialized():
        where = address or os.environ.get("RAY_ADDRESS") or "auto"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what Ray will change one day
                ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise FournilError(
                tr("no Ray cluster answers"),
                where=where,
                fix=tr("Start one with ray start --head, or name its address."),
            ) from error
    return ray


def _call(function: Callable[..., Any], language: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401
    import pyarrow as pa

    pa.set_cpu_count(1)
    speak(language)
    return function(*arguments)


def _look(token: Path) -> tuple[str, str, bool]:
    return platform.node(), fournil.__version__, token.exists()
