"""Streams of tokens to learn from: all documents of one source in one language, or all pairs of one source.

A stream is a circle of tokens, items (documents, pairs) one after another; a window is any arc of it.

Shapes: B arcs, I items that they touch, P pieces of an item, S stretches of tokens in the shards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize.shards import TokenShards
from fournil.parts.train.permutation import key_of, mix, permuted
from fournil.parts.train.shares import PARALLEL


class Stream(ABC):
    """Items of tokens, joined to a circle.

    Attributes:
        group: Whose share of a batch it fills: a language, "code", or "parallel".
        source: The source's key.
        num_tokens: Length of the circle.
        end_id: The token that ends every item.
    """

    def __init__(self, group: str, source: str, lengths: np.ndarray, end_id: int) -> None:
        """Lay out items of these lengths, in tokens; each ends with `end_id`."""
        self.group, self.source, self.end_id = group, source, end_id
        self.starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self.num_tokens = int(self.starts[-1])

    def arcs(self, start: int, num_tokens: int) -> list[tuple[int, int, int]]:
        """The items that an arc touches: (item, first token, one after its last token), in order."""
        found, position = [], start % self.num_tokens
        item = int(np.searchsorted(self.starts, position, side="right")) - 1
        while num_tokens > 0:
            begin = position - int(self.starts[item])
            end = min(begin + num_tokens, int(self.starts[item + 1] - self.starts[item]))
            if end > begin:
                found.append((item, begin, end))
            num_tokens -= end - begin
            position = int(self.starts[item + 1])
            item += 1
            if item == len(self.starts) - 1:
                item, position = 0, 0
        return found

    def window(self, start: int, num_tokens: int, key: int) -> np.ndarray:
        """The tokens of an arc, int64; `key` decides whatever may vary from one reading to the next."""
        return self.windows([start], num_tokens, [key])[0]

    def windows(self, starts: Sequence[int], num_tokens: int, keys: Sequence[int]) -> np.ndarray:
        """The tokens of arcs of one length, int64, a row for each: all read at once, for one by one is far slower.

        Args:
            starts: The first token of each arc.
            num_tokens: Of an arc; it may go round the circle more than once.
            keys: For each arc what decides whatever may vary from one reading to the next.
        """
        starts_B = np.asarray(starts, dtype=np.int64) % self.num_tokens
        num_items = len(self.starts) - 1
        first_B = np.searchsorted(self.starts, starts_B, side="right") - 1
        turns_B, inside_B = np.divmod(starts_B + num_tokens - 1, self.num_tokens)
        last_B = turns_B * num_items + np.searchsorted(self.starts, inside_B, side="right") - 1
        counts_B = last_B - first_B + 1
        # The items of all arcs, one arc after another; beyond the last item the first one follows.
        before_B = np.cumsum(counts_B) - counts_B
        counted_I = np.repeat(first_B - before_B, counts_B) + np.arange(int(counts_B.sum()))
        turn_I, item_I = np.divmod(counted_I, num_items)
        keys_I = np.repeat(np.asarray(keys, dtype=np.uint64), counts_B)
        offsets_IP, lengths_IP = self._pieces(item_I, keys_I)
        # Where each piece lies within its arc, cut to the arc.
        item_begins_I = self.starts[item_I] + turn_I * self.num_tokens - np.repeat(starts_B, counts_B)
        begins_IP = item_begins_I[:, None] + np.cumsum(lengths_IP, axis=1) - lengths_IP
        ends_IP = np.minimum(begins_IP + lengths_IP, num_tokens)
        cut_IP = np.maximum(0, -begins_IP)
        lengths_S = (ends_IP - begins_IP - cut_IP).ravel()
        there = lengths_S > 0
        offsets_S, lengths_S = (offsets_IP + np.where(offsets_IP < 0, 0, cut_IP)).ravel()[there], lengths_S[there]
        return self._read(offsets_S, lengths_S).reshape(len(starts_B), num_tokens)

    @abstractmethod
    def _pieces(self, item_I: np.ndarray, keys_I: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What items are made of: P stretches each, as offsets_IP in the shards and lengths_IP.

        A single token that stands in no shard has the offset -1 - id.
        """

    @abstractmethod
    def _read(self, offsets_S: np.ndarray, lengths_S: np.ndarray) -> np.ndarray:
        """The tokens of stretches, one after another."""

    @abstractmethod
    def item_id(self, item: int) -> str:
        """The id of an item's document or pair."""

    def tokens_by_language(self) -> dict[str, int]:
        """How many of the circle's tokens are of each language."""
        return {self.group: self.num_tokens}


