"""The hash that stands for a model in scores."""

from __future__ import annotations

from pathlib import Path

from fournil.core.files import canonical_hash, sha256_file

PATTERNS = (
    "config.json",
    "generation_config.json",
    "*.safetensors",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)
"""Files of configuration, weights, tokenizer, and of how the model is asked: where it stops, and its template."""


def hash_model(folder: Path) -> str:
    """One hash over all of a model folder that decides what the model says."""
    names = sorted(path.name for pattern in PATTERNS for path in folder.glob(pattern))
    return canonical_hash({name: sha256_file(folder / name) for name in names})
