"""The output layer and its cross-entropy in one: only rows with a target, and never all logits at once.

Shapes: N tokens, M tokens with a target, D width, V vocabulary, c one chunk of the M.
"""

from __future__ import annotations

import torch
from torch import Tensor

IGNORED = -100

CHUNK_ELEMENTS = 1 << 24
"""Logits held at a time (64 MiB in float32)."""


class _LinearCrossEntropy(torch.autograd.Function):
    """Losses of rows; the backward pass makes the logits again, chunk by chunk, unless one chunk held them all."""

    @staticmethod
    def forward(ctx, hidden_MD, weight_VD, targets_M):  # noqa: ANN001, ANN205 - autograd's own signature
        num, vocabulary = hidden_MD.shape[0], weight_VD.shape[0]
        rows = max(1, CHUNK_ELEMENTS // vocabulary)
        cast_VD = weight_VD.to(hidden_MD.dtype)
        log_sums_M = torch.empty(num, dtype=torch.float32, device=hidden_MD.device)
        picked_M = torch.empty_like(log_sums_M)
        kept = None
        for start in range(0, num, rows):
            part = slice(start, start + rows)
            logits_cV = (hidden_MD[part] @ cast_VD.T).float()
            log_sums_M[part] = torch.logsumexp(logits_cV, dim=-1)
            picked_M[part] = logits_cV.gather(1, targets_M[part].unsqueeze(1)).squeeze(1)
            kept = logits_cV if num <= rows else None
        ctx.save_for_backward(hidden_MD, weight_VD, targets_M, log_sums_M)
        ctx.kept = kept
        ctx.rows = rows
        return log_sums_M - picked_M

    @staticmethod
    def backward(ctx, *grads):  # noqa: ANN001, ANN002, ANN205
        hidden_MD, weight_VD, targets_M, log_sums_M = ctx.saved_tensors
        grad_M = grads[0].float()
        cast_VD = weight_VD.to(hidden_MD.dtype)
        grad_hidden_MD = torch.empty_like(hidden_MD)
        grad_weight_VD = torch.zeros_like(weight_VD)
        for start in range(0, hidden_MD.shape[0], ctx.rows):
            part = slice(start, start + ctx.rows)
            logits_cV = ctx.kept if ctx.kept is not None else (hidden_MD[part] @ cast_VD.T).float()
            ctx.kept = None
            scores_cV = logits_cV.sub_(log_sums_M[part].unsqueeze(1)).exp_().mul_(grad_M[part].unsqueeze(1))
            scores_cV.scatter_add_(1, targets_M[part].unsqueeze(1), -grad_M[part].unsqueeze(1))
            scores_cV = scores_cV.to(hidden_MD.dtype)
            torch.mm(scores_cV, cast_VD, out=grad_hidden_MD[part])
            grad_weight_VD += scores_cV.T @ hidden_MD[part]
        return grad_hidden_MD, grad_weight_VD, None


def linear_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Cross-entropy of each row's target under softmax(hidden @ weight.T), in nats.

    Args:
        hidden_ND: Rows before the output layer.
        weight_VD: The output layer.
        targets_N: The right token of each row, or -100.

    Returns:
        Losses, float32 [N], zero where the target is -100.
    """
    rows_M = torch.nonzero(targets_N != IGNORED).squeeze(1)
    if rows_M.numel() == targets_N.numel():
        losses = _LinearCrossEntropy.apply(hidden_ND, weight_VD, targets_N)
        assert isinstance(losses, Tensor)
        return losses
    losses = _LinearCrossEntropy.apply(hidden_ND.index_select(0, rows_M), weight_VD, targets_N.index_select(0, rows_M))
    assert isinstance(losses, Tensor)
    return torch.zeros(targets_N.shape, dtype=torch.float32, device=losses.device).index_copy(0, rows_M, losses)
