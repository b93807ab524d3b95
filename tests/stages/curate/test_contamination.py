"""Evaluation items in training text: refused, cut or marked, and counted by set."""

import json
from pathlib import Path
from typing import Any

import pytest

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, EDITS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS, document_row, pair_row
from fournil.core.errors import FournilError
from fournil.core.shards import ShardWriter, read_all
from fournil.stages.curate import Config, run
from fournil.stages.curate.alone.contamination import passages, without
from fournil.stages.curate.sections.contamination import ContaminationSettings
from fournil.stages.curate.sections.heldout import HeldoutSettings

CONTEXT = Context(languages=("fr", "en"), seed=7, threads=1)
ITEM = "Les lettres que ma tante nous a envoyées de Dakar sentent encore le bissap."
"""fr-grammar-01 of fournil-mini, its gap filled."""
ASKED = "dix heures. Les deux femmes ont donc commencé par les aubergines et les tomates"
"""From the context of fr-reading-01."""
PROSE = (
    "Le boulanger se lève avant le jour et chauffe son four avec le bois de la semaine passée.",
    "Sa voisine lui apporte du beurre, quand les vaches en donnent assez pour tout le village.",
    "On entend alors la rivière, qui passe sous le pont, et les premiers pas sur la place.",
    "Vers sept heures, les enfants descendent la rue en courant, et le pain est déjà froid.",
    "Il en garde toujours un pour le facteur, qui arrive tard parce que la côte est raide.",
)


def story(name: str, *lines: str, **more: Any) -> dict[str, Any]:
    settings = {"source": "contes", "licence": "CC0-1.0", "language": "fr"} | more
    return document_row(name, "\n".join(lines or PROSE), **settings)


def curate(
    folder: Path, rows: list[dict[str, Any]], pairs: list[dict[str, Any]] | None = None, **more: Any
) -> Artifact:
    for kind, schema, given in (("documents", DOCUMENTS, rows), ("pairs", PAIRS, pairs or [])):
        with ShardWriter(folder / "in" / kind, schema) as writer:
            writer.write_rows(given)
    config = Config(contamination=ContaminationSettings(**more), heldout=HeldoutSettings(share=0.0, min_pairs=0))
    return run(config, {"sources": folder / "in"}, folder / "out", CONTEXT)


def rows_of(folder: Path, name: str, schema: Any, prefix: str | None = None) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in read_all(folder / "out" / name, schema, prefix=prefix).to_pylist()}


def table(artifact: Artifact) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in artifact.facts["contamination"]}


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    folder = tmp_path_factory.mktemp("cut")
    rows = [
        story("clean"),
        story("line", *PROSE[1:], ITEM.upper(), "Un jour la lettre arrive et chacun la lit à son tour.", source="blog"),
        story("mostly", PROSE[0][:40], ITEM, source="blog"),
        story(
            "context", PROSE[2], f"« {ASKED}\u00a0», dit-elle en riant, et la pluie a repris de plus belle.", *PROSE[3:]
        ),
    ]
    pairs = [
        pair_row("po/item", {"fr": ITEM, "en": "The letters smell of hibiscus."}, source="po", licence="CC0-1.0"),
        pair_row("po/other", {"fr": PROSE[0], "en": "The baker rises before the day."}, source="po", licence="CC0-1.0"),
    ]
    return folder, curate(folder, rows, pairs, sets=("fournil-mini",))


def test_the_line_that_holds_an_item_is_cut(cut: tuple[Path, Artifact]):
    folder, _ = cut
    kept = rows_of(folder, "documents", DOCUMENTS)
    assert kept["clean"]["text"] == "\n".join(PROSE)
    assert kept["line"]["text"] == "\n".join([*PROSE[1:], "Un jour la lettre arrive et chacun la lit à son tour."])
    edits = [row for row in read_all(folder / "out" / "edits", EDITS).to_pylist() if row["id"] == "line"]
    found, passage = (next(row for row in edits if ("/" in row["rule"]) is there) for there in (True, False))
    assert (found["step"], found["rule"]) == ("contamination", "fournil-mini-fr-grammar/fr-grammar-01")
    assert found["was"] == found["now"] == ITEM.upper().rstrip(".")
    assert (passage["rule"], passage["was"], passage["now"]) == ("passage", ITEM.upper() + "\n", "")
    whole = "\n".join([*PROSE[1:], ITEM.upper(), "Un jour la lettre arrive et chacun la lit à son tour."])
    assert whole[passage["start"] : passage["end"]] == passage["was"]
    assert whole[found["start"] : found["end"]] == found["was"]


def test_a_document_of_which_little_is_left_is_refused(cut: tuple[Path, Artifact]):
    folder, artifact = cut
    refused = rows_of(folder, "refused", REFUSED_DOCUMENTS, "documents")["mostly"]
    assert (refused["step"], refused["rule"]) == ("contamination", "evaluation-item")
    assert refused["value"].startswith("fournil-mini-fr-grammar/fr-grammar-01: 14 words, 1, 0.6")
    assert refused["bound"] == "13 words, 0.8, 0.5"
    ((start, end),) = refused["spans"]
    assert refused["text"][start:end] == ITEM.rstrip(".")
    count = next(each for each in artifact.counts if each.step == "contamination" and each.unit == "documents")
    assert (count.num_in, count.num_out, count.refused) == (4, 3, {"evaluation-item": 1})
    assert count.bytes_out < count.bytes_in


