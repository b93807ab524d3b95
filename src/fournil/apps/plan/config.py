"""Settings of a plan: `[plan]` in a recipe. They change what is foretold, never what is baked."""

from __future__ import annotations

from dataclasses import dataclass, field

from fournil.core.speech import tr


@dataclass(frozen=True)
class Published:
    """What somebody published about a training like this one, to be shown beside the plan."""

    device_hours: float = 0.0
    """Hours of one device, summed over all of them; 0: not known."""
    kwh: float = 0.0
    """Energy; 0: not known."""
    kg_co2e: float = 0.0
    """Emissions; 0: not known."""
    evidence: str = ""
    """Where that stands, and how sure it is."""


@dataclass(frozen=True)
class Config:
    """What a plan assumes."""

    hardware: str = "here"
    """Where the models are trained: `here` (this machine, measured), `A100`, `H100` or `H200`."""
    num_devices: int = 1
    """How many such devices work together; `here` is one."""
    utilisation: float = 0.4
    """Part of a named device's published dense bfloat16 peak that training reaches, counting the products that the
    model needs and none that are made twice."""
    num_cores: int = 0
    """Processor cores for the stages that train nothing, beside a named device; 0: eight for each device."""
    device_watts: float = 0.0
    """Power of a device at work; 0: the published power of the one named, and 12 W for each core of `here`."""
    pue: float | None = None
    """Power usage effectiveness: what the building takes for each kWh of its machines; unset: 1.2 around a named
    device, 1.0 `here`."""
    grid_g_co2e_per_kwh: float = 58.0
    """Emissions of the electricity. The default is what the figures published for CroissantLLM come to (France)."""
    eur_per_kwh: float = 0.2
    """Price of electricity."""
    eur_per_device_hour: float = 0.0
    """Price of a rented device; 0: it is yours, and only electricity is counted."""
    kept_share: float | None = None
    """Part of the text that curation keeps for training; unset: what it kept of software documentation."""
    bytes_per_token: float | None = None
    """UTF-8 bytes of one token; unset: by language and size of the vocabulary, as measured on other texts."""
    published: Published = field(default_factory=Published)
    """What was published about such a training."""

    def __post_init__(self) -> None:
        """Check what the types alone cannot say.

        Raises:
            ValueError: For a part that is none, or an amount that cannot be.
        """
        if not 0 < self.utilisation <= 1:
            raise ValueError(tr("utilisation is a part of the peak: above 0, at most 1"))
        if self.num_devices < 1:
            raise ValueError(tr("num_devices is at least 1"))
        if self.kept_share is not None and not 0 < self.kept_share <= 1:
            raise ValueError(tr("kept_share is a part: above 0, at most 1"))
        if self.bytes_per_token is not None and self.bytes_per_token <= 0:
            raise ValueError(tr("bytes_per_token is above 0"))
        if self.pue is not None and self.pue < 1:
            raise ValueError(tr("pue is at least 1: the building takes no less than its machines"))
        amounts = (self.num_cores, self.device_watts, self.grid_g_co2e_per_kwh, self.eur_per_kwh)
        if min(*amounts, self.eur_per_device_hour) < 0:
            raise ValueError(tr("watts, cores, prices and emissions are not below 0"))
