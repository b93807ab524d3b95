"""Documents and pairs that are broken, or made to take all time and memory: what becomes of each."""

# ruff: noqa: E501 - tables: one row a line

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS, document_row, pair_row
from fournil.core.errors import FournilError
from fournil.core.shards import ShardWriter, read_all
from fournil.stages.curate import Config, chunks, run
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.quality import QualitySettings

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)
FRENCH = "Le chat dort sur la chaise de la cuisine, et la pluie tombe doucement sur le toit de la vieille maison. "


def row(name: str, text: str, **more: Any) -> dict[str, Any]:
    return document_row(f"notes/{name}", text, **{"source": "notes", "licence": "CC0-1.0", "language": "fr"} | more)


def curate(
    folder: Path, documents: list[dict[str, Any]], pairs: list[dict[str, Any]] | None = None, **more: Any
) -> Artifact:
    for kind, schema, rows in (("documents", DOCUMENTS, documents), ("pairs", PAIRS, pairs or [])):
        with ShardWriter(folder / "in" / kind, schema) as writer:
            writer.write_rows(rows)
    return run(Config(**more), {"sources": folder / "in"}, folder / "out", CONTEXT)


class Refused(NamedTuple):
    """A document, and the step and rule that refuse it."""

    given: str
    text: str
    step: str
    rule: str


