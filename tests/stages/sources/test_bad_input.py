"""What a user may give by mistake or by malice, and what each gets: a refused row with its reason, or one line.

`CASES` is the table that the documentation prints. Beside each bad file lies a good one: where the bad one is refused,
the good one is read; where it is an error, nothing is written.
"""

import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS
from fournil.core.errors import FournilError
from fournil.core.shards import read_all
from fournil.stages.sources import Config, FilesSource, HubSource, run
from fournil.stages.sources.deb import Bounds, read_deb

TEXT = "Le boulanger pétrit la pâte, la laisse lever près du four, puis enfourne les pains ronds.\n"
ROWS = "".join(json.dumps({"text": f"{TEXT} {number}"}, ensure_ascii=False) + "\n" for number in range(2000)).encode()
PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
REFUSED, ERROR, READ = "refused", "error", "read"


@dataclass(frozen=True)
class Case:
    """One bad input."""

    name: str
    file: str
    """What the bad file is called."""
    make: Callable[[Path], object]
    """Writes it."""
    outcome: str
    """`refused` (a row in refused/), `error` (the stage stops), or `read` (it is no harm)."""
    said: str
    """The rule, or words of the message, or what is read."""


def parquet(rows: int = 2000, **columns) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns or {"text": [f"{TEXT} {number}" for number in range(rows)]}), out)
    return out.getvalue()


def damaged_inside(data: bytes) -> bytes:
    return data[:100] + bytes(255 - byte for byte in data[100:400]) + data[400:]


