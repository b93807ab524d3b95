"""The nearest training sentence."""

import math
import time

import numpy as np
import pytest

from fournil.stages.evaluate.nearest import Nearest


def test_the_nearest_sentence_is_the_most_alike():
    index = Nearest(["Open the file", "Close the window", "Open the files", "Print", "open THE file"])
    queries = ["Open the file", "Close all windows", "print", "", "zzzz"]
    assert index.find(queries).tolist() == [0, 1, 3, 0, 0]
    assert Nearest([]).find([]).tolist() == []


def test_nearest_agrees_with_the_cosine_of_dense_vectors():
    from collections import Counter

    random = np.random.default_rng(3)
    sentences = ["".join(random.choice(list("abc "), random.integers(1, 14))) for _ in range(60)]
    queries, known = sentences[:20], sentences[20:]

    def grams(text):
        text = f"  {text}  "
        return Counter(text[i : i + 4] for i in range(len(text) - 3))

    counts = [grams(text) for text in known]
    rarity = {gram: math.log((1 + len(known)) / (1 + sum(gram in c for c in counts))) + 1 for c in counts for gram in c}

    def vector(count):
        return {gram: (1 + math.log(n)) * rarity[gram] for gram, n in count.items() if gram in rarity}

    def cosine(a, b):
        return sum(w * b.get(g, 0.0) for g, w in a.items()) / (math.sqrt(sum(w * w for w in b.values())) or 1.0)

    vectors = [vector(count) for count in counts]
    for query, found in zip(queries, Nearest(known).find(queries).tolist(), strict=True):
        ours = vector(grams(query))
        likeness = [cosine(ours, other) for other in vectors]
        assert likeness[found] == pytest.approx(max(likeness), rel=1e-6)


def test_the_nearest_of_many_is_found_fast():
    random = np.random.default_rng(0)
    letters = random.integers(97, 109, (20_000, 36), dtype=np.uint8)
    letters[:, 6::7] = 32
    sentences = [row.tobytes().decode() for row in letters]
    began = time.process_time()
    found = Nearest(sentences).find(sentences[::100])
    assert time.process_time() - began < 6
    assert found.tolist() == list(range(0, 20_000, 100))
