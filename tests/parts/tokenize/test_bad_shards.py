"""Token shards that are cut, or do not fit their vocabulary: what each is refused with."""

# ruff: noqa: E501 - a table: one row a line

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from fournil.core.errors import FournilError
from fournil.parts.tokenize import TokenShards, TokenShardWriter


class Bad(NamedTuple):
    """A shard folder, how it is made of a whole one, and the message that it gets; FOLDER stands for its place."""

    given: str
    make: Callable[[Path], object]
    message: str


def _header(**changes: Any) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        path = folder / "header.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return make


def _foreign_id(folder: Path) -> None:
    ids = np.fromfile(folder / "00000.bin", dtype="<u2")
    ids[3] = 1024
    ids.tofile(folder / "00000.bin")


def _cut(name: str, num_bytes: int) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-num_bytes])


AGAIN = "Run the tokenizer stage again."
BAD_SHARDS = [
    Bad("an empty folder", lambda folder: [path.unlink() for path in folder.iterdir()], "no token shards here [FOLDER]. Run the tokenizer stage first."),
    Bad("a header that is no JSON", lambda folder: (folder / "header.json").write_text("{"), "no token shards here [FOLDER]. Run the tokenizer stage first."),
    Bad("a header without shards", _header(shards=None), f"the header of these token shards is broken [FOLDER/header.json]. {AGAIN}"),
    Bad("a header of another type of ids", _header(dtype="int8"), f"the header of these token shards is broken [FOLDER/header.json]. {AGAIN}"),
    Bad("a header that counts other tokens", _header(num_tokens=1), f"the header of these token shards is broken [FOLDER/header.json]. {AGAIN}"),
    Bad("a header that names a file outside the folder", _header(shards=[{"file": "../other.bin", "num_tokens": 136}]), f"the header of these token shards is broken [FOLDER/header.json]. {AGAIN}"),
    Bad("a shard cut short", _cut("00000.bin", 2), f"a token shard is missing or cut short [FOLDER/00000.bin]. {AGAIN}"),
    Bad("a shard that is missing", lambda folder: (folder / "00001.bin").unlink(), f"a token shard is missing or cut short [FOLDER/00001.bin]. {AGAIN}"),
    Bad("an index cut short", _cut("index.parquet", 100), f"the index of these token shards cannot be read [FOLDER/index.parquet]. {AGAIN}"),
    Bad("an index of other shards", _header(num_documents=2), f"the index does not fit the token shards [FOLDER/index.parquet]. {AGAIN}"),
    Bad("an id beyond the vocabulary", _foreign_id, "there is a token 1,024 in a vocabulary of 1,024 [FOLDER]. These shards are broken, or of another tokenizer: run the tokenizer stage again."),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD_SHARDS, ids=lambda row: row.given)
def test_each_is_refused_with_one_line(row: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    out = TokenShardWriter(
        folder, tmp_path / "work", vocab_size=1024, tokenizer_sha256="ab" * 32, eos_id=2, shard_tokens=50
    )
    for number in range(8):
        ids = np.arange(number, number + 16)
        out.write([ids], names=[f"book/{number}"], languages=["fr"], sources=["book"], num_bytes=[9])
    out.close()
    row.make(folder)
    with pytest.raises(FournilError) as caught:
        shards = TokenShards(folder)
        assert shards.index.num_tokens.sum() == shards.num_tokens == 136
        shards.ids(0, shards.num_tokens)
    assert str(caught.value).replace(str(folder), "FOLDER") == row.message
