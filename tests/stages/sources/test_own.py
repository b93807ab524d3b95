"""Sources of the user's own: files and local data sets, through the stage."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core import progress
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EVIDENCE, PAIRS, REFUSED_DOCUMENTS
from fournil.core.errors import FournilError
from fournil.core.shards import read_all
from fournil.core.speech import retell
from fournil.stages.sources import Config, FilesSource, HubSource, run
from fournil.stages.sources.own import line_pairs, matching_files

FRENCH = "Le four est chaud.\n\nOn enfourne les deux pains ronds avant le lever du jour.\n"
ENGLISH = "The oven is hot.\nBoth round loaves go in before the sun is up.\n"


def read(tmp_path, *, files=(), hub=()):
    artifact = run(Config(files=tuple(files), hub=tuple(hub)), {}, tmp_path / "out", Context())
    documents = read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()
    pairs = read_all(tmp_path / "out" / "pairs", PAIRS).to_pylist()
    return artifact, documents, pairs


def test_folders_of_languages_are_translations_and_their_lines_are_pairs(tmp_path):
    for language, text in (("fr", FRENCH), ("en", ENGLISH)):
        (tmp_path / language).mkdir()
        (tmp_path / language / "four.txt").write_text(text)
    source = FilesSource(
        key="own", paths=(f"{tmp_path}/{{language}}/*.txt",), licence="CC0-1.0", statement="Ours.", parallel_lines=True
    )
    artifact, documents, pairs = read(tmp_path, files=[source])
    assert [(row["id"], row["language"], row["licence"]) for row in documents] == [
        ("own/fr/four.txt", "fr", "CC0-1.0"),
        ("own/en/four.txt", "en", "CC0-1.0"),
    ]
    assert {json.loads(row["extra"])["group"] for row in (*documents, *pairs)} == {"own/four.txt"}
    assert dict(pairs[0]["texts"]) == {"en": "The oven is hot.", "fr": "Le four est chaud."}
    assert len(pairs) == 2
    assert artifact.facts["sources"][0]["groups_without_line_pairs"] == 0
    evidence = read_all(tmp_path / "out" / "evidence.parquet", EVIDENCE).to_pylist()
    assert [(row["grade"], row["statement"]) for row in evidence] == [("stated", "Ours.")]


def test_the_headline_leaves_out_what_there_is_none_of(tmp_path):
    (tmp_path / "a.txt").write_text(FRENCH)
    (tmp_path / "b.tsv").write_text("The oven.\tLe four.\nThe bread.\tLe pain.\n")
    headlines = []
    for name, names in (("text", ["a.txt"]), ("pairs", ["b.tsv"]), ("both", ["a.txt", "b.tsv"])):
        source = FilesSource(key="own", paths=tuple(str(tmp_path / name) for name in names), licence="CC0-1.0")
        artifact = run(Config(files=(source,)), {}, tmp_path / name, Context())
        headlines.append(retell(artifact.facts["headline"]))
    assert headlines == [
        "1 document from 1 source; 0.0 MB",
        "2 pairs from 1 source; 0.0 MB",
        "1 document and 2 pairs from 1 source; 0.0 MB",
    ]


def test_what_is_read_is_counted_in_texts(tmp_path, capsys, monkeypatch):
    """A file may hold documents and pairs: neither word fits both."""
    monkeypatch.setattr(progress, "PLAIN_SECONDS", -1.0)
    (tmp_path / "b.tsv").write_text("The oven.\tLe four.\n")
    source = FilesSource(key="own", paths=(f"{tmp_path}/b.tsv",), licence="CC0-1.0")
    run(Config(files=(source,)), {}, tmp_path / "out", Context(progress=progress.PlainProgress()))
    assert "Reading own: 1 texts" in capsys.readouterr().out


def test_a_file_refused_in_each_language_has_an_id_in_each(tmp_path):
    for language in ("fr", "en"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "four.txt").write_text("")
    source = FilesSource(key="own", paths=(f"{tmp_path}/{{language}}/*.txt",), licence="CC0-1.0")
    read(tmp_path, files=[source])
    refused = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS).to_pylist()
    assert [(row["id"], row["rule"]) for row in refused] == [("own/fr/four.txt", "empty"), ("own/en/four.txt", "empty")]


def test_a_folder_is_no_file_and_how_to_name_its_files_is_said(tmp_path):
    (tmp_path / "letters").mkdir()
    source = FilesSource(key="own", paths=(f"{tmp_path}/letters",), licence="CC0-1.0")
    with pytest.raises(FournilError, match="a folder, not a file") as raised:
        matching_files(source)
    assert str(tmp_path / "letters" / "**" / "*.txt") in raised.value.fix


def test_lines_pair_only_when_there_are_as_many():
    assert [dict(pair.texts) for pair in line_pairs("g", {"fr": "a\n--\nb", "en": "c\nd"})] == [
        {"en": "c", "fr": "a"},
        {"en": "d", "fr": "b"},
    ]
    assert not list(line_pairs("g", {"fr": "a\nb", "en": "c"}))


def test_a_document_that_names_its_own_licence_keeps_it_and_an_unknown_one_is_refused(tmp_path):
    text = "Une longue phrase qui parle du pain, du levain et du four de la boulangerie."
    rows = [{"id": "a", "text": text}, {"id": "b", "text": text, "licence": "cc-by-4.0"}]
    rows += [{"id": "c", "text": text, "licence": "all rights"}, {"id": "d", "text": "court"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = FilesSource(key="own", paths=(f"{tmp_path}/*.jsonl",), licence="mit", language="fr")
    artifact, documents, _ = read(tmp_path, files=[source])
    assert [row["licence"] for row in documents] == ["MIT", "CC-BY-4.0"]
    refused = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents-").to_pylist()
    assert [(row["rule"], row["licence"]) for row in refused] == [
        ("licence-unknown", "NOASSERTION"),
        ("too-short", "MIT"),
    ]
    assert artifact.counts[0].refused == {"licence-unknown": 1, "too-short": 1}


def test_a_licence_that_is_no_spdx_expression_stops_the_stage(tmp_path):
    (tmp_path / "a.txt").write_text(FRENCH)
    with pytest.raises(FournilError, match=r"own\.licence"):
        read(tmp_path, files=[FilesSource(key="own", paths=(f"{tmp_path}/a.txt",), licence="free")])


def test_the_same_identifier_twice_is_told_apart(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pain.txt").write_text(FRENCH)
    paths = (f"{tmp_path}/one/pain.txt", f"{tmp_path}/two/pain.txt")
    _, documents, _ = read(tmp_path, files=[FilesSource(key="own", paths=paths, licence="CC0-1.0")])
    assert len({row["id"] for row in documents}) == 2


@pytest.mark.parametrize(("card", "kept"), [("---\nlicense: cc-by-4.0\n---\n", 2), ("", 0)])
def test_a_data_set_in_a_folder_takes_its_licence_from_its_card(tmp_path, card, kept):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "README.md").write_text(card)
    text = "Une longue phrase qui parle du pain, du levain et du four de la boulangerie."
    pq.write_table(pa.table({"id": ["x", "y", "z"], "text": [text] * 3}), folder / "train.parquet")
    source = HubSource(key="set", dataset=str(folder), language="fr", max_documents=2)
    artifact, documents, _ = read(tmp_path, hub=[source])
    assert [row["licence"] for row in documents] == ["CC-BY-4.0"] * kept
    assert artifact.counts[0].num_in == 2
    assert artifact.facts["sources"][0]["commit"] is None
