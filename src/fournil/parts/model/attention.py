"""Rotary positions and the key and value cache.

Shapes: B batch, T tokens of this call, S tokens to look at (cached and new), H query heads, K key/value heads,
R = H + K heads that turn, C head width, P positions in a table.
"""

from __future__ import annotations

import copy
import math
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from fournil.parts.model.config import ModelConfig

FIRST_POSITIONS = 4096


def rotary_frequencies(config: ModelConfig) -> Tensor:
    """Angle per position of each pair of a head's coordinates, radians, [C / 2] (RoFormer; llama3)."""
    half = torch.arange(0, config.head_width, 2, dtype=torch.int64).float()
    frequencies = 1.0 / (config.rope_theta ** (half / config.head_width))
    scaling = config.rope_scaling
    if scaling is None or scaling.rope_type == "default":
        return frequencies
    if scaling.rope_type == "linear":
        return frequencies / scaling.factor
    old = scaling.original_max_position_embeddings
    wavelengths = 2 * math.pi / frequencies
    smooth = (old / wavelengths - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    smooth = smooth.clamp(0.0, 1.0)
    return (1 - smooth) * frequencies / scaling.factor + smooth * frequencies


def first_positions(config: ModelConfig) -> int:
    """How many positions a model's tables begin with: they grow where a text is longer."""
    return min(config.max_position_embeddings, FIRST_POSITIONS)


def rotary_table(config: ModelConfig, num_positions: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of positions 0 to num_positions - 1, each [P, C], halves repeated as in Hugging Face."""
    angles_PC = torch.outer(torch.arange(num_positions).float(), rotary_frequencies(config)).repeat(1, 2)
    return angles_PC.cos(), angles_PC.sin()


class _Rotate(torch.autograd.Function):
    """x cos + rotate_half(x) sin; its backward is the same turn the other way, with nothing kept but the table."""

    @staticmethod
    def forward(ctx, x, cos, sin):  # noqa: ANN001, ANN205 - autograd's own signature
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin)

    @staticmethod
    def backward(ctx, *grads):  # noqa: ANN001, ANN002, ANN205
        cos, sin = ctx.saved_tensors
        return _turn(grads[0], cos, -sin), None, None


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    cos, sin = cos[..., :half].to(x.dtype), sin[..., :half].to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    torch.mul(first, cos, out=out[..., :half])
    out[..., :half].addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=out[..., half:])
    out[..., half:].addcmul_(first, sin)
    return out


def rotate(x_BRTC: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn heads by their positions.

    Args:
        x_BRTC: Queries and keys.
        cos: Cosines, [T, C] or [B, 1, T, C].
        sin: Sines, likewise.
    """
    if torch.compiler.is_compiling():  # a compiler makes one kernel of it, forward and backward
        first, second = x_BRTC.chunk(2, dim=-1)
        turned = torch.cat((-second, first), dim=-1)
        return x_BRTC * cos.to(x_BRTC.dtype) + turned * sin.to(x_BRTC.dtype)
    rotated = _Rotate.apply(x_BRTC, cos, sin)
    assert isinstance(rotated, Tensor)
    return rotated


def attend(q_BHTC: Tensor, k_BKSC: Tensor, v_BKSC: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """Look at tokens, [B, H, T, C].

    Args:
        q_BHTC: Queries.
        k_BKSC: Keys, as many heads or fewer.
        v_BKSC: Values, likewise.
        mask: True where a token may look, broadcastable to [B, 1, T, S].
        causal: No mask: a token looks at itself and all before.
    """
    group = q_BHTC.shape[1] // k_BKSC.shape[1]
    if mask is not None and group > 1 and q_BHTC.device.type == "cuda":
        # with a mask, no fused kernel takes groups, and the plain one holds all scores of all heads
        k_BKSC, v_BKSC = (part.repeat_interleave(group, dim=1) for part in (k_BKSC, v_BKSC))
    return F.scaled_dot_product_attention(
        q_BHTC, k_BKSC, v_BKSC, attn_mask=mask, is_causal=causal, enable_gqa=q_BHTC.shape[1] != k_BKSC.shape[1]
    )


class Cache:
    """Keys and values of what a model has read, for each layer [B, K, S, C], with room kept ahead."""

    def __init__(
        self, config: ModelConfig, batch: int, capacity: int, *, dtype: torch.dtype, device: torch.device | str = "cpu"
    ) -> None:
        """Make room for `capacity` tokens of `batch` rows."""
        shape = (config.num_hidden_layers, 2, batch, config.key_value_heads, capacity, config.head_width)
        self.store = torch.zeros(shape, dtype=dtype, device=device)
        self.length = 0

    @property
    def capacity(self) -> int:
        """Tokens that fit."""
        return self.store.shape[4]

    def extend(self, layer: int, keys_BKTC: Tensor, values_BKTC: Tensor) -> tuple[Tensor, Tensor]:
        """Write a layer's new keys and values behind the old ones, and return all of them, [B, K, S, C] each."""
        end = self.length + keys_BKTC.shape[2]
        if end > self.capacity:
            raise ValueError(f"{end} tokens do not fit in a cache of {self.capacity}")
        self.store[layer, 0, :, :, self.length : end] = keys_BKTC
        self.store[layer, 1, :, :, self.length : end] = values_BKTC
        return self.store[layer, 0, :, :, :end], self.store[layer, 1, :, :, :end]

    def attend(
        self,
        layer: int,
        q_BHTC: Tensor,
        k_BKTC: Tensor,
        v_BKTC: Tensor,
        mask: Tensor | None,
        causal: bool,
    ) -> Tensor:
        """Write a layer's new keys and values down, and look at all of them, [B, H, T, C].

        Args:
            layer: Its number.
            q_BHTC: Queries of the new tokens.
            k_BKTC: Their keys.
            v_BKTC: Their values.
            mask: True where a token may look, broadcastable to [B, 1, T, S].
            causal: No mask: a token looks at itself and all before.
        """
        k_BKSC, v_BKSC = self.extend(layer, k_BKTC, v_BKTC)
        return attend(q_BHTC, k_BKSC, v_BKSC, mask, causal)

    def reserve(self, capacity: int) -> None:
        """Make room for so many tokens in all, keeping those that are there."""
        if capacity > self.capacity:
            more = list(self.store.shape)
            more[4] = capacity - self.capacity
            self.store = torch.cat((self.store, self.store.new_zeros(more)), dim=4)

    def advance(self, num_tokens: int) -> None:
        """Count the tokens that every layer has now written."""
        self.length += num_tokens

    def truncate(self, length: int) -> None:
        """Forget everything after the first `length` tokens."""
        self.length = min(self.length, length)

    def select(self, rows: Tensor) -> Self:
        """A cache of some rows (repeats allowed), for beams, branches and finished rows."""
        other = copy.copy(self)
        other.store = self.store[:, :, rows].clone()
        return other
