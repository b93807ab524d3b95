"""Beam search: the likeliest of several ways to write on, for answers that have a right length, such as translations.

Shapes: B prompts, K beams of each, R = B x K rows, P longest prompt, S tokens to look at, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fournil.parts.model.attention import Cache
from fournil.parts.model.generate import pad_left, prompt_mask, room_for
from fournil.parts.model.transformer import Llama

Candidate = tuple[float, list[int]]
"""A text that a search ended: mean log-probability of a token, its end counted, and the ids without the end."""


@dataclass
class _Search:
    """What one prompt has found."""

    room: int
    num_beams: int
    finished: list[Candidate] = field(default_factory=list)

    def end(self, score: float, ids: list[int]) -> None:
        self.finished.append((score / (len(ids) + 1), ids))

    @property
    def done(self) -> bool:
        return len(self.finished) >= self.num_beams

    def ranked(self) -> list[Candidate]:
        return sorted(self.finished, key=lambda found: -found[0]) or [(-math.inf, [])]


@torch.inference_mode()
def beam_candidates(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Collection[int],
    max_new_tokens: int | Sequence[int],
    num_beams: int = 4,
    batch_rows: int = 64,
) -> list[list[Candidate]]:
    """Write on from each prompt, following the likeliest beginnings together.

    Args:
        model: The model.
        prompts: Token ids, at least one each, fewer than the model's context length.
        stop_ids: A text ends before any of these.
        max_new_tokens: The most tokens to write, for all or for each; the context length bounds it too.
        num_beams: Beginnings that are followed at a time; a search ends when so many texts have ended.
        batch_rows: Rows in a batch, all beams counted.

    Returns:
        What each prompt's search ended, the greatest mean log-probability first, in the order of the prompts; at least
        one, which is empty where there is no room.
    """
    limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else list(max_new_tokens)
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    found: list[list[Candidate]] = [[(-math.inf, [])] for _ in prompts]
    width = max(1, batch_rows // num_beams)
    for start in range(0, len(order), width):
        chosen = [i for i in order[start : start + width] if room_for(model, prompts[i], limits[i])]
        if not chosen:
            continue
        searches = [_Search(room_for(model, prompts[i], limits[i]), num_beams) for i in chosen]
        _search(model, [prompts[i] for i in chosen], searches, torch.tensor(sorted(stop_ids)))
        for i, search in zip(chosen, searches, strict=True):
            found[i] = search.ranked()
    return found


def _search(model: Llama, prompts: Sequence[Sequence[int]], searches: list[_Search], stops: Tensor) -> None:
    device, K, B = model.embedding.device, searches[0].num_beams, len(prompts)
    longest = max(map(len, prompts))
    room = max(search.room for search in searches)
    ids_BP, real_BP = (tensor.to(device) for tensor in pad_left(prompts, longest))
    positions_BP = (real_BP.long().cumsum(dim=1) - 1).clamp_(min=0)
    cache = Cache(model.config, B, longest + room, dtype=model.embedding.dtype, device=device)
    hidden_BPD = model(ids_BP, positions_BT=positions_BP, cache=cache, mask=prompt_mask(real_BP))
    chances_BV = torch.log_softmax(model.logits(hidden_BPD[:, -1]).float(), dim=-1)
    rows_R = torch.arange(B, device=device).repeat_interleave(K)
    cache, real_RS, positions_R = cache.select(rows_R), real_BP[rows_R], positions_BP[rows_R, -1]
    chances_RV = chances_BV[rows_R]
    # At first all beams of a prompt are the same: only one may be gone on from.
    scores_BK = torch.full((B, K), -torch.inf)
    scores_BK[:, 0] = 0.0
    texts: list[list[list[int]]] = [[[] for _ in range(K)] for _ in range(B)]
    while True:
        scores_BK, parents_BK, tokens_BK, texts = _step(searches, scores_BK, chances_RV.cpu(), texts, stops)
        going = [b for b, search in enumerate(searches) if not search.done]
        if not going:
            return
        rows_R = (parents_BK + torch.arange(len(searches)).unsqueeze(1) * K)[going].view(-1).to(device)
        if len(going) <= len(searches) // 2:
            cache = cache.select(rows_R)
            real_RS, positions_R = real_RS[rows_R], positions_R[rows_R]
            scores_BK, tokens_BK = scores_BK[going], tokens_BK[going]
            searches, texts = [searches[b] for b in going], [texts[b] for b in going]
        else:
            # Beams of one prompt share what was read of it: only what was written changes places.
            rows_R = (parents_BK + torch.arange(len(searches)).unsqueeze(1) * K).view(-1).to(device)
            cache.store[..., longest : cache.length, :] = cache.store[:, :, rows_R, :, longest : cache.length]
        real_RS = torch.cat((real_RS, real_RS.new_ones(len(real_RS), 1)), dim=1)
        positions_R = positions_R + 1
        hidden_R1D = model(
            tokens_BK.view(-1, 1).to(device),
            positions_BT=positions_R[:, None],
            cache=cache,
            mask=real_RS[:, None, None, :],
        )
        chances_RV = torch.log_softmax(model.logits(hidden_R1D[:, -1]).float(), dim=-1)


def _step(
    searches: Sequence[_Search], scores_BK: Tensor, chances_RV: Tensor, texts: list[list[list[int]]], stops: Tensor
) -> tuple[Tensor, Tensor, Tensor, list[list[list[int]]]]:
    """Choose the next beams: their scores, the beams they go on from, their last tokens, their texts."""
    B, K = scores_BK.shape
    V, ends = chances_RV.shape[1], set(stops.tolist())
    totals_BV = (scores_BK.view(-1, 1) + chances_RV).view(B, K * V)
    found_B, places_B = totals_BV.topk(min(K * (1 + len(ends)), K * V), dim=1)
    scores_BK = torch.full((B, K), -torch.inf)
    parents_BK, tokens_BK = torch.zeros(B, K, dtype=torch.long), torch.zeros(B, K, dtype=torch.long)
    written: list[list[list[int]]] = []
    for b, search in enumerate(searches):
        kept: list[tuple[float, int, int]] = []
        for score, place in zip(found_B[b].tolist(), places_B[b].tolist(), strict=True):
            parent, token = divmod(place, V)
            if len(kept) == K or search.done or score == -torch.inf:
                break
            if token in ends:
                search.end(score, texts[b][parent])
            else:
                kept.append((score, parent, token))
        longer = [[*texts[b][parent], token] for _, parent, token in kept]
        search.room -= 1
        if not search.room:
            for (score, _, _), text in zip(kept, longer, strict=True):
                search.end(score, text)
            search.num_beams = 0  # there is no room to go on
        for k, (score, parent, token) in enumerate(kept):
            scores_BK[b, k], parents_BK[b, k], tokens_BK[b, k] = score, parent, token
        written.append([*longer, *([[]] * (K - len(longer)))])
    return scores_BK, parents_BK, tokens_BK, written
