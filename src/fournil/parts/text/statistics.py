"""Everything that the quality rules measure, for a batch of texts."""

import numpy as np

from fournil.parts.text.kernels import scan as kernel
from fournil.parts.text.scan import Scan


def prose_figures(scan: Scan) -> dict[str, np.ndarray]:
    """Figures of natural-language texts, one by text (float64 or int64).

    Returns:
        `num_words`; `mean_word` (letters a word); `stop_words` (how many words are function words of the language in
        which the text was read) and `stop_word_share`; `hash_ratio` and `ellipsis_ratio` (of these signs to words);
        `lettered_words` (share of what stands between white space that holds a letter; what is punctuation alone is
        left out; 1 where nothing is counted); `sentences` (or lines, in a text that has no sign that ends a sentence:
        verse, speech) and `unpunctuated_stop_word_share` (1 where there is one); `longest_token` (characters without
        white space);
        `curly_ratio` (braces to characters); `lorem_ipsum` (how often); `newline_ratio` (line ends to words);
        to words: `broken_characters` (U+FFFD, and UTF-8 read as Latin-1), `single_letters`, `odd_capitals` (inside a
        word), `words_without_vowel`, `addresses`, `exclamations` and `separators` (bars, arrows);
        and what line_figures gives.
    """
    num_words = scan.count(kernel.WORDS)
    divisor = np.maximum(num_words, 1)
    tokens = scan.count(kernel.TOKENS)
    ends = scan.count(kernel.SENTENCES)
    stop_words = scan.count(kernel.FUNCTION_WORDS)
    return {
        "num_words": num_words,
        "mean_word": scan.count(kernel.WORD_LENGTHS) / divisor,
        "stop_words": stop_words,
        "stop_word_share": stop_words / divisor,
        "hash_ratio": scan.sign("hash") / divisor,
        "ellipsis_ratio": scan.count(kernel.ELLIPSES) / divisor,
        "lettered_words": np.where(tokens > 0, scan.count(kernel.LETTERED_TOKENS) / np.maximum(tokens, 1), 1.0),
        "sentences": np.where(ends > 0, ends, scan.count(kernel.LINES)),
        "unpunctuated_stop_word_share": np.where(ends > 0, 1.0, stop_words / divisor),
        "longest_token": scan.count(kernel.LONGEST_TOKEN),
        "curly_ratio": scan.sign("brace") / np.maximum(scan.count(kernel.CHARACTERS), 1),
        "newline_ratio": scan.count(kernel.NEWLINES) / divisor,
        "lorem_ipsum": scan.count(kernel.LOREM_IPSUM),
        "broken_characters": (scan.count(kernel.MOJIBAKE) + scan.sign("replacement")) / divisor,
        "single_letters": scan.count(kernel.SINGLE_LETTERS) / divisor,
        "odd_capitals": scan.count(kernel.ODD_CAPITALS) / divisor,
        "words_without_vowel": scan.count(kernel.WORDS_WITHOUT_VOWEL) / divisor,
        "addresses": scan.count(kernel.ADDRESSES) / divisor,
        "exclamations": scan.sign("exclamation") / divisor,
        "separators": scan.sign("separator") / divisor,
        **line_figures(scan),
    }


def line_figures(scan: Scan) -> dict[str, np.ndarray]:
    """What the Gopher and FineWeb rules ask of lines and paragraphs.

    Returns:
        By text: `num_lines` and `line_characters`; shares of lines that repeat an earlier one and have at least ten
        characters (`duplicate_lines`), that begin with a bullet (`bullet_lines`; a dash that opens speech is none), end
        with an ellipsis (`ellipsis_lines`), end a sentence (`ended_lines`), have fewer than 30 characters
        (`short_lines`); `duplicate_line_characters`, the share of all lines' characters in repeated ones; the same two
        for paragraphs; `longest_line` and `mean_line` in characters. A text without lines has zeros.
    """
    num_lines = scan.count(kernel.LINES)
    lines, characters = np.maximum(num_lines, 1), scan.count(kernel.LINE_CHARACTERS)
    paragraphs = np.maximum(scan.count(kernel.PARAGRAPHS), 1)
    return {
        "num_lines": num_lines,
        "line_characters": characters,
        "duplicate_lines": scan.count(kernel.REPEATED_LINES) / lines,
        "duplicate_line_characters": scan.count(kernel.REPEATED_LINE_CHARACTERS) / np.maximum(characters, 1),
        "duplicate_paragraphs": scan.count(kernel.REPEATED_PARAGRAPHS) / paragraphs,
        "duplicate_paragraph_characters": scan.count(kernel.REPEATED_PARAGRAPH_CHARACTERS)
        / np.maximum(scan.count(kernel.PARAGRAPH_CHARACTERS), 1),
        "bullet_lines": scan.count(kernel.BULLET_LINES) / lines,
        "ellipsis_lines": scan.count(kernel.ELLIPSIS_LINES) / lines,
        "ended_lines": scan.count(kernel.ENDED_LINES) / lines,
        "short_lines": scan.count(kernel.SHORT_LINES) / lines,
        "mean_line": characters / lines,
        "longest_line": scan.count(kernel.LONGEST_LINE),
    }


def good_lines(scan: Scan) -> np.ndarray:
    """Share of lines with more than 20 characters, more than five words and between 3 and 10 characters a word."""
    lines = scan.lines
    ratio = lines.lengths_L / np.maximum(lines.num_words_L, 1)
    good_L = (lines.lengths_L > 20) & (lines.num_words_L > 5) & (ratio > 3) & (ratio < 10)
    running = np.concatenate([[0], np.cumsum(good_L)])
    return (running[lines.bounds_D[1:]] - running[lines.bounds_D[:-1]]) / np.maximum(scan.count(kernel.LINES), 1)


def code_figures(scan: Scan) -> dict[str, np.ndarray]:
    """Figures of program code: what line_figures gives, and `alphanumeric`, letters and digits among what is solid."""
    solid = np.maximum(scan.count(kernel.SOLID), 1)
    return {**line_figures(scan), "alphanumeric": scan.count(kernel.ALPHANUMERICS) / solid}
