"""Bits per byte on held-out text while a model trains, by language and by source: the same windows each time.

Shapes: W windows, T tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.permutation import key_of, permuted
from fournil.parts.train.streams import DocumentStream, texts_in_rows
from fournil.parts.train.world import ALONE, World

ROWS = 16
"""Windows that go through the model at a time, at most."""
TOKENS = 1 << 16
"""Tokens of them, at most, unless one window alone has more."""


@dataclass(frozen=True)
class _Group:
    """The windows of a language (or "code"), and what is known of each of their tokens."""

    windows_WT: torch.Tensor
    """One more token than is scored."""
    texts_WT: torch.Tensor
    """Which of its window's texts each token that is read belongs to."""
    sources_WT: torch.Tensor
    """Which source each scored token comes from, as a number."""
    sources: list[str]
    num_bytes: list[float]
    """Of each source, in proportion to the tokens that are scored."""


class Validation:
    """Measures a model on the same windows each time.

    A window is a stretch of documents that follow one another, read as in training; bytes of a document count in
    proportion to the tokens of it that are in a window. Several processes divide the windows among themselves.
    """

    def __init__(
        self,
        folder: Path,
        groups: Sequence[str],
        *,
        context_length: int,
        max_tokens: int,
        seed: int,
        apart: bool = False,
        world: World = ALONE,
    ) -> None:
        """Choose windows.

        Args:
            folder: Shards of held-out documents.
            groups: Languages (and "code") to report; those without held-out text are left out.
            context_length: Tokens of a window.
            max_tokens: Tokens of each group, in whole windows, at least one; 0: none.
            seed: Of the choice of windows.
            apart: Documents that share a window do not look at each other.
            world: The processes that train the model; all of them call.
        """
        self.world, self._apart = world, apart
        self.by_source: dict[str, dict[str, dict[str, float]]] = {}
        """What the last call found: language -> source -> bits_per_byte, and the bytes that it was measured on."""
        shards = TokenShards(folder)
        self._groups = {
            group: _group(shards, group, context_length, max_tokens, seed)
            for group in groups
            if group in shards.index.languages
        }

    def __call__(self, model: Llama) -> dict[str, float]:
        """Return bits per byte by group, the same on all processes."""
        scores: dict[str, float] = {}
        self.by_source = {}
        for name, group in self._groups.items():
            if group is None:
                continue
            whole, *parts = self.world.sums(self._nats(model, group))
            scores[name] = whole / math.log(2) / sum(group.num_bytes)
            self.by_source[name] = {
                source: {"bits_per_byte": nats / math.log(2) / num_bytes, "bytes": round(num_bytes)}
                for source, nats, num_bytes in zip(group.sources, parts, group.num_bytes, strict=True)
                if num_bytes
            }
        return scores

    @torch.no_grad()
    def _nats(self, model: Llama, group: _Group) -> list[float]:
        """This process's share of the windows: the sum over all tokens, and over those of each source."""
        device = model.embedding.device
        ranks, rank = self.world.ranks, self.world.rank
        total, by_source = 0.0, torch.zeros(len(group.sources), dtype=torch.float64)
        # Each process calls the model as often, as one that is spread over them asks: some read a part a second time.
        rows = max(1, min(ROWS, TOKENS // group.sources_WT.shape[1]))
        passes = math.ceil(math.ceil(len(group.windows_WT) / rows) / ranks)
        parts = list(zip(group.windows_WT.split(rows), group.sources_WT.split(rows), strict=True))
        texts = group.texts_WT.split(rows) if self._apart else None
        for number in range(passes):
            place = number * ranks + rank
            windows_WT, sources_WT = parts[min(place, len(parts) - 1)]
            windows_WT = windows_WT.to(device)
            texts_WT = None if texts is None else texts[min(place, len(parts) - 1)].to(device)
            losses_WT = model.loss(windows_WT[:, :-1], windows_WT[:, 1:], texts_WT).double()
            if place < len(parts):
                total += float(losses_WT.sum())
                flat = losses_WT.cpu().flatten()
                by_source += torch.bincount(sources_WT.flatten(), weights=flat, minlength=len(group.sources))
        return [total, *by_source.tolist()]


def _group(shards: TokenShards, group: str, context_length: int, max_tokens: int, seed: int) -> _Group | None:
    """The windows of a language; None where none is wanted, or there is not enough text for one."""
    index = shards.index
    rows = np.flatnonzero(index.language == index.languages.index(group))
    stream = DocumentStream(shards, group, "held-out", rows)
    count = stream.num_tokens // (context_length + 1)
    if not count or not max_tokens:
        return None
    wanted = np.arange(min(count, max(1, max_tokens // context_length)))
    starts = np.sort(permuted(wanted, count, key_of("validation", seed, group))) * (context_length + 1)
    windows_WT = np.stack([stream.window(int(start), context_length + 1, 0) for start in starts])
    ratio = index.num_bytes[rows] / index.num_tokens[rows]
    source = index.source[rows]
    num_bytes = np.zeros(len(index.sources))
    sources = np.empty((len(starts), context_length), dtype=np.int64)
    for line, start in zip(sources, starts, strict=True):
        done = 0
        for item, begin, end in stream.arcs(int(start) + 1, context_length):
            line[done : done + end - begin] = source[item]
            num_bytes[source[item]] += ratio[item] * (end - begin)
            done += end - begin
    texts_WT = torch.from_numpy(texts_in_rows(windows_WT[:, :-1], shards.eos_id))
    return _Group(
        torch.from_numpy(windows_WT), texts_WT, torch.from_numpy(sources), list(index.sources), num_bytes.tolist()
    )
