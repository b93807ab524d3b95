"""The hash that stands for a model in scores."""

from __future__ import annotations

from pathlib import Path

from fournil.core.files import canonical_hash, sha256_file


def hash_model(folder: Path) -> str:
    """One hash over a model folder's configuration, weights and tokenizer."""
    names = sorted(
        path.name
        for pattern in ("config.json", "*.safetensors", "tokenizer.json", "tokenizer.model", "tokenizer_config.json")
        for path in folder.glob(pattern)
    )
    return canonical_hash({name: sha256_file(folder / name) for name in names})
