"""What rounding the weights to 8 bits changes: the model that the report's page carries, beside the model itself.

Greedy answers and single windows on little text: enough to see a difference, and seconds for the models that a page
can carry. Both are read in float32 on the processor, whatever the other scores were measured on.

Shapes: B windows in a batch, T tokens of the longest, R rows, C columns.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fournil.core.context import Context
from fournil.core.files import canonical_hash
from fournil.core.rounding import MAX_BYTES, rounded
from fournil.core.speech import tr
from fournil.parts.corpus_metrics import translation_metrics
from fournil.parts.model import folder as folders
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.engine import OwnEngine
from fournil.parts.model.score import bits_per_byte, token_log_probabilities
from fournil.parts.tokenize.load import encode_batch
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.text import Text
from fournil.stages.evaluate.translation import Item, answers_of

BITS = 8


def rounding_facts(
    folder: Path, texts: Sequence[Text], items: Sequence[Item], config: Config, context: Context, model_sha256: str
) -> dict[str, Any] | None:
    """Measure a model with its weights as they are and rounded.

    Args:
        folder: Of a Llama.
        texts: Held-out documents; the first of each language are read.
        items: Held-out pairs; the shortest are translated. None: the model is not asked.
        config: Says how much of both.
        context: Languages, progress.
        model_sha256: Of the folder.

    Returns:
        For each language `same`, the share of tokens in whose place both find the same one likeliest, and bits per
        byte of both; for each direction chrF of both and the share of messages that get the same answer. None where
        there is nothing to measure on, or more weights than a page carries.
    """
    num_weights = _num_weights(folder)
    if num_weights > MAX_BYTES:
        return None
    exact = OwnEngine(folder)
    coarse = copy.copy(exact)
    coarse.model = round_weights(copy.deepcopy(exact.model))
    chosen = sorted(items, key=lambda item: item.band)[: config.rounded_pairs]
    found = {text.language for text in texts} if config.rounded_text_bytes else set[str]()
    languages = [tag for tag in context.languages if tag in found]
    ways = [way for way in permutations(context.languages, 2) if any(set(way) <= item.texts.keys() for item in chosen)]
    if not languages and not ways:
        return None
    with context.progress.task(
        tr("Rounding the weights to 8 bits"), len(languages) + len(ways), tr("measurements")
    ) as bar:
        on_text: list[dict[str, Any]] = []
        for language in languages:
            on_text.append(_on_text(exact, coarse, _first(texts, language, config.rounded_text_bytes)))
            bar.advance(1)
        on_pairs: list[dict[str, Any]] = []
        for source, target in ways:
            group = [item for item in chosen if {source, target} <= item.texts.keys()]
            on_pairs.append(_on_pairs(exact, coarse, group, source, target))
            bar.advance(1)
    measured_on = {"num_weights": num_weights, "model_sha256": model_sha256}
    return {"bits": BITS, **measured_on, "text": on_text, "translation": on_pairs}


def _num_weights(folder: Path) -> int:
    """Of the matrices, before anything is loaded; an output layer that is the embedding counts once."""
    tied = folders.read_config(folder).tie_word_embeddings
    headers = [header for header in folders.tensor_headers(folder) if len(header.shape) == 2]
    return sum(math.prod(header.shape) for header in headers if not (tied and header.name == "lm_head.weight"))


def round_weights(model: torch.nn.Module) -> Any:  # noqa: ANN401 - of the same type
    """Round the matrices of a model in place; vectors stay as they are."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.copy_(torch.from_numpy(rounded(weight.numpy())))
    return model


def _first(texts: Sequence[Text], language: str, num_bytes: int) -> list[Text]:
    """The first texts of a language, the last one cut, up to so many bytes."""
    found: list[Text] = []
    for text in texts:
        if text.language == language and num_bytes > 0:
            cut = text.text.encode()[:num_bytes].decode("utf-8", "ignore")
            num_bytes -= text.num_bytes
            found += [Text(text.id, language, text.source, cut)] if cut else []
    return found


class _Both:
    """Predicts as the exact model does, and notes what the rounded one would have said of the same tokens."""

    def __init__(self, exact: OwnEngine, coarse: OwnEngine) -> None:
        self.exact, self.coarse = exact, coarse
        self.num_same = 0
        self.nats = 0.0

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target by the exact model, [B, T]."""
        wanted_BT = targets_BT != IGNORED
        exact_MV, coarse_MV = (one.model.logits(one.model(ids_BT)[wanted_BT]) for one in (self.exact, self.coarse))
        self.num_same += int((exact_MV.argmax(dim=1) == coarse_MV.argmax(dim=1)).sum())
        targets_M = targets_BT[wanted_BT]
        self.nats += float(F.cross_entropy(coarse_MV, targets_M, reduction="none").double().sum())
        losses_BT = torch.zeros(targets_BT.shape)
        losses_BT[wanted_BT] = F.cross_entropy(exact_MV, targets_M, reduction="none")
        return losses_BT


def _on_text(exact: OwnEngine, coarse: OwnEngine, texts: Sequence[Text]) -> dict[str, Any]:
    tokens = encode_batch(exact.tokenizer, [text.text for text in texts], parse_special=False)
    both = _Both(exact, coarse)
    scores = token_log_probabilities(
        both, tokens, start_id=exact.start_id, context_length=exact.context_length, batch_tokens=2048
    )
    num_tokens, num_bytes = sum(map(len, tokens)), sum(text.num_bytes for text in texts)
    return {
        "language": texts[0].language,
        "num_tokens": num_tokens,
        "num_bytes": num_bytes,
        "data_sha256": canonical_hash([[text.id, text.text] for text in texts]),
        "same": _round(both.num_same / num_tokens),
        "bits_per_byte": _pair(bits_per_byte(sum(float(row.sum()) for row in scores), num_bytes),
                               bits_per_byte(-both.nats, num_bytes)),
    }  # fmt: skip


def _on_pairs(exact: OwnEngine, coarse: OwnEngine, items: Sequence[Item], source: str, target: str) -> dict[str, Any]:
    texts, references = ([item.texts[side] for item in items] for side in (source, target))
    answers = [answers_of(one, texts, source, target, num_beams=1) for one in (exact, coarse)]
    metric = translation_metrics()[0]
    return {
        "language": f"{source}-{target}",
        "num_items": len(items),
        "data_sha256": canonical_hash([[item.id, item.texts[source], item.texts[target]] for item in items]),
        "same": _round(sum(one == other for one, other in zip(*answers, strict=True)) / len(items)),
        metric.name: _pair(*(metric.score(said, references) for said in answers)),
        "signature": metric.signature,
    }


def _pair(exact: float, coarse: float) -> Mapping[str, float]:
    return {"exact": _round(exact), "rounded": _round(coarse)}


def _round(value: float) -> float:
    return round(value, 6)
