"""How well a model predicts texts: log-probabilities of tokens, bits per byte.

Shapes: B windows in a batch, T tokens of the longest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from fournil.parts.model.cross_entropy import IGNORED


class Predicts(Protocol):
    """What scoring needs of a model: Llama has it, and so has the wrapper of other architectures."""

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target in nats, [B, T]; zero where the target is -100."""
        ...


@dataclass(frozen=True)
class _Window:
    text: int
    start: int
    """The first of the text's tokens that this window predicts."""
    end: int
    first: int
    """The first token that it reads; -1 stands for the start id."""


def windows_of(num_tokens: int, context_length: int, overlap: int) -> list[tuple[int, int, int]]:
    """Cut a text so that each token is predicted once.

    Args:
        num_tokens: Of the text.
        context_length: The most tokens that a window reads.
        overlap: Tokens before its first prediction that a later window reads again, beside the one just before.

    Returns:
        (first token read, -1 for the start id; first predicted; end of predicted) of each window.
    """
    if not 0 <= overlap < context_length:
        raise ValueError(f"overlap is {overlap}, it must be from 0 to {context_length - 1}")
    windows = []
    start = 0
    while start < num_tokens:
        first = max(-1, start - 1 - overlap)
        end = min(num_tokens, first + 1 + context_length)
        windows.append((first, start, end))
        start = end
    return windows


@torch.inference_mode()
def token_log_probabilities(
    model: Predicts,
    texts: Sequence[np.ndarray],
    *,
    start_id: int,
    context_length: int,
    overlap: int = 0,
    batch_tokens: int = 4096,
    device: str = "cpu",
    advance: Callable[[int], None] | None = None,
) -> list[np.ndarray]:
    """The log-probability of every token of every text, in nats, each predicted once (rolling windows).

    The first window of a text reads `start_id` and then the text; later ones begin with the token before their first
    prediction, and `overlap` tokens more. Windows are sorted by length, so that little is padded.

    Args:
        model: Predicts.
        texts: Token ids of each text.
        start_id: What stands before a text: the id that begins texts, or else the one that ends them.
        context_length: The most tokens that the model reads at once.
        overlap: See `windows_of`.
        batch_tokens: Tokens in a batch, padding included.
        device: Where the model is.
        advance: Called with the number of tokens just scored.

    Returns:
        One float64 array for each text, as long as the text.
    """
    scores = [np.empty(len(ids), dtype=np.float64) for ids in texts]
    windows = [
        _Window(text, start, end, first)
        for text, ids in enumerate(texts)
        for first, start, end in windows_of(len(ids), context_length, overlap)
    ]
    windows.sort(key=lambda window: (window.first - window.end, window.text, window.start))
    place = 0
    while place < len(windows):
        longest = windows[place].end - 1 - windows[place].first
        batch = windows[place : place + max(1, batch_tokens // longest)]
        place += len(batch)
        ids_BT = np.zeros((len(batch), longest), dtype=np.int64)
        targets_BT = np.full((len(batch), longest), IGNORED, dtype=np.int64)
        for row, window in enumerate(batch):
            ids, length = texts[window.text], window.end - 1 - window.first
            ids_BT[row, :length] = (
                ids[max(window.first, 0) : window.end - 1]
                if window.first >= 0
                else np.concatenate(([start_id], ids[: window.end - 1]))
            )
            targets_BT[row, window.start - 1 - window.first : length] = ids[window.start : window.end]
        losses_BT = model.loss(torch.from_numpy(ids_BT).to(device), torch.from_numpy(targets_BT).to(device))
        losses = losses_BT.double().cpu().numpy()
        for row, window in enumerate(batch):
            part = slice(window.start - 1 - window.first, window.end - 1 - window.first)
            scores[window.text][window.start : window.end] = -losses[row, part]
        if advance is not None:
            advance(sum(window.end - window.start for window in batch))
    return scores


def bits_per_byte(log_probability: float, num_bytes: int) -> float:
    """Bits that a model needs for each byte of UTF-8: lower is better, whatever the tokenizer.

    Args:
        log_probability: Of the whole text, in nats.
        num_bytes: Of the whole text.
    """
    return -log_probability / (num_bytes * math.log(2)) if num_bytes else math.nan
