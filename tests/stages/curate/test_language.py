"""The step language: whom it keeps, whom it refuses, what it makes of documents in two languages."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EDITS, REFUSED_DOCUMENTS, document_row
from fournil.core.relatives import RELATIVES
from fournil.core.shards import ShardWriter, read_all
from fournil.stages.curate import Config, run
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.language import find_languages
from fournil.stages.curate.alone.marking import with_more
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.language import LanguageSettings

WORDS = {
    "fr": "le boulanger et la voisine dans une maison qui pour du pain avec sa farine mais ne pas sur les",
    "en": "the baker and a neighbour in the house that for bread with his flour but not on they were",
}
VARIETIES = Path(__file__).parents[2] / "data" / "varieties"


def text_in(tag: str, seed: str) -> str:
    """Sentences in no sense but in the language."""
    draw = random.Random(f"{tag} {seed}")
    return "\n".join(" ".join(draw.choices(WORDS[tag].split(), k=12)).capitalize() + "." for _ in range(8))


def write_sources(folder: Path, rows: list[dict[str, Any]]) -> Path:
    with ShardWriter(folder / "documents", DOCUMENTS) as writer:
        writer.write_rows(rows)
    return folder


FRENCH, ENGLISH = text_in("fr", "page"), text_in("en", "page")
CREOLE = (
    "Manman, mwen rive nan vil la depi semèn pase epi mwen jwenn yon ti travay nan yon boulanjri. Chak maten mwen leve "
    "bonè pou m al limen fou a, epi tout moun yo janti anpil avè m."
)


def varieties(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (VARIETIES / f"{name}.jsonl").read_text("utf-8").splitlines()]


def batch_of(texts: list[str], declared: str | None = None, **settings: Any) -> Batch:
    rows = [
        document_row(f"s/{number}", text, source="s", licence="CC0-1.0", language=declared, extra='{"page": 1}')
        for number, text in enumerate(texts)
    ]
    table = pa.RecordBatch.from_pylist(rows, schema=DOCUMENTS)
    batch = Batch.of(table, Config(language=LanguageSettings(**settings)), ("fr", "en"), {})
    find_languages(batch)
    return batch


def refused(batch: Batch, rows: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(rows[place]["id"], verdict.rule) for place, verdict in sorted(batch.verdicts.items())]


@pytest.mark.parametrize("word", ["aa", "na", "nae"])
def test_one_word_for_ever_is_no_relative(word: str):
    assert word in {each for relative in RELATIVES["en"] for each in relative.words}
    batch = batch_of([" ".join([word] * 200)], "fr", mismatch_confidence=0.99)
    assert (batch.verdicts, batch.arrays["found"][0] in {each.tag for each in RELATIVES["en"]}) == ({}, False)


@pytest.mark.parametrize("declared", ["und", "mul", "mis", ""])
def test_tags_that_name_no_language_are_no_names(declared: str):
    batch = batch_of([FRENCH, ENGLISH], declared)
    assert (batch.tags, batch.verdicts) == (["fr", "en"], {})


@pytest.mark.parametrize(("name", "declared"), [("fr", None), ("fr", "fr"), ("en", None), ("en", "en")])
def test_varieties_are_kept(name: str, declared: str | None):
    rows = varieties(name)
    batch = batch_of([row["text"] for row in rows], declared)
    assert refused(batch, rows) == []
    assert set(batch.tags) == {name}


def test_pages_in_two_languages_are_kept_and_measured():
    rows = varieties("mixed")
    batch = batch_of([row["text"] for row in rows])
    assert refused(batch, rows) == []
    inside = ("code-switching", "chiac", "franglais")
    measured = batch.arrays["second_share"]
    assert all(measured[place] >= 0.2 for place, row in enumerate(rows) if row["kind"] not in inside)
    switching = {row["id"]: batch.arrays["switching"][place] for place, row in enumerate(rows) if row["kind"] in inside}
    assert sum(share == 1.0 for share in switching.values()) >= 3
    for declared in ("fr", "en"):
        again = batch_of([row["text"] for row in rows if row["kind"] not in inside], declared)
        assert refused(again, rows) == []


def test_other_languages_are_refused():
    rows = varieties("other")
    batch = batch_of([row["text"] for row in rows])
    assert len(batch.verdicts) == len(rows)
    assert {rule for _, rule in refused(batch, rows)} <= {"language-outside", "language-unsure"}
    declared = batch_of([row["text"] for row in rows], "fr")
    # Declared French: only what another language is sure to be is refused.
    assert len(declared.verdicts) >= len(rows) - 6


def test_a_relative_is_marked_kept_or_refused():
    marked = batch_of([CREOLE, FRENCH])
    assert marked.tags == ["fr", "fr"]
    assert marked.rows.column("extra").to_pylist() == ['{"page": 1, "variety": "ht"}', '{"page": 1}']
    assert batch_of([CREOLE], relatives="keep").rows.column("extra").to_pylist() == ['{"page": 1}']
    gone = batch_of([CREOLE, FRENCH], relatives="refuse")
    assert {place: verdict.rule for place, verdict in gone.verdicts.items()} == {0: "language-relative"}


def test_a_creole_is_no_english():
    batch = batch_of([CREOLE], "en")
    assert batch.verdicts[0].rule == "language-mismatch"


def test_mixed_documents_can_be_marked_or_refused():
    page = f"{FRENCH}\n\n{ENGLISH}"
    said = batch_of([page, FRENCH], mixed="mark").rows.column("extra").to_pylist()
    shares = json.loads(said[0])["languages"]
    assert set(shares) == {"fr", "en"}
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)
    assert "languages" not in json.loads(said[1])
    gone = batch_of([page, FRENCH], mixed="refuse")
    assert {place: verdict.rule for place, verdict in gone.verdicts.items()} == {0: "language-mixed"}


def test_extra_that_is_no_object_is_kept():
    assert json.loads(with_more("page 3", {"variety": "ht"})) == {"extra": "page 3", "variety": "ht"}
    assert json.loads(with_more("[1]", {"a": 2})) == {"extra": [1], "a": 2}
    assert with_more(None, {"a": 2}) == '{"a": 2}'


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    def named(name: str, text: str, tag: str | None) -> dict[str, Any]:
        return document_row(name, text, source="s", licence="CC0-1.0", language=tag, category="page")

    rows = [
        named("b", f"{FRENCH}\n\n{ENGLISH}\n\n{text_in('fr', 'end')}\n", "fr"),
        named("a", f"{text_in('en', 'top')}\n\n{text_in('fr', 'bottom')}", "en"),
        named("c", text_in("fr", "alone"), None),
        named("d", "Der Bäcker steht vor der Sonne auf und heizt seinen Ofen, denn die Leute wollen Brot. " * 3, None),
    ]
    folder = tmp_path_factory.mktemp("split")
    config = Config(language=LanguageSettings(mixed="split"), heldout=HeldoutSettings(share=0.0))
    context = Context(languages=("fr", "en"), seed=7, threads=1)
    artifact = run(config, {"sources": write_sources(folder / "sources", rows)}, folder / "out", context)
    return folder / "out", artifact


def test_what_is_split_off_is_a_document_of_its_own(split: tuple[Path, Any]):
    out, _ = split
    rows = {row["id"]: row for row in read_all(out / "documents", DOCUMENTS).to_pylist()}
    assert {name: row["language"] for name, row in rows.items()} == {
        "a": "en", "a#fr": "fr", "b": "fr", "b#en": "en", "c": "fr",
    }  # fmt: skip
    assert rows["b#en"]["text"] == ENGLISH
    assert rows["b"]["text"] == f"{FRENCH}\n\n{text_in('fr', 'end')}"
    assert rows["a#fr"]["text"] == text_in("fr", "bottom")
    assert (rows["a#fr"]["source"], rows["a#fr"]["category"]) == ("s", "page")
    assert {json.loads(rows[name]["extra"])["group"] for name in ("b", "b#en")} == {"b"}


def test_what_is_split_off_is_counted(split: tuple[Path, Any]):
    out, artifact = split
    step = next(count for count in artifact.counts if count.step == "language")
    assert (step.num_in, step.num_split, step.num_out) == (4, 2, 5)
    gone = read_all(out / "refused", REFUSED_DOCUMENTS, prefix="documents").to_pylist()
    assert [(row["id"], row["rule"]) for row in gone] == [("d", "language-outside")]
    assert artifact.counts[0].num_in == 4
    assert artifact.facts["mixture"]["num_split"] == 2
    edits = [row for row in read_all(out / "edits", EDITS, prefix="documents").to_pylist() if row["step"] == "language"]
    assert [(row["id"], row["rule"]) for row in edits] == [("b", "split-off"), ("a", "split-off")]
    assert ENGLISH in edits[0]["was"]


def test_the_record_says_who_mixes(tmp_path: Path):
    rows = [
        document_row("one", f"{FRENCH}\n\n{ENGLISH}", source="pages", licence="CC0-1.0", language="fr"),
        document_row("two", CREOLE, source="letters", licence="CC0-1.0"),
        document_row("three", text_in("fr", "plain"), source="letters", licence="CC0-1.0"),
    ]
    context = Context(languages=("fr", "en"), seed=7, threads=1)
    artifact = run(Config(), {"sources": write_sources(tmp_path / "sources", rows)}, tmp_path / "out", context)
    facts = artifact.facts["mixture"]
    assert facts["num_mixed"] == 1
    assert [(line["source"], line["num"], line["num_mixed"]) for line in facts["by_source"]] == [
        ("letters", 2, 0),
        ("pages", 1, 1),
    ]
    assert [(line["tag"], line["num"]) for line in facts["relatives"]] == [("ht", 1)]
