"""Finding a task's items: in folders of many layouts, on a hub that is played, and the ways in which they fail."""

import gzip
import json
import lzma
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from task_data import write_rows

from fournil.core.errors import FournilError
from fournil.parts.harness.data import CONVERTED, Splits, open_hub, open_local, read_rows, split_files
from fournil.parts.harness.docs import Docs

ROWS = [{"question": "Où ?", "n": 1}, {"question": "Qui ?", "n": 2}]


@pytest.mark.parametrize(
    ("files", "config", "found"),
    [
        (["test.parquet", "test_hasAns.parquet", "train.parquet"], "", ["test.parquet"]),
        (["test-00001-of-00002.parquet", "test-00000-of-00002-ab12.parquet"], "", None),
        (
            ["data/test-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"],
            "",
            ["data/test-00000-of-00001.parquet"],
        ),
        (["default/test/0000.parquet", "default/test/0001.parquet", "default/valid/0000.parquet"], "", None),
        (["plain/test/0000.parquet", "plain/train/0000.parquet"], "", ["plain/test/0000.parquet"]),
        (["a/test/0000.parquet", "b/test/0000.parquet"], "", []),  # two configurations, and none was named
        (["a/test/0000.parquet", "b/test/0000.parquet"], "b", ["b/test/0000.parquet"]),
        (["b/partial-test/0000.parquet"], "b", []),  # the hub converted its beginning only
        (["test.parquet"], "b", []),  # of no configuration: it may be another's
        (["data/b/test-0.jsonl.gz", "data/c/test-0.jsonl.gz"], "b", ["data/b/test-0.jsonl.gz"]),
        (["test.jsonl", "test.parquet"], "", ["test.parquet"]),
        (["test.jsonl.xz", "latest.jsonl", "README.md", "test.csv"], "", ["test.jsonl.xz"]),
        (["Test.jsonl"], "", []),
        (["default/test/0000.parquet", "test.parquet"], "", ["test.parquet"]),
    ],
)
def test_the_files_of_a_split(files, config, found):
    expected = sorted(file for file in files if "test" in file) if found is None else found
    assert split_files(files, config, "test") == expected


def test_a_task_s_own_folder_needs_no_configuration():
    assert split_files(["test.jsonl"], "fr", "test", own=True) == ["test.jsonl"]
    assert split_files(["fr/test.jsonl", "test.jsonl"], "fr", "test", own=True) == ["fr/test.jsonl"]


@pytest.mark.parametrize("name", ["t.parquet", "t.jsonl", "t.jsonl.gz", "t.jsonl.xz", "t.json"])
def test_rows_are_read_from_each_kind_of_file(name, tmp_path):
    write_rows(tmp_path / name, ROWS)
    assert read_rows(tmp_path / name) == ROWS


@pytest.mark.parametrize("name", ["t.json", "t.JSON", "t.json.gz", "t.json.xz"])
def test_an_array_in_a_json_file_is_read(name, tmp_path):
    content = ("\n " + json.dumps(ROWS, indent=1)).encode()
    packed = {"gz": gzip.compress, "xz": lzma.compress}.get(name.rpartition(".")[2], bytes)(content)
    (tmp_path / name).write_bytes(packed)
    assert read_rows(tmp_path / name) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.json", b'[{"a": 1}, 2]', "item 2 of the array is not a JSON object"),
        ("t.json", b'[{"a": 1}', "cannot be read"),
        ("t.jsonl", b'[{"a": 1}]', "not a JSON object"),
        ("t.parquet", b"PAR1 nothing", "cannot be read"),
        ("t.jsonl", b'{"a": 1}\n[1]\n', "not a JSON object"),
        ("t.jsonl", b'{"a": 1}\n{"a": \n', "not a JSON object"),
        ("t.jsonl", b"\xff\xfe", "cannot be read"),
        ("t.jsonl.gz", b"nothing packed", "cannot be read"),
        ("t.jsonl.xz", b"nothing packed", "cannot be read"),
    ],
)
def test_broken_files_are_named(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FournilError, match=message) as caught:
        read_rows(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert caught.value.fix


def test_places_in_a_folder_in_turn(tmp_path):
    write_rows(tmp_path / "set" / "fr" / "test.jsonl", ROWS[:1])
    assert open_local(tmp_path, ["task"], "owner/set", "fr")["test"][0]["n"] == 1
    write_rows(tmp_path / "owner" / "set" / "en" / "test.jsonl", ROWS)
    # The other configuration's folder is no reason to miss this one's.
    assert open_local(tmp_path, ["task"], "owner/set", "fr").source == f"{tmp_path.name}/set"
    assert open_local(tmp_path, ["task"], "owner/set", "en").source == f"{tmp_path.name}/owner/set"
    write_rows(tmp_path / "task" / "test.jsonl", ROWS[1:])
    found = open_local(tmp_path, ["task"], "owner/set", "fr")
    assert found["test"][0]["n"] == 2
    assert found.source == f"{tmp_path.name}/task"


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FournilError, match="no data for the task task") as caught:
        open_local(tmp_path, ["task"], "owner/set", "fr")
    assert "owner/set/fr" in str(caught.value)
    write_rows(tmp_path / "task" / "train.jsonl", ROWS)
    (tmp_path / "task" / "test.jsonl").write_text("\n")
    splits = open_local(tmp_path, ["task"], "owner/set", "")
    with pytest.raises(FournilError, match="no file of the split 'valid'") as caught:
        splits["valid"]
    assert "valid.parquet" in str(caught.value)
    with pytest.raises(FournilError, match="the split 'test' is empty"):
        splits["test"]
    with pytest.raises(
        FournilError, match=r"item 0 of the split 'train' lacks the field 'questions'.*'question' there"
    ):
        open_local(tmp_path, ["task"], "owner/set", "", fields=["questions"])["train"]


