"""Shapes of published models, by name, under Hugging Face's names (standard library only)."""

from __future__ import annotations

from typing import Any

_CROISSANT: dict[str, Any] = {
    "max_position_embeddings": 2048,
    "rope_theta": 10_000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}

PUBLISHED: dict[str, dict[str, Any]] = {
    "croissant-58m": _CROISSANT
    | {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6, "num_attention_heads": 8},
    "croissant-268m": _CROISSANT
    | {"hidden_size": 1024, "intermediate_size": 4128, "num_hidden_layers": 12, "num_attention_heads": 8},
    "croissant-440m": _CROISSANT
    | {"hidden_size": 1536, "intermediate_size": 4128, "num_hidden_layers": 12, "num_attention_heads": 12},
    "croissant-base": _CROISSANT
    | {"hidden_size": 2048, "intermediate_size": 5504, "num_hidden_layers": 24, "num_attention_heads": 16},
    "lucie-7b": {
        "hidden_size": 4096,
        "intermediate_size": 12_288,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "max_position_embeddings": 4096,
        "rope_theta": 500_000.0,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
    },
}
"""CroissantLLM's four (CoderPat/croissant-llm-training: llama2_58m, _268m, _440m and _1b3, which count the embeddings
of 32,000 tokens) and Lucie's as it is in its long first stage (OpenLLM-France/Lucie-Training). How many tokens the
vocabulary has is the tokenizer's affair."""

INITIAL_STD = {name: 0.009 if name.startswith("lucie") else 0.02 for name in PUBLISHED}
"""The standard deviation that each model's matrices began with."""
