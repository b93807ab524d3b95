"""The record beside every output: from what, how, by which code, what came out, what it took."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import fournil
from fournil.core.context import Artifact
from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash, write_json
from fournil.core.speech import Message, tr

FILE_NAME = "record.json"
VARYING = ("machine", "measured", "seconds", "peak_memory_bytes", "energy", "finished")
"""The fields of a record that differ between two runs of the same thing."""


@dataclass(frozen=True)
class Record:
    """One record. `key` says what decided the output; `outputs` is the hash tree over its files."""

    stage: str
    name: str
    format: int
    inputs: dict[str, dict[str, Any]]
    """Role → path (relative to the run), sha256, bytes."""
    config: dict[str, Any]
    """Every setting, resolved, and under `shared` the languages and the seed."""
    outputs: dict[str, Any]
    counts: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    energy: dict[str, Any] = field(default_factory=dict)
    finished: str = ""
    """When, ISO 8601 in UTC."""

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self)

    def stable(self) -> dict[str, Any]:
        """Return the record without what varies from run to run (time, energy, machine)."""
        return {name: value for name, value in self.to_json().items() if name not in VARYING}

    @property
    def headline(self) -> str | Message | Sequence[str | Message]:
        """What it says of itself in a line, for `retell`; empty where it says nothing."""
        return self.measured.get("headline") or self.facts.get("headline", "")

    @property
    def key(self) -> str:
        """The hash of all that decides the output: stage, name, format, config, inputs."""
        return freshness_key(self.stage, self.name, self.format, self.config, self.inputs)


def freshness_key(stage: str, name: str, format: int, config: dict[str, Any], inputs: dict[str, dict[str, Any]]) -> str:
    """Return the hash of what decides a stage's output; two equal keys mean that nothing needs to be done."""
    hashes = {role: entry["sha256"] for role, entry in inputs.items()}
    return canonical_hash({"stage": stage, "name": name, "format": format, "config": config, "inputs": hashes})


def write_record(folder: Path, record: Record) -> None:
    """Write `record.json` beside the outputs that it describes."""
    write_json(folder / FILE_NAME, record.to_json())


def read_record(folder: Path) -> Record | None:
    """Read the record of a folder; None when it has none.

    Raises:
        FournilError: When the record is there but cannot be read.
    """
    path = folder / FILE_NAME
    try:
        return record_from_json(json.loads(path.read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise FournilError(
            tr("this record cannot be read"),
            where=path,
            fix=tr("Delete the folder that it stands in and bake again."),
        ) from error


_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("stage", "name", "finished"), str),
    **dict.fromkeys(("inputs", "config", "outputs", "facts", "code", "machine", "measured", "energy"), dict),
    **dict.fromkeys(("format", "peak_memory_bytes"), int),
    "seconds": (int, float),
    "counts": list,
}


def record_from_json(value: Any) -> Record:  # noqa: ANN401 - JSON
    """Make a record of its JSON.

    Raises:
        TypeError: For a key that records do not have, one that is missing, or a value of another type.
    """
    if not isinstance(value, dict):
        raise TypeError("a record is a table")
    for name, kind in _KINDS.items():
        if name in value and not isinstance(value[name], kind):
            raise TypeError(f"{name} of a record is {kind}")
    record = Record(**value)
    if {"sha256", "bytes", "files"} - record.outputs.keys() or not isinstance(record.outputs["files"], dict):
        raise TypeError("outputs of a record are a tree of hashes")
    for place in (*record.inputs.values(), *record.outputs["files"].values()):
        if not isinstance(place, dict) or not isinstance(place.get("sha256"), str):
            raise TypeError("inputs and outputs of a record have hashes")
    return record


def artifact_fields(artifact: Artifact) -> dict[str, Any]:
    """Return counts, facts and measured values as a record holds them (JSON only).

    Raises:
        TypeError: When a stage returned something that JSON cannot hold.
        ValueError: When it returned NaN or an infinity.
    """
    fields = {
        "counts": [asdict(count) for count in artifact.counts],
        "facts": artifact.facts,
        "measured": artifact.measured,
    }
    return json.loads(json.dumps(fields, allow_nan=False))


@cache
def code_version() -> dict[str, str]:
    """Return the version of Fournil and, in a checkout, the commit it stands at."""
    found = {"fournil": fournil.__version__}
    top = Path(fournil.__file__).resolve().parents[2]
    commit = _commit(top / ".git")
    return found | ({"commit": commit} if commit else {})


def _commit(git: Path) -> str | None:
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            if line.endswith(" " + name):
                return line.split()[0]
    except OSError:
        return None
    return None


@cache
def machine() -> dict[str, Any]:
    """Return what the work ran on: system, processor, cores, memory, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
