"""ROUGE-1 against the package that defines it."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fournil.parts.harness.rouge import SEED, load, rouge1, rouge1_of

WORDS = ["l'été", "Été", "le pain", "à", "PAIN", "2", "3,5", "œuf", "”", "", "the bread", "naïve", "İ"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def reference():
    from rouge_score import rouge_scorer

    return rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])


@given(gold=TEXTS, said=TEXTS)
@example(gold="", said="")
def test_an_item_s_is_the_package_s(reference, gold, said):
    assert rouge1_of(gold, said) == reference.score(gold, said)["rouge1"].fmeasure


def test_a_corpus_s_is_the_package_s_bootstrap(reference):
    """Bit for bit, when numpy is seeded as lm_eval seeds it: and without touching numpy's own state."""
    from rouge_score import scoring

    golds = [" ".join(WORDS[: 3 + n % 7]) for n in range(40)]
    saids = [" ".join(WORDS[n % 5 : 4 + n % 8]) for n in range(40)]
    aggregator = scoring.BootstrapAggregator()
    for gold, said in zip(golds, saids, strict=True):
        aggregator.add_scores(reference.score(gold, said))
    before = np.random.get_state()
    np.random.seed(SEED)
    expected = float(aggregator.aggregate()["rouge1"].mid.fmeasure)
    np.random.set_state(before)
    assert rouge1(golds, saids) == expected
    assert load("rouge").compute(predictions=saids, references=golds)["rouge1"] == expected
    assert np.random.get_state()[1].tolist() == before[1].tolist()


def test_other_metrics_come_from_the_library(monkeypatch):
    import sys
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "evaluate", SimpleNamespace(load=lambda *asked: asked))
    assert load("squad") == ("squad",)
