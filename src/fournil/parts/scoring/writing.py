"""Answers written by our own Llama: what prompts share is read once, and finished rows leave.

Shapes: B rows still being written, P tokens of the beginning that all prompts share, S own tokens of the longest row,
D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from fournil.parts.model.attention import Cache
from fournil.parts.model.generate import GREEDY, Sampling, choose, dice_of
from fournil.parts.model.transformer import Llama
from fournil.parts.scoring import tree
from fournil.parts.scoring.llama import read
from fournil.parts.scoring.prefix_cache import PrefixCache
from fournil.parts.scoring.requests import Prompt
from fournil.parts.scoring.stops import Ending

MIN_SHARED = 16
"""A shorter common beginning is read by each row."""

MAX_ROWS = 32

CACHE_BYTES = 2 << 30
"""The most that the rows' own keys and values take."""

LEAVING_SHARE = 0.75
"""Finished rows leave when the others are at most this share of all: leaving copies what stays."""


@torch.inference_mode()
def write(
    model: Llama,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    *,
    stop_ids: frozenset[int],
    sampling: Sampling = GREEDY,
    max_tokens: int,
    advance: Callable[[int], None] | None = None,
) -> list[list[int]]:
    """Write on from each prompt until a stop id, a stop string or its limit; the stop id is left out.

    Args:
        model: The model.
        tokenizer: Its tokenizer, which says where stop strings are.
        prompts: At least one token each.
        stop_ids: End a text.
        sampling: Greedy or sampled.
        max_tokens: Of one pass over the prompts, about.
        advance: Called with numbers of prompts finished.
    """
    written: list[list[int]] = [[] for _ in prompts]
    if not prompts:
        return written
    sequences = [prompt.ids for prompt in prompts]
    length = num_shared(sequences)
    shared = Cache(model.config, 1, length + max_tokens, dtype=model.embedding.dtype, device=model.embedding.device)
    if length:
        read(model, shared, [sequences[0]], tree.Pass(0, [tree.Node(0, length, 0, 1)], [-1], keep=True))
    order = sorted(range(len(prompts)), key=lambda i: (-len(sequences[i]), i))
    place = 0
    while place < len(order):
        first = prompts[order[place]]
        rows = _num_rows(model, len(first.ids) - length + max(prompt.max_new_tokens for prompt in prompts))
        chosen = order[place : place + rows]
        place += len(chosen)
        shared.truncate(length)
        batch = _Batch(model, tokenizer, [prompts[i] for i in chosen], shared, stop_ids, sampling, max_tokens)
        for i, ids in zip(chosen, batch.run(advance), strict=True):
            written[i] = ids
    return written


def num_shared(sequences: Sequence[np.ndarray]) -> int:
    """Tokens that all prompts begin with, at least one of each left over; 0 if they are few or there is one prompt."""
    low = min(sequences, key=lambda ids: ids.astype(">u4").tobytes())
    high = max(sequences, key=lambda ids: ids.astype(">u4").tobytes())
    common = min(tree.num_shared(low, high), min(map(len, sequences)) - 1)
    return common if common >= MIN_SHARED and len(sequences) > 1 else 0


