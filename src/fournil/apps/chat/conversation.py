"""A conversation with a model: what of it is remembered, how the model is asked, how its answer comes out.

A model that was not taught to answer goes on with what is typed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.engine import Engine
from fournil.parts.model.generate import Sampling
from fournil.parts.tokenize import encode_batch

UNFINISHED = "\ufffd"


class Conversation:
    """Messages and answers, as far as they fit the model's context.

    Args:
        engine: The model, with a chat template.
        sampling: How answers are chosen.
        max_new_tokens: The longest answer.
    """

    def __init__(self, engine: Engine, sampling: Sampling, max_new_tokens: int) -> None:
        assert engine.chat is not None
        self.engine, self.chat = engine, engine.chat
        self.sampling, self.max_new_tokens = sampling, max_new_tokens
        self.turns: list[dict[str, str]] = []

    def answer(self, message: str) -> Iterator[str]:
        """Answer a message, giving the text piece by piece; both are remembered once the answer is whole.

        Raises:
            FournilError: The message alone is longer than the model can read.
        """
        turns = [*([] if self.chat.single_turn else self.turns), {"role": "user", "content": message}]
        prompt = self._fitting(turns)
        room = min(self.max_new_tokens, self.engine.context_length - len(prompt))
        text = ""
        for piece in _written(self.engine, prompt, self.chat.stop_ids, room, self.sampling):
            yield piece
            text += piece
        self.turns = [*turns, {"role": "assistant", "content": text}]

    def forget(self) -> None:
        """Begin anew."""
        self.turns = []

    def _fitting(self, turns: list[dict[str, str]]) -> list[int]:
        """The prompt with the oldest turns left out until an answer has room (in place)."""
        reserve = min(self.max_new_tokens, self.engine.context_length // 4)
        while True:
            prompt = self.chat.encode(turns)
            if len(prompt) + reserve <= self.engine.context_length:
                return prompt
            if len(turns) <= 2:
                break
            del turns[:2]
        del turns[:-1]
        prompt = self.chat.encode(turns)
        if len(prompt) + 1 > self.engine.context_length:
            raise FournilError(
                tr(
                    "this message has {tokens:,} tokens, and the model reads {length:,}",
                    tokens=len(prompt),
                    length=self.engine.context_length,
                ),
                fix=tr("Say it in fewer words, or in parts."),
            )
        return prompt


class Continuation:
    """What a model without a chat template writes on from each text; nothing is remembered from one to the next.

    Args:
        engine: The model.
        sampling: How tokens are chosen.
        max_new_tokens: The longest continuation.
    """

    def __init__(self, engine: Engine, sampling: Sampling, max_new_tokens: int) -> None:
        self.engine, self.sampling, self.max_new_tokens = engine, sampling, max_new_tokens

    def answer(self, message: str) -> Iterator[str]:
        """Go on with a text, piece by piece; of one that does not fit the model's context, with its end."""
        (ids,) = encode_batch(self.engine.tokenizer, [message], parse_special=False)
        length = self.engine.context_length
        kept = max(1, length - 1 - min(self.max_new_tokens, length // 4))
        prompt = [self.engine.start_id, *ids[-kept:].tolist()]
        room = min(self.max_new_tokens, length - len(prompt))
        return _written(self.engine, prompt, self.engine.stop_ids, room, self.sampling)

    def forget(self) -> None:
        """Nothing to forget."""


def _written(
    engine: Engine, prompt: Sequence[int], stop_ids: Collection[int], max_new_tokens: int, sampling: Sampling
) -> Iterator[str]:
    """What the model writes, in pieces of whole characters."""
    ids: list[int] = []
    text = ""
    for token in engine.stream(prompt, stop_ids=stop_ids, max_new_tokens=max_new_tokens, sampling=sampling):
        ids.append(token)
        whole = engine.tokenizer.decode(ids, skip_special_tokens=True)
        if not whole.endswith(UNFINISHED) and len(whole) > len(text):
            yield whole[len(text) :]
            text = whole
    rest = engine.tokenizer.decode(ids, skip_special_tokens=True)[len(text) :]
    if rest:
        yield rest
