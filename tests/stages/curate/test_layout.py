"""Which rows make which chunk, block and shard: the input alone says so."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EDITS, document_row
from fournil.core.errors import FournilError
from fournil.core.shards import read_all, shard_paths
from fournil.stages.curate import Config, ranges, run, write
from fournil.stages.curate.alone.cutting import apply_cuts
from fournil.stages.curate.columns import Codes
from fournil.stages.curate.ranges import plan_ranges
from fournil.stages.curate.sections.engine import EngineSettings
from fournil.stages.curate.together.compared import CUTS, REFUSALS, Compared, write_arrow

FRENCH = "Le chat dort sur la chaise de la cuisine, et la pluie tombe doucement sur le toit de la vieille maison. "


def table(num: int, text: str = FRENCH) -> pa.Table:
    rows = [
        document_row(f"notes/{n}", f"{text}{n}", source="notes", licence="CC0-1.0", language="fr") for n in range(num)
    ]
    return pa.Table.from_pylist(rows, schema=DOCUMENTS)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    place = tmp_path / "documents"
    place.mkdir()
    pq.write_table(table(1000), place / "a.parquet", row_group_size=300, compression="none", use_dictionary=False)
    pq.write_table(table(0), place / "b.parquet")
    pq.write_table(table(7), place / "c.parquet")
    return place


@pytest.mark.parametrize("num_workers", [1, 2, 50])
def test_chunks_are_the_same_for_any_number_of_workers(
    num_workers: int, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "CHUNK_BYTES", 10_000)
    spans = plan_ranges(shards, DOCUMENTS.names, num_workers=num_workers)
    texts = [[row["text"] for row in batch.to_pylist()] for span in spans for batch in span.read(["text"])]
    assert [text for part in texts for text in part] == [f"{FRENCH}{n}" for n in (*range(1000), *range(7))]
    assert [span.first for span in spans] == np.cumsum([0, *(span.num for span in spans[:-1])]).tolist()
    assert len(texts) == sum(span.num for span in spans)
    assert sum(span.num_rows for span in spans) == 1007
    chunk_rows = {span.path.name + str(span.row_group): span.chunk_rows for span in spans}
    assert max(chunk_rows.values()) < 100
    monkeypatch.setattr(ranges, "_MAX_CALLS", 1)
    alone = plan_ranges(shards, DOCUMENTS.names, num_workers=1)
    assert {span.path.name + str(span.row_group): span.chunk_rows for span in alone} == chunk_rows
    assert len(spans) >= min(num_workers * 4, 8)


def test_a_file_that_has_other_rows_by_now_is_an_error(shards: Path) -> None:
    spans = plan_ranges(shards, DOCUMENTS.names, num_workers=1)
    pq.write_table(table(5), shards / "c.parquet")
    with pytest.raises(FournilError, match="this Parquet file cannot be read"):
        list(spans[-1].read(["text"]))


def test_a_row_group_is_decoded_by_few_calls(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "MAX_CHUNK_ROWS", 1)
    spans = plan_ranges(shards, DOCUMENTS.names, num_workers=1000)
    assert (
        max(sum(each.row_group == span.row_group and each.path == span.path for each in spans) for span in spans) == 8
    )


def test_shards_of_a_good_size_and_the_same_rows_for_any_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "MAX_CHUNK_ROWS", 5)
    monkeypatch.setattr(write, "DEFAULT_MAX_BYTES", 3000)
    monkeypatch.setattr(write, "_BLOCK_BYTES", 6000)
    monkeypatch.setattr(write, "_PIECES_BYTES", 4000)
    place = tmp_path / "in" / "documents"
    place.mkdir(parents=True)
    words = ["four", "levain", "pâte", "farine", "grenier", "moulin"]
    draw = np.random.default_rng(3)
    texts = [FRENCH + " ".join(f"{word}{n}" for n, word in zip(draw.integers(0, 10**9, 12), words * 2, strict=True))
             if number % 3 else "" for number in range(150)]  # fmt: skip
    rows = table(150)
    pq.write_table(rows.set_column(1, DOCUMENTS.field("text"), pa.array(texts)), place / "a.parquet")
    trees = []
    for number, kind in enumerate(("threads", "threads", "processes")):
        out = tmp_path / f"out-{number}"
        config = Config(engine=EngineSettings(kind=kind, workers=1 + number))
        run(config, {"sources": tmp_path / "in"}, out, Context(languages=("fr", "en"), seed=7))
        trees.append(
            {
                path.relative_to(out): path.read_bytes()
                for path in sorted(out.rglob("*.parquet"))
                if ".work" not in str(path)
            }
        )
        kept = read_all(out / "documents", DOCUMENTS).column("id").to_pylist()
        held = read_all(out / "heldout" / "documents", DOCUMENTS).column("id").to_pylist()
        assert sorted([*kept, *held]) == sorted(f"notes/{n}" for n in range(150) if n % 3)
        assert kept == sorted(kept, key=lambda name: int(name.split("/")[1])), "in the order of the input"
    assert trees[0] == trees[1] == trees[2]
    assert len(shard_paths(tmp_path / "out-0" / "documents")) > 3
    assert len(shard_paths(tmp_path / "out-0" / "refused")) > 1


def test_passages_are_cut_where_they_stand_and_the_edits_tell_them(tmp_path: Path) -> None:
    texts = ["Été\nAccepter les cookies\nL’œuvre\nAccepter les cookies\n", "rien", "Accepter les cookies\n"]
    rows = table(3).set_column(1, DOCUMENTS.field("text"), pa.array(texts))
    cookie = "Accepter les cookies\n"
    found = [(10, text.encode().index(cookie.encode())) for text in texts[:1]]
    found += [(10, texts[0].encode().rindex(cookie.encode())), (12, 0)]
    cuts = [{"row": row, "rule": "duplicate-line", "start": start, "end": start + len(cookie)} for row, start in found]
    compared = Compared(tmp_path, "documents")
    write_arrow(compared.cuts_path, CUTS, iter([pa.Table.from_pylist(cuts, schema=CUTS)]))
    new, edits = apply_cuts(rows, compared.cuts(10, 13), 10)
    assert new.column("text").to_pylist() == ["Été\nL’œuvre\n", "rien", ""]
    assert edits.schema == EDITS
    told = edits.to_pylist()
    assert [(row["id"], row["start"], row["end"], row["was"]) for row in told] == [
        ("notes/0", 4, 25, cookie), ("notes/0", 33, 54, cookie), ("notes/2", 0, 21, cookie)
    ]  # fmt: skip
    assert all(texts[int(row["id"][-1])][row["start"] : row["end"]] == row["was"] for row in told)
    same, none = apply_cuts(rows, compared.cuts(0, 10), 0)
    assert same is rows
    assert none.num_rows == 0
    assert [part.tolist() for part in compared.bytes_cut()] == [[10, 10, 12], [21, 21, 21]]


def test_refusals_are_found_by_their_rows(tmp_path: Path) -> None:
    compared = Compared(tmp_path, "pairs")
    assert compared.refusals().num_rows == 0
    rows = [
        {"row": row, "rule": "exact-duplicate" if row % 2 else "near-duplicate", "kept_id": "a"} for row in (2, 3, 9)
    ]
    write_arrow(compared.refusals_path, REFUSALS, iter([pa.Table.from_pylist(rows, schema=REFUSALS)]))
    assert compared.refusals(3, 9).column("row").to_pylist() == [3]
    reasons = compared.reasons()
    assert {name: places.tolist() for name, places in reasons.items()} == {
        "duplicates/near-duplicate": [2], "duplicates/exact-duplicate": [3, 9]
    }  # fmt: skip


def test_codes_name_their_rows() -> None:
    codes = Codes(["a", "", "b"], np.array([0, 2, -1, 1, 0], np.int32))
    assert codes.where("a", "b", "c").tolist() == [True, True, False, False, True]
    assert codes.where().tolist() == [False] * 5
