"""Keys under which equal texts are found."""

import hashlib
import itertools
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import LETTER, flag_table, lower_codes, utf8_bytes
from fournil.parts.text.kernels import characters as kernel

MOST_LETTERS = 1 << 62
"""More than any text has."""


def exact_keys(texts: pa.Array) -> np.ndarray:
    """128-bit hashes (BLAKE2b), as a D x 2 array of uint64."""
    bytes_B, bounds_D = utf8_bytes(texts)
    data = bytes_B.data
    edges = bounds_D.tolist()
    digests = b"".join(
        hashlib.blake2b(data[start:end], digest_size=16).digest() for start, end in itertools.pairwise(edges)
    )
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


@cache
def _ascii_letters() -> np.ndarray:
    """By byte, a letter in lower case, 0 for another sign, 1 where a directive or a wider character may begin."""
    table = np.ones(0x100, np.uint8)
    table[:0x80] = np.where(flag_table()[:0x80] & LETTER, lower_codes()[:0x80], 0)
    table[[ord(character) for character in "%<{"]] = 1
    return table


def letter_keys(texts: pa.Array, *, most: int = MOST_LETTERS) -> np.ndarray:
    """Hash (uint64) of each text's letters in lower case, all else left out.

    Format directives (`%s`, `%1$ld`, `%(name)s`), tags (`<b>`) and places (`{count}`, `${name}`) are left out whole:
    programs fill them in or hide them in a message, and none of it makes another message. Texts that differ in case,
    spacing, punctuation, digits or accelerators have the same key. A text without letters has the key of all its bytes.

    Args:
        texts: Strings without nulls.
        most: So many letters count, those at the beginning: quick to find, and equal where all of them are.
    """
    bytes_B, bounds_D = utf8_bytes(texts)
    keys = np.zeros(len(texts), np.uint64)
    kernel.letter_keys(bytes_B, bounds_D, _ascii_letters(), flag_table(), lower_codes(), most, keys)
    return keys
