"""The peers: each gives a step that it makes as its own training loop does, at the settings that it is told.

All start from the same weights where their architecture is ours (transformers, litgpt); nanoGPT and nanochat are other
models of the same width and depth, whose tokens are then counted by the products that one takes. AdamW is torch's
fused one everywhere.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fournil.parts.model.config import ModelConfig
from pretraining.shapes import Case

RATE, BETAS, EPSILON, MAX_NORM = 1e-3, (0.9, 0.95), 1e-8, 1.0
NAMES = ("transformers", "litgpt", "nanogpt", "nanochat")
SAME = ("transformers", "litgpt")
"""Those whose model can be ours."""


@dataclass(frozen=True)
class Settings:
    """How an engine runs."""

    threads: int = 2
    precision: str = "float32"
    compile: bool = False
    micro_rows: int = 0
    """0: the whole batch."""


@dataclass
class Engine:
    """A model, its optimizer and its loss."""

    model: Any
    optimizer: Any
    loss: Callable[[Tensor, Tensor], Tensor]
    """Mean over the tokens of a micro-batch."""
    clip: bool = True
    autocast: bool = True
    """Whether the loop casts; some models cast by themselves."""


def step(engine: Engine, ids_BT: Tensor, targets_BT: Tensor, settings: Settings, rate: float | None = None) -> Tensor:
    """One step of training; its mean loss before the step."""
    device = ids_BT.device.type
    rows = settings.micro_rows or len(ids_BT)
    half = settings.precision == "bfloat16" and engine.autocast
    total = torch.zeros((), device=ids_BT.device)
    if rate is not None:
        for group in engine.optimizer.param_groups:
            group["lr"] = rate
    for start in range(0, len(ids_BT), rows):
        part = slice(start, start + rows)
        with torch.autocast(device, torch.bfloat16) if half else contextlib.nullcontext():
            loss = engine.loss(ids_BT[part], targets_BT[part])
        share = len(ids_BT[part]) / len(ids_BT)
        (loss * share).backward()
        total += loss.detach() * share
    if engine.clip:
        torch.nn.utils.clip_grad_norm_(engine.model.parameters(), MAX_NORM)
    engine.optimizer.step()
    engine.optimizer.zero_grad(set_to_none=True)
    return total


def make(
    name: str,
    case: Case,
    settings: Settings,
    *,
    start: Path | None,
    peers: Path,
    device: str = "cpu",
    seed: int = 0,
) -> Engine:
    """Build a peer.

    Args:
        name: One of NAMES.
        case: Model and batch.
        settings: How it runs.
        start: A Hugging Face folder with the weights to start from (None: the peer's own initialisation).
        peers: A folder with what was installed for this comparison.
        device: `cpu` or `cuda`.
        seed: Of the peer's own initialisation.

    Raises:
        ImportError: It is not installed.
    """
    sys.path[:0] = [str(peers), str(peers / "nanoGPT"), str(peers / "nanochat")]
    torch.manual_seed(seed)
    return {"transformers": _transformers, "litgpt": _litgpt, "nanogpt": _nanogpt, "nanochat": _nanochat}[name](
        case, settings, start, device
    )


def flops_per_token(name: str, case: Case) -> float:
    """Operations for a token, counted as ModelConfig counts ours."""
    own = case.model
    if name in (*SAME, "fournil"):
        return own.training_flops_per_token(case.length)
    width, layers = own.hidden_size, own.num_hidden_layers
    matrices = 12 * layers * width**2 + own.vocab_size * width
    return 6.0 * (matrices + layers * 2 * width * (case.length + 1) / 2)


def _adamw(model: Any) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=RATE, betas=BETAS, eps=EPSILON, weight_decay=0.0, fused=True)


def _transformers(case: Case, settings: Settings, start: Path | None, device: str) -> Engine:
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    if start is not None:
        model = LlamaForCausalLM.from_pretrained(start, dtype=torch.float32)
    else:
        model = LlamaForCausalLM(LlamaConfig(**_known(case.model)))
    model = model.to(device).train()
    model.config.use_cache = False
    called = torch.compile(model) if settings.compile else model

    def loss(ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return called(input_ids=ids_BT, labels=targets_BT, shift_labels=targets_BT).loss

    return Engine(model, _adamw(model), loss)


def _known(model: ModelConfig) -> dict[str, Any]:
    left_out = ("architectures", "model_type", "torch_dtype", "rope_scaling", "rope_theta")
    known = {name: value for name, value in model.to_hugging_face("float32").items() if name not in left_out}
    return known | {"rope_parameters": {"rope_type": "default", "rope_theta": model.rope_theta}}


def _litgpt(case: Case, settings: Settings, start: Path | None, device: str) -> Engine:
    from litgpt.config import Config
    from litgpt.model import GPT
    from litgpt.scripts.convert_hf_checkpoint import copy_weights_hf_llama
    from litgpt.utils import chunked_cross_entropy
    from safetensors.torch import load_file

    own = case.model
    config = Config(
        name="bench", block_size=own.max_position_embeddings,
        vocab_size=own.vocab_size, padded_vocab_size=own.vocab_size,
        n_layer=own.num_hidden_layers, n_head=own.num_attention_heads, n_query_groups=own.key_value_heads,
        n_embd=own.hidden_size, intermediate_size=own.intermediate_size, rotary_percentage=1.0, parallel_residual=False,
        bias=False, norm_class_name="RMSNorm", norm_eps=own.rms_norm_eps, mlp_class_name="LLaMAMLP",
        rope_base=int(own.rope_theta),
    )  # fmt: skip
    model = GPT(config)
    if start is not None:
        found: dict[str, Any] = {}
        copy_weights_hf_llama(config, {}, found, load_file(start / "model.safetensors"))
        model.load_state_dict(found, strict=True)
    model = model.to(device).train()
    called = torch.compile(model) if settings.compile else model

    def loss(ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        return chunked_cross_entropy(called(ids_BT), targets_BT)

    return Engine(model, _adamw(model), loss)


def _nanogpt(case: Case, settings: Settings, start: Path | None, device: str) -> Engine:
    from model import GPT, GPTConfig  # pyright: ignore[reportMissingImports]

    own = case.model
    with contextlib.redirect_stdout(sys.stderr):
        model = GPT(
            GPTConfig(
                block_size=case.length, vocab_size=own.vocab_size, n_layer=own.num_hidden_layers,
                n_head=own.num_attention_heads, n_embd=own.hidden_size, dropout=0.0, bias=False,
            )
        ).to(device)  # fmt: skip
    called = torch.compile(model) if settings.compile else model
    return Engine(model, _adamw(model), lambda ids_BT, targets_BT: called(ids_BT, targets_BT)[1])


def _nanochat(case: Case, settings: Settings, start: Path | None, device: str) -> Engine:
    os.environ["NANOCHAT_DTYPE"] = settings.precision
    from nanochat.gpt import GPT, GPTConfig  # pyright: ignore[reportMissingImports]

    own = case.model
    with contextlib.redirect_stdout(sys.stderr):
        with torch.device("meta"):
            model = GPT(
                GPTConfig(
                    sequence_len=case.length, vocab_size=own.vocab_size, n_layer=own.num_hidden_layers,
                    n_head=own.num_attention_heads, n_kv_head=own.key_value_heads, n_embd=own.hidden_size,
                    window_pattern="L",
                )
            )  # fmt: skip
        model.to_empty(device=device)
        model.init_weights()
        optimizer = model.setup_optimizer()
    called = torch.compile(model, dynamic=False) if settings.compile else model
    return Engine(model, optimizer, lambda ids, targets: called(ids, targets), clip=False, autocast=False)


def chance_ids(case: Case, step_number: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """A batch by chance, with the frequencies of words (the n-th has a share of 1 / n): what throughput needs."""
    generator = torch.Generator().manual_seed(step_number)
    uniform = torch.rand(case.rows, case.length + 1, generator=generator)
    ids = (case.model.vocab_size**uniform - 1).long().clamp_(0, case.model.vocab_size - 1).to(device)
    return ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
