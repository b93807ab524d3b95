"""Settings of datatrove's filters, under its own names and with its defaults.

Where datatrove takes None for "not asked", 0 does the same here.
"""

from dataclasses import dataclass

from fournil.core.bounds import within
from fournil.core.speech import tr


@dataclass(frozen=True)
class LanguageFilterSettings:
    """datatrove's LanguageFilter."""

    languages: tuple[str, ...] = ()
    """The languages that are kept, as the model calls them; an empty list takes those of the recipe."""

    language_threshold: float = 0.65
    """One of them needs more than this confidence."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, language_threshold=(0.0, 1.0))


@dataclass(frozen=True)
class GopherRepetitionSettings:
    """datatrove's GopherRepetitionFilter: a document with a greater share is refused."""

    dup_line_frac: float = 0.3
    """Share of lines that repeat an earlier one."""

    dup_para_frac: float = 0.3
    """Share of paragraphs that repeat an earlier one."""

    dup_line_char_frac: float = 0.2
    """Share of characters in such lines."""

    dup_para_char_frac: float = 0.2
    """Share of characters in such paragraphs."""

    top_n: tuple[int, ...] = (2, 3, 4)
    """The runs of so many words of which the most frequent one is looked at."""

    top_n_frac: tuple[float, ...] = (0.2, 0.18, 0.16)
    """For each of them, the share of characters in that run."""

    dup_n: tuple[int, ...] = (5, 6, 7, 8, 9, 10)
    """The runs of so many words of which all repetitions are looked at."""

    dup_n_frac: tuple[float, ...] = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)
    """For each of them, the share of characters in repetitions."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        shares = ("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac")
        within(self, **dict.fromkeys((*shares, "top_n_frac", "dup_n_frac"), (0.0, None)))
        within(self, top_n=(1, 100), dup_n=(1, 100))
        if (len(self.top_n), len(self.dup_n)) != (len(self.top_n_frac), len(self.dup_n_frac)):
            raise ValueError(tr("top_n and top_n_frac are equally long, and so are dup_n and dup_n_frac"))


@dataclass(frozen=True)
class GopherQualitySettings:
    """datatrove's GopherQualityFilter."""

    min_doc_words: int = 50
    """Words, those of punctuation alone not counted."""

    max_doc_words: int = 100_000
    """Words, those of punctuation alone not counted."""

    min_avg_word_length: float = 3
    """Characters of such a word on average."""

    max_avg_word_length: float = 10
    """Characters of such a word on average."""

    max_symbol_word_ratio: float = 0.1
    """Signs `#` to words, and ellipses to words."""

    max_bullet_lines_ratio: float = 0.9
    """Share of lines that begin with « • » or « - »."""

    max_ellipsis_lines_ratio: float = 0.3
    """Share of lines that end with an ellipsis."""

    max_non_alpha_words_ratio: float = 0.8
    """Share of words that hold a letter: a document with a smaller one is refused, whatever the name says."""

    min_stop_words: int = 2
    """So many of the stop words stand in the document."""

    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    """Written as in the text: capitals count."""


@dataclass(frozen=True)
class C4QualitySettings:
    """datatrove's C4QualityFilter, which drops lines and sometimes documents."""

    split_paragraph: bool = True
    """Look at lines; false: at sentences."""

    remove_citations: bool = True
    """Cut the marks of Wikipedia's references: « [12] », « [edit] », « [citation needed] »."""

    filter_no_terminal_punct: bool = True
    """Drop lines that do not end with `.`, `?`, `!` or a straight quotation mark, or that end with an ellipsis."""

    min_num_sentences: int = 5
    """Documents with fewer sentences in what is left are refused; -1: none is."""

    min_words_per_line: int = 3
    """Lines with fewer words are dropped; -1: none is."""

    max_word_length: int = 1000
    """Lines with a longer word are dropped; -1: none is."""

    filter_lorem_ipsum: bool = True
    """Refuse documents with « lorem ipsum »."""

    filter_javascript: bool = True
    """Drop lines with « javascript »."""

    filter_curly_bracket: bool = True
    """Refuse documents with an opening brace."""

    filter_policy: bool = True
    """Drop lines with an English phrase about cookies and the like."""


@dataclass(frozen=True)
class FineWebQualitySettings:
    """datatrove's FineWebQualityFilter."""

    line_punct_thr: float = 0.12
    """Documents with a smaller share of lines that end with one of `stop_chars` are refused."""

    line_punct_exclude_zero: bool = False
    """But not those in which no line does."""

    stop_chars: tuple[str, ...] = ()
    """Characters that end a sentence; an empty list takes datatrove's 159, of all scripts."""

    short_line_thr: float = 0.67
    """Documents with a greater share of short lines are refused."""

    short_line_length: int = 30
    """A line is short when it has no more characters."""

    char_duplicates_ratio: float = 0.01
    """Documents with a greater share of characters in repeated lines are refused."""

    new_line_ratio: float = 0.3
    """Documents with more line ends to a word are refused."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: What should be one character is none, or several.
        """
        for each in self.stop_chars:
            if len(each) != 1:
                raise ValueError(tr("stop_chars holds {each!r}, and each must be one character", each=each))
