"""Files of every kind, good and bad, as documents, pairs and refusals."""

import gzip
import io
import json
import lzma
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from fournil.core.errors import FournilError
from fournil.stages.sources.readers.files import Bounds, read_files
from fournil.stages.sources.readers.raw import RawDocument, RawPair, Refused

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def jsonl(*rows: object) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def documents(*patterns: str | Path, **arguments: object) -> list[RawDocument]:
    rows = list(read_files(patterns, **arguments))  # type: ignore[arg-type]
    assert all(isinstance(row, RawDocument) for row in rows), rows
    return rows  # type: ignore[return-value]


def refused(*patterns: str | Path, **arguments: object) -> list[Refused]:
    return [row for row in read_files(patterns, **arguments) if isinstance(row, Refused)]  # type: ignore[arg-type]


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.txt", "Du pain «\u00a0frais\u00a0».\r\n".encode(), None),
        ("a.md", '---\ntitle: "Le pain"\n---\nDu pain «\u00a0frais\u00a0».\n'.encode(), "Le pain"),
        ("a.html", "<h1>Le pain</h1><p>Du pain «&nbsp;frais&nbsp;».".encode(), "Le pain"),
        ("a.jsonl", jsonl({"text": "Du pain «\u00a0frais\u00a0».", "title": "Le pain"}), "Le pain"),
        ("a.csv", "title,text\nLe pain,Du pain «\u00a0frais\u00a0».\n".encode(), "Le pain"),
        ("a.tsv", "title\ttext\nLe pain\tDu pain «\u00a0frais\u00a0».\n".encode(), "Le pain"),
        ("a.1", ".TH PAIN 1\n.SH A\nDu pain «\\ frais\\ ».\n".encode(), "PAIN(1)"),
    ],
)
def test_each_format_plain_and_compressed(
    tmp_path: Path, name: str, data: bytes, title: str | None, packed: str
) -> None:
    (tmp_path / (name + packed)).write_bytes(PACK[packed](data))
    (document,) = documents(tmp_path / (name + packed))
    assert document.text.strip().endswith("Du pain «\u00a0frais\u00a0».")
    assert document.title == title
    assert document.native_id.startswith(name + packed)


def test_rows_carry_what_they_say(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "text": "été",
        "lang": "fr_FR",
        "license": "MIT",
        "author": "X",
        "date": "1870",
        "url": "u",
        "other": 1,
    }
    (tmp_path / "a.jsonl").write_bytes(jsonl(row, {**row, "lang": "French"}, {"text": "b"}))
    one, two, three = documents(tmp_path / "a.jsonl", language="en")
    assert one == RawDocument("a.jsonl#7", "été", "fr", None, "X", "1870", "u", None, {"licence": "MIT"})
    assert (two.native_id, two.language) == ("a.jsonl#7#2", "fr")
    assert (three.native_id, three.language) == ("a.jsonl#3", "en")


