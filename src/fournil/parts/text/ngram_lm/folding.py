"""Text folded into words: lower case, every digit 0, one form of each quote, dash and apostrophe, no typography.

The normalisation of CCNet (Wenzek et al. 2019) in its intent: accents stay, as CroissantLLM keeps them. Spaces and
single line ends part words and say nothing more, so that no-break spaces before « ; » and lines of seventy characters
cost nothing; a word cut by a hyphen at the end of its line is made whole; a blank line ends a paragraph.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.kernels.lm_words import (
    APOSTROPHE,
    DIGIT,
    HYPHEN,
    IGNORED,
    LETTER,
    NEWLINE,
    SIGN,
    SPACE,
    lm_words,
)

_SHIFT = 24
_FOLDED = {
    **dict.fromkeys("'’ʼ‘‛′`´", "'"),
    **dict.fromkeys('"«»“”„‟″', '"'),
    **dict.fromkeys("-‐‑¬", "-"),
    **dict.fromkeys("–—―−", "–"),
    **dict.fromkeys("•◦▪‣·", "•"),
}


class Words(NamedTuple):
    """The words of a batch of texts (C code points, W words, D documents)."""

    points_C: np.ndarray
    """uint32: the folded words, end to end."""

    bounds_W: np.ndarray
    """int32: word w is points_C[bounds_W[w]:bounds_W[w + 1]]; one of no length ends a paragraph."""

    hashes_W: np.ndarray
    """uint64 by word, 0 for the end of a paragraph."""

    first_D: np.ndarray
    """int64: the words of document d are first_D[d] to first_D[d + 1]."""

    def word(self, number: int) -> str:
        """One word as text."""
        return self.points_C[self.bounds_W[number] : self.bounds_W[number + 1]].tobytes().decode("utf-32-le")


@cache
def fold_table() -> np.ndarray:
    """What becomes of each code point of the BMP (uint32): its kind in the upper eight bits, its folded form below."""
    table = np.zeros(0x10000, np.uint32)
    for code in range(0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        kind, folded = SIGN, character
        if character in "\n\r\x0b\x0c\x85\u2028\u2029":
            kind = NEWLINE
        elif category[0] == "Z" or character == "\t":
            kind = SPACE
        elif category in ("Cc", "Cf", "Cs"):
            kind = IGNORED
        elif category[0] in "LM":
            kind, folded = LETTER, _letter(character)
        elif category == "Nd":
            kind, folded = DIGIT, "0"
        elif character in _FOLDED:
            folded = _FOLDED[character]
            kind = {"'": APOSTROPHE, "-": HYPHEN}.get(folded, SIGN)
        if category[0] in "LM" and character in "ʼ":
            kind, folded = APOSTROPHE, "'"
        table[code] = (kind << _SHIFT) | ord(folded)
    return table


def _letter(character: str) -> str:
    """Lower case; a letter that is another one in old print or in a font is that other one (ſ: s)."""
    plain = unicodedata.normalize("NFKC", character).lower()
    if len(plain) == 1 and unicodedata.category(plain)[0] in "LM":
        return plain
    lower = character.lower()
    return lower if len(lower) == 1 else character


def fold(texts: pa.Array) -> Words:
    """The words of a batch of texts without nulls (2 GB at most)."""
    bytes_B, bounds_D = utf8_bytes(texts)
    return fold_bytes(bytes_B, bounds_D)


def fold_bytes(bytes_B: np.ndarray, bounds_D: np.ndarray) -> Words:
    """The words of texts given as UTF-8 (uint8) and their bounds (int64)."""
    num_bytes, num_texts = len(bytes_B), len(bounds_D) - 1
    assert num_bytes < 2**31, "slices are smaller than 2 GB"
    points_C = np.empty(num_bytes, np.uint32)
    bounds_W = np.empty(num_bytes + num_texts + 1, np.int32)
    hashes_W = np.empty(num_bytes + num_texts, np.uint64)
    first_D = np.empty(num_texts + 1, np.int64)
    num_words = lm_words(bytes_B, bounds_D, fold_table(), points_C, bounds_W, hashes_W, first_D)
    return Words(points_C[: bounds_W[num_words]], bounds_W[: num_words + 1], hashes_W[:num_words], first_D)
