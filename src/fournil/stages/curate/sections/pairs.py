"""Settings of the filters of pairs."""

from dataclasses import dataclass

from fournil.core.bounds import within


@dataclass(frozen=True)
class PairSettings:
    """Filters of pairs."""

    max_characters: int = 2000
    """Characters of a side."""

    max_length_ratio: float = 3.0
    """The longer side to the shorter one, in characters, each held against what its language takes on average, and both
    taken 15 characters longer so that short messages pass."""

    min_score: float | None = None
    """A pair that has a score needs at least this one; what it means is the source's own. Silent: scores are not looked
    at."""

    min_numbers: float = 0.5
    """Share of the numbers of three digits or more that both sides have; asked only where both have some."""

    max_same_words: float = 0.8
    """Share of a side's words, names and code left out, that stand in the other side too: more is no translation."""

    near: bool = True
    """Refuse pairs whose sides are all near duplicates of another pair's: short ones by their letters, long ones by the
    similarity that `duplicates` asks for."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            max_characters=(1, None),
            max_length_ratio=(1.0, None),
            min_numbers=(0.0, 1.0),
            max_same_words=(0.0, 1.0),
        )
