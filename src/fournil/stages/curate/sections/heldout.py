"""Settings of the held-out split."""

from dataclasses import dataclass

from fournil.core.bounds import within


@dataclass(frozen=True)
class HeldoutSettings:
    """What is set aside for evaluation, before anything is refused for its quality."""

    share: float = 0.02
    """Share of documents, by source and language, and of pairs, by source; 0 sets nothing aside."""

    min_documents: int = 4
    """At least so many documents of each source and language, but never more than half of them."""

    min_pairs: int = 600
    """At least so many pairs of short messages, but never more than half of them."""

    short_pair: int = 45
    """A pair is a short message when no side has more characters."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, share=(0.0, 1.0), min_documents=(0, None), min_pairs=(0, None), short_pair=(0, None))
