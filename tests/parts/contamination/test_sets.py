import json
from pathlib import Path

import pyarrow as pa
import pytest
from task_data import write_task_data

from fournil.core.errors import FournilError
from fournil.core.progress import Progress
from fournil.parts.contamination.index import build_index
from fournil.parts.contamination.items import item_of
from fournil.parts.contamination.match import find_texts
from fournil.parts.contamination.sets import FIDELITY, MINI, read_benchmarks
from fournil.parts.text.folded import folded_words

QUIET = Progress()
LETTERS = {"A": 0, "B": 1, "C": 2}


def texts_of(row):
    return {each.text for each in item_of("1", row).texts if not each.is_context}


@pytest.mark.parametrize(
    ("columns", "gold"),
    [
        ({"choices": ["Namur", "Liège", "Mons"]}, {"gold": 0}),
        ({"choices": ["Namur", "Liège", "Mons"]}, {"answer": "A"}),
        ({"choices": {"text": ["Namur", "Liège", "Mons"], "label": list("ABC")}}, {"answerKey": "A"}),
        ({"answerA": "Namur", "answerB": "Liège", "answerC": "Mons"}, {"answer": "A"}),
        ({f"mc_answer{n}": name for n, name in enumerate(("Namur", "Liège", "Mons"), 1)}, {"correct_answer_num": "1"}),
        ({"endings": ["Namur", "Liège", "Mons"]}, {"label": "0"}),
        ({"A": "Namur", "B": "Liège", "C": "Mons"}, {"answer": "Namur"}),
    ],
)
def test_a_short_question_is_looked_for_with_its_answers(columns, gold):
    texts = texts_of({"question": "Où siège le Parlement wallon ?", **columns, **gold})
    assert "Où siège le Parlement wallon ? Namur" in texts
    assert "Où siège le Parlement wallon ? A Namur B Liège C Mons" in texts
    assert "Où siège le Parlement wallon ? Namur Liège Mons" in texts
    assert "Où siège le Parlement wallon ? Liège" not in texts


def test_a_gap_is_filled_with_the_right_choice_alone():
    row = {"question": "Le boulanger a mis la pâte au <...> hier.", "choices": ["parc", "four"], "gold": 1}
    filled = [text for text in texts_of(row) if "<" not in text and "au" in text.split()]
    assert filled == ["Le boulanger a mis la pâte au  four  hier."]
    several = {
        "question": "Il <...> et <...> sans bruit.",
        "answerA": "part / vient",
        "answerB": "a / b",
        "answer": "A",
    }
    assert "Il  part  et  vient  sans bruit." in texts_of(several)


def test_what_is_asked_about_is_told_from_what_is_asked():
    context = "La coopérative du village a ouvert ses portes lundi."
    texts = {
        each.text: each.is_context
        for each in item_of("1", {"context": context, "question": "Quand a-t-elle ouvert ?"}).texts
    }
    assert texts[context]
    assert not texts["Quand a-t-elle ouvert ?"]
    alone = item_of("1", {"passage": context, "url": "https://exemple.org/un-deux-trois-quatre-cinq-six-sept-huit"})
    assert [(each.text, each.is_context) for each in alone.texts] == [(context, False)]


def test_our_own_sets():
    found = read_benchmarks([MINI, FIDELITY], None, QUIET)
    assert len(found) == 16
    assert {each.name for each in found} >= {"fournil-mini-fr-cloze", "fournil-mini-en-translation", "fidelity-fr"}
    index = build_index(found)
    assert index.searched_I.mean() > 0.97
    words = folded_words(
        pa.array(["On lit : « Les lettres que ma tante nous a envoyées de Dakar sentent encore le bissap »."])
    )
    (each,) = find_texts(index, words, ngram=13, overlap=0.8)
    assert index.ids_I[index.item_K[index.links_T[each.text]]] == "fr-grammar-01"


def test_frenchbench_from_a_folder_and_what_is_not_there(tmp_path: Path, capsys):
    write_task_data(tmp_path, 3)
    notes = []

    class Noting(Progress):
        def note(self, text: str) -> None:
            notes.append(text)

    found = {each.name: each for each in read_benchmarks(["frenchbench"], tmp_path, Noting())}
    assert len(found) == 30
    empty = [name for name, each in found.items() if not each.items]
    assert empty == ["mmlu"]  # whose 57 folders are not there
    assert len(notes) == 1
    assert notes[0].startswith("mmlu is not looked for")
    assert all(len(each.items) == 3 for name, each in found.items() if name != "mmlu")
    assert found["french_bench_xnli"].source.startswith(f"{tmp_path.name}/")
    with pytest.raises(FournilError, match="no data for the task"):
        read_benchmarks(["mmlu"], tmp_path, QUIET)


def write_lines(path: Path, *rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_sets_of_files(tmp_path: Path):
    write_lines(
        tmp_path / "boulange.jsonl",
        {"q": "Que faut-il au pain {} hier", "un": "du levain", "deux": "rien", "bonne": "A"},
    )
    (tmp_path / "boulange.csv").write_text("question,answer\nQui pétrit la pâte ?,le boulanger\n")
    toml = tmp_path / "boulange.toml"
    toml.write_text(
        'name = "pain"\nkind = "choice"\nlanguage = "fr"\ndata = "boulange.jsonl"\nchoices = ["un", "deux"]\n'
        'gold = "bonne"\nprompt = "{q}"\n'
    )
    own, plain = read_benchmarks([str(toml), str(tmp_path / "boulange.jsonl")], None, QUIET)
    (separated,) = read_benchmarks([str(tmp_path / "boulange.csv")], None, QUIET)
    assert (own.name, plain.name, separated.name) == ("pain", "boulange", "boulange")
    assert {"du levain", "rien"} <= {each.text for each in own.items[0].texts}
    assert "Qui pétrit la pâte ? le boulanger" in {each.text for each in separated.items[0].texts}
    folder = tmp_path / "dossier"
    folder.mkdir()
    write_lines(folder / "test.jsonl", {"id": "a", "text": "Un texte."}, {"id": "b", "text": "Un autre."})
    (whole,) = read_benchmarks([str(folder)], None, QUIET)
    assert (whole.name, [item.id for item in whole.items]) == ("dossier", ["a", "b"])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nulle-part/rien.jsonl", "there is no such evaluation set"),
        ("nulle-part/rien.toml", "cannot be read"),
    ],
)
def test_sets_that_are_not_there(tmp_path: Path, name, what):
    with pytest.raises(FournilError, match=what):
        read_benchmarks([str(tmp_path / name)], None, QUIET)


def test_a_folder_without_a_set_and_two_sets_of_one_name(tmp_path: Path):
    with pytest.raises(FournilError, match="no evaluation set in this folder"):
        read_benchmarks([str(tmp_path)], None, QUIET)
    for folder in ("un", "deux"):
        (tmp_path / folder).mkdir()
        write_lines(tmp_path / folder / "test.jsonl", {"text": folder})
    with pytest.raises(FournilError, match="two evaluation sets are called 'test'"):
        read_benchmarks([str(tmp_path / folder / "test.jsonl") for folder in ("un", "deux")], None, QUIET)
    read_benchmarks([MINI, MINI], None, QUIET)  # the same one twice is one


def test_an_own_set_without_data(tmp_path: Path):
    path = tmp_path / "un.toml"
    path.write_text('name = "un"\n')
    with pytest.raises(FournilError, match="the key 'data' is missing"):
        read_benchmarks([str(path)], None, QUIET)
