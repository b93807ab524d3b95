"""Log-likelihoods by any causal model that transformers runs: whole rows of like length, right-padded, answers cut out.

Shapes: B rows, T tokens of the longest, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from fournil.parts.model.engine import TransformersEngine
from fournil.parts.scoring import tree
from fournil.parts.scoring.requests import Request
from fournil.parts.scoring.rows import Rows


@torch.inference_mode()
def score(
    engine: TransformersEngine,
    requests: Sequence[Request],
    *,
    max_tokens: int,
    advance: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """As `fournil.parts.scoring.llama.score`; requests that read the same are read once."""
    scores = Rows(requests)
    found = tree.sort([request.ids for request in requests])
    order = sorted(range(len(found.sequences)), key=lambda n: -len(found.sequences[n]))
    place = 0
    while place < len(order):
        longest = len(found.sequences[order[place]])
        batch = order[place : place + max(1, max_tokens // longest)]
        place += len(batch)
        ids_BT = np.zeros((len(batch), longest), dtype=np.int64)
        num_done = 0
        for row, n in enumerate(batch):
            length = len(found.sequences[n])
            ids_BT[row, :length] = found.sequences[n]
            num_done += scores.want(found.members[n], 0, length, row * longest)
        logits_TV = engine.logits(torch.from_numpy(ids_BT).to(engine.device)).flatten(0, 1)
        scores.answer(logits_TV.shape[1], lambda rows, of=logits_TV: of[rows.to(of.device)])
        if advance is not None:
            advance(num_done)
    return scores.values, scores.greedy
