import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from fournil.stages.evaluate.metrics import (
    bootstrapped,
    chrf_of_sums,
    chrf_statistics,
    resample_weights,
    share,
    translation_metrics,
)
from fournil.stages.evaluate.nearest import Nearest

TEXTS = ["Le fichier existe déjà", "Ouvrir le menu", "", "Afficher l’aide du programme", "a"]
REFERENCES = ["Le fichier existe déjà.", "Fermer la fenêtre", "Rien", "Afficher l’aide", "bcd"]

words = st.text("abc éà’", max_size=20)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=6))
def test_chrf_of_our_statistics_is_that_of_sacrebleu(pairs):
    texts, references = zip(*pairs, strict=True)
    sums = np.array([chrf_statistics(*pair) for pair in pairs]).sum(axis=0, keepdims=True)
    expected = CHRF().corpus_score(list(texts), [list(references)]).score
    assert chrf_of_sums(sums)[0] == pytest.approx(expected, abs=1e-8)


def test_each_metric_is_the_same_from_sums_as_from_sacrebleu():
    for metric in translation_metrics():
        statistics = np.array([metric.statistics(*pair) for pair in zip(TEXTS, REFERENCES, strict=True)])
        assert metric.of_sums(statistics.sum(axis=0, keepdims=True))[0] == pytest.approx(
            metric.score(TEXTS, REFERENCES)
        )
        assert "version" in metric.signature


def test_intervals_of_a_mean_are_those_of_statistics():
    values = np.random.default_rng(0).normal(5, 2, 400)
    means = resample_weights(400, 2000, seed=1) @ values / 400
    found = bootstrapped(float(values.mean()), means)
    assert found.standard_error == pytest.approx(values.std(ddof=1) / 20, rel=0.06)
    assert found.interval[1] - found.interval[0] == pytest.approx(4 * 0.98 * values.std() / 20, rel=0.08)
    assert np.array_equal(resample_weights(400, 3, seed=1), resample_weights(400, 3, seed=1))


def test_shares_have_intervals_even_at_the_ends():
    whole = share(40, 40)
    assert (whole.value, whole.interval[1]) == (1.0, 1.0)
    assert whole.interval[0] == pytest.approx(0.912, abs=0.002)
    assert math.isnan(share(0, 0).value)


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
