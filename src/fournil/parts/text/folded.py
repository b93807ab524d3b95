"""Words without case, accents and punctuation: what two copies of a sentence have in common, however they were typeset.

A word is a run of letters and digits; everything else parts words, in every language alike: « L’Été » is « l » and
« ete », "don't" is "don" and "t". So these words serve for finding copies and listed words, not for counting words.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import DIGIT, LETTER, flag_table, utf8_bytes
from fournil.parts.text.kernels.folded import PAIRS, SKIPPED, WIDE, fold_words
from fournil.parts.text.scratch import scratch

_LOWEST_PRIVATE, _HIGHEST_PRIVATE = 0xD800, 0xF8FF
_INVISIBLE = (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)


@dataclass(frozen=True)
class FoldedWords:
    """Words of a batch of texts, in order."""

    hashes_W: np.ndarray
    """uint64."""

    starts_W: np.ndarray
    """Where each word begins in the batch's bytes (uint32)."""

    bounds_D: np.ndarray
    """Text d has words bounds_D[d]:bounds_D[d + 1] (int64)."""

    bytes_B: np.ndarray
    """The batch's bytes (uint8)."""

    bytes_D: np.ndarray
    """Where each text begins in these, and where the last one ends (int64)."""

    def end_of(self, word: int) -> int:
        """The byte behind a word."""
        start = int(self.starts_W[word])
        document = int(np.searchsorted(self.bounds_D, word, side="right")) - 1
        stop = int(self.bytes_D[document + 1])
        if word + 1 < self.bounds_D[document + 1]:
            stop = int(self.starts_W[word + 1])
        written = bytes(self.bytes_B[start:stop]).decode("utf-8")
        num = next((number for number, character in enumerate(written) if not _in_word(ord(character))), len(written))
        return start + len(written[:num].encode())


def _in_word(code: int) -> bool:
    return fold_table()[code] != 0 if code < 0x10000 else not 0x1F000 <= code < 0x20000


@cache
def fold_table() -> np.ndarray:
    """What stands for each character of the BMP (uint16; see kernels/folded.py)."""
    table = np.zeros(0x10000, np.uint16)
    flags = flag_table()
    doubled = {character: SKIPPED + 1 + place for place, (character, _) in enumerate(PAIRS)}
    for code in np.flatnonzero(flags[:0x10000] & (LETTER | DIGIT)).tolist():
        if _LOWEST_PRIVATE <= code <= _HIGHEST_PRIVATE:
            continue
        character = chr(code)
        if unicodedata.combining(character):
            table[code] = SKIPPED
            continue
        lower = character.lower()
        if lower[0] in doubled:
            table[code] = doubled[lower[0]]
            continue
        bare = [each for each in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(each)]
        folded = ord(bare[0]) if bare else code
        table[code] = folded if folded < _LOWEST_PRIVATE else code
    table[list(_INVISIBLE)] = SKIPPED
    return table


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    table = fold_table()
    ascii_table = np.full(256, WIDE, np.uint64)
    ascii_table[:128] = table[:128]
    return table, ascii_table


def folded_words(texts: pa.Array) -> FoldedWords:
    """Find the words of a batch of texts.

    Args:
        texts: Strings without nulls.
    """
    bytes_B, bytes_D = utf8_bytes(texts)
    words_D = np.zeros(len(bytes_D), np.int64)
    room = len(bytes_B) // 2 + len(bytes_D) + 1
    hashes_W, starts_W = scratch("folded_W", room, np.uint64), scratch("folded_starts_W", room, np.uint32)
    num = fold_words(bytes_B, bytes_D, *_tables(), hashes_W, starts_W, words_D) if len(bytes_B) else 0
    return FoldedWords(hashes_W[:num].copy(), starts_W[:num].copy(), words_D, bytes_B, bytes_D)
