"""The proof finds every kind of leak that is planted."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fournil.stages.curate.together.comparing as comparing
from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, PAIRS
from fournil.core.errors import FournilError
from fournil.core.shards import read_all
from fournil.stages.curate import Config, run
from fournil.stages.curate.check import check_leaks

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)


@pytest.fixture(scope="module")
def clean(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean")
    run(Config(), {"sources": sources}, out, CONTEXT)
    return out


def plant(clean: Path, tmp_path: Path, kind: str, row: dict[str, Any]) -> Path:
    out = tmp_path / "out"
    shutil.copytree(clean, out)
    schema = DOCUMENTS if kind == "documents" else PAIRS
    pq.write_table(pa.Table.from_pylist([row], schema=schema), out / kind / "part-99999.parquet")
    return out


def held(clean: Path, kind: str, *, grouped: bool = False) -> dict[str, Any]:
    rows = read_all(clean / "heldout" / kind, DOCUMENTS if kind == "documents" else PAIRS).to_pylist()
    return next(row for row in rows if not grouped or "group" in (row["extra"] or ""))


def test_clean_shards_pass(clean: Path):
    assert set(check_leaks(clean, threshold=0.8)["violations"].values()) == {0}


def test_a_copy_in_capitals_is_found(clean: Path, tmp_path: Path):
    row = held(clean, "documents") | {"id": "planted", "extra": None}
    row["text"] = row["text"].upper()
    with pytest.raises(FournilError, match=r"same_letters: planted"):
        check_leaks(plant(clean, tmp_path, "documents", row), threshold=0.8)


def test_a_near_copy_is_found(clean: Path, tmp_path: Path):
    row = held(clean, "documents") | {"id": "planted", "extra": None}
    row["text"] += "\nEncore ceci."
    with pytest.raises(FournilError, match=r"near_duplicate: planted"):
        check_leaks(plant(clean, tmp_path, "documents", row), threshold=0.8)


def test_a_far_relative_is_no_leak(clean: Path, tmp_path: Path):
    row = held(clean, "documents") | {"id": "planted", "extra": None}
    row["text"] = row["text"][: len(row["text"]) // 2]
    check_leaks(plant(clean, tmp_path, "documents", row), threshold=0.8)


def test_a_translation_is_found(clean: Path, tmp_path: Path):
    row = held(clean, "documents", grouped=True) | {
        "id": "planted",
        "text": "Tout autre chose, vraiment.",
        "language": "fr",
    }
    with pytest.raises(FournilError, match="translation_group"):
        check_leaks(plant(clean, tmp_path, "documents", row), threshold=0.8)


def test_one_side_of_a_pair_is_found(clean: Path, tmp_path: Path):
    row = held(clean, "pairs") | {"id": "planted"}
    texts = dict(row["texts"])
    row["texts"] = [("en", texts["en"] + "…"), ("fr", "Une autre traduction")]
    with pytest.raises(FournilError, match=r"same_letters: planted"):
        check_leaks(plant(clean, tmp_path, "pairs", row), threshold=0.8)


def test_a_stage_that_splits_carelessly_does_not_finish(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def every_row_alone(documents: Any, pairs: Any, near: Any) -> np.ndarray:
        return np.arange(len(documents) + len(pairs))

    monkeypatch.setattr(comparing, "clusters", every_row_alone)
    with pytest.raises(FournilError, match="leaked into the training shards"):
        run(Config(), {"sources": sources}, tmp_path, CONTEXT)
