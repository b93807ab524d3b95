"""What a tokenizer does to held-out text by kind and language, and to pairs."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.core.shards import read_batches
from fournil.parts.tokenize import Encoder
from fournil.stages.tokenizer.fertility import count_words

from .corpus import KINDS, PAIRED

TABLE_MB = 1.0
"""Of held-out text by set."""
Count = Callable[[Sequence[str]], int]


@cache
def held_out_texts(curated: Path) -> dict[str, list[str]]:
    """Held-out documents by set, at most so many bytes of each."""
    texts: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for batch in read_batches(curated / "heldout" / "documents", columns=["source", "text"]):
        for row in batch.to_pylist():
            name = row["source"]
            if sizes.get(name, 0) < TABLE_MB * 1e6:
                sizes[name] = sizes.get(name, 0) + len(row["text"].encode())
                texts.setdefault(name, []).append(row["text"])
    return texts


@cache
def held_out_pairs(curated: Path) -> dict[str, dict[str, list[str]]]:
    """Held-out pairs by set: both sides, line by line."""
    pairs: dict[str, dict[str, list[str]]] = {}
    for batch in read_batches(curated / "heldout" / "pairs", columns=["source", "texts"]):
        for row in batch.to_pylist():
            sides = pairs.setdefault(row["source"], {"fr": [], "en": []})
            for tag, text in row["texts"]:
                sides[tag].append(text)
    return pairs


def counter(tokenizer: Tokenizer) -> Count:
    """Counts tokens."""
    encoder = Encoder(tokenizer)
    return lambda texts: sum(map(len, encoder.encode(texts)))


def by_kind(count: Count, curated: Path) -> Iterator[dict[str, Any]]:
    """Rows with kind, language, bytes, words and tokens."""
    texts = held_out_texts(curated)
    for kind, languages in {**KINDS, "code": {"code": ("python",)}}.items():
        for language, names in languages.items():
            mine = [text for name in names for text in texts.get(name, ())]
            if mine:
                yield {
                    "kind": kind,
                    "language": language,
                    "bytes": sum(len(text.encode()) for text in mine),
                    "words": sum(map(count_words, mine)),
                    "tokens": count(mine),
                }


def on_pairs(count: Count, curated: Path) -> dict[str, dict[str, int]]:
    """Tokens of both sides, by set."""
    pairs = held_out_pairs(curated)
    return {name: {tag: count(side) for tag, side in pairs[name].items()} for name in PAIRED}


def parity(tokens: dict[str, dict[str, int]]) -> float:
    """French tokens for an English one on the same content, each set weighing as much as any other."""
    return float(np.exp(np.mean([np.log(sides["fr"] / sides["en"]) for sides in tokens.values()])))


def per_byte(rows: Sequence[dict[str, Any]], language: str) -> float:
    """Tokens per byte, each kind weighing as much as any other."""
    return float(np.mean([row["tokens"] / row["bytes"] for row in rows if row["language"] == language]))
