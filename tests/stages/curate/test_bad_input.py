"""Input at its worst, in size or in what it says of itself: refused with a reason, or one clear error."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS, document_row
from fournil.core.errors import FournilError
from fournil.core.shards import read_all
from fournil.stages.curate import Config, columns, run, write
from fournil.stages.curate.sections.engine import EngineSettings
from fournil.stages.curate.sections.heldout import HeldoutSettings

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)
FRENCH = "Le chat dort sur la chaise de la cuisine, et la pluie tombe doucement sur le toit de la vieille maison. "


def row(name: str, text: str = FRENCH, **more: Any) -> dict[str, Any]:
    return document_row(f"notes/{name}", text, **{"source": "notes", "licence": "CC0-1.0", "language": "fr"} | more)


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=DOCUMENTS)


def curate(folder: Path, *shards: pa.Table, **more: Any) -> Artifact:
    place = folder / "in" / "documents"
    place.mkdir(parents=True)
    for number, shard in enumerate(shards):
        pq.write_table(shard, place / f"part-{number:05d}.parquet", row_group_size=7000)
    return run(Config(**more), {"sources": folder / "in"}, folder / "out", CONTEXT)


def refused(folder: Path) -> pa.Table:
    return read_all(folder / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents")


def test_twelve_megabytes_on_one_line_are_refused_whole(tmp_path: Path) -> None:
    line = (FRENCH * (12_000_000 // len(FRENCH) + 1))[:12_000_000]
    curate(tmp_path, table(row("line", line), row("good")))
    found = refused(tmp_path)
    assert found.column("rule").to_pylist() == ["too-large"]
    assert found.column("text")[0].as_py() == line


def test_empty_documents_by_the_thousand_are_refused_each(tmp_path: Path) -> None:
    artifact = curate(tmp_path, table(row("good"), *(row(str(n), "") for n in range(20_000))))
    found = refused(tmp_path)
    assert set(zip(found.column("step").to_pylist(), found.column("rule").to_pylist(), strict=True)) == {
        ("normalise", "empty")
    }
    assert len(set(found.column("id").to_pylist())) == 20_000
    assert artifact.counts[0].refused == {"empty": 20_000}


def test_a_source_without_documents_says_nothing_and_stops_nothing(tmp_path: Path) -> None:
    artifact = curate(tmp_path, table(), table(row("a")), table())
    assert (artifact.counts[0].num_in, artifact.counts[-1].num_out) == (1, 1)


@pytest.mark.parametrize("apart", [True, False], ids=["in two files", "in one"])
def test_ids_that_collide_are_named(apart: bool, tmp_path: Path) -> None:
    shards = [table(row("a"), row("b")), table(row("c"), row("a"))]
    with pytest.raises(FournilError, match="the id 'notes/a' is given twice"):
        curate(tmp_path, *(shards if apart else [pa.concat_tables(shards)]))


def as_type(kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    def change(given: pa.Table) -> pa.Table:
        number = given.schema.get_field_index("text")
        return given.set_column(number, "text", given.column("text").cast(kind))

    return change


@pytest.mark.parametrize(
    "change",
    [
        as_type(pa.large_string()),
        as_type(pa.dictionary(pa.int32(), pa.string())),
        as_type(pa.binary()),
        lambda given: given.select(sorted(DOCUMENTS.names)),
        lambda given: given.append_column("more", pa.array([1] * given.num_rows)),
        lambda given: given.set_column(2, "language", pa.nulls(given.num_rows)).set_column(
            given.schema.get_field_index("extra"), "extra", pa.nulls(given.num_rows, pa.int8())
        ),
    ],
    ids=["large strings", "a dictionary", "bytes that are text", "another order", "a column more", "nulls of no type"],
)
def test_a_schema_that_says_the_same_otherwise_is_read(change: Callable[[pa.Table], pa.Table], tmp_path: Path) -> None:
    assert curate(tmp_path, change(table(row("a"), row("b", FRENCH[::-1])))).counts[0].num_in == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda given: given.set_column(0, "id", pa.array([[1]])), "column 'id' cannot be read as string"),
        (lambda given: given.set_column(1, "text", pa.array([b"caf\xe9"])), "column 'text' cannot be read as string"),
        (lambda given: given.drop_columns(["licence", "source"]), "no column 'licence'"),
    ],
    ids=["ids in lists", "bytes that are no text", "columns missing"],
)
def test_a_schema_that_lies_is_one_error_that_names_the_file(
    change: Callable[[pa.Table], pa.Table], said: str, tmp_path: Path
) -> None:
    with pytest.raises(FournilError, match=said) as caught:
        curate(tmp_path, table(row("a")), change(table(row("b"))))
    assert caught.value.where == str(tmp_path / "in" / "documents" / "part-00001.parquet")


NOTHING_HELD = HeldoutSettings(share=0)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("place", "name"),
    [(columns, "_codes"), (write._Piece, "write"), (write, "write_table")],
    ids=["columns", "pieces", "shards"],
)
def test_a_disk_that_is_full_while_work_is_laid_down_is_said_and_the_work_goes_on(
    place: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = [table(row("a"), row("empty", ""), row("mail", f"{FRENCH}Écrire à jo.lin@wanadoo.fr."))]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, full)
        with pytest.raises(FournilError, match="the disk is full"):
            curate(tmp_path, *shards, heldout=NOTHING_HELD)
    run(Config(heldout=NOTHING_HELD), {"sources": tmp_path / "in"}, tmp_path / "out", CONTEXT)
    curate(tmp_path / "undisturbed", *shards, heldout=NOTHING_HELD)
    for name in ("documents/part-00000.parquet", "refused/documents-00000.parquet", "edits/documents-00000.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "undisturbed" / "out" / name).read_bytes()


def test_an_engine_that_there_is_not_is_said_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="kind is one of auto, threads, processes, cluster"):
        EngineSettings(kind="spark")
    with pytest.raises(ValueError, match="memory_gb is -1"):
        EngineSettings(memory_gb=-1)
    with pytest.raises(ValueError, match="memory_gb is for this machine alone"):
        EngineSettings(kind="cluster", memory_gb=4)
