"""Llama in plain PyTorch: RMSNorm, rotary positions, grouped-query attention, SwiGLU; with norms of queries and keys,
where they are asked for, it is Qwen3.

Shapes: B batch, T tokens, N = B x T tokens in a row, D width, F feed-forward width, H query heads, K key/value heads,
C head width, S tokens to look at, V vocabulary.

Query, key and value are one matrix, as are gate and up: on a CPU the number of small operations, not their size,
limits a small model. folder.py splits them again, so that files hold Hugging Face's names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from fournil.parts.model.attention import Cache, attend, first_positions, rotary_table, rotate
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.cross_entropy import linear_cross_entropy

WRITERS = ("attention_out", "down")
"""The matrices of a block that write to the stream."""
GRAPHS = 64
"""As many graphs a compiled block may have. torch stops at 8 and then, silently, runs what has another shape as it is:
with and without gradients, texts apart or not, one row or several and the first shape of each for itself make more than
that (a training with two contexts made 18)."""


class Block(nn.Module):
    """One transformer block: attention, then feed-forward, each added to the stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        """Make the weights, unset (Llama.reset or folder.load sets them)."""
        super().__init__()
        self.layer = layer
        self.num_heads, self.num_kv, self.head_width = (
            config.num_attention_heads,
            config.key_value_heads,
            config.head_width,
        )
        self.eps = config.rms_norm_eps
        self.compiled: Callable[..., Tensor] | None = None
        width = config.hidden_size
        self.attention_norm = nn.Parameter(torch.empty(width))
        self.qkv = nn.Parameter(torch.empty((self.num_heads + 2 * self.num_kv) * self.head_width, width))
        self.q_norm = nn.Parameter(torch.empty(self.head_width)) if config.qk_norm else None
        self.k_norm = nn.Parameter(torch.empty(self.head_width)) if config.qk_norm else None
        self.attention_out = nn.Parameter(torch.empty(width, self.num_heads * self.head_width))
        self.feed_norm = nn.Parameter(torch.empty(width))
        self.gate_up = nn.Parameter(torch.empty(2 * config.intermediate_size, width))
        self.down = nn.Parameter(torch.empty(width, config.intermediate_size))

    def matrix_rows(self, name: str) -> tuple[int, ...]:
        """How many rows each of the matrices has that the parameter `name` holds."""
        if name == "qkv":
            return (self.num_heads * self.head_width, *[self.num_kv * self.head_width] * 2)
        if name == "gate_up":
            return (self.gate_up.shape[0] // 2,) * 2
        return (self.get_parameter(name).shape[0],)

    def forward(
        self, x_BTD: Tensor, cos: Tensor, sin: Tensor, cache: Cache | None, mask: Tensor | None, causal: bool
    ) -> Tensor:
        """Add this block's attention and feed-forward to the stream."""
        through = self.through if self.compiled is None or cache is not None else self.compiled
        return through(x_BTD, cos, sin, cache, mask, causal)

    def through(
        self, x_BTD: Tensor, cos: Tensor, sin: Tensor, cache: Cache | None, mask: Tensor | None, causal: bool
    ) -> Tensor:
        """What `forward` does, as it is before it is compiled."""
        B, T, D = x_BTD.shape
        turning = self.num_heads + self.num_kv
        heads = F.linear(F.rms_norm(x_BTD, (D,), self.attention_norm, self.eps), self.qkv)
        heads = heads.view(B, T, turning + self.num_kv, self.head_width).transpose(1, 2)
        turning_BRTC, v_BKTC = heads.split((turning, self.num_kv), dim=1)
        if self.q_norm is not None and self.k_norm is not None:
            weights_R1C = torch.cat((self.q_norm.expand(self.num_heads, 1, -1), self.k_norm.expand(self.num_kv, 1, -1)))
            normed_BRTC = F.rms_norm(turning_BRTC, (self.head_width,), None, self.eps)
            turning_BRTC = normed_BRTC * weights_R1C.to(normed_BRTC.dtype)
        q_BHTC, k_BKTC = rotate(turning_BRTC, cos, sin).split((self.num_heads, self.num_kv), dim=1)
        if cache is not None:
            seen_BHTC = cache.attend(self.layer, q_BHTC, k_BKTC, v_BKTC, mask, causal)
        else:
            seen_BHTC = attend(q_BHTC, k_BKTC, v_BKTC, mask, causal)
        x_BTD = x_BTD + F.linear(seen_BHTC.transpose(1, 2).reshape(B, T, -1), self.attention_out)
        gate_BTF, up_BTF = F.linear(F.rms_norm(x_BTD, (D,), self.feed_norm, self.eps), self.gate_up).chunk(2, dim=-1)
        return x_BTD + F.linear(F.silu(gate_BTF) * up_BTF, self.down)


class Llama(nn.Module):
    """A language model: transformers' LlamaForCausalLM, or with norms of queries and keys its Qwen3ForCausalLM."""

    def __init__(self, config: ModelConfig) -> None:
        """Make the weights, unset (call `reset`, or use folder.load)."""
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.empty(config.vocab_size, config.hidden_size))
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = nn.Parameter(torch.empty(config.hidden_size))
        self.unembedding = (
            None if config.tie_word_embeddings else nn.Parameter(torch.empty(config.vocab_size, config.hidden_size))
        )
        with torch.device("cpu"):  # arithmetic on the meta device would load torch._dynamo, which takes seconds
            cos, sin = rotary_table(config, first_positions(config))
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.checkpoints_activations = False
        """Whether the backward pass makes each block's activations again instead of keeping them: the same gradients
        to the last bit, a third more work, and of each block the stream alone in memory (Chen and others, 2016)."""

    def compile_blocks(self, backend: str | Callable[..., object] = "inductor") -> None:
        """Let torch.compile make kernels for what is inside blocks: once, for all blocks are alike.

        The rest stays as it is: the output layer is matrix products, and how many rows it has changes with the batch.
        Reading with a cache is not compiled. What surrounds a block (sharded weights, activations made again) works on
        it as before.

        Args:
            backend: As for torch.compile.
        """
        for block in self.blocks:
            assert isinstance(block, Block)
            # torch's overloads do not have the limit, its function does
            block.compiled = torch.compile(block.through, backend=backend, recompile_limit=GRAPHS)  # pyright: ignore[reportCallIssue]

    def turn_with(self, rope_theta: float, max_position_embeddings: int | None = None) -> None:
        """Go on with another base of the rotary frequencies, as when training goes over to longer contexts.

        Args:
            rope_theta: The new base; config.json will say it.
            max_position_embeddings: The longest context from now on (None: as before).
        """
        length = max_position_embeddings or self.config.max_position_embeddings
        config = replace(self.config, rope_theta=rope_theta, max_position_embeddings=length)
        if config == self.config:
            return
        cos, sin = rotary_table(config, max(first_positions(config), self.cos.shape[0]))
        if cos.shape == self.cos.shape:  # in place: what was compiled or captured holds these tensors
            self.cos.copy_(cos)
            self.sin.copy_(sin)
        else:
            self.cos, self.sin = cos.to(self.cos), sin.to(self.sin)
        self.config = config

    @property
    def output_weight(self) -> Tensor:
        """The output layer's matrix [V, D] (the embedding where they are tied)."""
        return self.embedding if self.unembedding is None else self.unembedding

    @torch.no_grad()
    def reset(self, seed: int, *, std: float | None = None) -> Llama:
        """Set all weights for training from nothing, as a pure function of `seed`.

        Matrices that read the stream start uniform with standard deviation 1 / sqrt(width); matrices that write to
        it, and an untied output layer, start at zero, so that every block begins as the identity and the first loss
        is exactly log(vocabulary).

        Args:
            seed: Of the random numbers.
            std: Instead, the normal way: all matrices have this standard deviation at any width, and those that write
                to the stream have it divided by sqrt(2 x layers) (GPT-2's; Megatron-LM's initialisation).
        """
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                parameter.fill_(1.0)
            elif std is not None:
                writes = name.rsplit(".", 1)[-1] in WRITERS
                deviation = std / math.sqrt(2 * len(self.blocks)) if writes else std
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * deviation)
        if std is not None:
            return self
        tied = self.unembedding is None
        width = self.config.hidden_size
        noise = torch.randn(self.embedding.shape, generator=generator) * (width**-0.5 if tied else 1.0)
        self.embedding.copy_(noise)
        if self.unembedding is not None:
            self.unembedding.zero_()
        bound = math.sqrt(3.0 / width)
        for block in self.blocks:
            assert isinstance(block, Block)
            for matrix in (block.qkv, block.gate_up):
                matrix.copy_((torch.rand(matrix.shape, generator=generator) * 2 - 1) * bound)
            block.attention_out.zero_()
            block.down.zero_()
        return self

    def forward(
        self,
        ids_BT: Tensor,
        *,
        positions_BT: Tensor | None = None,
        cache: Cache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Read tokens.

        Args:
            ids_BT: Token ids.
            positions_BT: Each token's position (None: counted from the cache's length on).
            cache: What was read before; it grows by T.
            mask: True where a token may look, broadcastable to [B, 1, T, S] (None: at itself and all before).

        Returns:
            The last stream after its norm, [B, T, D]: give it to `logits`.
        """
        T = ids_BT.shape[1]
        past = 0 if cache is None else cache.length
        if positions_BT is None:
            self._grow_table(past + T)
            cos, sin = self.cos[past : past + T], self.sin[past : past + T]
        else:
            self._grow_table(int(positions_BT.max()) + 1)
            cos, sin = self.cos[positions_BT].unsqueeze(1), self.sin[positions_BT].unsqueeze(1)
        if mask is None and past and T > 1:
            mask = torch.ones(T, past + T, dtype=torch.bool, device=ids_BT.device).tril(past)
        causal = mask is None and T > 1
        x_BTD = F.embedding(ids_BT, self.embedding)
        again = self.checkpoints_activations and cache is None and torch.is_grad_enabled()
        for block in self.blocks:
            if again:
                x_BTD = checkpoint(
                    block, x_BTD, cos, sin, None, mask, causal, use_reentrant=False, preserve_rng_state=False
                )
            else:
                x_BTD = block(x_BTD, cos, sin, cache, mask, causal)
        if cache is not None:
            cache.advance(T)
        return F.rms_norm(x_BTD, (x_BTD.shape[-1],), self.norm, self.config.rms_norm_eps)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Scores of every next token, [B, T, V]; give it only the positions that are needed."""
        return F.linear(hidden_BTD, self.output_weight.to(hidden_BTD.dtype))

    def loss(self, ids_BT: Tensor, targets_BT: Tensor, segments_BT: Tensor | None = None) -> Tensor:
        """Cross-entropy of each target token, in nats, float32 [B, T]; zero where the target is -100.

        Args:
            ids_BT: What the model reads.
            targets_BT: The token that follows each, or -100 where none is to be learnt.
            segments_BT: Numbers of the texts that share a row; tokens look only at their own (None: rows are whole).
                Positions go on through a row: rotary ones tell only distances.
        """
        mask = None
        if segments_BT is not None:
            mask = (segments_BT.unsqueeze(2) == segments_BT.unsqueeze(1)).tril().unsqueeze(1)
        hidden_BTD = self(ids_BT, mask=mask)
        if torch.is_autocast_enabled(hidden_BTD.device.type):
            hidden_BTD = hidden_BTD.to(torch.get_autocast_dtype(hidden_BTD.device.type))
        losses_N = linear_cross_entropy(hidden_BTD.flatten(0, 1), self.output_weight, targets_BT.flatten())
        return losses_N.view(targets_BT.shape)

    def _grow_table(self, num_positions: int) -> None:
        """Positions beyond max_position_embeddings turn on as they are: the caller decides whether that is wise."""
        if num_positions > self.cos.shape[0]:
            cos, sin = rotary_table(self.config, max(num_positions, 2 * self.cos.shape[0]))
            self.cos, self.sin = cos.to(self.cos), sin.to(self.sin)
