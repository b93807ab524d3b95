"""Log-likelihoods by any causal model that transformers runs: whole rows of like length, right-padded, answers cut out.

Shapes: B rows, T tokens of the longest, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from fournil.parts.model.engine import TransformersEngine
from fournil.parts.model.generate import nan_answers
from fournil.parts.scoring import tree
from fournil.parts.scoring.requests import Request


@torch.inference_mode()
def score(
    engine: TransformersEngine,
    requests: Sequence[Request],
    *,
    max_tokens: int,
    advance: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """As `fournil.parts.scoring.llama.score`; requests that read the same are read once."""
    values, greedy = np.zeros(len(requests)), np.ones(len(requests), dtype=bool)
    found = tree.sort([request.ids for request in requests])
    order = sorted(range(len(found.sequences)), key=lambda n: -len(found.sequences[n]))
    place = 0
    while place < len(order):
        longest = len(found.sequences[order[place]])
        batch = order[place : place + max(1, max_tokens // longest)]
        place += len(batch)
        ids_BT = np.zeros((len(batch), longest), dtype=np.int64)
        for row, n in enumerate(batch):
            ids_BT[row, : len(found.sequences[n])] = found.sequences[n]
        logits_BTV = engine.logits(torch.from_numpy(ids_BT).to(engine.device))
        num_done = 0
        for row, n in enumerate(batch):
            for i in found.members[n]:
                request = requests[i]
                logits_NV = logits_BTV[row, request.first : len(request.ids)].float()
                targets_N = torch.from_numpy(request.targets.astype(np.int64)).to(logits_NV.device)
                picked_N = logits_NV.gather(1, targets_N[:, None])[:, 0] - torch.logsumexp(logits_NV, dim=-1)
                values[i] = float(picked_N.double().sum())
                greedy[i] = bool((logits_NV.argmax(dim=-1) == targets_N).all())
                num_done += 1
        if np.isnan(values).any():
            raise nan_answers()
        if advance is not None:
            advance(num_done)
    return values, greedy
