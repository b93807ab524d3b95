"""Settings of the step duplicates."""

from dataclasses import dataclass

from fournil.core.bounds import within


@dataclass(frozen=True)
class DuplicateSettings:
    """Exact and near duplicates."""

    threshold: float = 0.8
    """Jaccard similarity, of sets of runs of five words, from which two texts are near duplicates."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, threshold=(0.3, 1.0))
