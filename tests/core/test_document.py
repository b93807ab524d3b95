import pyarrow as pa
import pytest

from fournil.core.document import DOCUMENTS, PAIRS, REFUSED_PAIRS, document_row, pair_row, refused_row
from fournil.core.errors import FournilError
from fournil.core.shards import ShardWriter, count_rows, read_all, read_batches


def rows(number: int) -> list[dict]:
    return [document_row(f"s/{i}", f"texte {i} é", source="s", licence="CC0-1.0", language="fr") for i in range(number)]


def test_shards_come_back_in_order_and_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with ShardWriter(tmp_path / name, DOCUMENTS, max_bytes=2000) as writer:
            for row in rows(100):
                writer.write_rows([row])
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) > 2
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)
    assert read_all(tmp_path / "a", DOCUMENTS).to_pylist() == rows(100)
    assert count_rows(tmp_path / "a") == 100


def test_pairs_keep_their_texts_in_one_order(tmp_path):
    row = pair_row("p/1", {"fr": "Ouvrir", "en": "Open"}, source="p", licence="MIT")
    with ShardWriter(tmp_path, PAIRS) as writer:
        writer.write_rows([row])
    assert read_all(tmp_path, PAIRS)["texts"].to_pylist() == [[("en", "Open"), ("fr", "Ouvrir")]]


def test_a_refused_row_says_why():
    row = refused_row(
        pair_row("p/1", {"fr": "a", "en": "b"}, source="p", licence="MIT"), step="pairs", rule="x", value=0.25
    )
    table = pa.Table.from_pylist([row], schema=REFUSED_PAIRS)
    assert table["value"].to_pylist() == ["0.25"]


def test_an_unknown_column_is_refused():
    with pytest.raises(TypeError, match="no such column: licens"):
        document_row("s/1", "x", source="s", licence="MIT", licens="MIT")


def test_a_cut_shard_is_named(tmp_path):
    with ShardWriter(tmp_path, DOCUMENTS) as writer:
        writer.write_rows(rows(10))
    path = tmp_path / "part-00000.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FournilError, match=r"cannot be read \[.*part-00000"):
        list(read_batches(tmp_path))


def test_a_missing_column_is_named(tmp_path):
    with ShardWriter(tmp_path, DOCUMENTS) as writer:
        writer.write_rows(rows(1))
    with pytest.raises(FournilError, match="no column 'texts'"):
        list(read_batches(tmp_path, columns=["texts"]))
