"""From items to figures: each aggregation from sums of items is that of lm_eval or sacrebleu, and pairs resamples."""

import math

import numpy as np
import pytest
import sacrebleu

from fournil.parts.aggregation import Sums, difference, sums_of
from fournil.parts.statistics import resample_weights

TEXTS = ["Le chat dort ici", "Ouvrir le menu", "Afficher l’aide"]
REFERENCES = ["Le chat dort", "Fermer la fenêtre du menu", "Afficher l’aide du programme"]


def of(metric: str, aggregation: str, values=(None, None, None), details=({}, {}, {})) -> Sums:
    found = sums_of(metric, aggregation, values, details)
    assert found is not None
    return found


def test_means():
    assert of("acc", "mean", [1.0, 0.0, 0.5]).value() == 0.5
    assert of("exact", "an aggregation of tomorrow", [1.0, 1.0, 0.25]).value() == 0.75


def test_figures_of_parts():
    details = [{"parts": {"bits_per_byte": [-30.0, 20], "word_perplexity": [-30.0, 5]}}] * 2
    assert of("bits_per_byte", "bits_per_byte", details=details).value() == pytest.approx(1.5 / math.log(2))
    assert of("word_perplexity", "weighted_perplexity", details=details).value() == pytest.approx(math.exp(6))


@pytest.mark.parametrize("kind", ["bleu", "chrf", "ter"])
@pytest.mark.parametrize("references", [[REFERENCES], [REFERENCES, ["Le chat dort ici.", "Menu", "Aide"]]])
def test_figures_of_texts_are_those_of_sacrebleu(kind, references):
    expected = getattr(sacrebleu, f"corpus_{kind}")(TEXTS, references).score
    each = list(zip(*references, strict=True))
    details = [{"text": text, "references": list(some)} for text, some in zip(TEXTS, each, strict=True)]
    assert of(kind, kind, details=details).value() == pytest.approx(expected)
    assert of(kind, "mean", [1.0, 2.0, 3.0], details).value() == pytest.approx(expected)


def test_items_that_do_not_tell():
    assert sums_of("acc", "mean", [1.0, None], [{}, {}]) is None
    assert sums_of("bits_per_byte", "bits_per_byte", [1.0], [{"parts": {"word_perplexity": [1, 2]}}]) is None
    assert sums_of("bleu", "bleu", [1.0], [{"text": "a"}]) is None
    assert of("chrf", "mean", [10.0, 20.0], [{}, {}]).value() == 15.0


def test_paired_differences_are_surer_than_two_intervals():
    dice = np.random.default_rng(3)
    hard = dice.normal(0.5, 0.3, 400)
    one, other = of("f1", "mean", (hard + 0.02).tolist()), of("f1", "mean", hard.tolist())
    found = difference(one, other, resample_weights(400, 500, seed=0))
    assert found.value == pytest.approx(0.02)
    assert found.interval == pytest.approx((0.02, 0.02))
    noise = of("f1", "mean", (hard + dice.normal(0.02, 0.1, 400)).tolist())
    found = difference(noise, other, resample_weights(400, 2000, seed=0))
    assert found.standard_error == pytest.approx(0.1 / 20, rel=0.15)
    assert found.interval[0] < found.value < found.interval[1]