class DocumentStream(Stream):
    """All documents of one source in one language, in the shards' order."""

    def __init__(self, shards: TokenShards, language: str, source: str, rows: np.ndarray) -> None:
        """Take the index's rows `rows`."""
        self.shards, self.rows = shards, rows
        self.offsets = shards.index.offset[rows]
        super().__init__(language, source, shards.index.num_tokens[rows], shards.eos_id)

    def _pieces(self, item_I: np.ndarray, keys_I: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.offsets[item_I, None], (self.starts[item_I + 1] - self.starts[item_I])[:, None]

    def _read(self, offsets_S: np.ndarray, lengths_S: np.ndarray) -> np.ndarray:
        return self.shards.stretches(offsets_S, lengths_S)

    def item_id(self, item: int) -> str:
        """The document's id."""
        return self._names[int(self.rows[item])]

    @cached_property
    def _names(self) -> list[str]:
        return self.shards.document_ids()


class PairStream(Stream):
    """All pairs of one source, shuffled once: `<|a|> text <|b|> translation </s>`, either language first by hash."""

    def __init__(
        self, shards: TokenShards, source: str, rows_P2: np.ndarray, tokens: dict[str, int], seed: int
    ) -> None:
        """Take the index's rows `rows_P2`, two for each pair; `tokens` are the ids of the languages' tokens."""
        order = permuted(np.arange(len(rows_P2)), len(rows_P2), key_of("pairs", seed, source))
        self.shards, self.rows_P2 = shards, rows_P2[order]
        index = shards.index
        self.offsets_P2, self.lengths_P2 = index.offset[self.rows_P2], index.num_tokens[self.rows_P2] - 1
        self.languages_P2 = index.language[self.rows_P2]
        self.language_tokens = np.array([tokens.get(name, -1) for name in index.languages], dtype=np.int64)
        super().__init__(PARALLEL, source, self.lengths_P2.sum(axis=1) + 3, shards.eos_id)

    def _pieces(self, item_I: np.ndarray, keys_I: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first_I = 1 - (mix(item_I, keys_I) & np.uint64(1)).astype(np.int64)
        offsets_I5 = np.empty((len(item_I), 5), dtype=np.int64)
        lengths_I5 = np.ones((len(item_I), 5), dtype=np.int64)
        for place, side_I in ((0, first_I), (2, 1 - first_I)):
            offsets_I5[:, place] = -1 - self.language_tokens[self.languages_P2[item_I, side_I]]
            offsets_I5[:, place + 1] = self.offsets_P2[item_I, side_I]
            lengths_I5[:, place + 1] = self.lengths_P2[item_I, side_I]
        offsets_I5[:, 4] = -1 - self.end_id
        return offsets_I5, lengths_I5

    def _read(self, offsets_S: np.ndarray, lengths_S: np.ndarray) -> np.ndarray:
        ids = np.repeat(-1 - offsets_S, lengths_S)
        stored = offsets_S >= 0
        ids[np.repeat(stored, lengths_S)] = self.shards.stretches(offsets_S[stored], lengths_S[stored])
        return ids

    def item_id(self, item: int) -> str:
        """The pair's id."""
        return self._names[int(self.rows_P2[item, 0])]

    @cached_property
    def _names(self) -> list[str]:
        return self.shards.document_ids()

    def tokens_by_language(self) -> dict[str, int]:
        """Tokens of each side; the end token is counted for neither."""
        sums = np.bincount(self.languages_P2.ravel(), weights=(self.lengths_P2 + 1).ravel())
        return {name: int(total) for name, total in zip(self.shards.index.languages, sums, strict=False)}


def texts_in_rows(ids_BT: np.ndarray, end_id: int | np.ndarray) -> np.ndarray:
    """Number the texts that share a row, token by token: 0, then 1 behind the first end, and so on.

    Args:
        ids_BT: Token ids.
        end_id: What ends a text, or [B, 1] where rows differ.
    """
    ends_BT = ids_BT == end_id
    return np.cumsum(ends_BT, axis=1) - ends_BT


def document_streams(folder: Path) -> list[Stream]:
    """A stream for each language and source of a shard folder, sorted."""
    shards = TokenShards(folder)
    index = shards.index
    streams: list[Stream] = []
    for language, name in enumerate(index.languages):
        for source, key in enumerate(index.sources):
            rows = np.flatnonzero((index.language == language) & (index.source == source))
            if len(rows):
                streams.append(DocumentStream(shards, name, key, rows))
    return streams


def pair_streams(
    folder: Path, language_tokens: dict[str, int], seed: int, *, max_tokens: int | None = None
) -> list[Stream]:
    """A stream of pairs for each source of a shard folder, sorted.

    Args:
        folder: Its index has two rows in a row for each pair.
        language_tokens: The ids of the tokens that announce a language.
        seed: Of the pairs' order.
        max_tokens: Pairs of which a side is longer are left out (None: none is).

    Raises:
        FournilError: The index does not come in pairs, or a language has no token.
    """
    shards = TokenShards(folder)
    index = shards.index
    if len(index.source) % 2 or not np.array_equal(index.source[::2], index.source[1::2]):
        raise FournilError(
            tr("the index does not come in pairs"), where=folder, fix=tr("Run the tokenizer stage again.")
        )
    unknown = sorted(set(index.languages) - set(language_tokens))
    if unknown and len(index.source):
        raise FournilError(
            tr("no token for language {language}", language=unknown[0]),
            where=folder,
            fix=tr("Add it to the run's languages."),
        )
    streams: list[Stream] = []
    for source, key in enumerate(index.sources):
        rows_P2 = np.flatnonzero(index.source == source).reshape(-1, 2)
        if max_tokens is not None:
            rows_P2 = rows_P2[index.num_tokens[rows_P2].max(axis=1) <= max_tokens + 1]  # with the end token
        if len(rows_P2):
            streams.append(PairStream(shards, key, rows_P2, language_tokens, seed))
    return streams


def streams_by_group(streams: Sequence[Stream]) -> dict[str, list[Stream]]:
    """Streams under the group whose share they fill."""
    groups: dict[str, list[Stream]] = {}
    for stream in streams:
        groups.setdefault(stream.group, []).append(stream)
    return groups
