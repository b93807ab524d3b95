"""Which pairs are learned from, and their tokens."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from fournil.core.context import Count
from fournil.core.shards import read_batches
from fournil.parts.tokenize.load import encode_batch


@dataclass(frozen=True)
class Pairs:
    """Pairs in the languages of the run, tokenized; a pair may lack some of the languages, not all but one."""

    texts: list[dict[str, str]]
    tokens: list[dict[str, np.ndarray]]
    bands: np.ndarray
    """Number of each pair's length band."""

    def directions(self, languages: Sequence[str]) -> Iterator[tuple[str, str, list[int]]]:
        """Source language, target language, and the pairs that have both."""
        for source, target in permutations(languages, 2):
            found = [i for i, texts in enumerate(self.texts) if source in texts and target in texts]
            if found:
                yield source, target, found


def read_pairs(
    folder: Path,
    *,
    languages: Sequence[str],
    max_characters: Sequence[int],
    max_tokens: int,
    tokenizer: Tokenizer,
    step: str,
    keep: Callable[[str], bool] | None = None,
) -> tuple[Pairs, Count]:
    """Read the pairs that can be learned from.

    Args:
        folder: Of pairs' shards.
        languages: Of the run.
        max_characters: Upper bounds of the length bands, ascending; the longer side of a pair counts.
        max_tokens: Both sides together may have so many.
        tokenizer: Of the model.
        step: How the count is called.
        keep: Which ids to look at (all by default).

    Returns:
        The pairs in the order of the shards, and how many were refused for what.
    """
    texts: list[dict[str, str]] = []
    bands: list[int] = []
    refused: Counter[str] = Counter()
    seen: set[bytes] = set()
    num_in = bytes_in = 0
    for batch in read_batches(folder, columns=["id", "texts"]):
        for name, found in zip(batch.column("id").to_pylist(), batch.column("texts").to_pylist(), strict=True):
            if keep is not None and not keep(name):
                continue
            sides = {language: text for language, text in found if language in languages}
            num_in += 1
            bytes_in += sum(len(text.encode()) for _, text in found)
            longest = max(map(len, sides.values()), default=0)
            band = next((i for i, bound in enumerate(max_characters) if longest <= bound), None)
            digest = hashlib.sha256("\0".join(f"{k}\0{v}" for k, v in sorted(sides.items())).encode()).digest()
            rule = None
            if len(sides) < 2:
                rule = "one-language"
            elif band is None:
                rule = "too-long"
            elif len(set(sides.values())) < len(sides):
                rule = "equal"
            elif digest in seen:
                rule = "repeated"
            if rule or band is None:
                refused[rule or "too-long"] += 1
                continue
            seen.add(digest)
            texts.append(sides)
            bands.append(band)
    tokens = _tokenize(texts, languages, tokenizer)
    fits = [sum(map(len, sides.values())) <= max_tokens for sides in tokens]
    refused["too-many-tokens"] += fits.count(False)
    pairs = Pairs(
        [side for side, fit in zip(texts, fits, strict=True) if fit],
        [side for side, fit in zip(tokens, fits, strict=True) if fit],
        np.array([band for band, fit in zip(bands, fits, strict=True) if fit], dtype=np.int64),
    )
    bytes_out = sum(len(text.encode()) for sides in pairs.texts for text in sides.values())
    refused = Counter({rule: num for rule, num in sorted(refused.items()) if num})
    return pairs, Count(step, num_in, len(pairs.texts), dict(refused), 0, bytes_in, bytes_out, unit="pairs")


def drawn(seed: int, purpose: str, name: str) -> int:
    """A number from 0 to 2^64 - 1 that depends on these alone: sorted by it, ids are in a random order."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{purpose}\0{name}".encode()).digest()[:8], "big")


def _tokenize(
    texts: list[dict[str, str]], languages: Sequence[str], tokenizer: Tokenizer
) -> list[dict[str, np.ndarray]]:
    tokens: list[dict[str, np.ndarray]] = [{} for _ in texts]
    for language in languages:
        having = [i for i, sides in enumerate(texts) if language in sides]
        ids = encode_batch(tokenizer, [texts[i][language] for i in having], parse_special=False)
        for i, row in zip(having, ids, strict=True):
            tokens[i][language] = row
    return tokens
