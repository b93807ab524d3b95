"""Which workers a setting means."""

from __future__ import annotations

from pathlib import Path

from fournil.parts.workers.pools import ProcessWorkers, ThreadWorkers
from fournil.parts.workers.workers import Workers

KINDS = ("auto", "threads", "processes", "cluster")
"""`auto`: threads for what is done in seconds, processes for more."""
CALL_BYTES = 500 * 10**6
"""What one worker may take, and the process that hands out the work: of that size functions lay out their calls."""
LARGE_BYTES = 64 * 2**20
"""From so many bytes of input on, the second or two in which processes start are worth it."""


def open_workers(
    kind: str, num: int, *, num_bytes: int, folder: Path, address: str = "", memory_bytes: int = 0
) -> Workers:
    """Return workers, for a `with`; processes start with the first work.

    Args:
        kind: One of KINDS.
        num: How many work at once; on a cluster 0 means one for each core.
        num_bytes: How much there is to be done, for `auto`.
        folder: Where they work; on a cluster all machines must see it.
        address: Of a cluster's head.
        memory_bytes: Of this machine, for the process that hands out the work and all workers; fewer of them work
            where that is short of it. 0: no bound. On a cluster each call asks for its own.

    Raises:
        FournilError: The cluster cannot be used.
    """
    if kind == "cluster":
        from fournil.parts.workers.cluster import ClusterWorkers

        cluster = ClusterWorkers(address, num, folder=folder, call_bytes=CALL_BYTES)
        cluster.check()
        return cluster
    if memory_bytes:
        num = max(1, min(num, memory_bytes // CALL_BYTES - 1))
    if num > 1 and (kind == "processes" or (kind == "auto" and num_bytes >= LARGE_BYTES)):
        return ProcessWorkers(num)
    return ThreadWorkers(num)
