import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from fournil.core.errors import FournilError
from fournil.parts.text.reading import read_rows, read_texts

TEXTS = ["Première phrase.\nEt la suite.", "Déjà vu"]
LINES = "".join(json.dumps({"text": text, "label": number}) + "\n" for number, text in enumerate(TEXTS))


def packed(path: Path, data: bytes) -> Path:
    packing = {".gz": gzip.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
    path.write_bytes(packing.get(path.suffix, bytes)(data))
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "a.ndjson.zst", "A.JSONL"])
def test_json_lines(tmp_path, name):
    assert list(read_texts([packed(tmp_path / name, LINES.encode())])) == TEXTS


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.txt.gz", "a.txt.xz", "a.txt.zst"])
def test_a_text_is_one_text(tmp_path, name):
    assert list(read_texts([packed(tmp_path / name, b"\xef\xbb\xbf" + TEXTS[0].encode())])) == [TEXTS[0]]


def test_parquet(tmp_path):
    pq.write_table(pa.table({"id": ["1", "2", "3"], "text": [*TEXTS, None]}), tmp_path / "a.parquet")
    assert list(read_texts([tmp_path / "a.parquet"])) == TEXTS
    assert [row["id"] for row in read_rows([tmp_path / "a.parquet"], columns=("text", "id"))] == ["1", "2", "3"]


def test_of_a_folder_all_files_that_are_not_hidden(tmp_path):
    (tmp_path / "b" / ".cache").mkdir(parents=True)
    (tmp_path / "b" / ".cache" / "x.txt").write_text("no")
    (tmp_path / "b" / "2.txt").write_text("second")
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    assert list(read_texts([tmp_path])) == ["first", "second"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"text": "a"}\n{"body": "b"}\n', "line 2 is no JSON object with 'text'"),
        ("a.jsonl", b"[1]\n", "line 1 is no JSON object with 'text'"),
        ("a.jsonl", b"{\n", "line 1 is no JSON object with 'text'"),
        ("a.txt", b"\xe9t\xe9", "this file cannot be read"),
        ("a.txt.gz", gzip.compress(b"a" * 9999)[:-9], "this file cannot be read"),
        ("a.txt.xz", lzma.compress(b"a" * 9999)[:-9], "this file cannot be read"),
        ("a.txt.zst", b"no frame at all", "this file cannot be read"),
        ("a.parquet", b"no parquet", "a.parquet"),
        ("a.pdf", b"%PDF", "cannot read texts from a file of this kind"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FournilError, match=message):
        list(read_texts([tmp_path / name]))


def test_a_missing_file_and_an_empty_folder(tmp_path):
    with pytest.raises(FournilError, match="no such file"):
        list(read_texts([tmp_path / "nowhere.txt"]))
    with pytest.raises(FournilError, match="no texts in this folder"):
        list(read_texts([tmp_path]))


def test_a_column_that_is_not_there(tmp_path):
    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "a.parquet")
    with pytest.raises(FournilError, match="no column 'body'"):
        list(read_texts([tmp_path / "a.parquet"], column="body"))
