"""The tokenizers that every table puts beside the one asked about: Mistral's, from the mistral-common package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from fournil.parts.tokenize import Encoder, load
from fournil.stages.tokenizer.config import REFERENCES

_FILES = {
    "mistral": ("Mistral", "Mistral 7B v0.1", "tokenizer.model.v1"),
    "tekken": ("tekken", "Mistral NeMo (tekken)", "tekken_240718.json"),
}
assert set(_FILES) == set(REFERENCES)


@dataclass(frozen=True)
class Reference:
    """A tokenizer to compare with."""

    key: str
    short: str
    """A name for the head of a column."""
    name: str
    encoder: Encoder

    def row(self) -> dict[str, str | int]:
        """What a record says of it."""
        return {"key": self.key, "short": self.short, "name": self.name, "vocab_size": self.encoder.vocab_size}


def references(keys: Sequence[str]) -> list[Reference]:
    """Those asked for that are installed."""
    found = map(_reference, keys)
    return [reference for reference in found if reference is not None]


@cache
def _reference(key: str) -> Reference | None:
    package = find_spec("mistral_common")
    if package is None or package.origin is None:
        return None
    short, name, file = _FILES[key]
    path = Path(package.origin).parent / "data" / file
    return Reference(key, short, name, Encoder(load(path))) if path.is_file() else None
