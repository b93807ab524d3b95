"""Which examples each step sees, as a pure function of the seed: rounds over the pairs, in batches of like length.

One example is one row. Several in a row that look at each other teach worse, and a mask between them costs more than
rows of like length (docs/log.md).

Shapes: B rows, T tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.tokenize.load import encode_batch
from fournil.parts.tokenize.prompts import ChatFormat
from fournil.parts.tokenize.special import EOS, IM_END
from fournil.parts.train.loop import Batch
from fournil.stages.finetune.config import Config
from fournil.stages.finetune.pairs import Pairs

ROUND, WORDS = 1, 2
"""What a random stream is for."""


@dataclass(frozen=True)
class Example:
    """A chat of one question and one answer."""

    ids: np.ndarray
    """The whole, up to and with the end of the answer's turn."""
    num_prompt: int
    """Tokens before the answer."""
    group: str
    """Under which name its loss is reported, such as en-fr."""


class Maker:
    """Makes examples of pairs.

    Args:
        pairs: Their texts and tokens.
        chat: How the model is spoken to.
    """

    def __init__(self, pairs: Pairs, chat: ChatFormat) -> None:
        self.pairs, self.chat = pairs, chat
        self.head, self.tail = chat.around()
        self.end = chat.tokenizer.token_to_id(IM_END)
        self.text_end = chat.tokenizer.token_to_id(EOS)

    def chat_example(self, source: str, target: str, pair: int, words: str | None = None) -> Example:
        """A question and its answer in the chat template.

        Args:
            source: The language to translate from.
            target: The language to translate into.
            pair: Number of the pair.
            words: An instruction with {text} in it (None: the target language's token asks).
        """
        tokens = self.pairs.tokens[pair]
        asks = self._language_id(target)
        if words is None and asks is not None:
            asked = [asks, *tokens[source]]
        else:
            text = (words or "{text}").replace("{text}", self.pairs.texts[pair][source])
            asked = encode_batch(self.chat.tokenizer, [text], parse_special=False)[0]
        return self._example([*self.head, *asked, *self.tail], source, target, pair, self.end)

    def bare_example(self, source: str, target: str, pair: int) -> Example | None:
        """The same without the template, a third shorter: each side behind its language's token.

        None where the tokenizer lacks one of the two tokens.
        """
        begins, asks = self._language_id(source), self._language_id(target)
        if begins is None or asks is None:
            return None
        return self._example([begins, *self.pairs.tokens[pair][source], asks], source, target, pair, self.text_end)

    def _example(self, prompt: list[int], source: str, target: str, pair: int, end: int | None) -> Example:
        ids = [*prompt, *self.pairs.tokens[pair][target], end]
        return Example(np.array(ids, dtype=np.int32), len(prompt), f"{source}-{target}")

    def _language_id(self, language: str) -> int | None:
        token = self.chat.language_token(language)
        return None if token is None else self.chat.tokenizer.token_to_id(token)


