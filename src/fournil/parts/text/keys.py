"""Keys under which equal texts are found."""

import hashlib
import itertools

import numpy as np
import pyarrow as pa

from fournil.parts.text.arrow import without_matches
from fournil.parts.text.codepoints import LETTER, decode, utf8_bytes
from fournil.parts.text.hashes import lowered, prefix_sums, slice_hashes

# What programs fill in or hide in a message: format directives, markup, accelerators. None of it makes another message.
_DIRECTIVES = (
    r"%[-+ #0']{0,4}(?:\d+\$)?[\d*.]{0,6}(?:hh|h|ll|l|z|j|t|L)?[a-zA-Z]"
    r"|<[^<>\n]{1,80}>|\$?\{[^{}\n]{0,40}\}|%\(\w+\)[a-z]"
)


def exact_keys(texts: pa.Array) -> np.ndarray:
    """128-bit hashes (BLAKE2b), as a D x 2 array of uint64."""
    bytes_B, bounds_D = utf8_bytes(texts)
    data = memoryview(bytes_B.tobytes())
    edges = bounds_D.tolist()
    digests = b"".join(
        hashlib.blake2b(data[start:end], digest_size=16).digest() for start, end in itertools.pairwise(edges)
    )
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


def letter_keys(texts: pa.Array) -> np.ndarray:
    """Hash (uint64) of each text's letters in lower case, all else left out, format directives and markup too.

    Texts that differ in case, spacing, punctuation, digits or accelerators have the same key. A text without letters
    has the key of all its characters.
    """
    points = decode(without_matches(texts, _DIRECTIVES, " "))
    kept = np.flatnonzero(points.flags_C & LETTER)
    bounds_D = np.searchsorted(kept, points.bounds_D)
    keys = slice_hashes(prefix_sums(lowered(points)[kept]), bounds_D[:-1], bounds_D[1:])
    bare = np.flatnonzero(np.diff(bounds_D) == 0)
    if len(bare):
        whole = decode(texts.take(pa.array(bare)))
        keys[bare] = slice_hashes(
            prefix_sums(whole.values_C.astype(np.uint64) + np.uint64(1 << 32)), whole.bounds_D[:-1], whole.bounds_D[1:]
        )
    return keys
