"""Settings of the step language."""

from dataclasses import dataclass
from typing import Literal

from fournil.core.bounds import within


@dataclass(frozen=True)
class LanguageSettings:
    """Language identification of documents and pairs."""

    min_confidence: float = 0.65
    """A document that names no language needs this confidence, from 0 to 1, or is refused (Lucie's bound for web
    text)."""

    mismatch_confidence: float = 0.65
    """A document is refused when another language than its own is found with at least this confidence."""

    min_letters: int = 60
    """Documents with fewer letters keep the language that they name; without one they are refused."""

    mixed: Literal["keep", "mark", "split", "refuse"] = "keep"
    """What becomes of documents in two languages of the run: `keep` them whole, `mark` them (the share of each language
    goes into `extra`), `split` the lines of the second language off into a document of its own, `refuse` them."""

    mixed_share: float = 0.2
    """A document is mixed when a second language has at least this share of its function words."""

    relatives: Literal["keep", "mark", "refuse"] = "mark"
    """What becomes of texts in a close relative of a language of the run, as creoles, Walloon and Scots are: `keep`
    them, `mark` them (the tag goes into `extra`), `refuse` them."""

    pair_min_letters: int = 60
    """A side of a pair with fewer letters is not judged: short messages cannot be."""

    pair_mismatch_confidence: float = 0.8
    """A pair is refused when a side is in another language with at least this confidence."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            min_confidence=(0.0, 1.0),
            mismatch_confidence=(0.0, 1.0),
            min_letters=(0, None),
            mixed_share=(0.01, 0.5),
            pair_min_letters=(0, None),
            pair_mismatch_confidence=(0.0, 1.0),
        )
