"""Log-likelihoods by our own Llama: each shared beginning is read once, and only needed rows reach the output layer.

Shapes: T tokens of one pass, S tokens to look at, M rows of the output layer, V vocabulary, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from fournil.parts.model.attention import Cache
from fournil.parts.model.transformer import Llama
from fournil.parts.scoring import tree
from fournil.parts.scoring.grouped import MAX_PAST, GroupedCache, groups_of
from fournil.parts.scoring.requests import Request
from fournil.parts.scoring.rows import Rows

MAX_TRUNK = 2048
"""Tokens of a kept trunk read at a time."""

BLOCK_TOKENS = 1 << 21
"""Tokens of the requests that one tree is made of."""


def pass_tokens(device: str) -> int:
    """How many tokens a pass should have: enough to use the machine, few enough that masks stay small."""
    return 512 if torch.device(device).type == "cpu" else 8192


@torch.inference_mode()
def score(
    model: Llama,
    requests: Sequence[Request],
    *,
    max_tokens: int,
    advance: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods [N] (nats, float64) and whether each continuation is the greedy one [N].

    Args:
        model: The model.
        requests: In any order; what they share is found here.
        max_tokens: Of one pass, about.
        advance: Called with numbers of requests finished.
    """
    values, greedy = np.zeros(len(requests)), np.ones(len(requests), dtype=bool)
    for block in _blocks(requests):
        rows = Rows([requests[i] for i in block])
        found = tree.sort([requests[i].ids for i in block])
        _read(model, found, tree.grow(found), rows, max_tokens, advance)
        values[block], greedy[block] = rows.values, rows.greedy
    return values, greedy


def _blocks(requests: Sequence[Request]) -> Iterator[list[int]]:
    block: list[int] = []
    num_tokens = 0
    for i, request in enumerate(requests):
        block.append(i)
        num_tokens += len(request.ids)
        if num_tokens >= BLOCK_TOKENS:
            yield block
            block, num_tokens = [], 0
    if block:
        yield block


def _read(
    model: Llama,
    found: tree.Sorted,
    root: tree.Node,
    rows: Rows,
    max_tokens: int,
    advance: Callable[[int], None] | None,
) -> None:
    device = model.embedding.device
    longest = max(map(len, found.sequences))
    cache = Cache(model.config, 1, longest + max_tokens, dtype=model.embedding.dtype, device=device)
    for reading in tree.passes(root, max_tokens):
        hidden_TD = read(model, cache, found.sequences, reading)
        num_done, start = 0, 0
        for node in reading.nodes:
            for place in range(node.low, node.high):
                num_done += rows.want(found.members[place], node.start, node.end, start)
            start += node.end - node.start
        vocab_size = model.output_weight.shape[0]
        rows.answer(vocab_size, lambda wanted, of=hidden_TD: model.logits(of[wanted.to(of.device)]))
        if advance is not None and num_done:
            advance(num_done)


def read(model: Llama, cache: Cache, sequences: Sequence[np.ndarray], reading: tree.Pass) -> Tensor:
    """Read one pass, and give the last stream of its tokens, [T, D].

    Args:
        model: The model.
        cache: What was read before; afterwards it ends with this pass, also when nothing of it shall stay.
        sequences: Sorted ones, whose numbers the pass's nodes hold.
        reading: The pass.
    """
    device = model.embedding.device
    cache.truncate(reading.past)
    ids = np.concatenate([sequences[node.high - 1][node.start : node.end] for node in reading.nodes])
    cache.reserve(reading.past + len(ids))
    chain = all(parent == n - 1 for n, parent in enumerate(reading.parents))
    if chain:
        parts = torch.from_numpy(ids).long().to(device).split(MAX_TRUNK)
        return torch.cat([model(part[None], cache=cache)[0] for part in parts])
    grouped = device.type == "cpu" and reading.past <= MAX_PAST
    branches = GroupedCache(cache, groups_of(reading)) if grouped else cache
    mask = None if grouped else tree.mask_of(reading)
    places = np.concatenate([np.arange(node.start, node.end) for node in reading.nodes])
    hidden_TD = model(
        torch.from_numpy(ids).long().to(device)[None],
        positions_BT=torch.from_numpy(places).to(device)[None],
        cache=branches,
        mask=None if mask is None else torch.from_numpy(mask).to(device)[None, None],
    )[0]
    cache.length = branches.length
    return hidden_TD
