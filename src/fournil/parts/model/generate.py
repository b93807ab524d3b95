"""Write on from prompts, in batches or as a stream, greedily or by sampling.

Shapes: B rows still being written, P longest prompt of a batch, T tokens of one call, S tokens to look at,
V vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.attention import Cache
from fournil.parts.model.transformer import Llama

FILLER = 0


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen."""

    temperature: float = 0.0
    """0 takes the likeliest token; 1 samples from the model's own distribution."""
    top_p: float = 1.0
    """Only the likeliest tokens that together hold this share of the probability are sampled from."""
    seed: int = 0
    """The same seed and prompt give the same text, whatever else is in the batch."""

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled from."""
        if self.temperature < 0:
            raise ValueError(f"temperature is {self.temperature}, it must be 0 or more")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}, it must be above 0 and at most 1")


GREEDY = Sampling()


@torch.inference_mode()
def generate(
    model: Llama,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Collection[int],
    max_new_tokens: int | Sequence[int],
    sampling: Sampling = GREEDY,
    batch_rows: int = 64,
) -> list[list[int]]:
    """Write on from each prompt.

    Prompts of like length go through the model together, padded on the left. What a prompt gets does not depend on the
    others in its batch, but for the last bits of floating-point sums.

    Args:
        model: The model.
        prompts: Token ids, at least one each, fewer than the model's context length.
        stop_ids: A text ends before any of these.
        max_new_tokens: The most tokens to write, for all or for each; the context length bounds it too.
        sampling: Greedy or sampled.
        batch_rows: Rows in a batch.

    Returns:
        The new ids of each prompt, in the order of the prompts, without the stop id.
    """
    limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else list(max_new_tokens)
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    written: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch_rows):
        chosen = order[start : start + batch_rows]
        batch = _Batch(model, [prompts[i] for i in chosen], [limits[i] for i in chosen], set(stop_ids), sampling)
        for row, ids in batch.run():
            written[chosen[row]] = ids
    return written


@torch.inference_mode()
def stream(
    model: Llama,
    prompt: Sequence[int],
    *,
    stop_ids: Collection[int],
    max_new_tokens: int,
    sampling: Sampling = GREEDY,
) -> Iterator[int]:
    """Write on from one prompt, giving each token as soon as it is known; the same tokens as `generate`."""
    room = room_for(model, prompt, max_new_tokens)
    if not room:
        return
    device = model.embedding.device
    cache = Cache(model.config, 1, len(prompt) + room, dtype=model.embedding.dtype, device=device)
    dice = [dice_of(sampling, prompt)]
    ids_BT = torch.tensor([list(prompt)], device=device)
    for _ in range(room):
        token = int(choose(model.logits(model(ids_BT, cache=cache)[:, -1]), sampling, dice)[0])
        if token in stop_ids:
            return
        yield token
        ids_BT = torch.tensor([[token]], device=device)


class _Batch:
    """Prompts that are written on together; rows that have ended leave when they are half of all."""

    def __init__(
        self,
        model: Llama,
        prompts: Sequence[Sequence[int]],
        limits: Sequence[int],
        stop_ids: set[int],
        sampling: Sampling,
    ) -> None:
        self.model, self.stop_ids, self.sampling = model, stop_ids, sampling
        self.prompts = prompts
        self.rooms = [room_for(model, prompt, limit) for prompt, limit in zip(prompts, limits, strict=True)]
        self.written: list[list[int]] = [[] for _ in prompts]

    def run(self) -> Iterator[tuple[int, list[int]]]:
        rows = [row for row, room in enumerate(self.rooms) if room]
        if rows:
            self._write(rows)
        yield from enumerate(self.written)

    def _write(self, rows: list[int]) -> None:
        model, device = self.model, self.model.embedding.device
        longest = max(len(self.prompts[row]) for row in rows)
        ids_BP, real_BS = pad_left([self.prompts[row] for row in rows], longest)
        ids_BP, real_BS = ids_BP.to(device), real_BS.to(device)
        even = bool(real_BS.all())
        positions_BT = (real_BS.long().cumsum(dim=1) - 1).clamp_(min=0)
        room = max(self.rooms[row] for row in rows)
        cache = Cache(model.config, len(rows), longest + room, dtype=model.embedding.dtype, device=device)
        dice = [dice_of(self.sampling, self.prompts[row]) for row in rows]
        if even:
            hidden_BTD = model(ids_BP, cache=cache)
        else:
            hidden_BTD = model(ids_BP, positions_BT=positions_BT, cache=cache, mask=prompt_mask(real_BS))
        positions_B = positions_BT[:, -1]
        while True:
            tokens_B = choose(model.logits(hidden_BTD[:, -1]), self.sampling, dice)
            going = [self._take(row, token) for row, token in zip(rows, tokens_B.tolist(), strict=True)]
            if not any(going):
                return
            if sum(going) <= len(rows) // 2:
                kept = torch.tensor([i for i, on in enumerate(going) if on], device=device)
                cache, tokens_B = cache.select(kept), tokens_B[kept]
                real_BS, positions_B = real_BS[kept], positions_B[kept]
                rows, dice = [rows[i] for i in kept.tolist()], [dice[i] for i in kept.tolist()]
            positions_B = positions_B + 1
            real_BS = torch.cat((real_BS, real_BS.new_ones(len(rows), 1)), dim=1)
            hidden_BTD = model(
                tokens_B[:, None],
                positions_BT=positions_B[:, None],
                cache=cache,
                mask=None if even else real_BS[:, None, None, :],
            )

    def _take(self, row: int, token: int) -> bool:
        """Write a token down; whether the row goes on. A row that has ended stays so."""
        if len(self.written[row]) >= self.rooms[row] or token in self.stop_ids:
            self.rooms[row] = len(self.written[row])
            return False
        self.written[row].append(token)
        return len(self.written[row]) < self.rooms[row]


def room_for(model: Llama, prompt: Sequence[int], max_new_tokens: int) -> int:
    """How many tokens may be written behind a prompt.

    Raises:
        ValueError: The prompt is empty, or longer than the model's context.
    """
    room = model.config.max_position_embeddings - len(prompt)
    if not prompt or room < 0:
        raise ValueError(f"a prompt of {len(prompt)} tokens for a context of {model.config.max_position_embeddings}")
    return min(room, max_new_tokens)


def pad_left(prompts: Sequence[Sequence[int]], longest: int) -> tuple[Tensor, Tensor]:
    """Prompts with fillers in front [B, P], and where they are real [B, P]."""
    ids_BP = torch.full((len(prompts), longest), FILLER, dtype=torch.long)
    real_BP = torch.zeros(len(prompts), longest, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        ids_BP[row, longest - len(prompt) :] = torch.tensor(list(prompt))
        real_BP[row, longest - len(prompt) :] = True
    return ids_BP, real_BP


def prompt_mask(real_BP: Tensor) -> Tensor:
    """Where tokens of padded prompts may look, [B, 1, P, P].

    A filler may look at itself: a row without any True would give NaN.
    """
    P = real_BP.shape[1]
    own_PP = torch.eye(P, dtype=torch.bool, device=real_BP.device)
    past_PP = torch.ones(P, P, dtype=torch.bool, device=real_BP.device).tril()
    return ((real_BP[:, None, :] | own_PP) & past_PP).unsqueeze(1)


def dice_of(sampling: Sampling, prompt: Sequence[int]) -> np.random.Generator | None:
    """Random numbers of one text: a function of the seed and the prompt alone."""
    if sampling.temperature == 0:
        return None
    digest = hashlib.sha256(np.asarray([sampling.seed, *prompt], dtype="<i8").tobytes()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype="<u8")))


def choose(logits_BV: Tensor, sampling: Sampling, dice: Sequence[np.random.Generator | None]) -> Tensor:
    """The next token of each row [B]: the likeliest, or by the inverse of the cumulative distribution.

    Raises:
        FournilError: The scores are NaN: any token would come out.
    """
    if bool(torch.isnan(logits_BV).any()):
        raise nan_answers()
    if sampling.temperature == 0:
        return logits_BV.argmax(dim=-1)
    chances_BV = torch.softmax(logits_BV.float() / sampling.temperature, dim=-1)
    chances_BV, tokens_BV = chances_BV.sort(dim=-1, descending=True, stable=True)
    sums_BV = chances_BV.double().cumsum(dim=-1)
    kept_BV = sums_BV - chances_BV < sampling.top_p
    sums_BV = torch.where(kept_BV, sums_BV, 0.0)
    draws_B = torch.tensor([die.random() for die in dice if die is not None], device=logits_BV.device)
    places_B1 = (sums_BV < draws_B.double()[:, None] * sums_BV.amax(dim=-1, keepdim=True)).long() & kept_BV.long()
    places_B1 = places_B1.sum(dim=-1, keepdim=True).clamp_(max=logits_BV.shape[-1] - 1)
    return tokens_BV.gather(1, places_B1).squeeze(1)


def nan_answers() -> FournilError:
    """What is said of a model whose answers are no numbers."""
    return FournilError(
        tr("the model answers NaN: its scores are no numbers"),
        fix=tr("Score it in fp32, or check its weights: they may be broken, or too large for bf16."),
    )
