"""The output layer and its cross-entropy in one: only rows with a target, and never all logits at once.

Shapes: N tokens, M tokens with a target, D width, V vocabulary, c one chunk of the M.
"""

from __future__ import annotations

import torch
from torch import Tensor

IGNORED = -100

CHUNK_ELEMENTS = 1 << 24
"""Logits held at a time on a CPU: 64 MiB in float32. With fewer, the matrix is read again and again: at 32,000 tokens a
tenth of the time more with a quarter of them."""

GPU_CHUNK_ELEMENTS = 1 << 24


class _LinearCrossEntropy(torch.autograd.Function):
    """Losses of rows, zero where there is no target.

    Their gradients are made in the forward pass, chunk by chunk, while the logits are there, for losses that all count
    the same: up to a factor that is what a sum or a mean asks for (Hsu and others, 2024, arXiv 2410.10989). For other
    weights, and for a second time, the backward pass makes the logits again.
    """

    @staticmethod
    def forward(ctx, hidden_ND, weight_VD, targets_N, wants):  # noqa: ANN001, ANN205 - autograd's own signature
        rows_M = torch.nonzero(targets_N != IGNORED).squeeze(1)
        ctx.rows_M = None if rows_M.numel() == targets_N.numel() else rows_M
        hidden_MD, targets_M = (_picked(tensor, ctx.rows_M) for tensor in (hidden_ND, targets_N))
        losses_M, *ctx.made = _through(hidden_MD, weight_VD, targets_M, None, wants)
        ctx.save_for_backward(hidden_ND, weight_VD, targets_N)
        return _spread(losses_M, targets_N.shape[0], ctx.rows_M)

    @staticmethod
    def backward(ctx, *grads):  # noqa: ANN001, ANN002, ANN205
        hidden_ND, weight_VD, targets_N = ctx.saved_tensors
        (made_MD, made_VD), ctx.made = ctx.made, (None, None)
        if (made_MD is not None or made_VD is not None) and _all_alike(grads[0]):
            made_MD, made_VD = (None if made is None else made.mul_(grads[0][0]) for made in (made_MD, made_VD))
        else:
            hidden_MD, targets_M, grad_M = (_picked(x, ctx.rows_M) for x in (hidden_ND, targets_N, grads[0]))
            wants = ctx.needs_input_grad[:2]
            _, made_MD, made_VD = _through(hidden_MD, weight_VD, targets_M, grad_M.float(), wants)
        return _spread(made_MD, hidden_ND.shape[0], ctx.rows_M), made_VD, None, None


def _through(
    hidden_MD: Tensor, weight_VD: Tensor, targets_M: Tensor, grad_M: Tensor | None, wants: tuple[bool, bool]
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Losses, and the gradients that are wanted (of the rows, of the matrix), each row's times its own in `grad_M`."""
    num = hidden_MD.shape[0]
    elements = CHUNK_ELEMENTS if hidden_MD.device.type == "cpu" else GPU_CHUNK_ELEMENTS
    rows = max(1, elements // weight_VD.shape[0])
    cast_VD = weight_VD.to(hidden_MD.dtype)
    losses_M = torch.empty(num, dtype=torch.float32, device=hidden_MD.device)
    made_MD = torch.empty_like(hidden_MD) if wants[0] else None
    made_VD = torch.zeros_like(weight_VD) if wants[1] else None
    with torch.autocast(hidden_MD.device.type, enabled=False):
        for start in range(0, num, rows):
            part = slice(start, start + rows)
            targets_c1 = targets_M[part].unsqueeze(1)
            logits_cV = (hidden_MD[part] @ cast_VD.T).float()
            logits_cV.sub_(logits_cV.amax(dim=-1, keepdim=True))
            right_c1 = logits_cV.gather(1, targets_c1)
            scores_cV = logits_cV.exp_()  # all in place, and once: more passes over the logits would cost as much
            sums_c1 = scores_cV.sum(dim=-1, keepdim=True)
            losses_M[part] = (sums_c1.log() - right_c1).squeeze(1)
            if made_MD is None and made_VD is None:
                continue
            scores_cV.div_(sums_c1).scatter_add_(1, targets_c1, scores_cV.new_full((), -1.0).expand(targets_c1.shape))
            if grad_M is not None:
                scores_cV.mul_(grad_M[part].unsqueeze(1))
            scores_cV = scores_cV.to(hidden_MD.dtype)
            if made_MD is not None:
                torch.mm(scores_cV, cast_VD, out=made_MD[part])
            if made_VD is None:
                continue
            if made_VD.dtype == scores_cV.dtype:
                made_VD.addmm_(scores_cV.T, hidden_MD[part])
            else:
                made_VD += scores_cV.T @ hidden_MD[part]
    return losses_M, made_MD, made_VD


def _picked(tensor_N: Tensor, rows_M: Tensor | None) -> Tensor:
    return tensor_N if rows_M is None else tensor_N.index_select(0, rows_M)


def _spread(tensor_M: Tensor | None, num: int, rows_M: Tensor | None) -> Tensor | None:
    if tensor_M is None or rows_M is None:
        return tensor_M
    return tensor_M.new_zeros((num, *tensor_M.shape[1:])).index_copy_(0, rows_M, tensor_M)


def _all_alike(grad_N: Tensor) -> bool:
    """Whether all rows count the same. On a GPU only what needs no look at the figures, which would wait for them."""
    if grad_N.numel() == 0:
        return False
    return grad_N.stride(0) == 0 or (grad_N.device.type == "cpu" and bool((grad_N == grad_N[0]).all()))


def linear_cross_entropy(hidden_ND: Tensor, weight_VD: Tensor, targets_N: Tensor) -> Tensor:
    """Cross-entropy of each row's target under softmax(hidden @ weight.T), in nats.

    Args:
        hidden_ND: Rows before the output layer.
        weight_VD: The output layer.
        targets_N: The right token of each row, or -100.

    Returns:
        Losses, float32 [N], zero where the target is -100.
    """
    learns = torch.is_grad_enabled()
    wants = (learns and hidden_ND.requires_grad, learns and weight_VD.requires_grad)
    losses_N = _LinearCrossEntropy.apply(hidden_ND, weight_VD, targets_N, wants)
    assert isinstance(losses_N, Tensor)
    return losses_N
