"""What was run is kept, a line of JSON for each, so that a comparison can be made over several sittings."""

import json
import platform
from pathlib import Path
from typing import Any

import torch


class Runs:
    """Results by what was asked; the file is read once and added to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                row = json.loads(line)
                self._held[_name(row["asked"])] = row["result"]

    def get(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The result that is kept, if there is one."""
        return self._held.get(_name(asked))

    def keep(self, asked: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        """Write a result down; a later one of the same takes its place."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"asked": asked, "result": result}, ensure_ascii=False, sort_keys=True) + "\n")
        self._held[_name(asked)] = result
        return result

    def all(self, **wanted: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """What was asked and found, of those that agree with `wanted`."""
        pairs = [(json.loads(name), result) for name, result in self._held.items()]
        return [(asked, found) for asked, found in pairs if all(asked.get(k) == v for k, v in wanted.items())]


def _name(asked: dict[str, Any]) -> str:
    return json.dumps(asked, ensure_ascii=False, sort_keys=True)


def machine() -> str:
    """What figures of speed hold for: the processor (or device) and torch."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = {line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")}
        model = ", ".join(sorted(names)) or model
    return f"{model} ({torch.backends.cpu.get_cpu_capability()}), torch {torch.__version__}"
