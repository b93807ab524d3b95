"""Bits per byte on held-out text while a model trains: the same windows each time.

Shapes: W windows, T tokens.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.permutation import key_of, permuted
from fournil.parts.train.streams import DocumentStream

ROWS = 16
"""Windows that go through the model at a time."""


def bits_per_byte(
    folder: Path, groups: Sequence[str], *, context_length: int, max_tokens: int, seed: int
) -> Callable[[Llama], dict[str, float]]:
    """Prepare a validation.

    A window is a stretch of documents that follow one another, read as in training; bytes of a document count in
    proportion to the tokens of it that are in a window.

    Args:
        folder: Shards of held-out documents.
        groups: Languages (and "code") to report; those without held-out text are left out.
        context_length: Tokens of a window.
        max_tokens: Tokens of each group.
        seed: Of the choice of windows.

    Returns:
        A function that gives bits per byte by group.
    """
    shards = TokenShards(folder)
    index = shards.index
    prepared: dict[str, tuple[torch.Tensor, float]] = {}
    for group in groups:
        if group not in index.languages:
            continue
        rows = np.flatnonzero(index.language == index.languages.index(group))
        stream = DocumentStream(shards, group, "held-out", rows)
        count = stream.num_tokens // (context_length + 1)
        if not count:
            continue
        wanted = np.arange(min(count, max(1, max_tokens // context_length)))
        starts = np.sort(permuted(wanted, count, key_of("validation", seed, group))) * (context_length + 1)
        windows_WT = np.stack([stream.window(int(start), context_length + 1, 0) for start in starts])
        ratio = index.num_bytes[rows] / index.num_tokens[rows]
        num_bytes = sum(
            float(ratio[item]) * (end - begin)
            for start in starts
            for item, begin, end in stream.arcs(int(start) + 1, context_length)
        )
        prepared[group] = (torch.from_numpy(windows_WT), num_bytes)

    def validate(model: Llama) -> dict[str, float]:
        return {
            group: _nats(model, windows_WT) / math.log(2) / num_bytes
            for group, (windows_WT, num_bytes) in prepared.items()
        }

    return validate


@torch.no_grad()
def _nats(model: Llama, windows_WT: torch.Tensor) -> float:
    total = 0.0
    for part in windows_WT.split(ROWS):
        part = part.to(model.embedding.device)
        total += float(model.loss(part[:, :-1], part[:, 1:]).double().sum())
    return total
