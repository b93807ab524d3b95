"""Which languages a batch of texts is written in, by their function words, document by document and line by line.

Every second or third word of a running text is a function word. Counting them costs one look at each byte, sees where
in a document the language changes, and knows speech, SMS and creoles, which the identifier of whole texts does not.

Suffixes: D documents, L lines, C classes (the languages asked for, the neighbours of them, their relatives), M the
classes counted by line (all but the relatives).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.core.languages import known_languages, language, primary
from fournil.core.relatives import COLLOQUIAL, NEIGHBOURS, RELATIVES
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.kernels.languages import (
    APOSTROPHE,
    BREAK,
    DIGIT,
    LETTER,
    LONGEST,
    NEWLINE,
    OTHER,
    SPREAD,
    count_function_words,
)

_MOST_CLASSES = 8
"""Classes that one word can stand in."""


@dataclass(frozen=True)
class FunctionWords:
    """What was counted."""

    tags: tuple[str, ...]
    """Primary tags of the languages, the first classes; the class after them is that of all neighbours."""

    relatives: tuple[tuple[str, str], ...]
    """Tag of each relative, the last classes, and the language that it lives beside."""

    counts_DC: np.ndarray
    """int32."""

    num_words_D: np.ndarray
    num_letters_D: np.ndarray
    num_foreign_D: np.ndarray
    """int32: letters of other scripts than Latin."""

    counts_LM: np.ndarray
    """int32."""

    bounds_L: np.ndarray
    """int64: line l is bytes bounds_L[l]:bounds_L[l + 1] of the batch, its newline counted in."""

    lines_D: np.ndarray
    """int64: document d has lines lines_D[d]:lines_D[d + 1]."""


@dataclass(frozen=True)
class _Table:
    keys_S: np.ndarray
    classes_S: np.ndarray
    relatives: tuple[tuple[str, str], ...]
    num_classes: int


@cache
def _kinds() -> np.ndarray:
    kinds = np.full(256, BREAK, np.uint8)
    for byte in range(256):
        if byte >= 0xC0:
            kinds[byte] = OTHER
        elif chr(byte).isascii() and chr(byte).isalpha():
            kinds[byte] = LETTER
        elif chr(byte).isascii() and chr(byte).isdigit():
            kinds[byte] = DIGIT
    kinds[10], kinds[0x27] = NEWLINE, APOSTROPHE
    return kinds


@cache
def _table(tags: tuple[str, ...]) -> _Table:
    own = [language(tag).stop_words | COLLOQUIAL.get(tag, frozenset()) for tag in tags]
    # A word of two languages says nothing of either; a relative may well share its home's words.
    told = [words - frozenset().union(*(other for other in own if other is not words)) for words in own]
    relatives = tuple((relative, home) for home in tags for relative in RELATIVES.get(home, ()))
    lists = [*told, NEIGHBOURS - frozenset().union(*own), *(relative.words for relative, _ in relatives)]
    classes: dict[bytes, list[int]] = {}
    for number, words in enumerate(lists):
        for word in words:
            if len(word.encode()) <= LONGEST:
                classes.setdefault(word.encode(), []).append(number)
    size = 1 << (len(classes) * 4).bit_length()
    keys_S, classes_S = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    shift = 64 - (size.bit_length() - 1)
    for word, numbers in sorted(classes.items()):
        key = int.from_bytes(word, "big")
        slot = (key * int(SPREAD) & (1 << 64) - 1) >> shift
        while keys_S[slot]:
            slot = (slot + 1) % size
        keys_S[slot] = key
        classes_S[slot] = sum((one + 1) << (8 * at) for at, one in enumerate(numbers[:_MOST_CLASSES]))
    return _Table(keys_S, classes_S, tuple((relative.tag, home) for relative, home in relatives), len(lists))


def count_words(texts: pa.Array, tags: tuple[str, ...]) -> FunctionWords:
    """Count the function words of some languages in a batch of texts.

    Args:
        texts: Strings without nulls.
        tags: Languages; those without a file in core/languages, and program code, are passed over.
    """
    known = tuple(
        dict.fromkeys(primary(tag) for tag in tags if primary(tag) in known_languages() and language(tag).stop_words)
    )
    table = _table(known)
    bytes_B, bounds_D = utf8_bytes(texts)
    num = len(texts)
    most_lines = int(np.count_nonzero(bytes_B == 10)) + num
    counts_DC = np.zeros((num, table.num_classes + 1), np.int32)
    totals_D3 = np.zeros((num, 3), np.int32)
    counts_LM = np.zeros((most_lines + 1, len(known) + 2), np.int32)
    ends_L, lines_D = np.zeros(most_lines + 1, np.int64), np.zeros(num + 1, np.int64)
    num_lines = count_function_words(
        bytes_B,
        bounds_D,
        _kinds(),
        table.keys_S,
        table.classes_S,
        np.uint64(64 - (len(table.keys_S).bit_length() - 1)),
        counts_DC,
        totals_D3,
        counts_LM,
        ends_L[1:],
        lines_D,
    )
    return FunctionWords(
        known,
        table.relatives,
        counts_DC[:, 1:],
        totals_D3[:, 0],
        totals_D3[:, 1],
        totals_D3[:, 2],
        counts_LM[:num_lines, 1:],
        ends_L[: num_lines + 1],
        lines_D,
    )
