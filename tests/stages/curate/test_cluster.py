"""A real cluster of two workers on this machine, one of them killed in the middle: the same bytes as in one process."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.parts.workers import cluster as cluster_module
from fournil.parts.workers import open_workers
from fournil.stages.curate import Config, run

PROGRAM = Path(__file__).parent / "program.py"


@pytest.mark.slow
def test_one_of_two_workers_is_killed_and_the_bytes_are_the_same(sources: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    command = [sys.executable, str(PROGRAM), str(sources), str(tmp_path / "cluster"), "cluster", "40"]
    environment = {**os.environ, "RAY_DEDUP_LOGS": "0", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    run(Config(), {"sources": sources}, tmp_path / "here", Context(languages=("fr", "en"), seed=7))
    trees = [hash_tree(tmp_path / name, trust_times=False)["files"] for name in ("cluster", "here")]
    assert trees[0] == trees[1]


class Ray:
    """Stands in for Ray: machines that answer what they are told to."""

    def __init__(self, *answers: tuple[str, str, bool]) -> None:
        self.answers = list(answers)
        affinity = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda *_, **__: None)
        self.util = SimpleNamespace(scheduling_strategies=affinity)
        self.exceptions = SimpleNamespace(RayTaskError=KeyError, WorkerCrashedError=KeyError, OutOfMemoryError=KeyError)

    def remote(self, **_: Any) -> Any:
        call = SimpleNamespace(remote=lambda *_: self.answers.pop(0))
        call.options = lambda **_: call
        return lambda _: call

    def get(self, reference: Any) -> Any:
        return reference

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeID": str(n), "Resources": {"CPU": 4.0}} for n in range(len(self.answers))]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4.0 * len(self.answers)}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "the cluster has no worker with a core. Start one: ray start --address HEAD:6379"),
        (
            [("four-2", "0.0.1", True)],
            "four-2 has Fournil 0.0.1, this machine has VERSION. Install the same version on",
        ),
        (
            [("four-1", "VERSION", True), ("four-2", "VERSION", False)],
            "four-2 does not see this folder [FOLDER]. A run on",
        ),
    ],
)
def test_a_cluster_that_cannot_be_used_is_said_before_the_work(
    answers: list[tuple[str, str, bool]], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module.fournil, "__version__", "VERSION")
    monkeypatch.setattr(cluster_module, "_connected", lambda _: Ray(*answers))
    with pytest.raises(FournilError) as caught:
        open_workers("cluster", 0, num_bytes=0, folder=tmp_path)
    assert str(caught.value).replace(str(tmp_path), "FOLDER").startswith(said)
    assert not list(tmp_path.iterdir())


def test_without_ray_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(FournilError, match=r"Ray is not installed\. Install it: `pip install 'fournil\[cluster\]'`"):
        open_workers("cluster", 0, num_bytes=0, folder=tmp_path)


def test_all_machines_work_and_no_more_than_wanted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cluster_module.fournil, "__version__", "V")
    monkeypatch.setattr(cluster_module, "_connected", lambda _: Ray(("a", "V", True), ("b", "V", True)))
    assert cluster_module.ClusterWorkers("", 0, folder=tmp_path, call_bytes=1).num == 8
    assert cluster_module.ClusterWorkers("", 3, folder=tmp_path, call_bytes=1).num == 3
