"""Data sets of the hub's layout, as local folders; the hub itself is asked only where it must fail."""

import io
import itertools
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core.errors import FournilError
from fournil.stages.sources.readers.hub import glob_escape, read_hub
from fournil.stages.sources.readers.raw import RawDocument, RawPair

CARD = """---
license: cc-by-4.0
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test.parquet
- config_name: small
  data_files: "small/*.parquet"
---
# Un jeu de données
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data/train-00000", "data/train-00001", "data/test", "small/all"):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"text": [f"pain de {name}"], "id": ["1"]}), path)
    return tmp_path


def texts(folder: Path | str, **arguments: str) -> list[str]:
    return [row.text for row in read_hub(str(folder), **arguments) if isinstance(row, RawDocument)]  # type: ignore[arg-type]


def test_the_card_says_which_files(folder: Path) -> None:
    (folder / "README.md").write_text(CARD)
    found = read_hub(str(folder))
    assert (found.licence, found.commit) == ("cc-by-4.0", None)
    assert found.files == ("data/train-00000.parquet", "data/train-00001.parquet")
    assert [row.native_id for row in found] == ["data/train-00000.parquet#1", "data/train-00001.parquet#1"]
    assert texts(folder, split="test") == ["pain de data/test"]
    assert texts(folder, config="small") == ["pain de small/all"]
    with pytest.raises(FournilError, match=r"no split 'validation'.*Its splits: test, train"):
        read_hub(str(folder), split="validation")
    with pytest.raises(FournilError, match=r"no configuration 'large'.*default, small"):
        read_hub(str(folder), config="large")


def test_without_a_card_the_words_in_the_paths_say_it(folder: Path) -> None:
    assert texts(folder) == ["pain de data/train-00000", "pain de data/train-00001"]
    assert texts(folder, split="test") == ["pain de data/test"]
    assert texts(folder / "small") == ["pain de small/all"]
    with pytest.raises(FournilError, match=r"no configuration 'x'.*Folders there: data, small"):
        read_hub(str(folder), config="x")
    with pytest.raises(FournilError, match="no split 'train'"):
        read_hub(str(_empty(folder)))


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_a_card_whose_files_are_not_there(folder: Path) -> None:
    (folder / "README.md").write_text(CARD.replace("data/train-*", "../../etc/*"))
    with pytest.raises(FournilError, match="the card's files of split 'train' are not there"):
        read_hub(str(folder))
    (folder / "README.md").write_text("---\nlicense: [a\n---\n")
    with pytest.raises(FournilError, match="front matter cannot be read"):
        read_hub(str(folder))


def test_the_hub_gives_the_commit_and_only_the_files_of_the_split(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "README.md").write_text(CARD)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    asked: dict[str, object] = {}

    class Api:
        def dataset_info(self, name: str, revision: str) -> SimpleNamespace:
            return SimpleNamespace(sha="c0ffee", siblings=[SimpleNamespace(rfilename=file) for file in names])

    def snapshot_download(name: str, **arguments: object) -> str:
        asked.update(arguments)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(folder / "README.md"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    found = read_hub("owner/name", "v1")
    assert found.commit == "c0ffee"
    assert asked["revision"] == "c0ffee"
    assert asked["allow_patterns"] == ["data/train-00000.parquet", "data/train-00001.parquet"]
    assert len(list(found)) == 2


def test_network_errors_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        def dataset_info(self, name: str, revision: str) -> None:
            raise ConnectionError("Name or service not known\nmany\nlines")

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    with pytest.raises(
        FournilError, match=r"the hub cannot be reached \(ConnectionError: Name or service not known\)"
    ) as raised:
        read_hub("owner/name", "main")
    assert "\n" not in str(raised.value)
    assert "local folder" in (raised.value.fix or "")


@pytest.mark.parametrize(
    ("name", "revision", "what"),
    [("owner/name", "", "no revision"), ("nothing", "main", "no such folder"), ("./gone/a", "main", "no such folder")],
)
def test_wrong_names(name: str, revision: str, what: str) -> None:
    with pytest.raises(FournilError, match=what):
        read_hub(name, revision)


def test_names_with_brackets_are_no_patterns() -> None:
    assert glob_escape("a[1]*.parquet") == "a[[]1][*].parquet"


def test_real_layouts(shared: Path) -> None:
    folder = shared / "samples" / "hub-parquet"
    bible = read_hub(str(folder / "bible-segond1910"), text_field="target_text")
    assert sum(1 for _ in bible) == 400
    turkish = read_hub(str(folder / "turkish-daily-dialogues-5k"), split="validation", text_field="topic")
    assert turkish.licence == "cc-by-4.0"
    assert sum(1 for _ in turkish) == 525


class Counted(io.BytesIO):
    """A file of the hub that counts the bytes that travel."""

    def __init__(self, data: bytes, read: list[int]) -> None:
        super().__init__(data)
        self.counts = read

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.counts.append(len(data))
        return data


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A hub in whose place a local folder stands; the list gets the bytes that travel of parquet files."""
    import random

    read: list[int] = []
    noise = random.Random(1)
    for number in range(2):
        rows = 400
        long = [f"pain {number}-{row} " + noise.randbytes(1000).hex() for row in range(rows)]
        table = pa.table({"id": [str(row) for row in range(rows)], "text": long, "unwanted": long})
        pq.write_table(table, folder / f"data/train-{number:05}.parquet", row_group_size=50)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]

    class Api:
        def dataset_info(self, name: str, revision: str, timeout: float | None = None) -> SimpleNamespace:
            return SimpleNamespace(sha="c0ffee", siblings=[SimpleNamespace(rfilename=file) for file in names])

    class FileSystem:
        def open(self, path: str, mode: str, revision: str, **_: object) -> Counted:
            assert revision == "c0ffee"
            return Counted((folder / path.removeprefix("datasets/owner/name/")).read_bytes(), read)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "HfFileSystem", FileSystem)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda name, file, **_: str(folder / file))
    return read