LONG = 300_000
"""Characters: what takes a time that grows with their square takes an hour."""
REFUSED = [
    Refused("an empty document", "", "normalise", "empty"),
    Refused("white space alone", " \u00a0\n\t\u202f \n", "normalise", "empty"),
    Refused("NULs alone", "\0" * LONG, "normalise", "empty"),
    Refused("invisible characters alone", "\u200b\ufeff\u2060" * 100, "normalise", "empty"),
    Refused("one letter, for ever", "a" * LONG, "quality", "gopher-few-words"),
    Refused("a space, for ever, then a letter", " " * LONG + "x", "quality", "gopher-few-words"),
    Refused("line ends, for ever", "\r\n \n" * LONG + "x", "quality", "gopher-few-words"),
    Refused("signs of an address, for ever", "a@a" * (LONG // 3), "quality", "gopher-short-mean-word"),
    Refused("addresses, for ever", "jean.dupont@gmail.com " * (LONG // 22), "language", "language-mismatch"),
    Refused("telephone numbers, for ever", "+33 1 11 " * (LONG // 9), "quality", "gopher-short-mean-word"),
    Refused("IP addresses, for ever", "81.82.83.84 " * (LONG // 12), "quality", "gopher-short-mean-word"),
    Refused("accents on one letter, for ever", "e" + "\u0301\u0323" * (LONG // 2), "quality", "gopher-few-words"),
    Refused("tags that never close", "<" * LONG, "quality", "gopher-few-words"),
    Refused("one sentence, for ever", FRENCH * (LONG // len(FRENCH)), "quality", "gopher-duplicate-5-grams"),
    Refused("a text in Greek", "Η γάτα κοιμάται στην καρέκλα της κουζίνας και η βροχή πέφτει απαλά. " * 3, "language", "language-mismatch"),
    Refused("more bytes than a text may have", "é" * 5_000_001, "normalise", "too-large"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.given)
def test_each_is_refused_whole_with_its_reason(case: Refused, tmp_path: Path) -> None:
    artifact = curate(tmp_path, [row("odd", case.text), row("good", FRENCH)])
    (refused,) = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents").to_pylist()
    assert (refused["id"], refused["step"], refused["rule"]) == ("notes/odd", case.step, case.rule)
    assert refused["text"] == case.text or case.rule != "too-large"
    assert artifact.counts[0].num_in == 2


def test_a_pair_with_a_text_that_is_too_large_is_refused_whole(tmp_path: Path) -> None:
    large = {"fr": "Le pain. " * 100, "en": "The bread."}
    pairs = [
        pair_row(f"mo/{n}", texts, source="mo", licence="CC0-1.0")
        for n, texts in enumerate((large, {"fr": "Le pain est cuit.", "en": "The bread is baked."}))
    ]
    curate(tmp_path, [], pairs, max_text_bytes=500)
    (refused,) = read_all(tmp_path / "out" / "refused", REFUSED_PAIRS, prefix="pairs").to_pylist()
    assert (refused["step"], refused["rule"], refused["value"], refused["bound"]) == (
        "normalise",
        "too-large",
        "900",
        "500",
    )
    assert dict(refused["texts"]) == large


def test_a_page_of_nothing_but_policies_is_not_kept_empty(tmp_path: Path) -> None:
    text = f"Nous utilisons des cookies. {FRENCH}"
    curate(tmp_path, [row("page", text, category="web"), row("good", FRENCH)], quality=QualitySettings(skip=("web",)))
    (refused,) = read_all(tmp_path / "out" / "refused", REFUSED_DOCUMENTS, prefix="documents").to_pylist()
    assert (refused["id"], refused["step"], refused["rule"]) == ("notes/page", "boilerplate", "empty")


def test_stacked_marks_are_cut_to_thirty_and_said(tmp_path: Path) -> None:
    curate(tmp_path, [row("zalgo", FRENCH + "e" + "\u0323" * 40 + " fin.")])
    (kept,) = read_all(tmp_path / "out" / "documents", DOCUMENTS).to_pylist()
    assert kept["text"].count("\u0323") == 29  # one more is part of ẹ
    edits = [
        edit
        for edit in read_all(tmp_path / "out" / "edits", chunks.EDITS).to_pylist()
        if edit["rule"] == "stacked-marks"
    ]
    assert [(edit["was"], edit["now"]) for edit in edits] == [("\u0323" * 10, "")]


def test_what_extra_says_of_groups_may_be_anything(tmp_path: Path) -> None:
    for number, extra in enumerate(('{"group": ', '["group"]', '"group"', '{"group": null}', '{"group": {"a": 1}}')):
        curate(tmp_path / str(number), [row("a", FRENCH, extra=extra)])


def test_more_held_out_asked_for_than_there_is_holds_out_half_at_most(tmp_path: Path) -> None:
    settings = HeldoutSettings(share=0.9, min_documents=1000, min_pairs=1000)
    artifact = curate(
        tmp_path,
        [row(str(n), f"{FRENCH} {n}" + " ".join(f"mot{n}x{i}" for i in range(30))) for n in range(9)],
        heldout=settings,
    )
    assert artifact.facts["heldout"]["num_documents_kept"] <= 4


@pytest.mark.parametrize("tags", [("fr",), ("en",)])
def test_one_language_alone_is_curated(tags: tuple[str, ...], tmp_path: Path) -> None:
    texts = {
        "fr": FRENCH,
        "en": "The cat sleeps on the kitchen chair, and the rain falls softly on the roof of the old house by the long road.",
    }
    artifact = curate(tmp_path, [row(tag, texts[tag], language=tag) for tag in tags])
    assert artifact.counts[-1].num_out == 1


class Bad(NamedTuple):
    """A folder of documents, how it is made, and the message that it gets; FOLDER stands for its place."""

    given: str
    make: Callable[[Path], object]
    message: str


def _table(**columns: pa.Array) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        table = pa.Table.from_pylist([row("a", FRENCH)], schema=DOCUMENTS)
        for name, column in columns.items():
            table = table.set_column(table.schema.get_field_index(name), name, column)
        pq.write_table(table, folder / "part-00000.parquet")

    return make


def _cut(folder: Path) -> None:
    _table()(folder)
    path = folder / "part-00000.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def _bad_utf8() -> pa.Array:
    return pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\x05\0\0\0"), pa.py_buffer(b"caf\xe9s"))


FIX = "Make these rows with fournil sources, which checks what it reads."
BAD_FOLDERS = [
    Bad("no rows", lambda folder: None, "there is nothing to curate [SOURCES]. It needs documents/ or pairs/ with rows."),
    Bad("a Parquet file cut short", _cut, "this Parquet file cannot be read [FOLDER/part-00000.parquet]. It may be cut short: make or fetch it again."),
    Bad("a Parquet file that is text", lambda folder: (folder / "a.parquet").write_text("id,text\n"), "this Parquet file cannot be read [FOLDER/a.parquet]. It may be cut short: make or fetch it again."),
    Bad("a text column of numbers in lists", _table(text=pa.array([[1]])), f"column 'text' cannot be read as string [FOLDER/part-00000.parquet]. {FIX}"),
    Bad("a text column of bytes that are no text", _table(text=pa.array([b"caf\xe9"])), f"column 'text' cannot be read as string [FOLDER/part-00000.parquet]. {FIX}"),
    Bad("a text column that lies: Latin-1 called UTF-8", _table(text=_bad_utf8()), f"column 'text' cannot be read as string [FOLDER/part-00000.parquet]. {FIX}"),
    Bad("a text that is null", _table(text=pa.array([None], pa.string())), f"1 row has nothing in column 'text' [FOLDER/part-00000.parquet]. {FIX}"),
    Bad("an id that is null", _table(id=pa.array([None], pa.string())), f"1 row has nothing in column 'id' [FOLDER/part-00000.parquet]. {FIX}"),
    Bad("an id given twice", lambda folder: pq.write_table(pa.Table.from_pylist([row("a", FRENCH)] * 2, schema=DOCUMENTS), folder / "a.parquet"), "the id 'notes/a' is given twice [FOLDER]. Give every row an id of its own."),
    Bad("a file without text", lambda folder: pq.write_table(pa.table({"id": ["a"]}), folder / "a.parquet"), "no column 'author' [FOLDER/a.parquet]. Is this a shard of another kind?"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD_FOLDERS, ids=lambda case: case.given)
def test_each_folder_is_refused_with_one_line(case: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "documents"
    folder.mkdir(parents=True)
    case.make(folder)
    with pytest.raises(FournilError) as caught:
        run(Config(), {"sources": tmp_path / "in"}, tmp_path / "out", CONTEXT)
    said = str(caught.value).replace(str(folder), "FOLDER").replace(str(tmp_path / "in"), "SOURCES")
    assert said == case.message


def test_a_full_disk_leaves_no_half_made_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("80 requested and 3 written")

    monkeypatch.setattr(chunks.np, "save", full)
    with pytest.raises(FournilError, match="the disk is full"):
        curate(tmp_path, [row("a", FRENCH)])
    assert list((tmp_path / "out" / ".work" / "documents").iterdir()) == []
    monkeypatch.undo()
    assert curate(tmp_path, [row("a", FRENCH)]).counts[0].num_in == 1
