"""Settings of curate: `[curate]` in a recipe."""

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr


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
            pair_min_letters=(0, None),
            pair_mismatch_confidence=(0.0, 1.0),
        )


@dataclass(frozen=True)
class PersonalDataSettings:
    """Masking of personal data."""

    kinds: tuple[str, ...] = ("e-mail", "phone", "ip", "iban", "nir")
    """What is masked; an empty list masks nothing."""


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


@dataclass(frozen=True)
class Bounds:
    """Bounds of the Gopher, C4 and FineWeb rules.

    The defaults leave documentation standing (tables, option lists, repeated headings); the published bounds, made for
    web pages in English, are named in each field and held against the categories in `published_for`.
    """

    min_words: int = 20
    """Words in a document (Gopher: 50)."""

    max_words: int = 500_000
    """Words in a document (Gopher: 100,000; whole manuals and books are longer)."""

    max_hash_ratio: float = 0.1
    """Signs `#` to words (Gopher: 0.1)."""

    max_ellipsis_ratio: float = 0.1
    """Ellipses to words (Gopher: 0.1)."""

    max_bullet_lines: float = 0.95
    """Share of lines that begin with a bullet (Gopher: 0.9)."""

    max_ellipsis_lines: float = 0.5
    """Share of lines that end with an ellipsis (Gopher: 0.3; dialogues of French novels have more)."""

    min_lettered_words: float = 0.6
    """Share of words that hold a letter; pure punctuation is no word (Gopher: 0.8)."""

    min_stop_words: int = 2
    """Function words of the language in a document (Gopher: 2 of eight English ones)."""

    min_stop_word_share: float = 0.04
    """Share of function words among all words: lists of names have none (no published rule: 0)."""

    max_duplicate_lines: float = 0.6
    """Share of lines that repeat an earlier one (Gopher: 0.3)."""

    max_duplicate_line_characters: float = 0.4
    """Share of characters in such lines (Gopher: 0.2; FineWeb: 0.01)."""

    max_duplicate_paragraphs: float = 0.5
    """Share of paragraphs that repeat an earlier one (Gopher: 0.3)."""

    max_duplicate_paragraph_characters: float = 0.4
    """Share of characters in such paragraphs (Gopher: 0.2)."""

    max_top_ngrams: tuple[float, ...] = (0.35, 0.35, 0.35)
    """Share of letters in the most frequent run of 2, 3 and 4 words (Gopher: 0.20, 0.18, 0.16)."""

    max_duplicate_ngrams: tuple[float, ...] = (0.5, 0.48, 0.46, 0.44, 0.42, 0.4)
    """Share of letters in repeated runs of 5 to 10 words (Gopher: 0.15, 0.14, 0.13, 0.12, 0.11, 0.10)."""

    min_sentences: int = 1
    """Sentences in a document (C4: 5)."""

    max_token: int = 1000
    """Characters without white space (C4: 1000)."""

    max_curly_ratio: float = 0.05
    """Braces to characters (C4: none at all)."""

    max_lorem_ipsum: int = 10
    """How often « lorem ipsum » may stand there (C4: never; documentation of typesetting quotes it)."""

    min_ended_lines: float = 0.0
    """Share of lines that end a sentence (FineWeb: 0.12)."""

    max_short_lines: float = 0.97
    """Share of lines with fewer than 30 characters (FineWeb: 0.67)."""

    max_newline_ratio: float = 1.0
    """Line ends to words (FineWeb: 0.3)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        if (len(self.max_top_ngrams), len(self.max_duplicate_ngrams)) != (3, 6):
            raise ValueError(
                tr("max_top_ngrams has 3 bounds, for 2 to 4 words, and max_duplicate_ngrams 6, for 5 to 10")
            )


PUBLISHED = Bounds(
    min_words=50,
    max_words=100_000,
    max_bullet_lines=0.9,
    max_ellipsis_lines=0.3,
    min_lettered_words=0.8,
    min_stop_word_share=0.0,
    max_duplicate_lines=0.3,
    max_duplicate_line_characters=0.01,
    max_duplicate_paragraphs=0.3,
    max_duplicate_paragraph_characters=0.2,
    max_top_ngrams=(0.20, 0.18, 0.16),
    max_duplicate_ngrams=(0.15, 0.14, 0.13, 0.12, 0.11, 0.10),
    min_sentences=5,
    max_curly_ratio=0.0,
    max_lorem_ipsum=0,
    min_ended_lines=0.12,
    max_short_lines=0.67,
    max_newline_ratio=0.3,
)
"""The bounds as published, the stricter one where two papers name the same figure."""


@dataclass(frozen=True)
class CodeBounds:
    """Bounds for program code (those of the StarCoder data)."""

    max_line: int = 1000
    """Characters in the longest line."""

    max_mean_line: float = 100.0
    """Characters in a line on average."""

    min_alphanumeric: float = 0.25
    """Share of letters and digits among what is no white space."""


@dataclass(frozen=True)
class QualitySettings:
    """Which bounds hold for what."""

    bounds: Bounds = field(default_factory=Bounds)
    """For natural language; the length of words and the function words are the language's own."""

    code: CodeBounds = field(default_factory=CodeBounds)
    """For program code."""

    published_for: tuple[str, ...] = ("web",)
    """Categories that are held to the published bounds, and whose cookie and policy lines are cut (C4)."""

    skip: tuple[str, ...] = ()
    """Categories that are not judged."""


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


@dataclass(frozen=True)
class Config:
    """Settings of curate."""

    max_text_bytes: int = 10_000_000
    """Texts with more bytes are refused unread (0: none is). A book has a million; each byte takes 150 of memory."""

    language: LanguageSettings = field(default_factory=LanguageSettings)
    """Language identification."""

    personal_data: PersonalDataSettings = field(default_factory=PersonalDataSettings)
    """Masking of personal data."""

    heldout: HeldoutSettings = field(default_factory=HeldoutSettings)
    """What is set aside for evaluation."""

    quality: QualitySettings = field(default_factory=QualitySettings)
    """Quality of documents."""

    pairs: PairSettings = field(default_factory=PairSettings)
    """Filters of pairs."""

    duplicates: DuplicateSettings = field(default_factory=DuplicateSettings)
    """Exact and near duplicates."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, max_text_bytes=(0, None))