def test_splits_that_no_example_comes_from_are_not_read(tmp_path):
    write_rows(tmp_path / "task" / "test.jsonl", ROWS)
    (tmp_path / "task" / "train.parquet").write_bytes(b"broken")
    splits = open_local(tmp_path, ["task"], "owner/set", "", only="test")
    assert len(splits["test"]) == 2
    assert len(splits["train"]) == 0
    with pytest.raises(FournilError, match="cannot be read"):
        open_local(tmp_path, ["task"], "owner/set", "")["train"]


class Hub:
    """A hub with one data set: its files by revision."""

    def __init__(self, folder, revisions):
        self.folder, self.revisions, self.fetched, self.asked = folder, revisions, [], 0

    def dataset_info(self, name, revision=None, timeout=None):
        from huggingface_hub.errors import RevisionNotFoundError

        self.asked += 1
        if revision not in self.revisions:
            raise RevisionNotFoundError("none", response=SimpleNamespace(headers={}, request=None))  # pyright: ignore
        siblings = [SimpleNamespace(rfilename=file) for file in self.revisions[revision]]
        return SimpleNamespace(sha="c0ffee" if revision else "main1", siblings=siblings)

    def download(self, name, file, repo_type, revision):
        self.fetched.append((file, revision))
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return str(path)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    import huggingface_hub

    made = Hub(tmp_path, {})
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: made)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", made.download)
    return made


def test_the_hub_s_conversion_goes_first_and_only_what_is_read_is_fetched(hub):
    hub.revisions = {
        CONVERTED: ["fr/test/0000.parquet", "fr/test/0001.parquet", "fr/train/0000.parquet"],
        None: ["script.py"],
    }
    splits = open_hub("owner/set", "fr")
    assert hub.fetched == []
    assert len(splits["test"]) == 4
    assert hub.fetched == [("fr/test/0000.parquet", "c0ffee"), ("fr/test/0001.parquet", "c0ffee")]
    assert splits.source == "owner/set@c0ffee"


def test_the_hub_s_own_files_where_nothing_was_converted(hub):
    hub.revisions = {CONVERTED: ["de/test/0000.parquet"], None: ["data/test-00000-of-00001.parquet"]}
    splits = open_hub("owner/set", "")
    assert splits.source == "owner/set@c0ffee"  # one configuration only: it is meant
    assert open_hub("owner/set", "fr").source == "owner/set@main1"
    hub.revisions = {None: ["data/test-00000-of-00001.parquet"]}
    splits = open_hub("owner/set", "")
    assert len(splits["test"]) == 2
    assert splits.source == "owner/set@main1"


def test_the_hub_is_asked_once_for_many_configurations(hub):
    hub.revisions = {CONVERTED: ["a/test/0000.parquet", "b/test/0000.parquet"], None: []}
    listings = {}
    assert [open_hub("owner/set", config, listings=listings).source for config in "ab"] == ["owner/set@c0ffee"] * 2
    assert hub.asked == 1


def test_a_data_set_of_scripts_only_is_said_to_be_one(hub):
    hub.revisions = {None: ["script.py", "README.md"]}
    with pytest.raises(FournilError, match="no data of owner/set in Parquet or JSON lines"):
        open_hub("owner/set", "")


def test_a_hub_that_cannot_be_reached(monkeypatch):
    import huggingface_hub

    class Down:
        def dataset_info(self, *asked, **settings):
            raise ConnectionError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "HfApi", Down)
    with pytest.raises(FournilError, match="the hub cannot be reached") as caught:
        open_hub("owner/set", "")
    assert "no route" in str(caught.value)
    assert "--data" in str(caught.value)
    assert "to host" not in str(caught.value)


def test_docs_behave_as_the_library_s():
    import datasets

    theirs = datasets.Dataset.from_list(ROWS)
    ours = Docs(ROWS)

    def double(row):
        return {"n": row["n"] * 2}

    assert list(ours) == list(theirs)
    assert list(ours.features) == list(theirs.features)
    assert ours.column_names == theirs.column_names
    assert ours.num_rows == len(ours) == len(theirs)
    assert ours["n"] == theirs["n"][:]
    assert ours[:1] == theirs[:1]
    assert ours[-1] == theirs[-1]
    assert list(ours.map(double)) == list(theirs.map(double))
    assert list(ours.filter(lambda row: row["n"] > 1)) == list(theirs.filter(lambda row: row["n"] > 1))
    assert list(ours.select([1])) == list(theirs.select([1]))
    assert list(ours.shuffle(seed=3)) == list(theirs.shuffle(seed=3))  # the library's own
    assert list(ours.map(double, remove_columns=["question"])) == [{"n": 2}, {"n": 4}]


def test_splits_are_read_once(tmp_path):
    write_rows(tmp_path / "test.jsonl", ROWS)
    fetched = []
    splits = Splits("here", ["test.jsonl"], "", lambda file: fetched.append(file) or tmp_path / file)
    assert splits["test"] is splits["test"]
    assert fetched == ["test.jsonl"]
    assert list(splits) == ["test"]
