"""Data sets of the hub's layout, as local folders; the hub itself is asked only where it must fail."""

from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core.errors import FournilError
from fournil.stages.sources.readers.hub import glob_escape, read_hub
from fournil.stages.sources.readers.raw import RawDocument

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
