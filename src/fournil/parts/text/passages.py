"""Paragraphs, lines and passages, by whose hashes those are found that many texts have."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from fournil.parts.text.codepoints import utf8_bytes

RULES = ("duplicate-paragraph", "duplicate-line", "duplicate-passage")
"""By kind; a kind that stands before another counts where both cover the same text."""


@dataclass(frozen=True)
class Pieces:
    """Pieces of a batch of texts."""

    keys: np.ndarray
    """uint64; the two lowest bits are the kind."""

    texts: np.ndarray
    """int64: the text of each; in the order of the texts."""

    spans: np.ndarray
    """int64, pieces x 2: bytes of the text."""

    def where(self, mask: np.ndarray) -> "Pieces":
        """Those marked."""
        return Pieces(self.keys[mask], self.texts[mask], self.spans[mask])


def find_pieces(values: pa.Array, *, line_characters: int, paragraph_characters: int, passage_words: int) -> Pieces:
    """Find the pieces of texts.

    Args:
        values: Strings without nulls.
        line_characters: Shorter lines are passed over; 0: all are.
        paragraph_characters: Shorter paragraphs are passed over; 0: all are.
        passage_words: Two texts that share so many words in a row share a piece; 0: only lines and paragraphs are
            given.
    """
    from fournil.parts.text.kernels import passages as kernel

    bytes_B, bounds_D = utf8_bytes(values)
    num_lines = int(np.count_nonzero(bytes_B == 10)) + len(values)
    most = 2 * num_lines + (len(bytes_B) // 2 + len(values) if passage_words else 0)
    keys, texts, spans = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty((most, 2), np.int64)
    # What is found of a passage falls short of it by less than a fifth at either end.
    run_words = passage_words - passage_words // 5
    num = kernel.find_pieces(
        bytes_B, bounds_D, line_characters, paragraph_characters, run_words, passage_words - run_words + 1,
        keys, texts, spans,
    )  # fmt: skip
    return Pieces(keys[:num], texts[:num], spans[:num])


def united(pieces: Pieces, values: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make one span of all pieces of a text that touch or overlap.

    A span that ends where the text does begins behind the last word before it; a span that stands between two spaces
    takes one of them with it.

    Args:
        pieces: Of the texts.
        values: The texts.

    Returns:
        The text of each span, the spans (N x 2), and the kind of each; sorted.
    """
    bytes_B, bounds_D = utf8_bytes(values)
    order = np.lexsort((-pieces.spans[:, 1], pieces.spans[:, 0], pieces.texts))
    texts, spans = pieces.texts[order], pieces.spans[order]
    kinds = (pieces.keys[order] & np.uint64(3)).astype(np.int64)
    # Ends that are carried on within a text: texts are set apart by more than any text is long.
    width = int(np.diff(bounds_D).max(initial=0)) + 2
    reach = np.maximum.accumulate(spans[:, 1] + texts * width)
    new = np.ones(len(texts), bool)
    new[1:] = spans[1:, 0] + texts[1:] * width > reach[:-1]
    firsts = np.flatnonzero(new)
    if not len(firsts):
        return texts, spans, kinds
    lasts = np.append(firsts[1:], len(texts)) - 1
    made = np.stack([spans[firsts, 0], reach[lasts] - texts[firsts] * width], 1)
    for place, text in enumerate(texts[firsts].tolist()):
        data = bytes_B[bounds_D[text] : bounds_D[text + 1]]
        start, stop = made[place].tolist()
        # What the span before has taken is taken.
        least = int(made[place - 1, 1]) if place and texts[firsts[place - 1]] == text else 0
        while stop == len(data) and start > least and data[start - 1] <= 32:
            start -= 1
        if stop < len(data) and data[stop] == 32 and (start == 0 or data[start - 1] <= 32):
            stop += 1
        made[place] = start, stop
    return texts[firsts], made, np.minimum.reduceat(kinds, firsts)
