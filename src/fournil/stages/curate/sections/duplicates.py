"""Settings of the step duplicates."""

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr


@dataclass(frozen=True)
class RepeatSettings:
    """Lines, paragraphs and passages that many documents have, such as licence texts and cookie notices.

    They stay in one document and are cut from the others.
    """

    categories: tuple[str, ...] = ("web",)
    """Categories of documents that are looked at; "*" means all. In verse, theatre and law, lines repeat for good
    reasons."""

    min_documents: int = 10
    """So many documents must have it; 0 cuts nothing."""

    line_characters: int = 30
    """Shorter lines are left alone (0: no line is cut)."""

    paragraph_characters: int = 100
    """Shorter paragraphs are left alone (0: no paragraph is cut)."""

    passage_words: int = 50
    """Runs of so many words are found wherever they stand, in the middle of a line too (0: none is cut). At either end
    of a longer run, a fifth of so many words may stay."""

    min_left: float = 0.2
    """A document of which a smaller share of bytes is left is refused."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            min_documents=(0, None),
            line_characters=(0, None),
            paragraph_characters=(0, None),
            passage_words=(0, None),
            min_left=(0.0, 1.0),
        )
        if self.min_documents == 1:
            raise ValueError(tr("min_documents is 0 or at least 2: what one document has is no repeat"))
        if 0 < self.passage_words < 10:
            raise ValueError(tr("passage_words is 0 or at least 10: shorter runs are everybody’s"))


@dataclass(frozen=True)
class DuplicateSettings:
    """Exact and near duplicates, within the run and against earlier ones."""

    threshold: float = 0.8
    """Jaccard similarity, of sets of runs of five words, from which two texts are near duplicates."""

    num_bands: int = 14
    """Keys of each text: two texts are compared when they share one. Fourteen keys of eight minima, as FineWeb has
    them, find 92 of 100 pairs that are 0.8 alike, and all but one in a thousand at 0.9."""

    band_rows: int = 8
    """Minima in each key."""

    chains: bool = False
    """Whether whatever is tied to a kept document goes, by way of others too (connected components, as elsewhere);
    else only what is itself as similar as the threshold to a document that stays."""

    prefer_sources: tuple[str, ...] = ()
    """Of copies, one of the first source named here stays; sources that are not named come last."""

    prefer_licences: tuple[str, ...] = ()
    """Then one under the first licence named here; then the longest; then the one with the smallest id."""

    translation_threshold: float = 0.4
    """Jaccard similarity from which two texts of one language are the same, if they are translations of one page or of
    copies of it, as their groups tell (0: they are not looked at)."""

    against: tuple[str, ...] = ()
    """Folders 02-curate of earlier runs: what they have is refused here."""

    repeats: RepeatSettings = field(default_factory=RepeatSettings)
    """What is cut because many documents have it."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self,
            threshold=(0.3, 1.0),
            num_bands=(1, 256),
            band_rows=(1, 64),
            translation_threshold=(0.0, 1.0),
        )
