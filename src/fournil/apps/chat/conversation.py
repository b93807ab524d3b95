"""A conversation with a model: what of it is remembered, how the model is asked, how its answer comes out."""

from __future__ import annotations

from collections.abc import Iterator

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.engine import Engine
from fournil.parts.model.generate import Sampling

UNFINISHED = "\ufffd"


class Conversation:
    """Messages and answers, as far as they fit the model's context.

    Args:
        engine: The model.
        sampling: How answers are chosen.
        max_new_tokens: The longest answer.

    Raises:
        FournilError: The model has no chat template.
    """

    def __init__(self, engine: Engine, sampling: Sampling, max_new_tokens: int) -> None:
        if engine.chat is None:
            raise FournilError(
                tr("this model was not taught to answer: it has no chat template"),
                fix=tr(
                    "Take a finetuned model, such as the last of a run: {command}.", command="fournil chat runs/petit"
                ),
            )
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
        ids: list[int] = []
        text = ""
        for token in self.engine.stream(
            prompt, stop_ids=self.chat.stop_ids, max_new_tokens=room, sampling=self.sampling
        ):
            ids.append(token)
            whole = self.engine.tokenizer.decode(ids, skip_special_tokens=True)
            if not whole.endswith(UNFINISHED) and len(whole) > len(text):
                yield whole[len(text) :]
                text = whole
        rest = self.engine.tokenizer.decode(ids, skip_special_tokens=True)[len(text) :]
        if rest:
            yield rest
        self.turns = [*turns, {"role": "assistant", "content": text + rest}]

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
