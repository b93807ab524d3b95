"""Phrases of several words, found by the hashes of their words."""

import numpy as np

from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.repetition import STEP
from fournil.parts.text.kernels.scan import found_in


@kernel
def phrase_words(
    hashes_W: np.ndarray,
    bounds_D: np.ndarray,
    profile_D: np.ndarray,
    first_keys: np.ndarray,
    phrase_keys: np.ndarray,
    phrase_profiles: np.ndarray,
    longest: int,
    words_D: np.ndarray,
    phrases_D: np.ndarray,
) -> None:
    """Count the words of each document that lie in a phrase, and the phrases; the longest one at a place counts.

    Args:
        hashes_W: uint64 of each word.
        bounds_D: int64, document d has words bounds_D[d]:bounds_D[d + 1].
        profile_D: int64, the language in which each document is read.
        first_keys: uint64, open addressing: the words with which phrases begin.
        phrase_keys: uint64, open addressing: the phrases, their words' hashes folded by STEP.
        phrase_profiles: uint64, with each a bit for every language that has it.
        longest: Words of the longest phrase.
        words_D: int64, gets the words.
        phrases_D: int64, gets the phrases.
    """
    for document in range(len(bounds_D) - 1):
        place, stop = bounds_D[document], bounds_D[document + 1]
        profile = np.uint64(profile_D[document])
        while place < stop:
            if found_in(first_keys, np.uint64(hashes_W[place])) < 0:
                place += 1
                continue
            key, size = np.uint64(hashes_W[place]), 1
            for number in range(1, min(longest, stop - place)):
                key = np.uint64(key * STEP + hashes_W[place + number])
                slot = found_in(phrase_keys, key)
                if slot >= 0 and (phrase_profiles[slot] >> profile) & np.uint64(1):
                    size = number + 1
            if size > 1:
                words_D[document] += size
                phrases_D[document] += 1
            place += size
