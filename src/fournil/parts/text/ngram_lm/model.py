"""The model: costs of texts, and the folder that it is kept in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors.numpy import load_file

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.described import save_described
from fournil.parts.text.kernels.lm_costs import MAX_ORDER, costs
from fournil.parts.text.ngram_lm.estimate import UNIT
from fournil.parts.text.ngram_lm.folding import Words, fold
from fournil.parts.text.ngram_lm.vocabulary import Vocabulary, filled_table

DESCRIPTION, WEIGHTS = "perplexity.json", "perplexity.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class NgramModel:
    """An n-gram model of one language."""

    language: str
    """The primary tag of the language that it was trained on."""

    order: int
    """Pieces of its longest run."""

    vocabulary: Vocabulary
    """What words are cut into."""

    unigrams_V: np.ndarray
    """uint32 by piece: its cost above, the cost of backing off from it below."""

    keys_S: np.ndarray
    """uint64: hashes of longer runs."""

    values_S: np.ndarray
    """uint32: their costs."""

    percentiles: tuple[float, ...]
    """Perplexities of reference text, from its 0th to its 100th percentile."""

    facts: Mapping[str, Any]
    """What it was trained on, as JSON."""

    @cached_property
    def table_S(self) -> np.ndarray:
        """Where the kernel finds runs."""
        return filled_table(self.keys_S, self.values_S)

    def costs(self, words: Words) -> tuple[np.ndarray, np.ndarray]:
        """What texts cost, in nats (float64), and their pieces (int64), the ends of paragraphs among them."""
        pieces = self.vocabulary.cut(words)
        out_D = np.zeros(len(pieces.bounds_D) - 1, np.int64)
        costs(pieces.values_P, pieces.bounds_D, self.order, self.unigrams_V, self.table_S, out_D)
        return out_D * UNIT, np.diff(pieces.bounds_D)

    def perplexities(self, words: Words) -> np.ndarray:
        """Perplexity of each text by piece (float64); that of a text without words is infinite."""
        nats_D, num_D = self.costs(words)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(num_D > 0, np.exp(nats_D / num_D), np.inf)

    def score(self, texts: pa.Array) -> np.ndarray:
        """Perplexity of each text of a batch."""
        return self.perplexities(fold(texts))

    def at(self, percentile: float) -> float:
        """The perplexity below which so many per cent of the reference text lie."""
        return float(np.interp(percentile, np.linspace(0, 100, len(self.percentiles)), self.percentiles))


def save_model(model: NgramModel, folder: Path) -> None:
    """Write a model into a folder: the description and the pieces as JSON, the figures as safetensors."""
    arrays = {"unigrams": model.unigrams_V, "keys": model.keys_S, "values": model.values_S}
    described = {
        "format": FORMAT,
        "language": model.language,
        "order": model.order,
        "percentiles": list(model.percentiles),
        "facts": dict(model.facts),
        "initial": list(model.vocabulary.initial),
        "within": list(model.vocabulary.within),
    }
    save_described(folder / WEIGHTS, arrays, folder / DESCRIPTION, described)


def load_model(folder: Path) -> NgramModel:
    """Read a model.

    Raises:
        FournilError: The folder holds none, or not all of one.
    """
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        arrays = load_file(folder / WEIGHTS)
        model = NgramModel(
            language=str(description["language"]),
            order=int(description["order"]),
            vocabulary=Vocabulary(tuple(description["initial"]), tuple(description["within"])),
            unigrams_V=arrays["unigrams"],
            keys_S=arrays["keys"],
            values_S=arrays["values"],
            percentiles=tuple(float(figure) for figure in description["percentiles"]),
            facts=dict(description["facts"]),
        )
    except Exception as error:  # safetensors has an exception of its own that is an Exception and nothing more
        raise _unreadable(folder) from error
    whole = (
        description.get("format") == FORMAT
        and 1 <= model.order <= MAX_ORDER
        and len(model.percentiles) > 1
        and (model.unigrams_V.dtype, model.keys_S.dtype, model.values_S.dtype) == (np.uint32, np.uint64, np.uint32)
        and len(model.unigrams_V) == len(model.vocabulary)
        and model.keys_S.shape == model.values_S.shape
    )
    if not whole:
        raise _unreadable(folder)
    return model


def _unreadable(folder: Path) -> FournilError:
    return FournilError(
        tr("this is no perplexity model, or not a whole one"),
        where=folder,
        fix=tr("Make one: {command}", command="fournil perplexity train FILES --language fr -o FOLDER"),
    )
