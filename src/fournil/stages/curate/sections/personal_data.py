"""Settings of the step personal-data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonalDataSettings:
    """Masking of personal data."""

    kinds: tuple[str, ...] = ("e-mail", "phone", "ip", "iban", "nir")
    """What is masked; an empty list masks nothing."""
