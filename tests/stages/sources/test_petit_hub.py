"""recipes/petit-hub.toml on folders that are laid out as its data sets on the hub, with text of our own in them."""

import csv
import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fournil
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, PAIRS
from fournil.core.shards import read_all
from fournil.recipe import read_recipe
from fournil.stages.sources import run

MIE = Path(fournil.__file__).parent / "data" / "mie"
WIKIPEDIA = """---
license:
- cc-by-sa-3.0
- gfdl
configs:
- config_name: 20231101.en
  data_files:
  - split: train
    path: 20231101.en/*
- config_name: 20231101.fr
  data_files:
  - split: train
    path: 20231101.fr/*
---
"""
TATOEBA = """---
configs:
- config_name: all
  data_files:
  - split: train
    path: all/train-*
- config_name: en-fr
  data_files:
  - split: train
    path: en-fr/train-*
  - split: dev
    path: en-fr/dev-*
---
"""


@pytest.fixture
def hub(tmp_path):
    """The two data sets, as their pages on the hub show them."""
    for language in ("fr", "en"):
        texts = [path.read_text("utf-8") for path in sorted((MIE / language).glob("*.txt"))]
        for number, part in enumerate((texts[::2], texts[1::2])):
            rows = range(number * 100, number * 100 + len(part))
            table = pa.table(
                {
                    "id": [str(row) for row in rows],
                    "url": [f"https://{language}.wikipedia.org/wiki/{row}" for row in rows],
                    "title": [f"Article {row}" for row in rows],
                    "text": part,
                }
            )
            path = tmp_path / f"wikipedia/20231101.{language}/train-{number:05}-of-00002.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, path, row_group_size=10)
    (tmp_path / "wikipedia" / "README.md").write_text(WIKIPEDIA)
    with (MIE / "messages.tsv").open(encoding="utf-8", newline="") as file:
        pairs = [row for row in csv.reader(file, delimiter="\t") if len(row) == 2]
    for name, part in (("en-fr/train", pairs[10:]), ("en-fr/dev", pairs[:10]), ("all/train", pairs[:5])):
        path = tmp_path / f"tatoeba/{name}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"english": [en for en, _ in part], "non_english": [fr for _, fr in part]}), path)
    (tmp_path / "tatoeba" / "README.md").write_text(TATOEBA)
    return tmp_path, len(pairs) - 10


def test_the_recipe_reads_both_languages_and_pairs_with_their_licences(hub, repository):
    folder, num_pairs = hub
    recipe = read_recipe(repository / "recipes" / "petit-hub.toml")
    (config,) = recipe.stages["sources"]
    assert not config.use
    assert not config.files
    assert all(len(source.revision) == 40 for source in config.hub)  # commits: the bake can be repeated
    places = {"wikimedia/wikipedia": "wikipedia", "sentence-transformers/parallel-sentences-tatoeba": "tatoeba"}
    local = tuple(
        dataclasses.replace(source, dataset=str(folder / places[source.dataset]), max_documents=source.max_documents)
        for source in config.hub
    )
    artifact = run(dataclasses.replace(config, hub=local), {}, folder / "out", Context())
    documents = read_all(folder / "out" / "documents", DOCUMENTS).to_pylist()
    pairs = read_all(folder / "out" / "pairs", PAIRS).to_pylist()
    for language in ("fr", "en"):
        rows = [row for row in documents if row["language"] == language]
        assert len(rows) == len(list((MIE / language).glob("*.txt")))
        assert {row["licence"] for row in rows} == {"CC-BY-SA-3.0"}
        assert all(row["url"].startswith(f"https://{language}.wikipedia.org/") and row["title"] for row in rows)
    assert 0 < len(pairs) <= num_pairs
    assert {tag for row in pairs for tag, _ in row["texts"]} == {"en", "fr"}
    assert {row["licence"] for row in pairs} == {"CC-BY-2.0"}
    facts = {source["key"]: source for source in artifact.facts["sources"]}
    assert facts["tatoeba"]["files"] == ["en-fr/train-00000-of-00001.parquet"]


def test_no_more_is_read_than_the_recipe_asks_for(hub, repository):
    folder, _ = hub
    (config,) = read_recipe(repository / "recipes" / "petit-hub.toml").stages["sources"]
    few = dataclasses.replace(config.hub[0], dataset=str(folder / "wikipedia"), max_documents=3)
    artifact = run(dataclasses.replace(config, hub=(few,)), {}, folder / "out", Context())
    assert artifact.counts[0].num_in == 3
    assert artifact.facts["sources"][0]["files"] == ["20231101.fr/train-00000-of-00002.parquet"]


def test_it_is_the_same_oven_as_petit(repository):
    petit, hub = (read_recipe(repository / "recipes" / f"{name}.toml").stages for name in ("petit", "petit-hub"))
    assert all(petit[name] == hub[name] for name in ("curate", "tokenizer", "finetune", "evaluate"))
    (one,), (two,) = petit["pretrain"], hub["pretrain"]
    assert dataclasses.replace(one.phase[0], code=0.0) == two.phase[0]
