"""From the last stream to log-likelihoods: only rows that predict an answer's token reach the output layer.

Shapes: M rows of the output layer, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from fournil.parts.model.generate import nan_answers
from fournil.parts.scoring.requests import Request

CHUNK_LOGITS = 1 << 23
"""Logits held at a time (32 MiB in float32)."""


class Rows:
    """The scores of some requests, gathered pass by pass."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.values = np.zeros(len(requests))
        self.greedy = np.ones(len(requests), dtype=bool)
        self._rows: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._owners: list[np.ndarray] = []

    def want(self, members: Sequence[int], start: int, end: int, row: int) -> int:
        """Ask for the scores of what some requests predict from their places `start` to `end`.

        Args:
            members: Requests that read the same.
            start: The first place.
            end: Behind the last place.
            row: The row of the pass where the first place is.

        Returns:
            How many of the requests end there.
        """
        num_done = 0
        for i in members:
            request = self.requests[i]
            length, first = len(request.ids), request.first
            low, high = max(first, start), min(length, end)
            if low < high:
                self._rows.append(np.arange(low - start + row, high - start + row))
                self._targets.append(request.targets[low - first : high - first])
                self._owners.append(np.full(high - low, i))
                num_done += high == length
        return num_done

    def answer(self, vocab_size: int, logits_of: Callable[[Tensor], Tensor]) -> None:
        """Give the scores asked for, of the rows of one pass.

        Args:
            vocab_size: V.
            logits_of: Logits [M, V] of some rows of the pass (int64, on the CPU).

        Raises:
            FournilError: The model answers NaN.
        """
        if not self._rows:
            return
        rows, targets, owners = (np.concatenate(part) for part in (self._rows, self._targets, self._owners))
        self._rows, self._targets, self._owners = [], [], []
        different, places = np.unique(rows, return_inverse=True)
        chunk = max(1, CHUNK_LOGITS // vocab_size)
        for start in range(0, len(different), chunk):
            inside = (places >= start) & (places < start + chunk)
            logits_MV = logits_of(torch.from_numpy(different[start : start + chunk]))
            self._take(logits_MV.float(), places[inside] - start, targets[inside], owners[inside])

    def _take(self, logits_MV: Tensor, places: np.ndarray, targets: np.ndarray, owners: np.ndarray) -> None:
        at, wanted = (torch.from_numpy(part.astype(np.int64)).to(logits_MV.device) for part in (places, targets))
        scores_MV = torch.log_softmax(logits_MV, dim=-1)  # several times faster than logsumexp, which makes copies
        values = scores_MV[at, wanted]
        found = values.double().cpu().numpy()
        if np.isnan(found).any():
            raise nan_answers()
        np.add.at(self.values, owners, found)
        best = values == scores_MV.amax(dim=-1)[at]
        tied = torch.nonzero(best)[:, 0]  # argmax, which is slow, decides between equals
        best[tied] = scores_MV[at[tied]].argmax(dim=-1) == wanted[tied]
        np.logical_and.at(self.greedy, owners, best.cpu().numpy())
