"""An exact index of texts: finds every text that is as similar as a threshold, by shared shingles."""

from collections.abc import Iterator

import numpy as np

from fournil.parts.text.joining import Sets, similarity

_MOST_PAIRS = 1 << 16
_MOST_SHINGLES = 1 << 31


class ExactIndex:
    """Some texts' sets of shingles, against which others are held.

    Args:
        sets: The texts' shingles.
    """

    def __init__(self, sets: Sets) -> None:
        from fournil.parts.text.kernels.probe import fill_table

        # Numbers of 32 bits, and what is only needed in between let go: an index takes some 30 bytes a shingle.
        assert len(sets.values) < _MOST_SHINGLES
        self._sets = sets
        self._counts = np.ascontiguousarray(sets.counts, np.int64)
        order = np.argsort(sets.values, kind="stable")
        self._owners = np.repeat(np.arange(len(sets), dtype=np.int32), self._counts)[order]
        ordered = sets.values[order]
        del order
        new = np.ones(len(ordered), bool)
        new[1:] = ordered[1:] != ordered[:-1]
        self._distinct = ordered[new]
        del ordered
        self._posting = np.append(np.flatnonzero(new).astype(np.int32), np.int32(len(new)))
        self._slots = np.full(1 << max(4, int(2 * len(self._distinct)).bit_length()), -1, np.int32)
        fill_table(self._distinct, self._slots)

    def near(self, texts: Sets, *, threshold: float) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of a text and an indexed one that are as similar as the threshold.

        Args:
            texts: Held against the index.
            threshold: Jaccard similarity, more than 0.

        Returns:
            Pairs (int64, N x 2), sorted; their similarities (float64).
        """
        found = [(np.zeros((0, 2), np.int64), np.zeros(0))]
        for pairs in self._candidates(texts, threshold):
            true = similarity(texts, self._sets, pairs[:, 0], pairs[:, 1], threshold=threshold)
            found.append((pairs[true >= threshold], true[true >= threshold]))
        pairs, true = np.concatenate([each for each, _ in found]), np.concatenate([each for _, each in found])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))
        return pairs[order], true[order]

    def _candidates(self, texts: Sets, threshold: float) -> Iterator[np.ndarray]:
        from fournil.parts.text.kernels.probe import probe

        assert threshold > 0
        num, first = len(texts), 0
        bounds = np.concatenate([[0], np.cumsum(texts.counts)]).astype(np.int64)
        # One text alone may have a pair with each of the index.
        out = np.empty((max(_MOST_PAIRS, len(self._counts) + 1), 2), np.int64)
        seen = np.full(len(self._counts), -1, np.int64)
        while first < num:
            state = np.zeros(2, np.int64)
            probe(
                texts.values, bounds, first,
                self._distinct, self._slots, self._posting, self._owners, self._counts, seen,
                float(threshold), out, state,
            )  # fmt: skip
            first = int(state[0])
            yield out[: state[1]].copy()
