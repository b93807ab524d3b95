"""chrF and BLEU from statistics of items are those of sacrebleu."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.chrf import CHRF

from fournil.parts.corpus_metrics import chrf_of_sums, chrf_statistics, translation_metrics

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
