"""How much text a token holds: tokens per word and per byte, parity between languages, what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from tokenizers import Tokenizer

from fournil.parts.tokenize import Encoder, decode_batch
from fournil.stages.tokenizer.references import Reference


def count_words(text: str) -> int:
    """Stretches between white space that hold a letter or a digit: « aujourd’hui » is one word, « : » is none."""
    return sum(any(map(str.isalnum, stretch)) for stretch in text.split())


@dataclass
class Tally:
    """Running sums over texts."""

    num_texts: int = 0
    num_bytes: int = 0
    num_words: int = 0
    num_tokens: int = 0
    num_others: dict[str, int] = field(default_factory=dict)
    """Tokens of the tokenizers that it is compared with, by their keys."""

    def add(self, text: str, num_tokens: int, num_others: Mapping[str, int]) -> None:
        """Count one text."""
        self.num_texts += 1
        self.num_bytes += len(text.encode())
        self.num_words += count_words(text)
        self.num_tokens += num_tokens
        for key, number in num_others.items():
            self.num_others[key] = self.num_others.get(key, 0) + number

    def row(self) -> dict[str, Any]:
        """The sums and what follows from them."""
        row: dict[str, Any] = {"num_texts": self.num_texts, "num_bytes": self.num_bytes, "num_words": self.num_words}
        row["num_tokens"] = self.num_tokens
        row["tokens_per_word"] = ratio(self.num_tokens, self.num_words)
        row["bytes_per_token"] = ratio(self.num_bytes, self.num_tokens)
        row["tokens_per_byte"] = ratio(self.num_tokens, self.num_bytes)
        for key, number in self.num_others.items():
            row[f"{key}_tokens"] = number
            row[f"{key}_tokens_per_word"] = ratio(number, self.num_words)
            row[f"{key}_bytes_per_token"] = ratio(self.num_bytes, number)
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


class Batch(NamedTuple):
    """Texts of one language and source."""

    language: str
    kind: str
    """The source's category."""
    source: str
    texts: Sequence[str]


def fertility(
    tokenizer: Tokenizer, others: Sequence[Reference], batches: Iterable[Batch]
) -> tuple[list[dict[str, Any]], Trip]:
    """The fertility table.

    Args:
        tokenizer: The one asked about.
        others: Those that it is compared with.
        batches: The texts.

    Returns:
        Rows by language, kind of text and source, sums before their parts (a language's has no kind and no source, a
        kind's no source), and the round trip of all texts.
    """
    tallies: dict[tuple[str, str, str], Tally] = {}
    trip = Trip()
    unk_id = tokenizer.token_to_id("<unk>")
    encoder = Encoder(tokenizer)
    for language, kind, source, texts in batches:
        ids = encoder.encode(texts)
        trip.add(tokenizer, texts, ids, unk_id)
        theirs = {other.key: other.encoder.encode(texts) for other in others}
        for number, (text, row) in enumerate(zip(texts, ids, strict=True)):
            lengths = {key: len(rows[number]) for key, rows in theirs.items()}
            for key in {(language, "", ""), (language, kind, ""), (language, kind, source)}:
                tallies.setdefault(key, Tally()).add(text, len(row), lengths)
    named = ("language", "kind", "source")
    rows = [
        {**{name: part or None for name, part in zip(named, key, strict=True)}, **tallies[key].row()}
        for key in sorted(tallies)
    ]
    return rows, trip


def parity(
    tokenizer: Tokenizer, others: Sequence[Reference], sides: Mapping[str, Sequence[str]]
) -> dict[str, Any] | None:
    """Tokens that two languages need for the same content.

    Args:
        tokenizer: The tokenizer asked about.
        others: Those that it is compared with.
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
    encoders = {"tokens": Encoder(tokenizer)} | {f"{other.key}_tokens": other.encoder for other in others}
    for name, encoder in encoders.items():
        result[name] = ratio(*(sum(map(len, encoder.encode(side))) for side in (left, right)))
    return result


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)
