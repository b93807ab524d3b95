"""Whom a vocabulary serves: which of its tokens French text uses, which English, which both, and which nobody."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.core.files import write_text
from fournil.parts.tokenize import TokenShards
from fournil.parts.tokenize.special import BYTE_TOKENS
from fournil.stages.tokenizer.fertility import ratio

SHARED, UNUSED = "shared", "unused"
OWNER_SHARE = 0.8
"""A token belongs to a language that has so much of its occurrences."""
EXAMPLES = 20


def counts_of_shards(folders: Sequence[Path], vocab_size: int) -> dict[str, np.ndarray]:
    """How often each token occurs in token shards, by language."""
    counts: dict[str, np.ndarray] = {}
    for folder in folders:
        shards = TokenShards(folder)
        index = shards.index
        for start, stop in _spans(index.num_tokens):
            first, end = index.offset[start], index.offset[stop - 1] + index.num_tokens[stop - 1]
            ids = shards.ids(int(first), int(end - first))
            owner = np.repeat(index.language[start:stop], index.num_tokens[start:stop])
            for number, language in enumerate(index.languages):
                seen = np.bincount(ids[owner == number], minlength=vocab_size)
                counts[language] = counts.get(language, 0) + seen
    return counts


def learned_ids(tokenizer: Tokenizer) -> np.ndarray:
    """The ids that were learned from text: all but special tokens and single bytes."""
    vocab = tokenizer.get_vocab()
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    special |= {vocab[token] for token in BYTE_TOKENS if token in vocab}
    return np.array(sorted(set(vocab.values()) - special), np.int64)


def serves(counts: Mapping[str, np.ndarray]) -> tuple[list[str], np.ndarray]:
    """To whom each token belongs.

    A token belongs to a language that has at least OWNER_SHARE of its occurrences after every language is given the
    same weight; it is shared otherwise, and unused when it never occurs.

    Args:
        counts: Occurrences of each token, by language.

    Returns:
        The languages, then `shared` and `unused`; and for each token a position in that list.
    """
    languages = sorted(counts)
    rates = _rates(counts, languages)
    weight = rates.sum(axis=0)
    part = rates / np.where(weight > 0, weight, 1)
    owner = np.where(part.max(axis=0) >= OWNER_SHARE, part.argmax(axis=0), len(languages))
    owner[weight == 0] = len(languages) + 1
    return [*languages, SHARED, UNUSED], owner


def vocabulary_rows(tokenizer: Tokenizer, counts: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """The learned tokens by whom they serve.

    Returns:
        Rows with language (or shared, unused), num_tokens (vocabulary entries), share of the learned vocabulary, the
        most frequent examples, and what part of each language's running text they make; none where there is no text.
    """
    if not counts:
        return []
    names, owner = serves(counts)
    languages = names[:-2]
    learned = learned_ids(tokenizer)
    rates = _rates(counts, languages)
    weight = rates.sum(axis=0)
    rows = []
    for number, name in enumerate(names):
        members = learned[owner[learned] == number]
        frequent = members[np.argsort(-weight[members], kind="stable")][:EXAMPLES]
        rows.append(
            {
                "language": name,
                "num_tokens": len(members),
                "share": ratio(len(members), len(learned)),
                "examples": [tokenizer.id_to_token(int(token)) for token in frequent],
                "running_share": {
                    language: round(float(rate[members].sum()), 4)
                    for language, rate in zip(languages, rates, strict=True)
                },
            }
        )
    return rows


def write_vocabulary(path: Path, tokenizer: Tokenizer, counts: Mapping[str, np.ndarray]) -> None:
    """Write every token with its occurrences, as tab-separated values: id, token (as JSON), whom it serves, counts."""
    names, owner = serves(counts) if counts else ([UNUSED], np.zeros(tokenizer.get_vocab_size(), np.int64))
    columns = [counts[language] for language in names[:-2]]
    lines = ["\t".join(("id", "token", "serves", *names[:-2]))]
    for number in range(tokenizer.get_vocab_size()):
        token = json.dumps(tokenizer.id_to_token(number), ensure_ascii=False)
        lines.append("\t".join((str(number), token, names[owner[number]], *(str(seen[number]) for seen in columns))))
    write_text(path, "\n".join(lines) + "\n")


def counts_of_ids(ids: Mapping[str, Iterable[np.ndarray]], vocab_size: int) -> dict[str, np.ndarray]:
    """How often each token occurs in encoded texts, by language."""
    return {
        language: np.bincount(np.concatenate([np.empty(0, np.int64), *rows]), minlength=vocab_size)
        for language, rows in ids.items()
    }


def _rates(counts: Mapping[str, np.ndarray], languages: Sequence[str]) -> np.ndarray:
    table = np.stack([counts[language] for language in languages]).astype(np.float64)
    return table / np.maximum(table.sum(axis=1, keepdims=True), 1)


def _spans(num_tokens: np.ndarray, limit: int = 1 << 24) -> Iterator[tuple[int, int]]:
    """Ranges of documents of about `limit` tokens each."""
    start, total = 0, 0
    for number, size in enumerate(num_tokens):
        total += int(size)
        if total >= limit:
            yield start, number + 1
            start, total = number + 1, 0
    if start < len(num_tokens):
        yield start, len(num_tokens)
