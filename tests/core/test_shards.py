"""Parquet shards as they are written."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fournil.core.document import DIALOGUES, PAIRS, pair_row
from fournil.core.shards import write_table


def _encoded(path: Path) -> dict[str, bool]:
    """Whether a column of the first row group has a dictionary."""
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {column.path_in_schema: "RLE_DICTIONARY" in column.encodings for column in columns}


def test_a_dictionary_is_made_of_what_repeats_and_of_no_text(tmp_path: Path) -> None:
    rows = [pair_row(f"a/{n}", {"fr": f"un {n}", "en": f"one {n}"}, source="a", licence="CC0-1.0") for n in range(9)]
    write_table(tmp_path / "pairs.parquet", pa.Table.from_pylist(rows, schema=PAIRS))
    found = _encoded(tmp_path / "pairs.parquet")
    assert all(found[name] for name in ("source", "licence", "texts.key_value.key"))
    assert not any(found[name] for name in ("id", "texts.key_value.value", "title", "extra"))
    turns = [{"speaker": "A", "text": "Bonjour."}, {"speaker": "B", "text": "Salut !"}]
    row = {"id": "d/1", "text": "A : Bonjour.", "turns": turns, "language": "fr", "source": "d", "licence": "CC0-1.0"}
    write_table(tmp_path / "dialogues.parquet", pa.Table.from_pylist([row], schema=DIALOGUES))
    found = _encoded(tmp_path / "dialogues.parquet")
    assert found["turns.list.element.speaker"]
    assert not any(found[name] for name in ("turns.list.element.text", "text"))


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [pair_row(f"a/{n}", {"fr": "é", "en": "e"}, source="a", licence="CC0-1.0", title="T") for n in range(3)]
    table = pa.Table.from_pylist(rows, schema=PAIRS)
    write_table(tmp_path / "pairs.parquet", table)
    assert pq.read_table(tmp_path / "pairs.parquet").equals(table)
