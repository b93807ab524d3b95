"""Machines that a plan knows: published peaks, not promises."""

from __future__ import annotations

import os
from dataclasses import dataclass

from fournil.apps.plan.config import Config
from fournil.core.energy import ESTIMATED_WATTS_PER_CORE
from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.speech import tr

HERE = "here"
CORES_PER_DEVICE = 8
"""Processor cores that stand beside one device in a usual node."""
NAMED_PUE = 1.2
HERE_PUE = 1.0


@dataclass(frozen=True)
class Device:
    """One accelerator."""

    name: str
    peak_flops: float
    """Dense bfloat16 operations in a second, as its maker publishes."""
    memory_bytes: float
    watts: float
    """Thermal design power of the module, as its maker publishes."""


DEVICES = {
    device.name: device
    for device in (
        Device("A100", 312e12, 80e9, 400.0),
        Device("H100", 989e12, 80e9, 700.0),
        Device("H200", 989e12, 141e9, 700.0),
    )
}


@dataclass(frozen=True)
class Hardware:
    """What a plan is made for: this machine, or so many named devices and cores."""

    name: str
    num_devices: int
    num_cores: int
    memory_bytes: float | None
    """Of one device, or of this machine; None: not known."""
    device_watts: float
    core_watts: float
    pue: float
    flops_per_second: float | None
    """Of all devices together, at the stated utilisation; None: measured, not stated."""

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return self.name == HERE

    def watts(self, *, trains: bool) -> float:
        """Return the power of a stage at work, the building's part included."""
        cores = self.num_cores * self.core_watts
        if self.is_here:
            return (self.device_watts or cores) * self.pue
        return (self.num_devices * self.device_watts if trains else cores) * self.pue


def hardware_of(config: Config, *, threads: int) -> Hardware:
    """Resolve the hardware that a plan is made for.

    Args:
        config: Names it.
        threads: How many cores of this machine would work.

    Raises:
        FournilError: No such hardware; the nearest name is given.
    """
    pue = config.pue
    if config.hardware == HERE:
        return Hardware(
            HERE,
            1,
            threads,
            _memory_here(),
            config.device_watts,
            ESTIMATED_WATTS_PER_CORE,
            HERE_PUE if pue is None else pue,
            None,
        )
    device = DEVICES.get(config.hardware.upper())
    if device is None:
        guess = nearest(config.hardware.upper(), DEVICES) or nearest(config.hardware, (HERE,))
        fix = (
            tr("Did you mean {guess!r}?", guess=guess)
            if guess
            else tr("Known: {names}.", names=", ".join((HERE, *DEVICES)))
        )
        raise FournilError(
            tr("no hardware {name!r}", name=config.hardware), where="plan.hardware", fix=fix, code=EXIT_USAGE
        )
    return Hardware(
        device.name,
        config.num_devices,
        config.num_cores or CORES_PER_DEVICE * config.num_devices,
        device.memory_bytes,
        config.device_watts or device.watts,
        ESTIMATED_WATTS_PER_CORE,
        NAMED_PUE if pue is None else pue,
        device.peak_flops * config.utilisation * config.num_devices,
    )


def _memory_here() -> float | None:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError, AttributeError):
        return None
