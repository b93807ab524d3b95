"""Presets learned from the same text, and Mistral's two, on the same held-out text: by kind, language, and on pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fournil.stages.tokenizer import Config
from fournil.stages.tokenizer.references import references

from .measure import by_kind, on_pairs
from .shares import MAX_TRAIN_MB, row

PRESETS = ("fournil", "fournil-equal", "croissant", "lucie")


def config_of(preset: str) -> Config:
    """A preset with the text that all of them learn from here."""
    return Config(preset=preset, max_train_mb=MAX_TRAIN_MB)


def rows(curated: Path) -> Iterator[dict[str, Any]]:
    """One row a tokenizer."""
    for preset in PRESETS:
        yield {"name": preset, **row(curated, config_of(preset))}
    for other in references(("mistral", "tekken")):

        def count(texts: Any, encode: Any = other.encoder.encode) -> int:
            return sum(map(len, encode(texts)))

        found = {"kinds": list(by_kind(count, curated)), "pairs": on_pairs(count, curated)}
        yield {"name": other.key, "vocabulary": other.encoder.vocab_size, **found}
