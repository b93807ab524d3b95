"""Curates in a process of its own: `program.py SOURCES OUT KIND [CHUNK_ROWS]`; kind `cluster` starts one here.

A process that runs it by runpy gives ARGUMENTS. On the cluster, of two workers with a core each, one is killed as soon
as the first call has ended.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fournil.core.context import Context
from fournil.core.progress import Bar, Progress
from fournil.stages.curate import Config, ranges, run
from fournil.stages.curate.sections.engine import EngineSettings


class Killing(Progress):
    """Kills a worker of the cluster at the first sign of progress."""

    def __init__(self, cluster, node) -> None:
        self.cluster, self.node, self.struck = cluster, node, False

    @contextmanager
    def task(self, title: str, total: float | None = None, unit: str = "") -> Iterator[Bar]:
        bar = Bar(title, total, unit)
        advance = bar.advance

        def and_kill(amount: float = 1, note: str = "") -> None:
            advance(amount, note)
            if not self.struck:
                self.struck = True
                self.cluster.remove_node(self.node, allow_graceful=False)

        bar.advance = and_kill
        yield bar


def main() -> None:
    sources, out, kind, *rows = globals().get("ARGUMENTS", sys.argv[1:])
    if rows:
        ranges.MAX_CHUNK_ROWS = int(rows[0])

    def curate(progress: Progress, address: str = "") -> None:
        engine = EngineSettings(kind=kind, workers=0 if address else 2, address=address)
        context = Context(languages=("fr", "en"), seed=7, threads=2, progress=progress)
        run(Config(engine=engine), {"sources": Path(sources)}, Path(out), context)

    if kind != "cluster":
        curate(Progress())
        return
    import ray
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": 80_000_000}
    head = {"num_cpus": 0, "include_dashboard": False, **store}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    killed, stays = (cluster.add_node(num_cpus=1, **store) for _ in range(2))
    progress = Killing(cluster, killed)
    try:
        curate(progress, cluster.address)
        assert progress.struck
        assert (killed.any_processes_alive(), stays.any_processes_alive()) == (False, True)
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    main()
