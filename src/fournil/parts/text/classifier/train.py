"""Training a classifier from texts and their labels."""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.bounds import within
from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.classifier.model import Classifier, features
from fournil.parts.text.kernels.linear import linear_epoch
from fournil.parts.text.ngram_lm.folding import fold

MIN_LABELS = 20
"""Texts of each kind that are needed, at least."""

_TEXT_BYTES = 100_000
"""Of a longer text only the beginning is learned from."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How a classifier is trained."""

    bits: int = 20
    """There are 2 to this power weights."""

    epochs: int = 8
    """How often the labelled texts are gone through."""

    rate: float = 1.0
    """Learning rate of AdaGrad."""

    held_out: float = 0.1
    """Share of the texts, by the hash of each, that it is measured on and not trained on."""

    seed: int = 0
    """Draws the order of the texts."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(self, bits=(8, 26), epochs=(1, 1000), rate=(1e-6, 100.0), held_out=(0.01, 0.5), seed=(0, None))


def train_classifier(labelled: Iterable[tuple[str, bool]], settings: ClassifierSettings | None = None) -> Classifier:
    """Train a classifier; both kinds weigh the same, however many texts each has.

    The same texts in the same order give the same weights.

    Args:
        labelled: texts, and whether each is of the kind looked for.
        settings: see there.

    Raises:
        FournilError: There are too few texts of a kind.
    """
    settings = settings or ClassifierSettings()
    texts: list[bytes] = []
    labels: list[bool] = []
    digest = hashlib.sha256()
    aside: list[bool] = []
    for text, label in labelled:
        data = text.encode()[:_TEXT_BYTES].decode("utf-8", "ignore").encode()
        key = hashlib.sha256(data).digest()
        digest.update(key + bytes([label]))
        texts.append(data)
        labels.append(label)
        aside.append(int.from_bytes(key[:4], "big") < settings.held_out * 2**32)
    held, label_D = np.array(aside, bool), np.array(labels, bool)
    counts = [int(np.count_nonzero(label_D[~held] == kind)) for kind in (True, False)]
    if min(counts) < MIN_LABELS:
        raise FournilError(
            tr("too few labelled texts: {positive:,} of the kind, {negative:,} others", positive=counts[0],
               negative=counts[1]),
            fix=tr("Give it {least} of each at least, better a thousand.", least=MIN_LABELS),
        )  # fmt: skip
    words = fold(pa.array(texts, pa.large_binary()).cast(pa.large_string()))
    features_W2 = features(words, 1 << settings.bits)
    importance_D = np.where(label_D, 0.5 / counts[0], 0.5 / counts[1]) * sum(counts)
    weights, squares, bias = np.zeros(1 << settings.bits), np.zeros(1 << settings.bits), np.zeros(2)
    draw = np.random.default_rng(settings.seed)
    losses: list[float] = []
    for _ in range(settings.epochs):
        order_D = draw.permutation(np.flatnonzero(~held)).astype(np.int64)
        loss = linear_epoch(
            features_W2, words.first_D, order_D, label_D.astype(np.float64), importance_D, settings.rate, weights,
            squares, bias,
        )  # fmt: skip
        losses.append(round(float(loss), 6))
    classifier = Classifier(weights.astype(np.float32), float(bias[0]), {})
    facts: dict[str, Any] = {
        "num_texts": len(texts),
        "num_positive": int(label_D.sum()),
        "sha256": digest.hexdigest(),
        "losses": losses,
        "held_out": measure(classifier.scores(words)[held], label_D[held]),
        "settings": asdict(settings),
    }
    return Classifier(classifier.weights_F, classifier.bias, facts)


def measure(scores_D: np.ndarray, label_D: np.ndarray) -> dict[str, Any]:
    """How well scores tell two kinds apart: the area under the curve, and precision and recall by threshold."""
    num_positive, num_negative = int(label_D.sum()), int((~label_D).sum())
    found: dict[str, Any] = {"num_positive": num_positive, "num_negative": num_negative}
    if not num_positive or not num_negative:
        return found | {"auc": None, "thresholds": []}
    _, places, numbers = np.unique(scores_D, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(numbers) - (numbers - 1) / 2)[places]
    auc = (ranks[label_D].sum() - num_positive * (num_positive + 1) / 2) / (num_positive * num_negative)
    table = []
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        taken = scores_D >= threshold
        right = int((taken & label_D).sum())
        table.append(
            {
                "threshold": threshold,
                "share": round(float(taken.mean()), 4),
                "precision": round(right / int(taken.sum()), 4) if taken.any() else None,
                "recall": round(right / num_positive, 4),
            }
        )
    return found | {"auc": round(float(auc), 4), "thresholds": table}
