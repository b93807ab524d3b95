"""Translations by a model that translates both ways: the way back helps to choose among several.

Beam search alone favours answers that leave things out: what is not said costs nothing. Asked for the way back, such an
answer makes the source unlikely. So of the answers that the search ended, the one wins whose mean log-probability,
added to that of the source given the answer, is greatest (the noisy-channel idea of Yee, Dauphin and Auli, 2019,
arXiv 1908.05731, with one model for both ways).

Shapes: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.engine import Engine
from fournil.parts.tokenize.load import encode_batch
from fournil.parts.tokenize.special import IM_END

NUM_BEAMS = 6
"""Beams of a search for a translation, unless told otherwise."""
BATCH_ROWS = 128

BackPrompt = Callable[[str], list[int]]
"""The prompt that asks to translate an answer back."""


def translate(
    engine: Engine,
    sources: Sequence[str],
    prompts: Sequence[Sequence[int]],
    *,
    max_new_tokens: Sequence[int],
    num_beams: int = NUM_BEAMS,
    back: BackPrompt | None = None,
) -> list[str]:
    """Translate messages.

    Args:
        engine: The model, with a chat template.
        sources: The messages.
        prompts: What asks for the translation of each.
        max_new_tokens: The most tokens of each answer.
        num_beams: Beams of the search.
        back: Makes the prompt for the way back; None: the search's own best answer wins.
    """
    assert engine.chat is not None
    found = engine.candidates(
        prompts, stop_ids=engine.chat.stop_ids, max_new_tokens=max_new_tokens, num_beams=num_beams
    )
    texts = [
        [text.strip() for text in engine.tokenizer.decode_batch([ids for _, ids in ways], skip_special_tokens=True)]
        for ways in found
    ]
    doubtful = [number for number, answers in enumerate(texts) if len(answers) > 1]
    if back is None or not doubtful:
        return [answers[0] for answers in texts]
    wanted = dict(
        zip(doubtful, encode_batch(engine.tokenizer, [sources[i] for i in doubtful], parse_special=False), strict=True)
    )
    end = _end_of_turn(engine)
    asked = [
        (number, way, back(answer), [*wanted[number].tolist(), end])
        for number in doubtful
        for way, answer in enumerate(texts[number])
        if answer
    ]
    fitting = [row for row in asked if len(row[2]) + len(row[3]) <= engine.context_length]
    chances = _mean_log_probabilities(engine, [(prompt, target) for _, _, prompt, target in fitting])
    best: dict[int, tuple[float, int]] = {}
    for (number, way, _, _), chance in zip(fitting, chances, strict=True):
        total = found[number][way][0] + chance
        if number not in best or total > best[number][0]:
            best[number] = (total, way)
    return [answers[best[number][1] if number in best else 0] for number, answers in enumerate(texts)]


def _end_of_turn(engine: Engine) -> int:
    assert engine.chat is not None
    found = engine.tokenizer.token_to_id(IM_END)
    return min(engine.chat.stop_ids) if found is None else found


@torch.inference_mode()
def _mean_log_probabilities(engine: Engine, rows: Sequence[tuple[list[int], list[int]]]) -> list[float]:
    """Mean log-probability of a target's tokens behind its prompt, in the order of the rows."""
    order = sorted(range(len(rows)), key=lambda i: (sum(map(len, rows[i])), i))
    means = [0.0] * len(rows)
    for start in range(0, len(order), BATCH_ROWS):
        chosen = order[start : start + BATCH_ROWS]
        longest = sum(map(len, rows[chosen[-1]])) - 1
        ids_BT = torch.zeros(len(chosen), longest, dtype=torch.long)
        targets_BT = torch.full((len(chosen), longest), IGNORED)
        for b, i in enumerate(chosen):
            prompt, target = rows[i]
            length = len(prompt) + len(target) - 1
            ids_BT[b, :length] = torch.tensor([*prompt, *target[:-1]])
            targets_BT[b, len(prompt) - 1 : length] = torch.tensor(target)
        losses_BT = engine.loss(ids_BT.to(engine.device), targets_BT.to(engine.device))
        for i, loss in zip(chosen, losses_BT.sum(dim=1).tolist(), strict=True):
            means[i] = -loss / len(rows[i][1])
    return means
