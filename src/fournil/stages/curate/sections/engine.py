"""Settings of where curate works: `[curate.engine]`. They change no byte of what comes out."""

from dataclasses import dataclass

from fournil.core.bounds import within
from fournil.core.speech import tr
from fournil.parts.workers.opening import KINDS


@dataclass(frozen=True)
class EngineSettings:
    """Where curate works, and with how much."""

    kind: str = "auto"
    """`threads` or `processes` of this machine, `cluster` (machines under Ray that share the run's folder), or `auto`:
    threads for little text, processes for more."""

    workers: int = 0
    """How many work at once; 0: as many as there are threads, on a cluster one for each core."""

    address: str = ""
    """Of a cluster's head, such as `10.0.0.1:6379`; empty: what RAY_ADDRESS says, or the cluster that this machine
    belongs to."""

    memory_gb: float = 0.0
    """Memory of this machine for curate, 0.5 GB for each worker and as much beside them: where that is short, fewer
    work. 0: no bound. On a cluster each worker asks Ray for its own."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: No such kind, or a figure outside its bounds.
        """
        if self.kind not in KINDS:
            raise ValueError(tr("kind is one of {kinds}", kinds=", ".join(KINDS)))
        within(self, workers=(0, None), memory_gb=(0.0, None))
        if self.kind == "cluster" and self.memory_gb:
            raise ValueError(tr("memory_gb is for this machine alone: on a cluster, ray start --memory bounds each"))
