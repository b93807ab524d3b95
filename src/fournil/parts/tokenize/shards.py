"""Token shards: ids in flat little-endian files, an index of documents beside them.

    folder/00000.bin, 00001.bin …   ids, uint16 or uint32, documents one after another
    folder/index.parquet            id, language, source, offset, num_tokens, num_bytes, one row per document
    folder/header.json              dtype, eos id, the tokenizer's hash, how many tokens each shard has

Offsets count tokens over all shards in order. A document never spans two shards.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path, write_bytes, write_json
from fournil.core.speech import tr

INDEX = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("num_tokens", pa.int64(), nullable=False),
        pa.field("num_bytes", pa.int64(), nullable=False),
    ]
)


LONG = 32
"""Tokens of a stretch on average from which copying stretches one by one is faster than gathering single tokens."""


def dtype_for(vocab_size: int) -> str:
    """The narrowest dtype that holds all ids, little-endian on every machine."""
    return "<u2" if vocab_size <= 1 << 16 else "<u4"


class TokenShardWriter:
    """Writes a shard folder; one that was killed goes on after its last finished shard.

    Usage: skip the first `num_done` documents, `write` the others in the same order, then `close`. Where shards end
    depends on the documents alone, so a folder is the same bytes however often the writer was killed.

    Args:
        folder: where the shards go.
        work: a folder for what only resuming needs; it may be deleted after `close`.
        vocab_size: decides the dtype.
        tokenizer_sha256: the hash of tokenizer.json, for the header.
        eos_id: put after each document.
        shard_tokens: a shard is closed once it has that many tokens.
    """

    def __init__(
        self,
        folder: Path,
        work: Path,
        *,
        vocab_size: int,
        tokenizer_sha256: str,
        eos_id: int,
        shard_tokens: int = 1 << 24,
    ) -> None:
        self._folder = folder
        self._work = work
        self._vocab_size = vocab_size
        self._tokenizer_sha256 = tokenizer_sha256
        self._dtype = np.dtype(dtype_for(vocab_size))
        self._eos_id = eos_id
        self._shard_tokens = shard_tokens
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        self._sizes: list[int] = []
        self.num_done = 0
        self._num_tokens = 0
        self._recover()
        self._ids: list[np.ndarray] = []
        self._rows: list[pa.RecordBatch] = []
        self._pending = 0

    def write(
        self,
        ids: Sequence[np.ndarray],
        *,
        names: Sequence[str],
        languages: Sequence[str],
        sources: Sequence[str],
        num_bytes: Sequence[int],
    ) -> None:
        """Add documents: their token ids without end token, and what the index says of them."""
        if not ids:
            return
        lengths_D = np.fromiter(map(len, ids), np.int64, len(ids)) + 1
        ends_D = np.cumsum(lengths_D)
        block = np.empty(ends_D[-1], dtype=self._dtype)
        inside = np.ones(len(block), np.bool_)
        inside[ends_D - 1] = False
        block[inside] = np.concatenate(ids)
        block[~inside] = self._eos_id
        start = begin = 0
        while start < len(ids):
            # A shard ends with the document that fills it.
            full = int(np.searchsorted(ends_D, begin + self._shard_tokens - self._pending)) + 1
            stop = min(full, len(ids))
            end = int(ends_D[stop - 1])
            offsets_D = ends_D[start:stop] - lengths_D[start:stop] + (self._num_tokens + self._pending - begin)
            columns = (names[start:stop], languages[start:stop], sources[start:stop])
            figures = (offsets_D, lengths_D[start:stop], num_bytes[start:stop])
            arrays = [pa.array(values, field.type) for values, field in zip((*columns, *figures), INDEX, strict=True)]
            self._rows.append(pa.RecordBatch.from_arrays(arrays, schema=INDEX))
            self._ids.append(block[begin:end])
            self._pending += end - begin
            if self._pending >= self._shard_tokens:
                self._flush()
            start, begin = stop, end

    def close(self) -> None:
        """Finish the last shard, then the index, then the header, which says that all is there."""
        if self._rows:
            self._flush()
        with (
            atomic_path(self._folder / "index.parquet") as path,
            pq.ParquetWriter(path, INDEX, compression="zstd") as out,
        ):
            for number in range(len(self._sizes)):
                out.write_table(pq.read_table(self._part(number)))
        write_json(
            self._folder / "header.json",
            {
                "dtype": "uint16" if self._dtype.itemsize == 2 else "uint32",
                "byte_order": "little",
                "eos_id": self._eos_id,
                "vocab_size": self._vocab_size,
                "tokenizer_sha256": self._tokenizer_sha256,
                "num_documents": self.num_done,
                "num_tokens": self._num_tokens,
                "shards": [
                    {"file": f"{number:05d}.bin", "num_tokens": size} for number, size in enumerate(self._sizes)
                ],
            },
        )

    def _recover(self) -> None:
        while self._part(len(self._sizes)).is_file():
            sizes = pq.read_table(self._part(len(self._sizes)), columns=["num_tokens"]).column(0)
            self.num_done += len(sizes)
            self._sizes.append(int(np.sum(sizes.to_numpy())))
        self._num_tokens = sum(self._sizes)

    def _part(self, number: int) -> Path:
        return self._work / f"{number:05d}.parquet"

    def _flush(self) -> None:
        number = len(self._sizes)
        write_bytes(self._folder / f"{number:05d}.bin", np.concatenate(self._ids).tobytes())
        table = pa.Table.from_batches(self._rows, INDEX).combine_chunks()
        # The part of the index comes last: it says that its shard is whole.
        with atomic_path(self._part(number)) as path:
            pq.write_table(table, path, compression="zstd")
        self.num_done += len(table)
        self._sizes.append(self._pending)
        self._num_tokens += self._pending
        self._ids, self._rows, self._pending = [], [], 0


@dataclass(frozen=True)
class ShardIndex:
    """The documents of a shard folder, as arrays with one entry per document."""

    offset: np.ndarray
    """First token, counted over all shards, int64."""
    num_tokens: np.ndarray
    """With the end token, int64."""
    num_bytes: np.ndarray
    """Of the text in UTF-8, int64."""
    language: np.ndarray
    """Position in `languages`, int32."""
    languages: tuple[str, ...]
    source: np.ndarray
    """Position in `sources`, int32."""
    sources: tuple[str, ...]


class TokenShards:
    """A shard folder, memory-mapped.

    Raises:
        FournilError: when the folder is no finished shard folder, or its files do not have the sizes that it says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        try:
            header = json.loads((self.folder / "header.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FournilError(
                tr("no token shards here"), where=self.folder, fix=tr("Run the tokenizer stage first.")
            ) from error
        try:
            self.num_tokens: int = int(header["num_tokens"])
            self.num_documents: int = int(header["num_documents"])
            self.vocab_size: int = int(header["vocab_size"])
            self.eos_id: int = int(header["eos_id"])
            self.tokenizer_sha256: str = str(header["tokenizer_sha256"])
            self.dtype = np.dtype({"uint16": "<u2", "uint32": "<u4"}[header["dtype"]])
            shards = [(str(shard["file"]), int(shard["num_tokens"])) for shard in header["shards"]]
            whole = sum(size for _, size in shards) == self.num_tokens and 0 <= self.eos_id < self.vocab_size
        except (KeyError, TypeError, ValueError):
            whole, shards = False, []
        if not whole or any(Path(name).name != name for name, _ in shards):
            raise FournilError(
                tr("the header of these token shards is broken"),
                where=self.folder / "header.json",
                fix=tr("Run the tokenizer stage again."),
            )
        self._starts = np.cumsum([0, *(size for _, size in shards)])
        self._maps: list[np.ndarray] = []
        for name, size in shards:
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != size * self.dtype.itemsize:
                raise FournilError(
                    tr("a token shard is missing or cut short"), where=path, fix=tr("Run the tokenizer stage again.")
                )
            # As a plain array: each look into a memmap costs microseconds, and there are many.
            self._maps.append(np.memmap(path, dtype=self.dtype, mode="r").view(np.ndarray))

    def ids(self, start: int, n: int) -> np.ndarray:
        """The ids of tokens start … start + n - 1 over all shards, as a new int64 array.

        Raises:
            IndexError: when there are not that many.
            FournilError: when an id is beyond the vocabulary.
        """
        if start < 0 or n < 0 or start + n > self.num_tokens:
            raise IndexError(f"tokens {start} to {start + n} of {self.num_tokens}")
        out = np.empty(n, dtype=np.int64)
        shard = int(np.searchsorted(self._starts, start, side="right")) - 1
        done = 0
        while done < n:
            inside = start + done - int(self._starts[shard])
            piece = self._maps[shard][inside : inside + n - done]
            out[done : done + len(piece)] = piece
            done += len(piece)
            shard += 1
        self._refuse_beyond_vocabulary(out)
        return out

    def stretches(self, starts_S: np.ndarray, lengths_S: np.ndarray) -> np.ndarray:
        """The ids of many stretches of tokens, one after another, as a new int64 array.

        Args:
            starts_S: First token of each, counted over all shards, int64.
            lengths_S: Tokens of each, int64, at least 1. A stretch lies within one shard, as documents do.

        Raises:
            IndexError: when there are not that many.
            FournilError: when an id is beyond the vocabulary.
        """
        out = np.empty(int(lengths_S.sum()), dtype=np.int64)
        shard_S = np.searchsorted(self._starts, starts_S, side="right") - 1
        inside_S = starts_S - self._starts[shard_S]
        ends_S = np.cumsum(lengths_S)
        if len(out) > LONG * len(lengths_S):  # long ones are copied one by one, short ones gathered all together
            columns = (shard_S, inside_S, lengths_S, ends_S)
            for shard, inside, length, end in zip(*(column.tolist() for column in columns), strict=True):
                out[end - length : end] = self._maps[shard][inside : inside + length]
        elif len(out):
            order = np.argsort(shard_S, kind="stable")
            shards, lengths = shard_S[order], lengths_S[order]
            first = np.cumsum(lengths) - lengths
            counting = np.arange(len(out))
            source = np.repeat(inside_S[order] - first, lengths) + counting
            target = np.repeat((ends_S - lengths_S)[order] - first, lengths) + counting
            new = np.flatnonzero(np.diff(shards, prepend=-1))
            edges = [*first[new].tolist(), len(out)]
            for number, shard in enumerate(shards[new].tolist()):
                part = slice(edges[number], edges[number + 1])
                out[target[part]] = self._maps[shard][source[part]]
        self._refuse_beyond_vocabulary(out)
        return out

    def _refuse_beyond_vocabulary(self, ids: np.ndarray) -> None:
        largest = int(ids.max()) if len(ids) else 0
        if largest >= self.vocab_size:
            raise FournilError(
                tr("there is a token {token:,} in a vocabulary of {size:,}", token=largest, size=self.vocab_size),
                where=self.folder,
                fix=tr("These shards are broken, or of another tokenizer: run the tokenizer stage again."),
            )

    @cached_property
    def index(self) -> ShardIndex:
        """The index without the documents' ids."""
        table = self._table(["language", "source", "offset", "num_tokens", "num_bytes"])
        language, languages = _codes(table.column("language"))
        source, sources = _codes(table.column("source"))
        offset, num_tokens, num_bytes = (table.column(i).to_numpy() for i in (2, 3, 4))
        before = np.cumsum(num_tokens) - num_tokens
        if len(offset) != self.num_documents or num_tokens.sum() != self.num_tokens or (offset != before).any():
            raise FournilError(
                tr("the index does not fit the token shards"),
                where=self.folder / "index.parquet",
                fix=tr("Run the tokenizer stage again."),
            )
        return ShardIndex(offset, num_tokens, num_bytes, language, languages, source, sources)

    def document_ids(self) -> list[str]:
        """The documents' ids, in the order of the index."""
        return self._table(["id"]).column(0).to_pylist()

    def _table(self, columns: list[str]) -> pa.Table:
        try:
            return pq.read_table(self.folder / "index.parquet", columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise FournilError(
                tr("the index of these token shards cannot be read"),
                where=self.folder / "index.parquet",
                fix=tr("Run the tokenizer stage again."),
            ) from error


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions in the sorted distinct names, and these names."""
    names = tuple(sorted(column.unique().to_pylist()))
    position = {name: number for number, name in enumerate(names)}
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    table = np.array([position[name] for name in encoded.dictionary.to_pylist()], dtype=np.int32)
    return table[encoded.indices.to_numpy()] if len(table) else np.empty(0, dtype=np.int32), names