def _num_rows(model: Llama, num_tokens: int) -> int:
    config = model.config
    per_token = (
        2 * config.num_hidden_layers * config.key_value_heads * config.head_width * model.embedding.element_size()
    )
    return int(min(MAX_ROWS, max(1, CACHE_BYTES // (per_token * num_tokens))))


class _Batch:
    """Prompts written on together."""

    def __init__(
        self,
        model: Llama,
        tokenizer: Tokenizer,
        prompts: Sequence[Prompt],
        shared: Cache,
        stop_ids: frozenset[int],
        sampling: Sampling,
        max_tokens: int,
    ) -> None:
        self.model, self.prompts, self.stop_ids, self.sampling = model, prompts, stop_ids, sampling
        self.endings = [Ending(tokenizer, prompt.stops) for prompt in prompts]
        self.written: list[list[int]] = [[] for _ in prompts]
        self.past = shared.length
        self.longest = max(len(prompt.ids) for prompt in prompts) - self.past
        room = max(prompt.max_new_tokens for prompt in prompts)
        self.cache = PrefixCache(model.config, shared, len(prompts), self.longest + room)
        self.last_BD = self._read_prompts(shared, max_tokens)
        self.cache.advance(self.longest)

    def _read_prompts(self, shared: Cache, max_tokens: int) -> Tensor:
        """Read what is the prompts' own, each shared stretch once, and copy its keys and values to their rows.

        Returns:
            The last stream of each prompt's last token, [B, D].
        """
        found = tree.sort([prompt.ids for prompt in self.prompts])
        root = tree.grow(found)
        root.start, root.num_tokens = self.past, root.num_tokens - self.past
        last_BD = self.model.embedding.new_empty(len(self.prompts), self.model.config.hidden_size)
        for reading in tree.passes(root, max_tokens):
            hidden_TD = read(self.model, shared, found.sequences, reading)
            column = 0
            for node in reading.nodes:
                length = node.end - node.start
                taken = shared.store[:, :, 0, :, reading.past + column : reading.past + column + length]
                for place in range(node.low, node.high):
                    num = len(found.sequences[place])
                    for row in found.members[place]:
                        # an extended trunk is longer than the shortest of its members
                        end = min(node.end, num)
                        begin = node.start + self.longest - (num - self.past) - self.past
                        if end <= node.start:
                            continue
                        kept = end - node.start
                        self.cache.store[:, :, row, :, begin : begin + kept] = taken[:, :, :, :kept]
                        if node.start < num <= node.end:
                            last_BD[row] = hidden_TD[column + num - 1 - node.start]
                column += length
        return last_BD

    def run(self, advance: Callable[[int], None] | None) -> list[list[int]]:
        model, device = self.model, self.model.embedding.device
        rows = list(range(len(self.prompts)))
        dice = [dice_of(self.sampling, prompt.ids.tolist()) for prompt in self.prompts]
        lengths = [len(prompt.ids) for prompt in self.prompts]
        positions_B = torch.tensor(lengths, device=device)
        own = np.arange(self.longest)[None] >= self.longest - (np.array(lengths) - self.past)[:, None]
        real_BS = torch.from_numpy(own).to(device)
        hidden_BD, cache = self.last_BD, self.cache
        num_left = len(rows)
        while True:
            tokens_B = choose(model.logits(hidden_BD), self.sampling, dice)
            going = [self._take(row, token) for row, token in zip(rows, tokens_B.tolist(), strict=True)]
            if advance is not None and sum(going) < num_left:
                advance(num_left - sum(going))
            num_left = sum(going)
            if not num_left:
                return self.written
            if num_left <= LEAVING_SHARE * len(rows):
                kept = torch.tensor([i for i, on in enumerate(going) if on], device=device)
                cache, tokens_B = cache.select(kept), tokens_B[kept]
                real_BS, positions_B = real_BS[kept], positions_B[kept]
                rows, dice = [rows[i] for i in kept.tolist()], [dice[i] for i in kept.tolist()]
            real_BS = torch.cat((real_BS, real_BS.new_ones(len(rows), 1)), dim=1)
            hidden_BD = model(
                tokens_B[:, None], positions_BT=positions_B[:, None], cache=cache, mask=real_BS[:, None, None, :]
            )[:, -1]
            positions_B = positions_B + 1

    def _take(self, row: int, token: int) -> bool:
        """Write a token down; whether the row goes on. A row that has ended stays so."""
        written, limit = self.written[row], self.prompts[row].max_new_tokens
        if self.endings[row].done or token in self.stop_ids or len(written) >= limit:
            self.endings[row].done = True
            return False
        written.append(token)
        self.endings[row].done = len(written) >= limit or self.endings[row].reached(written)
        return not self.endings[row].done
