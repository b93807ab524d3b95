"""How much text a token holds: tokens per word and per byte, parity between languages, what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.parts.tokenize import TokenShards, decode_batch, encode_batch, load

MISTRAL_FILE = "tokenizer.model.v1"


def count_words(text: str) -> int:
    """Stretches between white space that hold a letter or a digit: « aujourd’hui » is one word, « : » is none."""
    return sum(any(map(str.isalnum, stretch)) for stretch in text.split())


@cache
def mistral_tokenizer() -> Tokenizer | None:
    """Mistral's first tokenizer (32,000 tokens), from the mistral-common package; None where that is missing."""
    package = find_spec("mistral_common")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / MISTRAL_FILE
    return load(path) if path.is_file() else None


@dataclass
class Tally:
    """Running sums over texts."""

    num_texts: int = 0
    num_bytes: int = 0
    num_words: int = 0
    num_tokens: int = 0
    num_other: int = 0
    """Tokens of the tokenizer that it is compared with."""

    def add(self, text: str, num_tokens: int, num_other: int) -> None:
        """Count one text."""
        self.num_texts += 1
        self.num_bytes += len(text.encode())
        self.num_words += count_words(text)
        self.num_tokens += num_tokens
        self.num_other += num_other

    def row(self, compared: bool) -> dict[str, Any]:
        """The sums and what follows from them."""
        row: dict[str, Any] = {"num_texts": self.num_texts, "num_bytes": self.num_bytes, "num_words": self.num_words}
        row["num_tokens"] = self.num_tokens
        row["tokens_per_word"] = ratio(self.num_tokens, self.num_words)
        row["bytes_per_token"] = ratio(self.num_bytes, self.num_tokens)
        row["tokens_per_byte"] = ratio(self.num_tokens, self.num_bytes)
        if compared:
            row["mistral_tokens"] = self.num_other
            row["mistral_tokens_per_word"] = ratio(self.num_other, self.num_words)
            row["mistral_bytes_per_token"] = ratio(self.num_bytes, self.num_other)
        return row


def ratio(above: float, below: float) -> float | None:
    """A quotient with four decimals; None where there is nothing to divide by."""
    return round(above / below, 4) if below else None


@dataclass
class Trip:
    """Whether texts come back from their tokens."""

    num_texts: int = 0
    num_failed: int = 0
    num_space_sign: int = 0
    """Failed texts that hold a literal U+2581, which stands for the space inside the vocabulary."""
    num_unknown: int = 0
    """Unknown tokens."""

    def add(self, tokenizer: Tokenizer, texts: Sequence[str], ids: Sequence[np.ndarray], unk_id: int | None) -> None:
        """Decode and compare."""
        for text, row, back in zip(texts, ids, decode_batch(tokenizer, ids), strict=True):
            self.num_texts += 1
            self.num_unknown += int(np.count_nonzero(row == unk_id)) if unk_id is not None else 0
            if back != text:
                self.num_failed += 1
                self.num_space_sign += "▁" in text

    def row(self) -> dict[str, int]:
        """The counts."""
        return dict(vars(self))


def fertility(
    tokenizer: Tokenizer,
    other: Tokenizer | None,
    texts: Iterable[tuple[str, str, Sequence[str]]],
) -> tuple[list[dict[str, Any]], Trip]:
    """The fertility table over texts given as (language, source, batch of texts).

    Returns:
        Rows by language and source, a language's sum first (source null), and the round trip of all texts.
    """
    tallies: dict[tuple[str, str | None], Tally] = {}
    trip = Trip()
    unk_id = tokenizer.token_to_id("<unk>")
    for language, source, batch in texts:
        ids = encode_batch(tokenizer, batch, parse_special=False)
        others = encode_batch(other, batch, parse_special=False) if other else [()] * len(batch)
        trip.add(tokenizer, batch, ids, unk_id)
        for text, row, compared in zip(batch, ids, others, strict=True):
            for key in ((language, None), (language, source)):
                tallies.setdefault(key, Tally()).add(text, len(row), len(compared))
    order = sorted(tallies, key=lambda key: (key[0], key[1] or ""))
    rows = [{"language": key[0], "source": key[1], **tallies[key].row(other is not None)} for key in order]
    return rows, trip


def parity(tokenizer: Tokenizer, other: Tokenizer | None, sides: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """Tokens that two languages need for the same content.

    Args:
        tokenizer: The tokenizer asked about.
        other: The one it is compared with.
        sides: Two languages, line n of one translating line n of the other.

    Returns:
        None where there is no pair.
    """
    (first, left), (second, right) = sides.items()
    if not left:
        return None
    result: dict[str, Any] = {"languages": [first, second], "num_pairs": len(left)}
    result["bytes"] = ratio(_bytes(left), _bytes(right))
    result["words"] = ratio(sum(map(count_words, left)), sum(map(count_words, right)))
    for name, one in (("tokens", tokenizer), ("mistral_tokens", other)):
        if one is not None:
            sums = [sum(map(len, encode_batch(one, side, parse_special=False))) for side in (left, right)]
            result[name] = ratio(*sums)
    return result


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def vocabulary_by_language(
    tokenizer: Tokenizer, folders: Sequence[Path], *, first_piece: int, owner_share: float = 0.8
) -> list[dict[str, Any]]:
    """Which language the learned tokens serve in the training shards.

    A token belongs to a language when that language has at least `owner_share` of its occurrences after every language
    is given the same weight; it is `shared` otherwise, and `unused` when it never occurs.

    Returns:
        Rows with language (or shared, unused), num_tokens (vocabulary entries), share of the learned vocabulary, and
        the most frequent examples.
    """
    counts: dict[str, np.ndarray] = {}
    size = tokenizer.get_vocab_size()
    for folder in folders:
        shards = TokenShards(folder)
        index = shards.index
        for start, stop in _spans(index.num_tokens):
            first, end = index.offset[start], index.offset[stop - 1] + index.num_tokens[stop - 1]
            ids = shards.ids(int(first), int(end - first))
            owner = np.repeat(index.language[start:stop], index.num_tokens[start:stop])
            for number, language in enumerate(index.languages):
                seen = np.bincount(ids[owner == number], minlength=size)
                counts[language] = counts.get(language, 0) + seen
    languages = sorted(counts)
    if not languages:
        return []
    table = np.stack([counts[language] for language in languages]).astype(np.float64)
    rates = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    weight = rates.sum(axis=0)
    part = rates / np.where(weight > 0, weight, 1)
    owner = np.where(part.max(axis=0) >= owner_share, part.argmax(axis=0), len(languages))
    owner[weight == 0] = len(languages) + 1
    rows = []
    for number, name in enumerate((*languages, "shared", "unused")):
        members = np.flatnonzero(owner[first_piece:] == number) + first_piece
        frequent = members[np.argsort(-weight[members], kind="stable")][:20]
        rows.append(
            {
                "language": name,
                "num_tokens": len(members),
                "share": ratio(len(members), size - first_piece),
                "examples": [tokenizer.id_to_token(int(token)) for token in frequent],
            }
        )
    return rows


def _spans(num_tokens: np.ndarray, limit: int = 1 << 24) -> Iterable[tuple[int, int]]:
    """Ranges of documents of about `limit` tokens each."""
    start, total = 0, 0
    for number, size in enumerate(num_tokens):
        total += int(size)
        if total >= limit:
            yield start, number + 1
            start, total = number + 1, 0
    if start < len(num_tokens):
        yield start, len(num_tokens)