def test_of_parquet_on_the_hub_only_the_row_groups_that_are_read_travel(folder: Path, hub: list[int]) -> None:
    found = read_hub("owner/name", "v1", whole=False)
    rows = list(itertools.islice(found, 60))
    assert [row.native_id for row in rows[:2]] == ["data/train-00000.parquet#0", "data/train-00000.parquet#1"]
    assert found.begun == ["data/train-00000.parquet"]
    size = (folder / "data/train-00000.parquet").stat().st_size
    assert 0 < sum(hub) < size / 3  # two row groups of eight, and half of the columns
    local = list(itertools.islice(read_hub(str(folder)), 60))
    assert rows == local


def test_reading_goes_on_into_the_next_file_and_files_that_are_no_parquet_are_fetched(
    folder: Path, hub: list[int]
) -> None:
    found = read_hub("owner/name", "v1", whole=False)
    assert sum(1 for _ in found) == 800
    assert found.begun == ["data/train-00000.parquet", "data/train-00001.parquet"]
    (folder / "other.jsonl").write_text('{"text": "Du pain."}\n')
    lines = read_hub("owner/name", "v1", split="test", whole=False)
    lines.files = ("other.jsonl",)
    assert [row.native_id for row in lines] == ["other.jsonl#1"]


def test_a_connection_that_breaks_while_a_file_is_read_is_one_line(
    hub: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_hub("owner/name", "v1", whole=False)

    def broken(*_: object) -> bytes:
        raise ConnectionError("peer closed connection\nlong story")

    monkeypatch.setattr(Counted, "read", broken)
    with pytest.raises(FournilError, match=r"the hub cannot be reached \(ConnectionError: peer closed connection\)"):
        list(found)


def test_columns_that_are_not_called_by_their_languages(tmp_path: Path) -> None:
    table = pa.table({"english": ["bread"], "non_english": ["pain"]})
    pq.write_table(table, tmp_path / "train.parquet")
    rows = list(read_hub(str(tmp_path), pair_fields=("en", "fr=non_english")))
    assert [row.texts for row in rows if isinstance(row, RawPair)] == [{"en": "bread", "fr": "pain"}]
