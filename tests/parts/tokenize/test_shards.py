from pathlib import Path

import numpy as np
import pytest

from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.parts.tokenize import TokenShards, TokenShardWriter

DOCUMENTS = [np.arange(n, n + 1 + n % 7) for n in range(300, 360)]


def writer(folder: Path, vocab_size: int = 1024) -> TokenShardWriter:
    return TokenShardWriter(
        folder / "out",
        folder / "work",
        vocab_size=vocab_size,
        tokenizer_sha256="ab" * 32,
        eos_id=2,
        shard_tokens=50,
    )


def write(to: TokenShardWriter, start: int, stop: int, step: int) -> None:
    for first in range(start, stop, step):
        numbers = range(first, min(first + step, stop))
        to.write(
            [DOCUMENTS[n] for n in numbers],
            names=[f"book/{n}" for n in numbers],
            languages=["fr" if n % 3 else "en" for n in numbers],
            sources=["book"] * len(numbers),
            num_bytes=[n * 10 for n in numbers],
        )


def whole(folder: Path, step: int = 9) -> Path:
    out = writer(folder)
    write(out, 0, len(DOCUMENTS), step)
    out.close()
    return folder / "out"


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    shards = TokenShards(whole(tmp_path))
    expected = np.concatenate([np.append(document, 2) for document in DOCUMENTS])
    assert len(list((tmp_path / "out").glob("*.bin"))) > 3
    assert shards.num_tokens == len(expected)
    for start, n in [(0, len(expected)), (0, 0), (49, 3), (len(expected) - 1, 1), (17, 200)]:
        np.testing.assert_array_equal(shards.ids(start, n), expected[start : start + n])
    with pytest.raises(IndexError):
        shards.ids(len(expected), 1)
    index = shards.index
    for number, document in enumerate(DOCUMENTS):
        ids = shards.ids(int(index.offset[number]), int(index.num_tokens[number]))
        assert ids.tolist() == [*document, 2]
    assert [index.languages[code] for code in index.language[:4]] == ["en", "fr", "fr", "en"]
    assert index.sources == ("book",)
    assert index.num_bytes[5] == 50
    assert shards.document_ids()[7] == "book/7"


def test_a_killed_writer_goes_on_and_gives_the_same_bytes(tmp_path: Path) -> None:
    whole(tmp_path / "once")
    first = writer(tmp_path / "twice")
    write(first, 0, 40, 1)
    second = writer(tmp_path / "twice")
    assert 0 < second.num_done < 40
    write(second, second.num_done, len(DOCUMENTS), 4)
    second.close()
    assert hash_tree(tmp_path / "once" / "out")["sha256"] == hash_tree(tmp_path / "twice" / "out")["sha256"]


def test_an_empty_folder_is_a_folder_without_tokens(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.close()
    shards = TokenShards(tmp_path / "out")
    assert shards.num_tokens == 0
    assert shards.ids(0, 0).tolist() == []
    assert shards.index.languages == ()


def test_large_vocabularies_take_four_bytes(tmp_path: Path) -> None:
    out = writer(tmp_path, vocab_size=100_000)
    out.write([np.array([99_999])], names=["a"], languages=["fr"], sources=["s"], num_bytes=[3])
    out.close()
    assert TokenShards(tmp_path / "out").ids(0, 2).tolist() == [99_999, 2]


def test_a_shard_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    folder = whole(tmp_path)
    path = folder / "00001.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(FournilError, match="cut short"):
        TokenShards(folder)
    (folder / "header.json").unlink()
    with pytest.raises(FournilError, match="no token shards"):
        TokenShards(folder)
