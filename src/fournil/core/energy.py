"""Energy of a stretch of work: measured where the machine tells (RAPL, NVML), else estimated and marked as such.

RAPL counters are read from the powercap file system (`energy_uj`, wrapping at `max_energy_range_uj`). They tell what
the whole processor package took, other programs included. The estimate counts this process's CPU seconds only.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
ESTIMATED_WATTS_PER_CORE = 12.0
"""Assumed for a busy core with its share of memory and losses, where nothing can be measured."""


@dataclass(frozen=True)
class Energy:
    """What a stretch of work took."""

    kwh: float
    method: str
    """`measured: RAPL`, `measured: RAPL + NVML`, or `estimated: …` with the assumption."""

    def to_json(self) -> dict[str, float | str]:
        """Return the two values for a record."""
        return {"kwh": self.kwh, "method": self.method}


class Meter:
    """Measures from its making to `stop()`."""

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._packages = [
            zone
            for zone in sorted(powercap.glob("intel-rapl:*"))
            if zone.name.count(":") == 1 and _read(zone) is not None
        ]
        self._before = [_read(zone) or 0 for zone in self._packages]
        self._gpu_watts = _gpu_watts()
        self._cpu_seconds = cpu_seconds()
        self._began = time.monotonic()

    def stop(self) -> Energy:
        """Return the energy since the meter was made."""
        hours = (time.monotonic() - self._began) / 3600
        gpu_after = _gpu_watts()
        gpu_kwh = (self._gpu_watts + gpu_after) / 2 * hours / 1000 if self._gpu_watts and gpu_after else 0.0
        if self._packages:
            joules = sum(
                _difference(before, _read(zone) or before, zone)
                for before, zone in zip(self._before, self._packages, strict=True)
            )
            method = "measured: RAPL" + (" + NVML power at start and end" if gpu_kwh else "")
            return Energy(joules / 3.6e6 + gpu_kwh, method)
        busy = cpu_seconds() - self._cpu_seconds
        method = f"estimated: {ESTIMATED_WATTS_PER_CORE:g} W per busy core"
        return Energy(busy * ESTIMATED_WATTS_PER_CORE / 3.6e6 + gpu_kwh, method + (" + NVML" if gpu_kwh else ""))


def cpu_seconds() -> float:
    """Return the CPU seconds that this process and its ended children have taken."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def reset_peak_memory() -> None:
    """Forget the peak of memory so far, where the system allows (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory_bytes() -> int:
    """Return the peak of resident memory: since the last reset on Linux, of the process's life elsewhere."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if os.uname().sysname == "Darwin" else peak * 1024


def _read(zone: Path) -> int | None:
    try:
        return int((zone / "energy_uj").read_text())
    except (OSError, ValueError):
        return None


def _difference(before: int, after: int, zone: Path) -> float:
    if after < before:  # the counter wrapped
        after += int((zone / "max_energy_range_uj").read_text())
    return (after - before) / 1e6


def _gpu_watts() -> float:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0.0
    command = [tool, "--query-gpu=power.draw", "--format=csv,noheader,nounits"]
    try:
        out = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout
        return sum(float(line) for line in out.split())
    except (subprocess.SubprocessError, ValueError, OSError):
        return 0.0
