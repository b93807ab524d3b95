"""The audit as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table


def tables(found: dict[str, Any]) -> Iterator[Table | str]:
    """What `audit` found, as tables and lines for rich."""
    yield escape(f"{found['tokenizer']}: {found['vocab_size']:,} tokens")
    yield _fertility(found)
    if found["parity"] is not None:
        yield _parity(found["parity"])
    yield _typography(found)
    cut = "single digits" if found["digits"]["single"] else "groups of digits"
    yield f"Numbers are cut into {cut}: " + ", ".join(f"{n} → {size}" for n, size in found["digits"]["tokens"].items())
    for row in found["languages"]:
        if row["first_failed"]:
            yield escape(f"First line ({row['language']}) that does not come back: {row['first_failed']!r}")


def _fertility(found: dict[str, Any]) -> Table:
    table = Table(title="Fertility")
    table.add_column("")
    rows = found["languages"]
    for row in rows:
        table.add_column(row["language"], justify="right")
    table.add_row("words", *(f"{row['num_words']:,}" for row in rows))
    table.add_row("tokens", *(f"{row['num_tokens']:,}" for row in rows))
    table.add_row("tokens per word", *(_number(row["tokens_per_word"]) for row in rows))
    table.add_row("bytes per token", *(_number(row["bytes_per_token"]) for row in rows))
    whole = [row["share_of_words_whole"] for row in rows]
    table.add_row("words in one token", *("–" if share is None else f"{share:.1%}" for share in whole))
    table.add_row("lines that do not come back", *(f"{row['num_failed']:,}" for row in rows))
    table.add_row("unknown tokens", *(f"{row['num_unknown']:,}" for row in rows))
    other = found["compared_with"]
    if other is not None:
        name = f"{other['name']} ({other['vocab_size']:,})"
        table.add_section()
        table.add_row(f"{name}, tokens per word", *(_number(row["mistral_tokens_per_word"]) for row in rows))
        table.add_row(f"{name}, bytes per token", *(_number(row["mistral_bytes_per_token"]) for row in rows))
    return table


def _parity(row: dict[str, Any]) -> Table:
    first, second = row["languages"]
    table = Table(title=f"Parity: {first} / {second} on the same {row['num_pairs']:,} lines")
    names = [name for name in ("tokens", "mistral_tokens", "bytes", "words") if name in row]
    for name in names:
        table.add_column({"mistral_tokens": "tokens, Mistral"}.get(name, name), justify="right")
    table.add_row(*(_number(row[name]) for name in names))
    return table


def _typography(found: dict[str, Any]) -> Table:
    table = Table(title="French signs")
    for name in ("sign", "tokens it costs", "kept", "phrase", "tokens"):
        table.add_column(name)
    for row in found["typography"]:
        kept = "yes" if row["kept"] else "no"
        table.add_row(row["name"], str(row["sign_tokens"]), kept, row["phrase"], " ".join(map(_visible, row["tokens"])))
    return table


def _visible(token: str) -> str:
    return escape(token.replace("\u00a0", "⍽").replace("\u202f", "⍽"))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
