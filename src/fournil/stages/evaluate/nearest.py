"""The nearest training sentence: what a memory without any model would answer.

Sentences are bags of their character 4-grams in lower case, weighted by TF-IDF; nearest is the greatest cosine. An
inverted index over all training sentences, in plain numpy: for each query, the postings of its 4-grams are summed.

Shapes: N sentences, G distinct 4-grams, P postings (a sentence and a 4-gram in it).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

N = 4
EDGE = 32
"""What stands before and behind a sentence, so that its ends weigh too and no sentence is shorter than a 4-gram."""


class Nearest:
    """An index of sentences.

    Args:
        sentences: What is looked among.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        grams, owners = _grams(sentences)
        self.num = len(sentences)
        self.known, rows = np.unique(grams, return_inverse=True)
        postings, times = np.unique(rows.astype(np.int64) * max(self.num, 1) + owners, return_counts=True)
        gram_P = postings // max(self.num, 1)
        self.owners_P = (postings % max(self.num, 1)).astype(np.int32)
        self.starts_G = np.searchsorted(gram_P, np.arange(len(self.known) + 1))
        self.rarity_G = np.log((1 + self.num) / (1 + np.diff(self.starts_G))) + 1
        weights_P = (1 + np.log(times)) * self.rarity_G[gram_P]
        norms = np.sqrt(np.bincount(self.owners_P, weights_P**2, minlength=self.num))
        self.weights_P = (weights_P / np.maximum(norms[self.owners_P], 1e-12)).astype(np.float32)

    def find(self, queries: Sequence[str]) -> np.ndarray:
        """The number of the nearest sentence to each query, the first of equals; 0 where nothing is in common."""
        grams, owners = _grams(queries)
        found = np.zeros(len(queries), dtype=np.int64)
        bounds = np.searchsorted(owners, np.arange(len(queries) + 1))
        for query in range(len(queries)):
            distinct, times = np.unique(grams[bounds[query] : bounds[query + 1]], return_counts=True)
            places = np.searchsorted(self.known, distinct)
            places[places == len(self.known)] = 0
            there = self.known[places] == distinct if len(self.known) else np.zeros(len(places), dtype=bool)
            places, times = places[there], times[there]
            if not len(places):
                continue
            parts = [slice(self.starts_G[place], self.starts_G[place + 1]) for place in places.tolist()]
            weights = (1 + np.log(times)) * self.rarity_G[places]
            scores = np.bincount(
                np.concatenate([self.owners_P[part] for part in parts]),
                np.concatenate([self.weights_P[part] * w for part, w in zip(parts, weights.tolist(), strict=True)]),
                minlength=self.num,
            )
            found[query] = int(scores.argmax())
        return found


def _grams(sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """All 4-grams, as numbers of 84 bits folded to 64, and the sentence of each; sentences in order."""
    pad = chr(EDGE) * 2
    texts = [pad + sentence.lower() + pad for sentence in sentences]
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    owners = np.repeat(np.arange(len(texts)), lengths)
    if len(points) < N:
        return points[:0], owners[:0]
    codes = np.zeros(len(points) - N + 1, dtype=np.uint64)
    for place in range(N):
        codes = codes * np.uint64(0x1F_FFFF_FFF1) + points[place : len(points) - N + 1 + place]
    inside = owners[: len(codes)] == owners[N - 1 :]
    return codes[inside], owners[: len(codes)][inside]
