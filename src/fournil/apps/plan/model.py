"""What a model is and what training it takes: parameters, operations, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fournil.apps.plan.order import Order
from fournil.apps.plan.tokens import mixture_of_phase
from fournil.parts.model.config import ModelConfig

WEIGHT_BYTES = 4
"""Weights, gradients and moments are kept in float32, whatever the products run in."""
LOGITS_BYTES = 2 * 4 * (1 << 24)
"""Logits and their gradients: the output layer goes through its rows in chunks of 2^24 elements."""


@dataclass(frozen=True)
class Work:
    """One stretch of training whose steps are alike."""

    key: str
    """Names it, such as `phase-0` or `template`."""
    steps: float
    rows: float
    """Of a step."""
    context_length: float
    """Tokens of a row."""
    flops: float
    """Of all its steps, product by product."""
    apart: bool = True
    """Whether texts that share a row are kept apart by a mask."""

    @property
    def tokens(self) -> float:
        """Tokens of all steps."""
        return self.steps * self.rows * self.context_length


def shape_of(order: Order) -> ModelConfig | None:
    """Return the shape of the model that the recipe trains from nothing; None where it trains none.

    Raises:
        FournilError: No Llama can have this shape.
    """
    pretrain, tokenizer = order.config_of("pretrain"), order.config_of("tokenizer")
    if pretrain is None or tokenizer is None:
        return None
    return ModelConfig(vocab_size=tokenizer.vocab_size, **pretrain.model.shape())


def pretrain_work(pretrain: Any, shape: ModelConfig) -> list[Work]:  # noqa: ANN401 - the stage's settings
    """Lay out training from nothing, phase by phase."""
    found = []
    for number in range(len(pretrain.phase)):
        mixture = mixture_of_phase(pretrain, number)
        flops = mixture.tokens * shape.training_flops_per_token(mixture.context_length)
        steps = mixture.rows_before(mixture.steps) / mixture.rows  # smaller ones, of a ramp, count in part
        found.append(Work(f"phase-{number}", steps, mixture.rows, mixture.context_length, flops, pretrain.apart))
    return found


BARE_TOKENS, TEMPLATE_TOKENS = 3, 12
"""Tokens that stand around a pair without the chat template, and within it."""
FILLED = 0.965
"""Part of batch_tokens that a step of sorted examples comes to."""
TYPICAL_PART = 0.55
"""The mean length of the texts of a band, as a part of its bound: short messages are the most, up to 45 characters."""


def finetune_work(config: Any, shape: ModelConfig, bytes_of_token: float) -> list[Work]:  # noqa: ANN401
    """Lay out finetuning: pairs without the template at first, then within it.

    Args:
        config: The stage's settings.
        shape: Of the model.
        bytes_of_token: Of pairs.
    """
    weight = sum(band.weight for band in config.bands) or 1.0
    bounds = [0, *(band.max_characters for band in config.bands)]
    mean = sum(
        band.weight * (low + (band.max_characters - low) * TYPICAL_PART)
        for band, low in zip(config.bands, bounds, strict=False)
    )
    pair = 2 * mean / weight / bytes_of_token
    bare = round(config.steps * config.bare_share)
    found = []
    for key, steps, around in (("bare", bare, BARE_TOKENS), ("template", config.steps - bare, TEMPLATE_TOKENS)):
        length = min(max(2.0, pair + around), shape.max_position_embeddings)
        rows = max(1.0, FILLED * config.batch_tokens / length)
        flops = steps * rows * length * shape.training_flops_per_token(round(length))
        if steps:
            found.append(Work(key, steps, rows, length, flops, apart=False))
    return found


def state_bytes(shape: ModelConfig, matrices: str) -> float:
    """Return the bytes of weights, gradients and moments: one moment for what Muon trains, two for the rest."""
    blocks, total = shape.num_block_parameters(), shape.num_parameters()
    moments = blocks + 2 * (total - blocks) if matrices == "muon" else 2 * total
    return WEIGHT_BYTES * (2.0 * total + moments)


def moment_bytes(shape: ModelConfig, matrices: str) -> float:
    """Return the bytes of the moments alone: what a checkpoint holds beside the weights."""
    return state_bytes(shape, matrices) - 2.0 * WEIGHT_BYTES * shape.num_parameters()


def activation_bytes(shape: ModelConfig, tokens: float, *, half: bool, again: bool = False) -> float:
    """Return what the backward pass needs of so many tokens that go through together.

    Per token and block, as our transformer keeps them: the stream twice and its norms (D each, in float32 always),
    queries, keys and values before and after they turn, what attention returns twice, gate, up, their activation and
    their product. With bfloat16 products the norms are kept once more in that type.

    Args:
        shape: Of the model.
        tokens: Rows times tokens of a row of one micro-batch.
        half: Whether products run in bfloat16.
        again: Whether blocks make theirs again in the backward pass: then all but one keep only the stream.
    """
    heads, kv = shape.num_attention_heads * shape.head_width, shape.key_value_heads * shape.head_width
    size = 2 if half else WEIGHT_BYTES
    stream = 4 * WEIGHT_BYTES * shape.hidden_size + (2 * size * shape.hidden_size if half else 0)
    products = size * (4 * heads + 3 * kv + 4 * shape.intermediate_size)
    if shape.qk_norm:
        products += size * (heads + kv)
    copies = 2.0 * shape.num_parameters() if half else 0.0
    layers = shape.num_hidden_layers
    if again:
        return (layers * WEIGHT_BYTES * shape.hidden_size + stream + products) * tokens + copies
    return layers * (stream + products) * tokens + copies
