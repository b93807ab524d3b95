"""Curated text to token shards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fournil.core.progress import Bar
from fournil.parts.tokenize import EOS_ID, Encoder, TokenShards, TokenShardWriter
from fournil.stages.tokenizer.config import Config
from fournil.stages.tokenizer.rows import Rows, read_rows


def encode_split(
    encoder: Encoder,
    place: Path,
    kind: str,
    folder: Path,
    work: Path,
    tokenizer_sha256: str,
    config: Config,
    bar: Bar,
) -> dict[str, Any]:
    """Encode one split's documents or pairs, going on after the last finished shard.

    Returns:
        num_documents, num_tokens, num_bytes, and by_language the same of each language.
    """
    writer = TokenShardWriter(
        folder,
        work,
        vocab_size=encoder.vocab_size,
        tokenizer_sha256=tokenizer_sha256,
        eos_id=EOS_ID,
        shard_tokens=config.shard_tokens,
    )
    skip = writer.num_done
    for rows in read_rows(place, kind):
        num = len(rows.ids)
        if skip < num:
            _encode(encoder, rows, skip, writer)
        skip = max(0, skip - num)
        bar.advance(len(set(rows.ids)) if kind == "pairs" else num)
    writer.close()
    return _summary(folder)


def _encode(encoder: Encoder, rows: Rows, skip: int, writer: TokenShardWriter) -> None:
    writer.write(
        encoder.encode(rows.texts[skip:]),
        names=rows.ids[skip:],
        languages=rows.languages[skip:],
        sources=rows.sources[skip:],
        num_bytes=rows.num_bytes[skip:],
    )


def _summary(folder: Path) -> dict[str, Any]:
    index = TokenShards(folder).index
    by_language = {}
    for number, language in enumerate(index.languages):
        mine = index.language == number
        by_language[language] = {
            "num_documents": int(mine.sum()),
            "num_tokens": int(index.num_tokens[mine].sum()),
            "num_bytes": int(index.num_bytes[mine].sum()),
        }
    total = {
        key: sum(entry[key] for entry in by_language.values()) for key in ("num_documents", "num_tokens", "num_bytes")
    }
    return {**total, "by_language": by_language}
