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


@pytest.mark.parametrize("long", [0, 1000], ids=["one by one", "together"])
def test_many_stretches_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: int) -> None:
    """In whatever order, from whatever shards, and the same by both ways of reading."""
    monkeypatch.setattr("fournil.parts.tokenize.shards.LONG", long)
    shards = TokenShards(whole(tmp_path))
    generator = np.random.default_rng(1)
    documents = generator.integers(0, len(DOCUMENTS), 80)
    cut = generator.integers(0, 1 + shards.index.num_tokens[documents] // 2)
    starts, lengths = shards.index.offset[documents] + cut, shards.index.num_tokens[documents] - cut
    expected = [shards.ids(start, length) for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]
    np.testing.assert_array_equal(shards.stretches(starts, lengths), np.concatenate(expected))
    nothing = np.empty(0, dtype=np.int64)
    assert shards.stretches(nothing, nothing).shape == (0,)


def test_stretches_of_ids_beyond_the_vocabulary_are_refused(tmp_path: Path) -> None:
    folder = whole(tmp_path)
    header = folder / "header.json"
    header.write_text(header.read_text().replace('"vocab_size": 1024', '"vocab_size": 310'))
    shards = TokenShards(folder)
    with pytest.raises(FournilError, match="vocabulary of 310"):
        shards.stretches(np.array([shards.num_tokens - 3]), np.array([2]))
