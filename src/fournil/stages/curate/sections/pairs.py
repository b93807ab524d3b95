"""Settings of the filters of pairs."""

from dataclasses import dataclass

from fournil.core.bounds import within


@dataclass(frozen=True)
class PairSettings:
    """Filters of pairs."""

    max_characters: int = 2000
    """Characters of a side."""

    max_length_ratio: float = 3.0
    """The longer side to the shorter one, in characters, both taken 15 characters longer so that short messages
    pass."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, max_characters=(1, None), max_length_ratio=(1.0, None))
