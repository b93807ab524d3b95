"""A batch of texts as one array of code points, and what kind of character each of them is."""

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from fournil.parts.text.arrow import code_point_lengths

LETTER = 1
DIGIT = 2
SPACE = 4
NEWLINE = 8
PUNCTUATION = 16
APOSTROPHE = 32
HYPHEN = 64
IGNORED = 128

WORD = LETTER | DIGIT
_APOSTROPHES = "'\u2019\u02bc"
_HYPHENS = "-\u2010\u2011"
# Above plane 1 live Chinese extensions, tags and private use: letters, for all that we need.
_TABLE_SIZE = 0x20001


@cache
def flag_table() -> np.ndarray:
    """Flags (uint8) by code point; code points beyond the table take its last entry."""
    table = np.zeros(_TABLE_SIZE, np.uint8)
    for code in range(_TABLE_SIZE - 1):
        category = unicodedata.category(chr(code))
        if category[0] in "LM":
            table[code] = LETTER
        elif category[0] == "N":
            table[code] = DIGIT
        elif category[0] == "Z":
            table[code] = SPACE
        elif category[0] == "P":
            table[code] = PUNCTUATION
        elif category in ("Cc", "Cf"):
            table[code] = IGNORED
    table[-1] = LETTER
    table[[9, 11, 12, 13]] = SPACE
    table[10] = SPACE | NEWLINE
    for character in _APOSTROPHES:
        table[ord(character)] = PUNCTUATION | APOSTROPHE
    for character in _HYPHENS:
        table[ord(character)] = PUNCTUATION | HYPHEN
    return table


@cache
def lower_table() -> np.ndarray:
    """Lower-case code point (uint64) by code point of the BMP, all apostrophes made U+0027 and hyphens U+002D."""
    table = np.arange(0x10000, dtype=np.uint64)
    for code in range(0x10000):
        lower = chr(code).lower()
        if len(lower) == 1:
            table[code] = ord(lower)
    for character in _APOSTROPHES:
        table[ord(character)] = 0x27
    for character in _HYPHENS:
        table[ord(character)] = 0x2D
    return table


@cache
def lower_codes() -> np.ndarray:
    """lower_table as uint32, as kernels read it."""
    return lower_table().astype(np.uint32)


@dataclass(frozen=True)
class CodePoints:
    """The texts of a batch, end to end."""

    values_C: np.ndarray
    """uint32 code points."""

    bounds_D: np.ndarray
    """int64; text d is values_C[bounds_D[d]:bounds_D[d + 1]]."""

    flags_C: np.ndarray
    """uint8, see flag_table."""

    @property
    def num_texts(self) -> int:
        """How many texts the batch holds."""
        return len(self.bounds_D) - 1


def utf8_bytes(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a string array (uint8, read-only) and its bounds_D in bytes (int64), without copying the bytes."""
    if pa.types.is_large_string(texts.type):
        width = np.int64
    else:
        if not pa.types.is_string(texts.type):
            texts = texts.cast(pa.string())
        width = np.int32
    _, offsets, data = texts.buffers()
    bounds_D = np.frombuffer(offsets, width)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    if data is None or len(texts) == 0:
        return np.frombuffer(b"", np.uint8), np.zeros(len(texts) + 1, np.int64)
    bytes_B = np.frombuffer(data, np.uint8)[bounds_D[0] : bounds_D[-1]]
    return bytes_B, bounds_D - bounds_D[0]


def decode(texts: pa.Array) -> CodePoints:
    """Code points of a batch.

    Args:
        texts: strings without nulls.
    """
    bytes_B, _ = utf8_bytes(texts)
    values_C = np.frombuffer(bytes_B.tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
    bounds_D = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(code_point_lengths(texts), out=bounds_D[1:])
    flags_C = flag_table()[np.minimum(values_C, _TABLE_SIZE - 1)]
    return CodePoints(values_C, bounds_D, flags_C)


def counts(mask_C: np.ndarray, bounds_D: np.ndarray) -> np.ndarray:
    """How many True lie in each text (int64)."""
    positions = np.flatnonzero(mask_C)
    return np.diff(np.searchsorted(positions, bounds_D))


def maxima(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Greatest of values[bounds[i]:bounds[i + 1]] for each i; 0 for an empty range."""
    out = np.zeros(len(bounds) - 1, values.dtype)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if len(filled):
        out[filled] = np.maximum.reduceat(values, bounds[filled])
    return out
