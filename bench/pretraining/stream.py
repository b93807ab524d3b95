"""Real French and English text as token shards, and what a model knows of the part held out."""

import itertools
import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from curating.corpus import texts
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, document_row
from fournil.core.shards import ShardWriter
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.shards import TokenShards
from fournil.stages import tokenizer as tokenizer_stage

LANGUAGES = ("fr", "en")
TRAIN_MB, HELDOUT_MB = 12.0, 0.5
"""Of each language. Held-out pieces are drawn among all: another piece of the same book may be in training."""
WINDOWS = 96
"""Held-out rows of each language on which bits per byte are measured."""


def prepared(data: Path, work: Path, vocabulary: int) -> Path:
    """A folder as stage 3 leaves it, made once.

    Args:
        data: The folder of real text.
        work: Where it is kept.
        vocabulary: How many tokens.
    """
    out = work / f"tokens-{vocabulary}-{TRAIN_MB:g}"
    if (out / "done").exists():
        return out
    curated = out / "02-curate"
    writers = {split: ShardWriter(curated / split / "documents", DOCUMENTS) for split in ("", "heldout")}
    pieces = list(enumerate(texts(data)))
    random.Random(0).shuffle(pieces)
    sizes = dict.fromkeys(itertools.product(writers, LANGUAGES), 0.0)
    with writers[""] as train, writers["heldout"] as heldout:
        for number, (source, tag, text) in pieces:
            full = sizes["heldout", tag] >= HELDOUT_MB * 1e6
            if full and sizes["", tag] >= TRAIN_MB * 1e6:
                continue
            row = document_row(f"{source}/{number}", text, source=source, licence="CC0-1.0", language=tag)
            (train if full else heldout).write_rows([row])
            sizes["" if full else "heldout", tag] += len(text.encode())
    config = tokenizer_stage.Config(vocab_size=vocabulary, pair_share=0.0, compare=())
    tokenizer_stage.run(config, {"curate": curated}, out, Context(LANGUAGES, threads=2))
    (out / "done").touch()
    return out


def _of(shards: TokenShards, tag: str) -> np.ndarray:
    """All tokens of a language, documents one after another."""
    index = shards.index
    found = np.flatnonzero(index.language == index.languages.index(tag))
    return np.concatenate([shards.ids(int(index.offset[row]), int(index.num_tokens[row])) for row in found])


def windows(folder: Path, rows: int, length: int, seed: int) -> Iterator[torch.Tensor]:
    """Batches without end, [rows, length + 1]: as many windows of each language, where they begin drawn by chance."""
    shards = TokenShards(folder / "shards" / "train-documents")
    streams = [_of(shards, tag) for tag in LANGUAGES]
    rng = np.random.default_rng(seed)
    while True:
        picked = [
            stream[start : start + length + 1]
            for stream in streams
            for start in rng.integers(0, len(stream) - length - 1, rows // len(streams))
        ]
        yield torch.from_numpy(np.stack(picked).astype(np.int64))


@torch.no_grad()
def bits_per_byte(model: Llama, folder: Path, length: int) -> dict[str, float]:
    """Bits for each byte of held-out text, by language: the same windows for every model.

    A window's bytes are its tokens times the language's bytes for each token.
    """
    shards = TokenShards(folder / "shards" / "heldout-documents")
    index, found = shards.index, {}
    model.eval()
    for tag in LANGUAGES:
        stream = _of(shards, tag)
        rows = np.flatnonzero(index.language == index.languages.index(tag))
        bytes_per_token = float(index.num_bytes[rows].sum()) / len(stream)
        count = min(WINDOWS, (len(stream) - 1) // length)
        rows_WT = np.stack([stream[place * length : (place + 1) * length + 1] for place in range(count)])
        ids = torch.from_numpy(rows_WT.astype(np.int64))
        nats = sum(float(model.loss(part[:, :-1], part[:, 1:]).double().sum()) for part in ids.split(8))
        found[tag] = nats / math.log(2) / (count * length * bytes_per_token)
    return found