def test_parquet_documents_and_pairs(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["un", "deux"], "key": ["x", "y"], "noise": [1, 2]}), tmp_path / "a.parquet")
    assert [row.native_id for row in documents(tmp_path / "a.parquet", text_field="body", id_field="key")] == [
        "a.parquet#x",
        "a.parquet#y",
    ]
    texts = pa.array([[("en", "bread"), ("fr", "pain")]], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({"texts": texts, "score": [0.5]}), tmp_path / "b.parquet")
    assert list(read_files([tmp_path / "b.parquet"])) == [RawPair("b.parquet#1", {"en": "bread", "fr": "pain"}, 0.5)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", jsonl({"en": "bread", "fr": "pain"})),
        ("a.jsonl", jsonl({"translation": {"en": "bread", "fr": "pain"}})),
        ("a.tsv", b"bread\tpain\n"),
        ("a.tsv", b"English\tFrench\nbread\tpain\n"),
        ("a.csv", b"fr;en\npain;bread\n"),
    ],
)
def test_pairs(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (pair,) = read_files([tmp_path / name])
    assert isinstance(pair, RawPair)
    assert pair.texts == {"en": "bread", "fr": "pain"}


def test_tsv_pairs_keep_quotation_marks_and_refuse_other_lines(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('"Hi" she said.\t« Salut », dit-elle.\nalone\n\nBye\t\n')
    pair, alone, empty = read_files([tmp_path / "a.tsv"])
    assert isinstance(pair, RawPair)
    assert pair.texts["en"] == '"Hi" she said.'
    assert isinstance(alone, Refused)
    assert (alone.rule, alone.value, alone.bound) == ("columns", "1", "2")
    assert isinstance(empty, Refused)
    assert empty.rule == "empty"


def test_csv_with_quotes_and_line_ends_in_cells(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id;text\n1;"un ""bon""\npain; vraiment"\n')
    (document,) = documents(tmp_path / "a.csv")
    assert document.text == 'un "bon"\npain; vraiment'


@pytest.mark.parametrize(
    ("encoding", "recorded"),
    [("utf-8", None), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32"), ("latin-1", "cp1252")],
)
def test_encodings(tmp_path: Path, encoding: str, recorded: str | None) -> None:
    text = "Le blé était mûr à l'été, déjà doré ; la fenêtre, ouverte."
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    (tmp_path / "a.csv").write_bytes(f"id,text\n1,{text.replace(',', '')}\n".encode(encoding))
    document, row = documents(tmp_path / "a.txt", tmp_path / "a.csv")[::-1]
    assert document.text == text
    assert document.extra == ({"encoding": recorded} if recorded else {})
    assert row.text == text.replace(",", "")


def test_real_encodings(shared: Path) -> None:
    folder = shared / "samples"
    decoded = {row.native_id: row.text for row in documents(folder / "broken" / "*.txt", format="txt")}
    plain = {
        row.native_id: row.text for row in documents(folder / "plain" / "*french.txt", folder / "plain" / "vim*.txt")
    }
    assert decoded["charset_normalizer_sample-french-1.txt"] == plain["charset_normalizer_sample-french.txt"]
    assert decoded["vim-tutor.fr.latin1.txt"] == plain["vim-tutor.fr.utf-8.txt"]
    assert decoded["uchardet_fr_windows-1252.txt"].startswith("L’œuf de volaille")
    (wide,) = documents(folder / "broken" / "uchardet_fr_utf-32.le", format="txt")
    assert wide.text.startswith("UTF-32 est un codage")
    with pytest.raises(FournilError, match="git-lfs"):
        list(read_files([folder / "broken" / "lfs-pointer.parquet"]))


def test_documents_that_cannot_be_read_are_refused_with_the_reason(tmp_path: Path) -> None:
    whole = b"Du pain. " * 1000
    noise = bytes(range(256)) * 40
    (tmp_path / "binary.txt").write_bytes(noise)
    (tmp_path / "controls.txt").write_bytes(noise.replace(b"\0", b""))
    (tmp_path / "cut.txt.gz").write_bytes(gzip.compress(noise)[:-20])
    (tmp_path / "cut.txt.xz").write_bytes(lzma.compress(noise)[:-20])
    (tmp_path / "cut.txt.zst").write_bytes(zstandard.compress(noise)[:-20])
    (tmp_path / "foreign.txt.zst").write_bytes(b"hello")
    (tmp_path / "bomb.txt.gz").write_bytes(gzip.compress(whole * 100))
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "picture.png").write_bytes(noise)
    (tmp_path / "nowhere.txt").symlink_to("gone")
    rules = {
        row.native_id: (row.rule, row.value) for row in refused(tmp_path / "*", bounds=Bounds(document_bytes=50_000))
    }
    assert {name: rule for name, (rule, _) in rules.items()} == {
        "binary.txt": "encoding", "controls.txt": "encoding", "cut.txt.gz": "damaged", "cut.txt.xz": "damaged",
        "cut.txt.zst": "damaged", "foreign.txt.zst": "damaged", "bomb.txt.gz": "too-large", "empty.txt": "empty",
        "picture.png": "format", "nowhere.txt": "broken-link",
    }  # fmt: skip
    assert rules["binary.txt"][1] == "NUL at byte 0"


def test_bad_lines_are_refused_and_the_others_read(tmp_path: Path) -> None:
    good = jsonl({"text": "bon"})
    lines = [
        good, b'{"text": "cut\n', b"[1]\n", b'{"text": 3}\n', b'{"text": " "}\n', b"\n", b'{"text": "\0"}\n',
        b'{"text": "' + b"x" * 5000 + b'"}\n', b"[" * 900 + b"\n", good,
    ]  # fmt: skip
    (tmp_path / "a.jsonl").write_bytes(b"".join(lines))
    rows = list(read_files([tmp_path / "a.jsonl"], bounds=Bounds(line_bytes=1000)))
    assert [row.rule if isinstance(row, Refused) else row.native_id for row in rows] == [
        "a.jsonl#1", "json", "json", "no-text", "empty", "binary", "line-too-long", "json", "a.jsonl#10",
    ]  # fmt: skip
    assert rows[6] == Refused("a.jsonl#8", "line-too-long", f"{len(lines[7])} bytes", "1000 bytes")


@pytest.mark.parametrize("packed", [".gz", ".xz", ".zst"])
def test_a_table_cut_short_is_an_error_that_names_it(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"a.jsonl{packed}"
    path.write_bytes(PACK[packed](jsonl(*({"text": f"pain {number}"} for number in range(5000))))[:-100])
    with pytest.raises(FournilError, match="the file is damaged") as raised:
        list(read_files([path]))
    assert raised.value.where == str(path)
    assert raised.value.fix


def test_several_frames_of_zstd_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt.zst").write_bytes(zstandard.compress(b"du pain") + zstandard.compress(b" frais"))
    assert documents(tmp_path / "a.txt.zst")[0].text == "du pain frais"


@pytest.mark.parametrize("keep", [0, 3, 60, -10])
def test_a_parquet_cut_short_is_an_error(tmp_path: Path, keep: int) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"text": ["pain"] * 100}), buffer)
    (tmp_path / "a.parquet").write_bytes(buffer.getvalue()[:keep])
    with pytest.raises(FournilError, match="no readable parquet"):
        list(read_files([tmp_path / "a.parquet"]))


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.jsonl", jsonl({"body": "x"})), ("a.csv", b"body,n\nx,1\n"), ("a.tsv", b"body\tn\tm\nx\t1\t2\n")],
)
def test_a_table_without_the_field_names_those_that_it_has(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FournilError, match=r"no field called en or fr or text .*there are: body"):
        list(read_files([tmp_path / name]))
    assert documents(tmp_path / name, text_field="body")[0].text == "x"


