"""Settings of the step personal-data."""

from dataclasses import dataclass

from fournil.core.speech import tr

KINDS = (
    *("e-mail", "phone", "ip", "iban", "card", "nir", "siren", "siret", "tax-number", "key", "password"),
    *("birth-date", "address"),
)
SPARED = ("reserved", "roles")


@dataclass(frozen=True)
class PersonalDataSettings:
    """Masking of personal data."""

    kinds: tuple[str, ...] = KINDS
    """What is masked; an empty list masks nothing."""

    spare: tuple[str, ...] = SPARED
    """What is left standing all the same: `reserved`, names, addresses and numbers that are set aside for examples and
    for fiction; `roles`, mail addresses of roles and of mailing lists."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A name is none of those known.
        """
        for field, names, known in (("kinds", self.kinds, KINDS), ("spare", self.spare, SPARED)):
            for name in names:
                if name not in known:
                    raise ValueError(
                        tr("{field} names {name!r}; known are {known}", field=field, name=name, known=", ".join(known))
                    )
