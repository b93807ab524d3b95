"""Attention of branches that are read in one pass but share little: each group looks at its own tokens alone.

Shapes: H query heads, K key/value heads, C head width, T tokens of the pass, t tokens of one group, P tokens kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fournil.parts.model.attention import Cache, attend
from fournil.parts.scoring import tree

MAX_PAST = 256
"""Behind a longer kept beginning most of the attention is spent on it, and one mask over all is faster."""


@dataclass(frozen=True)
class Group:
    """Tokens of a pass that look at none of its others."""

    start: int
    end: int
    mask: Tensor | None
    """Where they look, [t, P + t]; None: at all before, with nothing kept."""


def groups_of(reading: tree.Pass) -> list[Group]:
    """Cut a pass into its branches."""
    found: list[Group] = []
    roots = [n for n, parent in enumerate(reading.parents) if parent < 0]
    start = 0
    for root, following in zip(roots, [*roots[1:], len(reading.nodes)], strict=True):
        nodes = reading.nodes[root:following]
        parents = [max(parent - root, -1) for parent in reading.parents[root:following]]
        length = sum(node.end - node.start for node in nodes)
        mask = tree.mask_of(tree.Pass(reading.past, nodes, parents, keep=False))
        if mask is None and reading.past:
            mask = np.tri(length, reading.past + length, reading.past, dtype=bool)
        if length:
            found.append(Group(start, start + length, None if mask is None else torch.from_numpy(mask)))
        start += length
    return found


class GroupedCache(Cache):
    """A plain cache of one row, while branches are read behind what it keeps.

    Args:
        cache: The plain one; new keys and values are written there too.
        groups: Of the pass.
    """

    def __init__(self, cache: Cache, groups: list[Group]) -> None:
        self.store, self.length = cache.store, cache.length
        self.groups = groups

    def attend(
        self, layer: int, q_BHTC: Tensor, k_BKTC: Tensor, v_BKTC: Tensor, mask: Tensor | None, causal: bool
    ) -> Tensor:
        """Let each group look at what is kept and at itself, [1, H, T, C]; `mask` is not used."""
        past = self.length
        self.extend(layer, k_BKTC, v_BKTC)
        seen_BHTC = torch.empty_like(q_BHTC)
        for group in self.groups:
            part = slice(group.start, group.end)
            k_BKSC, v_BKSC = k_BKTC[:, :, part], v_BKTC[:, :, part]
            if past:
                k_BKSC = torch.cat((self.store[layer, 0, :, :, :past], k_BKSC), dim=2)
                v_BKSC = torch.cat((self.store[layer, 1, :, :, :past], v_BKSC), dim=2)
            causal = group.mask is None and group.end - group.start > 1
            seen_BHTC[:, :, part] = attend(q_BHTC[:, :, part], k_BKSC, v_BKSC, group.mask, causal)
        return seen_BHTC