def no_utf8() -> bytes:
    return parquet(text=pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9 " * 20]).buffers()))


def writes(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def circle(path: Path) -> None:
    path.mkdir()
    for name in ("one", "two", "three"):
        (path / name).symlink_to(path, target_is_directory=True)
    (path / "inside.txt").write_text(TEXT)


CASES = [
    *(
        Case(f"a text cut short ({form})", f"bad.txt{form}", writes(pack(TEXT.encode() * 500)[:-9]), REFUSED, "damaged")
        for form, pack in PACK.items()
    ),
    *(
        Case(f"a table cut short ({form})", f"bad.jsonl{form}", writes(pack(ROWS)[:-9]), ERROR, "the file is damaged")
        for form, pack in PACK.items()
    ),
    Case("a parquet cut short", "bad.parquet", writes(parquet()[:-9]), ERROR, "no readable parquet file"),
    Case("a parquet damaged inside", "bad.parquet", writes(damaged_inside(parquet())),
         ERROR, "no readable parquet file"),
    Case("a parquet that is none", "bad.parquet", writes(TEXT.encode()), ERROR, "no readable parquet file"),
    Case("a parquet whose text is no UTF-8", "bad.parquet", writes(no_utf8()), REFUSED, "encoding"),
    Case("a pointer of git-lfs", "bad.parquet", writes(b"version https://git-lfs.github.com/spec/v1\n"),
         ERROR, "a pointer of git-lfs"),
    Case("a binary file", "bad.txt", writes(bytes(range(256)) * 99), REFUSED, "encoding"),
    Case("a picture", "bad.png", writes(b"\x89PNG\r\n\x1a\n" + bytes(99)), REFUSED, "format"),
    Case("an empty file", "bad.txt", writes(b""), REFUSED, "empty"),
    Case("an empty table", "bad.jsonl", writes(b""), READ, ""),
    Case("white space alone", "bad.txt", writes(b" \n\t\n" * 50), REFUSED, "empty"),
    Case("Latin-1", "bad.txt", writes(TEXT.encode("latin-1")), READ, TEXT),
    Case("UTF-16 with its mark", "bad.txt", writes(TEXT.encode("utf-16")), READ, TEXT),
    Case("UTF-16 without its mark", "bad.txt", writes(TEXT.encode("utf-16-le")), REFUSED, "encoding"),
    Case("UTF-16 cut in a character", "bad.txt", writes(TEXT.encode("utf-16")[:-1]), REFUSED, "encoding"),
    Case("NULs in a text", "bad.txt", writes(TEXT.encode() + b"\0" + TEXT.encode()), REFUSED, "encoding"),
    Case("NULs in a line", "bad.jsonl", writes(b'{"text": "du \0pain"}\n'), REFUSED, "binary"),
    Case("NULs escaped in JSON", "bad.jsonl", writes(b'{"text": "du \\u0000pain"}\n'), REFUSED, "binary"),
    Case("half a character in JSON", "bad.jsonl", writes(b'{"text": "du \\ud83d pain"}\n'), REFUSED, "encoding"),
    Case("a line that is no JSON", "bad.jsonl", writes(b'{"text": "du pain\n'), REFUSED, "json"),
    Case("JSON ten thousand deep", "bad.jsonl", writes(b"[" * 10_000 + b"\n"), REFUSED, "json"),
    Case("a row without text", "bad.jsonl", writes(b'{"text": 3}\n'), REFUSED, "no-text"),
    Case("a table without the column", "bad.jsonl", writes(b'{"body": "x"}\n'), ERROR, "no field called"),
    Case("a row of other columns", "bad.csv", writes(b"id,text\n1,a,b\n"), REFUSED, "columns"),
    Case("a catalogue cut short", "bad.mo", writes(b"\xde\x12\x04\x95" + bytes(20)),
         ERROR, "a catalogue does not say its language"),
    Case("a text that unpacks to too much", "bad.txt.xz", writes(lzma.compress(bytes(65 * 2**20))),
         REFUSED, "too-large"),
    Case("a page of 9 MB", "bad.html", writes(b"<p>" + b"du pain " * 1_200_000), REFUSED, "too-large"),
    Case("a link to nothing", "bad.txt", lambda path: path.symlink_to("gone"), REFUSED, "broken-link"),
    Case("a link to itself", "bad.txt", lambda path: path.symlink_to("bad.txt"), REFUSED, "broken-link"),
    Case("folders that link to each other", "bad", circle, READ, TEXT),
    Case("a pipe", "bad.txt", os.mkfifo, REFUSED, "special"),
    Case("a device", "bad.txt", lambda path: path.symlink_to("/dev/zero"), REFUSED, "special"),
    Case("a folder called like a file", "bad.txt", Path.mkdir, READ, ""),
]  # fmt: skip


def source(folder: Path, **more) -> FilesSource:
    return FilesSource(key="own", paths=(f"{folder}/**/*",), licence="CC0-1.0", **more)


def read(folder: Path, out: Path, *sources):
    return run(Config(files=sources or (source(folder),), min_letters=5), {}, out, Context())


def good_rows(out: Path) -> list[str]:
    return [row["text"] for row in read_all(out / "documents", DOCUMENTS).to_pylist()]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gets_what_the_table_says(tmp_path, case):
    folder, out = tmp_path / "given", tmp_path / "out"
    folder.mkdir()
    (folder / "good.txt").write_text(TEXT)
    case.make(folder / case.file)
    if case.outcome == ERROR:
        with pytest.raises(FournilError, match=re.escape(case.said)) as raised:
            read(folder, out)
        assert case.file in str(raised.value.where)
        assert raised.value.fix
        assert "\n" not in str(raised.value)
        assert not list(out.rglob("*.parquet"))
        (folder / case.file).unlink()
        read(folder, out)  # a second try, without it, goes on
        assert good_rows(out) == [TEXT]
        return
    artifact = read(folder, out)
    refused = read_all(out / "refused", REFUSED_DOCUMENTS, prefix="documents-").to_pylist()
    texts = good_rows(out)
    assert TEXT in texts
    assert sum(count.num_in for count in artifact.counts) == len(texts) + len(refused)
    if case.outcome == REFUSED:
        assert [row["rule"] for row in refused] == [case.said]
        assert all(row["value"] and row["bound"] and case.file in row["id"] for row in refused)
    else:
        assert not refused
        assert texts == [TEXT] + [case.said] * bool(case.said)


def test_the_names_of_the_table_are_those_of_its_cases():
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.outcome for case in CASES} == {REFUSED, ERROR, READ}
    assert all(case.said or case.outcome == READ for case in CASES)


PEAK = """
import resource, sys
from pathlib import Path
from fournil.core.context import Context
from fournil.stages.sources import Config, FilesSource, run
from fournil.stages.sources.readers import files
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)
folder, before = Path(sys.argv[1]), peak()
source = FilesSource(key="own", paths=(str(folder / "given" / "*"),), licence="CC0-1.0")
counts = run(Config(files=(source,)), {}, folder / "out", Context()).counts
print(counts[0].num_in, sum(counts[0].refused.values()), peak() - before)
"""


@pytest.mark.parametrize("name", ["line.txt", "line.jsonl", "line.csv"])
def test_a_line_of_200_mb_is_refused_and_takes_bounded_memory(tmp_path, name):
    path = tmp_path / "given" / name
    path.parent.mkdir()
    try:
        with path.open("wb") as file:
            for _ in range(200):
                file.write(b"du pain " * (2**20 // 8))
        command = [sys.executable, "-c", PEAK, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    finally:
        path.unlink(missing_ok=True)
    num_in, num_refused, megabytes = map(int, done.stdout.split())
    assert num_in == num_refused == 1
    assert megabytes < 180  # less than the line: it is never in memory whole


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_a_package_that_unpacks_to_a_hundred_times_its_bound_stops_early(tmp_path, deb, packing):
    bounds = Bounds(member_bytes=2**20, package_bytes=2**20)
    path = tmp_path / "bomb.deb"
    path.write_bytes(deb({"usr/share/zeros": bytes(100 * 2**20)}, packing))
    with pytest.raises(FournilError, match=r"this package unpacks to more than 1 MiB .*bomb\.deb.*max_unpacked_mb"):
        read_deb(path, lambda name: True, bounds)


def test_a_table_that_unpacks_to_a_hundred_times_its_size_stops_early(tmp_path, monkeypatch):
    from fournil.stages.sources.readers import opening

    monkeypatch.setattr(opening, "_BOMB_BYTES", 2**20)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "bomb.jsonl.xz").write_bytes(lzma.compress(b'{"text": "du pain"}\n' * 2**18, preset=0))
    with pytest.raises(FournilError, match=r"unpacks to more than 1,048,576 bytes .*bomb\.jsonl\.xz.*Split it"):
        read(tmp_path / "given", tmp_path / "out")


def test_a_member_that_climbs_out_is_counted_and_never_written(tmp_path, deb):
    climbing = {"../../climbed.txt": b"x", "usr/../../../climbed.txt": b"y", "usr/share/good": b"z"}
    path = tmp_path / "climbs.deb"
    path.write_bytes(deb(climbing))
    device = tarfile.TarInfo("./dev/sda")
    device.type = tarfile.BLKTYPE
    contents = read_deb(path, lambda name: True, Bounds())
    assert (contents.files, contents.refused) == ({"usr/share/good": b"z"}, {"outside": 2})
    assert not list(tmp_path.rglob("climbed.txt"))


def test_identifiers_that_collide_are_told_apart(tmp_path):
    rows = [{"id": "a", "text": f"{TEXT} {number}"} for number in range(3)] + [{"id": "a#2", "text": TEXT}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jsonl").write_text(json.dumps(rows[0]) + "\n")
    read(tmp_path, tmp_path / "out")
    ids = [row["id"] for row in read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()]
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize(("name", "data"), [("a.jsonl", b""), ("a.csv", b"id,text\n"), ("a.parquet", parquet(0))])
def test_a_source_without_documents_is_an_error(tmp_path, name, data):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / name).write_bytes(data)
    with pytest.raises(FournilError, match=r"this source holds no document and no pair .*'own'"):
        read(tmp_path / "given", tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_a_data_set_without_documents_is_an_error(tmp_path):
    (tmp_path / "train.parquet").write_bytes(parquet(0))
    hub = HubSource(key="set", dataset=str(tmp_path), licence="CC0-1.0")
    with pytest.raises(FournilError, match=r"this source holds no document and no pair .*'set'"):
        run(Config(hub=(hub,)), {}, tmp_path / "out", Context())


@pytest.mark.parametrize("name", ["secret.txt", "secret.jsonl"])
def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch, name):
    (tmp_path / "good.txt").write_text(TEXT)
    (tmp_path / name).write_text(TEXT)
    real = Path.open

    def guarded(path, *arguments, **more):
        if path.name == name:  # the superuser may read everything
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", guarded)
    with pytest.raises(FournilError, match=rf"cannot read the file: Permission denied .*{re.escape(name)}"):
        read(tmp_path, tmp_path / "out")


def test_a_folder_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "given" / "secret").mkdir(parents=True)
    (tmp_path / "given" / "good.txt").write_text(TEXT)
    real = os.scandir

    def guarded(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(FournilError, match=r"cannot read the folder: Permission denied .*secret"):
        read(tmp_path / "given", tmp_path / "out")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, r"a folder, not a file .*Name its files"),
        (os.mkfifo, "a pipe, a socket or a device"),
        (lambda path: path.symlink_to("/dev/null"), "a pipe, a socket or a device"),
        (lambda path: None, "no file matches"),
    ],
)
def test_what_is_no_file_and_is_named_is_an_error(tmp_path, make, message):
    make(tmp_path / "given.txt")
    named = FilesSource(key="own", paths=(str(tmp_path / "given.txt"),), licence="CC0-1.0")
    done: list[BaseException | None] = []

    def reads() -> None:
        from fournil.stages.sources import reads

        try:
            reads(Config(files=(named,)))
        except FournilError as error:
            done.append(error)

    thread = threading.Thread(target=reads, daemon=True)  # a pipe that is opened would hold it for ever
    thread.start()
    thread.join(20)
    assert done
    assert re.search(message, str(done[0]))
