import json
import math
import random

import numpy as np
import pyarrow as pa
import pytest

from fournil.core.errors import FournilError
from fournil.parts.text.classifier import ClassifierSettings, load_classifier, save_classifier, train_classifier
from fournil.parts.text.classifier.model import features
from fournil.parts.text.classifier.train import measure
from fournil.parts.text.kernels.linear import linear_epoch
from fournil.parts.text.ngram_lm.folding import fold

SMALL = ClassifierSettings(bits=12, epochs=6)
LESSON = ["expliquer", "théorème", "exemple", "donc", "définition", "exercice"]
NOISE = ["promotion", "cliquez", "panier", "livraison", "offre", "soldes"]
BOTH = ["le", "la", "de", "un", "une", "et", "pour", "dans", "avec", "sur", "ce", "que", "qui"]


def labelled(num: int, *, seed: int = 1) -> list[tuple[str, bool]]:
    draw = random.Random(seed)
    rows = []
    for number in range(num):
        label = number % 3 == 0
        words = [draw.choice(BOTH) for _ in range(30)] + [draw.choice(LESSON if label else NOISE) for _ in range(4)]
        draw.shuffle(words)
        rows.append((" ".join(words), label))
    return rows


@pytest.fixture(scope="module")
def classifier():
    return train_classifier(labelled(300), SMALL)


def test_it_tells_apart_texts_that_it_has_not_seen(classifier):
    new = labelled(150, seed=2)
    scores = classifier.score(pa.array([text for text, _ in new], pa.string()))
    labels = np.array([label for _, label in new])
    assert ((scores > 0.5) == labels).mean() > 0.95
    assert classifier.facts["held_out"]["auc"] > 0.95
    assert classifier.facts["losses"][-1] < classifier.facts["losses"][0]


def test_the_order_of_words_says_something():
    draw = random.Random(5)
    rows = []
    for number in range(400):
        first, second = ("alpha", "beta") if number % 2 else ("beta", "alpha")
        filler = [draw.choice(BOTH) for _ in range(10)]
        place = draw.randint(0, 9)
        rows.append((" ".join([*filler[:place], first, second, *filler[place:]]), bool(number % 2)))
    assert train_classifier(rows, SMALL).facts["held_out"]["auc"] > 0.95


def test_one_epoch_is_logistic_regression_with_adagrad():
    rows = labelled(12)
    words = fold(pa.array([text for text, _ in rows], pa.string()))
    features_W2 = features(words, 256)
    labels = np.array([label for _, label in rows], float)
    order, importance = np.arange(12)[::-1].copy(), np.linspace(0.5, 1.5, 12)
    weights, squares, bias = np.zeros(256), np.zeros(256), np.zeros(2)
    loss = linear_epoch(features_W2, words.first_D, order, labels, importance, 0.7, weights, squares, bias)

    held, grown, own, grown_own, expected = [0.0] * 256, [0.0] * 256, 0.0, 0.0, 0.0
    for d in order:
        found = [f for f in features_W2[words.first_D[d] : words.first_D[d + 1]].ravel().tolist() if f < 256]
        probability = 1 / (1 + math.exp(-(sum(held[f] for f in found) / len(found) + own)))
        expected -= importance[d] * math.log(probability if labels[d] else 1 - probability)
        error = importance[d] * (probability - labels[d])
        grown_own += error**2
        own -= 0.7 * error / math.sqrt(grown_own + 1e-12)
        for f in found:
            grown[f] += (error / len(found)) ** 2
            held[f] -= 0.7 * error / len(found) / math.sqrt(grown[f] + 1e-12)
    assert loss == pytest.approx(expected / importance.sum())
    assert weights == pytest.approx(np.array(held))
    assert bias[0] == pytest.approx(own)


def test_the_same_labels_give_the_same_files(tmp_path):
    for name in ("a", "b"):
        save_classifier(train_classifier(labelled(120), SMALL), tmp_path / name)
    files = [sorted((tmp_path / name).iterdir()) for name in ("a", "b")]
    assert [path.name for path in files[0]] == ["classifier.json", "classifier.safetensors"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_what_is_read_is_what_was_written(tmp_path, classifier):
    save_classifier(classifier, tmp_path)
    again = load_classifier(tmp_path)
    texts = pa.array([text for text, _ in labelled(9, seed=3)] + ["", "\n"], pa.string())
    assert again.score(texts).tolist() == classifier.score(texts).tolist()
    assert again.facts == classifier.facts


def test_half_a_classifier_is_one_clear_error(tmp_path, classifier):
    save_classifier(classifier, tmp_path)
    path = tmp_path / "classifier.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"format": 9}), "utf-8")
    with pytest.raises(FournilError, match="no classifier, or not a whole one"):
        load_classifier(tmp_path)
    with pytest.raises(FournilError, match="no classifier, or not a whole one"):
        load_classifier(tmp_path / "nowhere")


@pytest.mark.parametrize("rows", [[], labelled(30), [(text, True) for text, _ in labelled(200)]])
def test_too_few_labels(rows):
    with pytest.raises(FournilError, match="too few labelled texts"):
        train_classifier(rows, SMALL)


def test_the_rarer_kind_weighs_as_much():
    rows = [row for number, row in enumerate(labelled(900)) if not row[1] or number % 9 == 0]
    found = train_classifier(rows, SMALL).facts["held_out"]
    assert found["thresholds"][4]["recall"] > 0.8


@pytest.mark.parametrize(
    ("scores", "labels", "auc"),
    [([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75), ([0.5, 0.5, 0.5], [0, 1, 1], 0.5), ([0.2, 0.9], [1, 0], 0.0)],
)
def test_the_area_under_the_curve(scores, labels, auc):
    assert measure(np.array(scores), np.array(labels, bool))["auc"] == auc


def test_without_both_kinds_there_is_nothing_to_measure():
    assert measure(np.array([0.5]), np.array([True]))["auc"] is None
