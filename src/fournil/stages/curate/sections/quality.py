"""Settings of the step quality."""

from dataclasses import dataclass, field, fields

from fournil.core.bounds import within
from fournil.core.speech import tr


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

    max_short_lines: float = 1.0
    """Share of lines with fewer than 30 characters (FineWeb: 0.67; verse has nothing else)."""

    max_newline_ratio: float = 1.0
    """Line ends to words (FineWeb: 0.3)."""

    min_lines: int = 0
    """Lines that are not blank (CroissantLLM on Gallica: 50)."""

    min_characters: int = 0
    """Characters in all lines (CroissantLLM on Gallica: 5,000)."""

    max_characters: int = 1_000_000_000
    """Characters in all lines (CroissantLLM on Gallica: 1,000,000)."""

    min_good_lines: float = 0.0
    """Share of lines with more than 20 characters, more than five words, and 3 to 10 characters a word (CroissantLLM on
    Gallica: 0.5)."""

    min_unpunctuated_stop_word_share: float = 0.15
    """Share of function words in a document without any sign that ends a sentence: keywords have few (ours)."""

    max_broken_characters: float = 0.02
    """U+FFFD, and signs of UTF-8 that was read as Latin-1, to words (ours)."""

    max_single_letters: float = 0.3
    """Share of words of one letter: letters set apart, ruined recognition (ours)."""

    max_odd_capitals: float = 0.35
    """Share of words with a capital after a small letter (ours; documentation of programs has up to 0.25)."""

    max_words_without_vowel: float = 0.25
    """Share of words of four letters or more without a vowel (ours)."""

    max_addresses: float = 0.1
    """Addresses of pages to words (ours)."""

    max_exclamations: float = 0.25
    """Exclamation marks to words (ours)."""

    max_separators: float = 0.5
    """Bars and arrows to words: menus (ours)."""

    max_furniture: float = 0.06
    """Share of words in the phrases of notices, menus and adverts that the language's file lists, where there are three
    or more (ours)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        # What of a text is counted or measured is never below nothing; a share of it that must be there is at most all.
        within(self, **{each.name: (0, 1 if each.name in _SHARES else None) for each in fields(self)})
        if (len(self.max_top_ngrams), len(self.max_duplicate_ngrams)) != (3, 6):
            raise ValueError(
                tr("max_top_ngrams has 3 bounds, for 2 to 4 words, and max_duplicate_ngrams 6, for 5 to 10")
            )
        for less, more in (("min_words", "max_words"), ("min_characters", "max_characters")):
            within(self, **{more: (getattr(self, less), None)})


_SHARES = (
    *("min_lettered_words", "min_stop_word_share", "min_ended_lines", "min_good_lines"),
    "min_unpunctuated_stop_word_share",
)


@dataclass(frozen=True)
class CodeBounds:
    """Bounds for program code (those of the StarCoder data)."""

    max_line: int = 1000
    """Characters in the longest line."""

    max_mean_line: float = 100.0
    """Characters in a line on average."""

    min_alphanumeric: float = 0.25
    """Share of letters and digits among what is no white space."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, max_line=(1, None), max_mean_line=(0.0, None), min_alphanumeric=(0.0, 1.0))


FOURNIL, COMPAT = "fournil", "compat"
MODES = (FOURNIL, COMPAT)
PRESETS = (FOURNIL, "croissant", "lucie", "fineweb", "gopher")


@dataclass(frozen=True)
class QualitySettings:
    """Which bounds hold for what."""

    preset: str = FOURNIL
    """`fournil`: `bounds`, and the published ones for `published_for`. `gopher`, `fineweb`, `lucie` and `croissant`
    hold every document to the bounds of these works."""

    mode: str = FOURNIL
    """`fournil`: rules that are right for French. `compat`: the filters of datatrove, to the last verdict."""

    bounds: Bounds = field(default_factory=Bounds)
    """For natural language; the length of words and the function words are the language's own."""

    code: CodeBounds = field(default_factory=CodeBounds)
    """For program code."""

    published_for: tuple[str, ...] = ("web",)
    """Categories that are held to the published bounds, and whose cookie and policy lines are cut (C4)."""

    skip: tuple[str, ...] = ()
    """Categories that are not judged."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: There is no such preset or mode, or a preset is asked for together with other bounds.
        """
        for name, value, known in (("preset", self.preset, PRESETS), ("mode", self.mode, MODES)):
            if value not in known:
                raise ValueError(
                    tr(
                        "{name} is {value!r}, it must be one of: {known}",
                        name=name,
                        value=value,
                        known=", ".join(known),
                    )
                )
        if self.preset != FOURNIL and self.bounds != Bounds():
            raise ValueError(tr("a preset has bounds of its own: leave out quality.bounds, or the preset"))
        for name, ours in (("preset", FOURNIL), ("bounds", Bounds()), ("code", CodeBounds())):
            if self.mode == COMPAT and getattr(self, name) != ours:
                raise ValueError(tr("mode compat asks the filters of curate.compat alone: leave out {name}", name=name))