class Examples:
    """The examples of every step, planned ahead.

    Args:
        maker: Makes them.
        languages: Of the run.
        config: Of the stage.
        seed: Of the run.

    Raises:
        FournilError: There are no pairs with two of the languages.
    """

    def __init__(self, maker: Maker, languages: Sequence[str], config: Config, seed: int) -> None:
        self.maker, self.config, self.seed = maker, config, seed
        pairs = maker.pairs
        directions = [(source, target, pair) for source, target, found in pairs.directions(languages) for pair in found]
        if not directions:
            raise FournilError(
                tr("there are no pairs to learn from"),
                where="finetune",
                fix=tr("Give sources with translations in two of the recipe's languages, or longer bands."),
            )
        self.directions = directions
        toward = {entry.to: entry.weight for entry in config.toward}
        unknown = sorted(set(toward) - set(languages))
        if unknown:
            raise FournilError(
                tr("nothing is translated into {language!r}", language=unknown[0]),
                where="finetune.toward",
                fix=tr("The recipe's languages are {names}.", names=", ".join(languages)),
            )
        self.weights = np.array(
            [config.bands[pairs.bands[pair]].weight * toward.get(target, 1.0) for _, target, pair in directions]
        )
        self.steps: list[list[Example]] = []
        self.rounds = 0
        while len(self.steps) < config.steps:
            before = len(self.steps)
            self.steps += self._round(self.rounds)
            self.rounds += 1
            if len(self.steps) == before and self.rounds > 1000:
                raise FournilError(
                    tr("no example is ever seen"), where="finetune.bands", fix=tr("Give a band a weight above 0.")
                )
        del self.steps[config.steps :]

    def batch(self, step: int) -> Batch:
        """What a step learns from; only the answers count."""
        rows = self.steps[step]
        longest = max(len(row.ids) for row in rows) - 1
        ids_BT = np.full((len(rows), longest), self.maker.end, dtype=np.int64)
        targets_BT = np.full((len(rows), longest), IGNORED, dtype=np.int64)
        for i, row in enumerate(rows):
            length = len(row.ids) - 1
            ids_BT[i, :length] = row.ids[:-1]
            targets_BT[i, row.num_prompt - 1 : length] = row.ids[row.num_prompt :]
        return Batch(torch.from_numpy(ids_BT), torch.from_numpy(targets_BT), [row.group for row in rows])

    def seen(self) -> dict[str, int]:
        """How many examples of each direction all steps see."""
        groups: dict[str, int] = {}
        for rows in self.steps:
            for row in rows:
                groups[row.group] = groups.get(row.group, 0) + 1
        return dict(sorted(groups.items()))

    def _round(self, number: int) -> list[list[Example]]:
        """The batches of one round over all examples: shuffled, sorted by length within a pool, shuffled again.

        A pool is written bare or in the template as a whole, whichever its first step asks for.
        """
        dice = np.random.Generator(np.random.PCG64([self.seed, ROUND, number]))
        whole, part = np.divmod(self.weights, 1.0)
        times = whole.astype(np.int64) + (dice.random(len(part)) < part)
        order = dice.permutation(np.repeat(np.arange(len(times)), times))
        batches: list[list[Example]] = []
        pool: list[Example] = []
        tokens = 0
        num_before, num_bare = len(self.steps), round(self.config.steps * self.config.bare_share)
        words = self._words(order, number)
        for place, direction in enumerate(order.tolist()):
            bare = num_before + len(batches) < num_bare
            pool.append(self._example(direction, None if bare else words[place], bare=bare))
            tokens += len(pool[-1].ids) - 1
            if tokens >= self.config.batch_tokens * self.config.sort_batches or place == len(order) - 1:
                batches += self._batches(pool, dice)
                pool, tokens = [], 0
                if num_before + len(batches) >= self.config.steps:
                    break
        return batches

    def _example(self, direction: int, words: str | None, *, bare: bool) -> Example:
        source, target, pair = self.directions[direction]
        example = self.maker.bare_example(source, target, pair) if bare else None
        return example or self.maker.chat_example(source, target, pair, words)

    def _words(self, order: np.ndarray, number: int) -> list[str | None]:
        """The plain words that each example asks with, drawn from its language's; None for the token."""
        dice = np.random.Generator(np.random.PCG64([self.seed, WORDS, number]))
        plain = dice.random(len(order)) < self.config.instruction_share
        which = dice.random(len(order))
        known = {
            target: [words.text for words in self.config.instructions if words.to == target]
            for target in {target for _, target, _ in self.directions}
        }
        found: list[str | None] = [None] * len(order)
        for place in np.flatnonzero(plain).tolist():
            ways = known[self.directions[order[place]][1]]
            found[place] = ways[int(which[place] * len(ways))] if ways else None
        return found

    def _batches(self, pool: list[Example], dice: np.random.Generator) -> list[list[Example]]:
        pool = sorted(pool, key=lambda example: len(example.ids))
        batches: list[list[Example]] = [[]]
        for example in pool:
            if batches[-1] and (len(batches[-1]) + 1) * (len(example.ids) - 1) > self.config.batch_tokens:
                batches.append([])
            batches[-1].append(example)
        return [batches[i] for i in dice.permutation(len(batches))]
