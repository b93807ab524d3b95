"""Training a model on clean text."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.bounds import within
from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.kernels.lm_costs import BEGIN, END, MAX_ORDER
from fournil.parts.text.ngram_lm.estimate import estimate
from fournil.parts.text.ngram_lm.folding import Words, fold
from fournil.parts.text.ngram_lm.model import NgramModel
from fournil.parts.text.ngram_lm.vocabulary import Pieces, choose_pieces, count_words

PASSAGE = 10_000
"""Characters of a passage, at most: perplexities are compared by passages (Lucie's chunks)."""

_BATCH_BYTES = 1 << 22


@dataclass(frozen=True)
class TrainSettings:
    """How a model is trained."""

    order: int = 4
    """Pieces of the longest run."""

    vocabulary: int = 32_768
    """Pieces, single characters not counted."""

    prune: int = 2
    """A run of three pieces or more is kept when it stands in the text so many times."""

    reference: float = 0.05
    """Share of the documents, of the passages where documents are few, that percentiles are taken from; the model is
    not trained on them."""

    max_megabytes: int = 200
    """Text that is read, at most; training takes about 40 bytes of memory for each of text."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds.
        """
        within(
            self, order=(1, MAX_ORDER), vocabulary=(256, 1 << 20), prune=(1, None), reference=(0.001, 0.5),
            max_megabytes=(1, 4000),
        )  # fmt: skip


def passages(text: str, *, size: int = PASSAGE) -> list[tuple[int, int]]:
    """Where passages of a text begin and end, each of about `size` characters, cut at a line's end where there is one.

    A last piece of less than half that size belongs to the passage before it.
    """
    cuts = [0]
    while len(text) - cuts[-1] > size + size // 2:
        start = cuts[-1]
        found = text.rfind("\n", start + size // 2, start + size)
        if found < 0:
            found = text.rfind(" ", start + size // 2, start + size)
        cuts.append(start + size if found < 0 else found + 1)
    return list(zip(cuts, [*cuts[1:], len(text)], strict=True))


def train_model(texts: Iterable[str], language: str, settings: TrainSettings | None = None) -> NgramModel:
    """Train a model, and take the percentiles of perplexity from text that it was not trained on.

    The same texts in the same order give the same model, bit for bit.

    Args:
        texts: documents of clean text in one language.
        language: its primary tag.
        settings: see there.

    Raises:
        FournilError: There is too little text.
    """
    settings = settings or TrainSettings()
    taken, aside, facts = _split(texts, settings)
    vocabulary = choose_pieces(count_words(_folded(taken)), size=settings.vocabulary)
    pieces_P = np.concatenate([_paragraphs(vocabulary.cut(words)) for words in _folded(taken)])
    least = (1, 1, *[settings.prune] * settings.order)[: settings.order]
    found = estimate(pieces_P, len(vocabulary), least=least)
    model = NgramModel(language, settings.order, vocabulary, *found, percentiles=(1.0, 1.0), facts={})
    perplexities = np.concatenate([model.perplexities(words) for words in _folded(aside)])
    facts |= {"num_pieces": len(pieces_P), "num_runs": len(found.keys_S), "settings": asdict(settings)}
    return NgramModel(language, settings.order, vocabulary, *found, percentiles_of(perplexities), facts)


def percentiles_of(perplexities: np.ndarray) -> tuple[float, ...]:
    """The 0th to the 100th percentile, rounded to six significant digits."""
    found = np.percentile(perplexities[np.isfinite(perplexities)], np.arange(101))
    return tuple(float(f"{figure:.6g}") for figure in found)


def _split(texts: Iterable[str], settings: TrainSettings) -> tuple[list[str], list[str], dict[str, Any]]:
    """The passages to train on, those for reference, and what is told of both."""
    documents: list[str] = []
    left, digest, num_bytes = settings.max_megabytes * 1_000_000, hashlib.sha256(), 0
    for text in texts:
        encoded = text.encode()
        documents.append(text)
        digest.update(hashlib.sha256(encoded).digest())
        num_bytes += len(encoded)
        if num_bytes >= left:
            break
    by_document = len(documents) >= 40
    taken: list[str] = []
    aside: list[str] = []
    bound = int(settings.reference * 2**32)
    for text in documents:
        parts = [text[start:end] for start, end in passages(text)]
        for part in parts:
            key = hashlib.sha256((parts[0] if by_document else part).encode()).digest()
            (aside if int.from_bytes(key[:4], "big") < bound else taken).append(part)
    if not aside and len(taken) > 1:  # of a few passages none may fall below the bound
        aside.append(taken.pop())
    if not taken or not aside or num_bytes < 10_000:
        raise FournilError(
            tr("there is too little text to train a perplexity model: {count:,} bytes", count=num_bytes),
            fix=tr("Give it a megabyte of clean text of the language, better ten."),
        )
    facts = {
        "num_documents": len(documents),
        "num_bytes": num_bytes,
        "sha256": digest.hexdigest(),
        "num_passages": len(taken),
        "num_reference_passages": len(aside),
    }
    return taken, aside, facts


def _folded(texts: list[str]) -> Iterator[Words]:
    start, size = 0, 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= _BATCH_BYTES or place == len(texts) - 1:
            yield fold(pa.array(texts[start : place + 1], pa.large_string()))
            start, size = place + 1, 0


def _paragraphs(pieces: Pieces) -> np.ndarray:
    """The pieces of a batch with BEGIN before each paragraph; every paragraph ends with END already."""
    values_P = pieces.values_P
    begins = np.append(0, np.flatnonzero(values_P == END) + 1)
    begins = begins[begins < len(values_P)]
    return np.insert(values_P, begins, BEGIN).astype(np.int32)
