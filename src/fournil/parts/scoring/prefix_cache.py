"""A cache whose rows share one beginning: its keys and values are kept, and read, once for all rows.

Shapes: B rows, H query heads, K key/value heads, G = H / K, C head width, P tokens of the shared beginning, S own
tokens of the rows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fournil.parts.model.attention import Cache
from fournil.parts.model.config import ModelConfig


class PrefixCache(Cache):
    """The rows' own tokens behind a shared beginning; it reads one new token a row at a time.

    Args:
        config: The model's.
        shared: Holds the beginning, as the only row of a plain cache.
        batch: Rows.
        capacity: Own tokens that a row may have.
    """

    def __init__(self, config: ModelConfig, shared: Cache, batch: int, capacity: int) -> None:
        super().__init__(config, batch, capacity, dtype=shared.store.dtype, device=shared.store.device)
        self.shared = shared.store[:, :, 0, :, : shared.length]

    def attend(
        self, layer: int, q_BHTC: Tensor, k_BKTC: Tensor, v_BKTC: Tensor, mask: Tensor | None, causal: bool
    ) -> Tensor:
        """Look at the shared beginning and at the row's own tokens, [B, H, 1, C]; `mask` is over the own ones."""
        B, H, T, C = q_BHTC.shape
        if self.shared.shape[3] == 0 or T != 1:
            assert self.shared.shape[3] == 0, "rows behind a shared beginning read one token at a time"
            return super().attend(layer, q_BHTC, k_BKTC, v_BKTC, mask, causal)
        k_BKSC, v_BKSC = self.extend(layer, k_BKTC, v_BKTC)
        k_KPC, v_KPC = self.shared[layer]
        K, P = k_KPC.shape[:2]
        q_BKGC = q_BHTC.view(B, K, H // K, C) * C**-0.5
        q_KNC = q_BKGC.transpose(0, 1).reshape(K, -1, C)
        shared_BKGP = (q_KNC @ k_KPC.transpose(1, 2)).view(K, B, H // K, P).transpose(0, 1)
        own_BKGS = q_BKGC @ k_BKSC.transpose(2, 3)
        if mask is not None:
            own_BKGS = own_BKGS.masked_fill(~mask, float("-inf"))
        weights = torch.softmax(torch.cat((shared_BKGP, own_BKGS), dim=3), dim=-1, dtype=torch.float32)
        shared_BKGP, own_BKGS = weights.to(q_BHTC.dtype).split((P, own_BKGS.shape[3]), dim=3)
        seen_KNC = shared_BKGP.transpose(0, 1).reshape(K, -1, P) @ v_KPC
        seen_BKGC = seen_KNC.view(K, B, H // K, C).transpose(0, 1) + own_BKGS @ v_BKSC
        return seen_BKGC.reshape(B, H, 1, C)
