"""Which texts share runs of words with a collection of others, found without keeping their words."""

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.scan import tables

_FEWEST_BITS, _MOST_BITS = 12, 32
_BITS_A_RUN = 4
"""At least: one other run in four or more is taken for one of the collection's. A table that the processor keeps near
costs less than those do."""


def bit_table(ordered: np.ndarray) -> np.ndarray:
    """A bit (in uint8) for the upper part of each run, so that most that are not there are told at once.

    Args:
        ordered: uint32, the collection's runs.
    """
    from fournil.parts.text.kernels.leaks import set_bits

    width = min(max(int(_BITS_A_RUN * len(ordered)).bit_length(), _FEWEST_BITS), _MOST_BITS)
    bits = np.zeros(1 << (width - 3), np.uint8)
    set_bits(ordered, bits, _MOST_BITS - width)
    return bits


def shared_runs(
    texts: pa.Array,
    profile_D: np.ndarray,
    least_D: np.ndarray,
    ordered: np.ndarray,
    bits: np.ndarray,
    *,
    size: int,
    threshold: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Look for a collection's runs in texts.

    Args:
        texts: Strings without nulls.
        profile_D: int64, how each is read (see scan.profile_of).
        least_D: int64; a text with fewer words has no runs.
        ordered: uint32, the collection's runs, folded as minhash.sketch folds them, sorted.
        bits: What bit_table says of them.
        size: How many words a run has; a shorter text is one run.
        threshold: A share of a text's own runs, each counted once.

    Returns:
        Two arrays of bool: True where a run is one of the collection's; True where perhaps so many are as the threshold
        says, for all where it is so and a few others.
    """
    from fournil.parts.text.kernels import leaks as kernel

    shares_D, asked_D = np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    shift = _MOST_BITS - (8 * len(bits)).bit_length() + 1
    kernel.shared_runs(
        *utf8_bytes(texts), profile_D, least_D, *tables(), size, bits, shift, ordered, threshold, shares_D, asked_D
    )
    return shares_D, asked_D
