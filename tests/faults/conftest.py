"""What the tests of faults share: the crumb baked in a process of its own, and what a bake made."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fournil import flow
from fournil.core import ledger
from fournil.core.files import hash_tree
from fournil.core.record import read_record

FAULTY = Path(__file__).parent / "faulty.py"
RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "mie.toml"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "LANGUAGE": "en"}


@dataclass
class Bakery:
    """Bakes the crumb in one run folder, again and again, with and without faults."""

    run: Path
    more: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *fault: str) -> list[str]:
        program = [str(FAULTY), *fault, "--"] if fault else ["-m", "fournil.cli"]
        bake = ["bake", str(RECIPE), "--run", str(self.run), "--threads", "1", *self.more]
        return [sys.executable, *program, *bake]

    def bake(self, *fault: str) -> subprocess.CompletedProcess[str]:
        environment = ENVIRONMENT | self.environment
        return subprocess.run(self.command(*fault), env=environment, capture_output=True, text=True)

    def start(self, *fault: str) -> "subprocess.Popen[bytes]":
        environment = ENVIRONMENT | self.environment
        return subprocess.Popen(
            self.command(*fault),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def fournil(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another verb."""
        environment = ENVIRONMENT | self.environment
        command = [sys.executable, "-m", "fournil.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    def done(self) -> str:
        """Bake to the end; return what was said."""
        done = self.bake()
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def folders(self) -> dict[str, Path]:
        """Stage → final folder."""
        names = {stage: flow.folder_of(stage) for stage in flow.STAGES} | {"finetune": "05-finetune/translator"}
        return {stage: self.run / name for stage, name in names.items()}

    def check_nothing_is_half_made(self) -> None:
        """What has a final name is whole, and the ledger can be read."""
        ledger.read_ledger(self.run)
        for folder in self.folders().values():
            if folder.exists():
                record = read_record(folder)
                assert record is not None, folder
                assert hash_tree(folder, trust_times=False)["files"] == record.outputs["files"], folder

    def stage_at_work(self) -> str:
        """The stage that a killed bake was in: the first that is not whole, named, entered and cleared up."""
        entered = {record.stage for record in ledger.read_ledger(self.run)}
        for stage, folder in self.folders().items():
            if stage not in entered or not (folder / "record.json").exists() or (folder / flow.KEY).exists():
                return stage
        return ""

    def check_same_as(self, other: Path) -> None:
        """The same files with the same bytes, and the same records but for what varies."""
        mine, theirs = outputs(self.run), outputs(other)
        assert sorted(mine) == sorted(theirs)
        assert [name for name in theirs if mine[name] != theirs[name]] == []
        for one, two in zip(ledger.newest_records(self.run), ledger.newest_records(other), strict=True):
            if one.stage != "report":  # its input is the ledger, which holds the times
                assert one.stable() == two.stable()
        assert flow.verify(self.run) == []


def outputs(run: Path) -> dict[str, bytes]:
    """Every file that a bake makes, but for records and ledger; the page without what was measured."""
    from fournil.stages.report import without_measured

    found = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run)
        if path.is_dir() or any(part.startswith(".") for part in name.parts):
            continue
        if name.name in ("record.json", "ledger.jsonl", "ledger.head"):
            continue
        data = path.read_bytes()
        found[str(name)] = without_measured(data.decode()).encode() if name.suffix == ".html" else data
    return found


@pytest.fixture
def bakery(tmp_path) -> Bakery:
    return Bakery(tmp_path / "mie")


@pytest.fixture
def copy_of_mie(mie, tmp_path) -> Bakery:
    """A finished bake that a test may spoil."""
    shutil.copytree(mie, tmp_path / "copy")
    return Bakery(tmp_path / "copy")