def test_what_a_question_is_about_is_marked(cut: tuple[Path, Artifact]):
    folder, _ = cut
    marked = rows_of(folder, "documents", DOCUMENTS)["context"]
    assert ASKED in marked["text"]
    assert json.loads(marked["extra"]) == {"contamination": ["fournil-mini-fr-reading/fr-reading-01 (context)"]}
    assert rows_of(folder, "documents", DOCUMENTS)["clean"]["extra"] is None


def test_a_pair_with_an_item_is_refused(cut: tuple[Path, Artifact]):
    folder, _ = cut
    refused = rows_of(folder, "refused", REFUSED_PAIRS, "pairs")
    assert {name: (row["step"], row["rule"]) for name, row in refused.items()} == {
        "po/item": ("contamination", "evaluation-item")
    }
    assert list(rows_of(folder, "pairs", PAIRS)) == ["po/other"]


def test_a_table_by_set(cut: tuple[Path, Artifact]):
    _, artifact = cut
    lines = table(artifact)
    assert len(lines) == 14
    grammar = lines["fournil-mini-fr-grammar"]
    assert grammar == {
        "name": "fournil-mini-fr-grammar", "source": "fournil-mini", "num_items": 60, "num_searched": 60,
        "num_found": 1, "num_context": 0, "num_documents": 2, "num_pairs": 1,
        "by_source": [
            {"kind": "documents", "source": "blog", "num": 2}, {"kind": "pairs", "source": "po", "num": 1},
        ],
    }  # fmt: skip
    reading = lines["fournil-mini-fr-reading"]
    assert (reading["num_found"], reading["num_context"], reading["num_documents"]) == (0, 1, 1)
    assert lines["fournil-mini-en-cloze"]["by_source"] == []


@pytest.mark.parametrize(("action", "kept"), [("remove", []), ("mark", ["line"])])
def test_other_actions(tmp_path: Path, action: str, kept: list[str]):
    rows = [story("line", *PROSE, ITEM, extra='{"page": 3}'), story("clean", *PROSE[::-1])]
    curate(tmp_path, rows, sets=("fournil-mini",), action=action)
    found = rows_of(tmp_path, "documents", DOCUMENTS)
    assert sorted(found) == ["clean", *kept]
    for name in kept:
        assert found[name]["text"] == rows[0]["text"]
        assert json.loads(found[name]["extra"]) == {
            "contamination": ["fournil-mini-fr-grammar/fr-grammar-01"],
            "page": 3,
        }


def test_sets_of_files_and_none_at_all(tmp_path: Path):
    own = tmp_path / "own.jsonl"
    own.write_text(json.dumps({"id": "q1", "question": PROSE[0]}))
    rows = [story("one"), story("two", *PROSE[1:])]
    artifact = curate(tmp_path / "own", rows, sets=(str(own),), action="remove")
    assert list(rows_of(tmp_path / "own", "refused", REFUSED_DOCUMENTS, "documents")) == ["one"]
    assert [(line["name"], line["num_found"]) for line in artifact.facts["contamination"]] == [("own", 1)]
    artifact = curate(tmp_path / "none", rows, sets=())
    assert artifact.facts["contamination"] == []
    assert sorted(rows_of(tmp_path / "none", "documents", DOCUMENTS)) == ["one", "two"]
    with pytest.raises(FournilError, match="there is no such evaluation set"):
        curate(tmp_path / "missing", rows, sets=(str(tmp_path / "nothing.jsonl"),))


def span_of(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


def test_of_a_long_line_the_sentences_are_cut():
    text = "Une ligne.\n" + " ".join(PROSE * 6) + f" Voici. {ITEM} Puis la suite\u00a0! " + " ".join(PROSE * 6)
    (only,) = passages(text, [span_of(text, "tante nous a envoyées de Dakar")])
    assert text[only[0] : only[1]] == ITEM + " "
    endless = "mot " * 2000
    (only,) = passages(endless, [(4000, 4040)])
    assert only == (4000, 4040)


def test_cuts_that_touch_are_one():
    text = "un\ndeux\ntrois\nquatre"
    cuts = passages(text, [span_of(text, "trois"), span_of(text, "deux"), span_of(text, "eux\ntr")])
    assert cuts == [(3, 14)]
    assert without(text, cuts) == "un\nquatre"
    assert without(text, passages(text, [span_of(text, "quatre")])) == "un\ndeux\ntrois"
    assert passages(text, [span_of(text, text)]) == [(0, len(text))]


@pytest.mark.parametrize(
    "wrong", [{"ngram": 7}, {"overlap": 0.1}, {"action": "erase"}, {"context_action": ""}, {"max_cut": 2.0}]
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ContaminationSettings(**wrong)
