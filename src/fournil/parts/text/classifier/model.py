"""The classifier: scores of texts, and the folder that it is kept in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.described import save_described
from fournil.parts.text.kernels.linear import hashed_features, linear_scores
from fournil.parts.text.ngram_lm.folding import Words, fold

DESCRIPTION, WEIGHTS = "classifier.json", "classifier.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class Classifier:
    """Logistic regression over hashed words and pairs of words: the mean weight of what stands in a text."""

    weights_F: np.ndarray
    """float32, a power of two of them."""

    bias: float

    facts: Mapping[str, Any]
    """What it was trained on and how well it tells held-out texts apart, as JSON."""

    def scores(self, words: Words) -> np.ndarray:
        """How sure it is, from 0 to 1 (float64), that each text is of the kind that was labelled."""
        means_D = np.zeros(len(words.first_D) - 1)
        linear_scores(features(words, len(self.weights_F)), words.first_D, self.weights_F, means_D)
        return 1 / (1 + np.exp(-np.clip(means_D + self.bias, -500, 500)))

    def score(self, texts: pa.Array) -> np.ndarray:
        """The same of texts that are not folded yet."""
        return self.scores(fold(texts))


def features(words: Words, num_weights: int) -> np.ndarray:
    """The features of each word (uint32, two a word)."""
    out_W2 = np.empty((len(words.hashes_W), 2), np.uint32)
    hashed_features(words.hashes_W, num_weights, out_W2)
    return out_W2


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write a classifier into a folder."""
    arrays = {"weights": classifier.weights_F, "bias": np.array([classifier.bias])}
    described = {"format": FORMAT, "facts": dict(classifier.facts)}
    save_described(folder / WEIGHTS, arrays, folder / DESCRIPTION, described)


def load_classifier(folder: Path) -> Classifier:
    """Read a classifier.

    Raises:
        FournilError: The folder holds none, or not all of one.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        arrays = load_file(folder / WEIGHTS)
        classifier = Classifier(arrays["weights"], float(arrays["bias"][0]), dict(description["facts"]))
        whole = description["format"] == FORMAT and classifier.weights_F.dtype == np.float32
    except Exception as error:  # safetensors has an exception of its own that is an Exception and nothing more
        raise _unreadable(folder) from error
    size = len(classifier.weights_F)
    if not whole or classifier.weights_F.ndim != 1 or size == 0 or size & (size - 1):
        raise _unreadable(folder)
    return classifier


def _unreadable(folder: Path) -> FournilError:
    return FournilError(
        tr("this is no classifier, or not a whole one"),
        where=folder,
        fix=tr("Make one: {command}", command="fournil classifier train LABELS.jsonl -o FOLDER"),
    )