def test_a_parquet_without_the_field_too(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(FournilError, match="there are: body"):
        list(read_files([tmp_path / "a.parquet"]))


def test_names_order_and_links(tmp_path: Path) -> None:
    for name in ("b/x.txt", "a/x.txt", "a/deep/y.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "self.txt").symlink_to("self.txt")
    rows = list(read_files([tmp_path / "**" / "*.txt"]))
    assert [row.native_id for row in rows] == ["a/deep/y.txt", "a/x.txt", "b/x.txt", "self.txt"]
    assert isinstance(rows[-1], Refused)
    both = documents(tmp_path / "a" / "x.txt", tmp_path / "b" / "x.txt", tmp_path / "a" / "*.txt")
    assert [row.native_id for row in both] == ["a/x.txt", "b/x.txt"]
    assert documents(tmp_path / "b" / "x.txt", root=tmp_path)[0].native_id == "b/x.txt"


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a[1].txt").write_text("pain")
    assert documents("~/a[1].txt")[0].native_id == "a[1].txt"


@pytest.mark.parametrize(
    ("patterns", "what"),
    [
        ([], "no files are named"),
        (["gone/*.txt"], "no file matches"),
        (["gone.txt"], "cannot read"),
        (["."], "a folder"),
    ],
)
def test_what_is_not_there(tmp_path: Path, patterns: list[str], what: str) -> None:
    with pytest.raises(FournilError, match=what):
        list(read_files([tmp_path / pattern for pattern in patterns]))


def test_catalogues_need_a_language(tmp_path: Path) -> None:
    (tmp_path / "a.po").write_text('msgid ""\nmsgstr "charset=UTF-8"\n\nmsgid "File"\nmsgstr "Fichier"\n')
    with pytest.raises(FournilError, match="does not say its language"):
        list(read_files([tmp_path / "a.po"]))
    (pair,) = read_files([tmp_path / "a.po"], language="fr")
    assert pair == RawPair("a.po#1", {"en": "File", "fr": "Fichier"}, extra={"kind": "message"})


def test_real_tables(shared: Path) -> None:
    pairs = list(read_files([shared / "samples" / "tsv-pairs" / "*.tsv"]))
    assert len(pairs) == 400
    assert pairs[0] == RawPair(
        "tatoeba_fra-eng_excerpt.tsv#1",
        {"en": "I've just read this book.", "fr": "Je viens juste de lire ce livre."},
    )
    kinds = Counter(type(row).__name__ for row in read_files([shared / "data" / "tldr" / "*.jsonl.xz"]))
    assert set(kinds) == {"RawDocument", "RawPair"}
