"""Local sets: what their TOML and their files may say, what a model is asked, what comes of it."""

import csv
import gzip
import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from random_models import random_model
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from fournil.core.errors import EXIT_USAGE, FournilError
from fournil.core.progress import Bar
from fournil.core.speech import speaking
from fournil.parts.scoring import Scored, Written, open_scorer
from fournil.parts.tokenize.prompts import chat_template
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.sets.items import LocalSet, make_items, read_set
from fournil.stages.evaluate.sets.metrics import exact, f1
from fournil.stages.evaluate.sets.run import run_set
from fournil.stages.evaluate.sets.spec import check_spec
from fournil.stages.evaluate.suite import jobs_of
from fournil.stages.evaluate.translation import answers_of

QUESTIONS = [
    {"question": "Où dort le chat ?", "choices": ["sur la chaise", "dans la mer", "au ciel"], "gold": 0},
    {"question": "Que fait l'oiseau ?", "choices": ["il lit", "il chante", "il court"], "gold": "B"},
    {"question": "Qui parle ?", "choices": ["le monde", "la pluie", "elle"], "gold": "elle"},
]


def write(folder, rows, toml="", *, name="set", data="items.jsonl", **keys):
    folder.mkdir(exist_ok=True)
    (folder / data).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"name": name, "data": data, **keys}.items()]
    path = folder / "set.toml"
    path.write_text("\n".join([*lines, toml]), "utf-8")
    return path


class Said:
    """A scorer that likes what it is told to, and remembers what it was asked."""

    def __init__(self, likes=(), writes=()):
        self.likes, self.writes = likes, list(writes)
        self.pairs, self.prompts = [], []
        self.engine = type("Engine", (), {"chat": None})()

    def log_likelihoods(self, pairs, advance=None):
        self.pairs += pairs
        if advance:
            advance(len(pairs))
        return [
            Scored(-1.0 if any(like in answer for like in self.likes) else -len(answer), False, context == "", False, 1)
            for context, answer in pairs
        ]

    def generate(self, prompts, *, stops, max_new_tokens, advance=None):
        self.prompts += prompts
        assert list(stops) == [("\n",)] * len(prompts)
        return [Written(text, 1, False) for text, _ in zip(self.writes, prompts, strict=True)]

    def rolling(self, texts, advance=None):
        return [-math.log(2) * len(text) for text in texts]


def figures(result):
    return {(measure.metric, measure.system): measure.value for measure in result.measures}


def test_a_set_of_questions_is_asked_and_scored(tmp_path):
    task = read_set(write(tmp_path, QUESTIONS, kind="choice", language="fr", pair="cuisine"))
    scorer = Said(likes=("chaise", "chante", "pluie"))
    finished = []
    result = run_set(scorer, task, advance=finished.append)
    nbsp = "\N{NO-BREAK SPACE}"
    assert scorer.pairs[:2] == [
        (f"Question{nbsp}: Où dort le chat ?\nRéponse{nbsp}:", " sur la chaise"),
        (f"Question{nbsp}: Où dort le chat ?\nRéponse{nbsp}:", " dans la mer"),
    ]
    assert sum(finished) == task.num_requests() == 9
    assert figures(result)["acc", "model"] == pytest.approx(2 / 3)
    assert figures(result)["acc", "chance"] == pytest.approx(1 / 3)
    assert [measure.metric for measure in result.measures if measure.main] == ["acc"]
    assert [item.values["acc"] for item in result.items] == [1.0, 1.0, 0.0]
    assert result.items[2].details["choice"] == 1
    assert result.items[2].details["gold"] == 2
    assert (result.task, result.edition, result.language, result.pair) == ("set", "own", "fr", "cuisine")
    assert result.data_source == "items.jsonl"
    assert len(result.prompts) == 3


def test_scores_by_length_choose_otherwise(tmp_path):
    rows = [{"question": "?", "choices": ["aaaaaaaaaa", "bb"], "gold": 0}]
    task = read_set(write(tmp_path, rows, kind="choice", language="en", metric="acc_norm"))
    scorer = Said()
    scorer.log_likelihoods = lambda pairs, advance: [Scored(-3.0, False), Scored(-2.0, False)]
    result = run_set(scorer, task)
    assert figures(result)["acc", "model"] == 0
    assert figures(result)["acc_norm", "model"] == 1
    assert [measure.metric for measure in result.measures if measure.main] == ["acc_norm"]


def test_examples_stand_before_and_the_item_itself_never_does(tmp_path):
    task = read_set(write(tmp_path, QUESTIONS, kind="choice", language="en", shots=1))
    scorer = Said()
    run_set(scorer, task)
    contexts = list(dict.fromkeys(context for context, _ in scorer.pairs))
    assert contexts == [
        "Question: Que fait l'oiseau ?\nAnswer: il chante\n\nQuestion: Où dort le chat ?\nAnswer:",
        "Question: Où dort le chat ?\nAnswer: sur la chaise\n\nQuestion: Que fait l'oiseau ?\nAnswer:",
        "Question: Où dort le chat ?\nAnswer: sur la chaise\n\nQuestion: Qui parle ?\nAnswer:",
    ]
    (tmp_path / "solved.jsonl").write_text(json.dumps(QUESTIONS[0] | {"question": "Solved?"}) + "\n", "utf-8")
    other = read_set(write(tmp_path, QUESTIONS, kind="choice", language="en", shots=1, examples="solved.jsonl"))
    scorer = Said()
    result = run_set(scorer, other)
    assert all(context.startswith("Question: Solved?\nAnswer: sur la chaise\n\n") for context, _ in scorer.pairs)
    assert result.shots == 1
    assert result.data_sha256 != run_set(Said(), task, shots=0).data_sha256, "the examples are data too"
    assert run_set(Said(), other, shots=0).shots == 0


def test_fewer_examples_than_shots_are_refused(tmp_path):
    task = read_set(write(tmp_path, QUESTIONS, kind="choice", language="en", shots=2))
    assert run_set(Said(), task).shots == 2
    with pytest.raises(FournilError, match="3 solved examples .* and there are 2") as raised:
        run_set(Said(), task, shots=3)
    assert raised.value.fix
    assert raised.value.where == "items.jsonl"
    twice = read_set(write(tmp_path, [*QUESTIONS, QUESTIONS[0]], kind="choice", language="en", shots=3))
    with pytest.raises(FournilError, match="and there are 2"):
        run_set(Said(), twice)


def test_a_large_set_is_not_searched_for_each_item():
    class Counted(tuple):
        seen = 0

        def __iter__(self):
            for item in super().__iter__():
                Counted.seen += 1
                yield item

    spec = check_spec({"name": "s", "kind": "choice", "language": "en", "data": "d.jsonl"})
    items = make_items(spec, [QUESTIONS[0] | {"question": f"{number}?"} for number in range(200)], Path("d.jsonl"))
    for shots in (0, 2):
        Counted.seen = 0
        run_set(Said(), LocalSet(spec, Counted(items)), shots=shots)
        assert Counted.seen < 6 * len(items)


def test_items_are_counted_as_uneven_once(tmp_path):
    scorer = Said()
    scorer.log_likelihoods = lambda pairs, advance: [Scored(-1.0, False, False, True, 1) for _ in pairs]
    result = run_set(scorer, read_set(write(tmp_path, QUESTIONS, kind="choice", language="en")))
    assert result.num_uneven == 3


def test_a_gap_makes_whole_sentences(tmp_path):
    rows = [{"question": "Le chat <...> sur la chaise.", "choices": ["dort", "dorment"], "gold": 0}]
    scorer = Said()
    result = run_set(scorer, read_set(write(tmp_path, rows, kind="choice", language="fr", gap="<...>", shots=0)))
    assert scorer.pairs == [("", "Le chat dort sur la chaise."), ("", "Le chat dorment sur la chaise.")]
    assert figures(result)["acc", "model"] == 1
    assert result.num_truncated == 1, "one item, though both of its sentences were"


def test_classification_says_its_labels(tmp_path):
    rows = [{"avis": "Très bon pain.", "note": 1}, {"avis": "Croûte molle.", "note": 0}]
    keys = {"kind": "classification", "language": "fr", "prompt": "{avis}\nCet avis est", "gold": "note"}
    task = read_set(write(tmp_path, rows, 'labels = { 0 = "négatif", 1 = "positif" }', **keys))
    scorer = Said(likes=("positif",))
    result = run_set(scorer, task)
    assert scorer.pairs[0] == ("Très bon pain.\nCet avis est", " négatif")
    assert [item.values["acc"] for item in result.items] == [1.0, 0.0]
    assert figures(result)["acc", "chance"] == 0.5
    labels = read_set(
        write(tmp_path, [{"text": "Bon.", "gold": "b"}], labels=["a", "b"], kind="classification", language="en")
    )
    assert labels.items[0].prompt == "Text: Bon.\nCategory:"
    assert labels.items[0].gold == 1


def test_reading_compares_what_is_written(tmp_path):
    rows = [
        {"context": "L'eau bout.", "question": "Quoi ?", "answer": "l’eau"},
        {"context": "Il pleut.", "question": "Quand ?", "answer": ["la nuit", "à minuit pile"]},
    ]
    scorer = Said(writes=["L'eau.", "minuit pile"])
    result = run_set(scorer, read_set(write(tmp_path, rows, kind="reading", language="fr")))
    assert scorer.prompts[0].startswith("L'eau bout.\n\nQuestion")
    assert figures(result) == {("f1", "model"): pytest.approx(0.9), ("exact", "model"): 0.5}
    assert result.items[1].details["references"] == ["la nuit", "à minuit pile"]


@pytest.mark.parametrize(
    ("text", "answer", "language", "same"),
    [
        ("L’eau", "l'eau", "fr", 1.0),
        ("« eau »", "l'eau", "fr", 1.0),
        ("leau", "l'eau", "fr", 0.0),
        ("negatif", "négatif", "fr", 0.0),
        ("un été", "été", "fr", 1.0),
        ("The cat", "a cat!", "en", 1.0),
        ("l'eau", "eau", "en", 0.0),
        ("Aujourd’hui", "aujourd'hui", "fr", 1.0),
    ],
)
def test_answers_are_the_same_but_for_articles_and_punctuation(text, answer, language, same):
    assert exact(text, [answer], language) == same


def test_f1_counts_words_in_common():
    assert f1("le chat noir dort", ["chat noir"], "fr") == pytest.approx(0.8)
    assert f1("", ["chat"], "fr") == 0
    assert f1("rien", ["chat", "rien"], "fr") == 1


def test_translation_is_scored_as_sacrebleu_does_with_several_references(tmp_path):
    rows = [
        {"source": "The cat sleeps on the chair.", "reference": ["Le chat dort sur la chaise.", "Le chat y dort."]},
        {"source": "It rains.", "reference": "Il pleut."},
        {"source": "Good evening, sir.", "reference": ["Bonsoir, monsieur.", "Bonsoir monsieur"]},
    ]
    written = ["Le chat dort sur une chaise.", "Il pleut beaucoup.", "Bonsoir, le monde."]
    task = read_set(write(tmp_path, rows, kind="translation", language="fr", source_language="en"))
    scorer = Said(writes=written)
    result = run_set(scorer, task)
    assert scorer.prompts[1] == "English\N{NO-BREAK SPACE}: It rains.\nFrançais\N{NO-BREAK SPACE}:"
    assert result.language == "en-fr"
    assert result.extra == {"asked": "text"}
    references = [
        ["Le chat dort sur la chaise.", "Il pleut.", "Bonsoir, monsieur."],
        ["Le chat y dort.", None, "Bonsoir monsieur"],
    ]
    assert figures(result)["chrf", "model"] == pytest.approx(CHRF().corpus_score(written, references).score)
    assert figures(result)["bleu", "model"] == pytest.approx(BLEU().corpus_score(written, references).score)
    copied = [row["source"] for row in rows]
    assert figures(result)["chrf", "copy"] == pytest.approx(CHRF().corpus_score(copied, references).score)
    main = next(measure for measure in result.measures if measure.main)
    assert main.interval[0] < main.value < main.interval[1]


def test_intervals_of_translations_take_as_many_resamples_as_the_settings_say(tmp_path):
    rows = [{"source": f"{number} cats", "reference": f"{number} chats"} for number in range(9)]
    path = write(tmp_path, rows, kind="translation", language="fr", source_language="en")
    written = [f"{number} chats" if number % 2 else "des chats" for number in range(9)]
    found, identities = {}, set()
    for number in (0, 3, 500):
        (job,) = jobs_of(Config(tasks=(str(path),), num_bootstrap=number), ("en", "fr"))
        identities.add(str(job.identity()))
        measures = job.score(Said(writes=written), Bar("", None, "")).measures
        found[number] = next(measure for measure in measures if measure.main)
    assert found[0].interval is found[0].standard_error is None
    assert len({measure.value for measure in found.values()}) == 1
    assert found[3].interval != found[500].interval
    assert len(identities) == 3, "what was scored with other settings is not current"


def test_text_is_measured_in_bits_per_byte(tmp_path):
    task = read_set(write(tmp_path, [{"text": "abcd"}, {"text": "été"}], kind="text", language="fr"))
    result = run_set(Said(), task)
    assert figures(result) == {("bits_per_byte", "model"): pytest.approx(7 / 9)}
    assert result.items[1].details["parts"] == {"bits_per_byte": [pytest.approx(-3 * math.log(2)), 5]}
    assert not result.measures[0].higher_is_better


def test_data_may_be_csv_tsv_parquet_or_packed(tmp_path):
    rows = [
        {"question": row["question"], "a": row["choices"][0], "b": row["choices"][1], "gold": "A"} for row in QUESTIONS
    ]
    for name, delimiter in (("items.csv", ","), ("items.tsv", "\t")):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "items.parquet")
    with gzip.open(tmp_path / "items.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    found = set()
    for name in ("items.csv", "items.tsv", "items.parquet", "items.jsonl.gz"):
        (tmp_path / "set.toml").write_text(
            f'name = "s"\nkind = "choice"\nlanguage = "fr"\ndata = "{name}"\nchoices = ["a", "b"]\n', "utf-8"
        )
        task = read_set(tmp_path / "set.toml")
        assert [item.gold for item in task.items] == [0, 0, 0]
        found.add(task.data_sha256)
    assert len(found) == 1


BASE = {"kind": "choice", "language": "fr"}


@pytest.mark.parametrize(
    ("keys", "said", "fix"),
    [
        ({"chioces": "c"}, "unknown key 'chioces'", "Did you mean 'choices'?"),
        ({"kind": "quiz"}, "there is no kind 'quiz'", "Known: choice, classification"),
        ({"language": "xx"}, "language is 'xx'", "Known: en, fr."),
        ({"shots": "two"}, "shots must be a whole number", ""),
        ({"shots": -1}, "shots is -1, it must be from 0 to 100", ""),
        ({"metric": "chrf"}, "metric is 'chrf'", "Known: acc, acc_norm."),
        ({"answer": "a"}, "answer means nothing for the kind 'choice'", "It is for reading."),
        ({"kind": "classification"}, "labels must be two or more", ""),
        ({"kind": "classification", "labels": ["a", "b", "a"]}, "labels must be two or more, all different", ""),
        ({"kind": "classification", "labels": ["a", " "]}, "none empty", ""),
        ({"prompt": "{question!z}"}, "a place must be a column's name and nothing more", "brace"),
        ({"prompt": "{question!r}"}, "a place must be a column's name and nothing more", "brace"),
        ({"prompt": "{question:d}"}, "a place must be a column's name and nothing more", "brace"),
        ({"prompt": "{question:99999999}"}, "a place must be a column's name and nothing more", "brace"),
        ({"prompt": "{question:{gold}}"}, "a place must be a column's name and nothing more", "brace"),
        ({"prompt": "{question"}, "prompt is no template", "Write a brace that is meant twice."),
        ({"prompt": "{0}"}, "prompt is no template", "brace"),
        ({"prompt": "{questoin} :"}, "the column 'questoin' is missing", "Did you mean 'question'?"),
        ({"name": "à table"}, "name is 'à table'", "letters without accents"),
        ({"data": 3}, "data must be a string", ""),
        ({"choices": []}, "choices must be a string or an array", ""),
        ({"choices": "answers"}, "the column 'answers' is missing", "Columns: question, choices, gold."),
        ({"gold": "question"}, "question is 'Où dort le chat ?', which is no choice", "place of the right choice"),
        ({"gap": "___"}, "there is no gap '___' in the question", ""),
        ({"data": "nowhere.jsonl"}, "there is no such file", "beside"),
        ({"data": "items.txt"}, "files of this kind are not read", ".jsonl"),
    ],
)
def test_what_a_set_says_wrongly_is_named_with_its_place(tmp_path, keys, said, fix):
    path = write(tmp_path, QUESTIONS, **(BASE | keys | {"data": "items.jsonl"}))
    if "data" in keys:
        (tmp_path / "items.txt").write_text("?", "utf-8")
        path.write_text(path.read_text("utf-8").replace('"items.jsonl"', json.dumps(keys["data"])), "utf-8")
    with pytest.raises(FournilError) as raised:
        read_set(path)
    assert said in raised.value.what
    assert fix in (raised.value.fix or "")
    assert str(tmp_path) in str(raised.value.where)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"question": "?"', "not valid JSON"),
        ("[1]", "each line must be a JSON object"),
        ("", "the file has no rows"),
        ('{"question": "?", "choices": ["a", "a"], "gold": 0}', "choices must be two or more, all different"),
        ('{"question": "?", "choices": ["a"], "gold": 0}', "choices must be two or more, all different"),
        ('{"question": "?", "choices": ["a", ""], "gold": 0}', "must hold texts, one or more"),
        ('{"question": "", "choices": ["a", "b"], "gold": 0}', "the column 'question' is empty"),
        ('{"question": {}, "choices": ["a", "b"], "gold": 0}', "must hold text"),
        ('{"question": "?", "choices": ["a", "b"], "gold": 2}', "gold is 2, which is no choice"),
        ('{"question": "?", "choices": ["a", "b"], "gold": -1}', "gold is -1, which is no choice"),
        ('{"question": "?", "choices": ["a", "b"], "gold": true}', "gold is True, which is no choice"),
        ('{"question": "?", "choices": ["a", "b"]}', "the column 'gold' is missing"),
        ('{"question": "\\ud800", "choices": ["a", "b"], "gold": 0}', "a text holds halves of characters"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(tmp_path, data, said):
    path = write(tmp_path, [], **BASE)
    (tmp_path / "items.jsonl").write_text(data, "utf-8")
    with pytest.raises(FournilError) as raised:
        read_set(path)
    assert said in raised.value.what
    assert "items.jsonl" in str(raised.value.where)
    if data.startswith("{"):
        assert str(raised.value.where).endswith(":1")


def test_a_set_that_is_no_toml_or_not_there_is_named(tmp_path):
    path = tmp_path / "set.toml"
    with pytest.raises(FournilError, match="cannot be read"):
        read_set(path)
    path.write_text("name = ", "utf-8")
    with pytest.raises(FournilError, match="not valid TOML") as raised:
        read_set(path)
    assert raised.value.code == EXIT_USAGE
    path.write_text('name = "a"\n', "utf-8")
    with pytest.raises(FournilError, match="the key 'kind' is missing"):
        read_set(path)


def test_a_region_is_no_direction(tmp_path):
    question = read_set(write(tmp_path, QUESTIONS, kind="choice", language="fr-CA"))
    assert question.spec.language == "fr-CA"
    assert question.spec.direction == run_set(Said(), question).language == "fr"
    rows = [{"source": "The cat", "reference": "Le chat"}]
    keys = {"kind": "translation", "language": "fr-CA", "source_language": "en-GB"}
    assert read_set(write(tmp_path, rows, **keys)).spec.direction == "en-fr"


@pytest.mark.parametrize(
    ("choices", "gold", "place"),
    [
        (["1", "2", "3"], 1, 1),
        (["1", "2", "3"], "3", 2),
        (["1", "2", "3"], "A", 0),
        (["0", "2", "1"], "0", 0),
        (["1", "2", "3"], "1", None),
        (["1", "2", "3"], "2", None),
        (["b", "a"], "1", 1),
        (["b", "a"], "a", None),
        (["a", "b"], "b", 1),
    ],
)
def test_what_could_be_two_choices_is_refused(tmp_path, choices, gold, place):
    path = write(tmp_path, [{"question": "?", "choices": choices, "gold": gold}], **BASE)
    if place is not None:
        assert read_set(path).items[0].gold == place
        return
    with pytest.raises(FournilError, match="one choice and the letter or place of another") as raised:
        read_set(path)
    assert "letters" in (raised.value.fix or "")
    assert str(raised.value.where).endswith("items.jsonl:1")


def test_a_column_may_be_called_as_it_likes(tmp_path):
    rows = [{"The English: {!": "The cat", "reference": "Le chat"}]
    keys = {"kind": "translation", "language": "fr", "source_language": "en", "source": "The English: {!"}
    assert ": The cat\n" in read_set(write(tmp_path, rows, **keys)).items[0].prompt


def test_hashes_tell_questions_apart_and_not_prompts(tmp_path):
    one = read_set(write(tmp_path, QUESTIONS, **BASE))
    two = read_set(write(tmp_path, QUESTIONS, prompt="{question}", **BASE))
    three = read_set(write(tmp_path, [QUESTIONS[0] | {"gold": 1}, *QUESTIONS[1:]], **BASE))
    assert one.data_sha256 == two.data_sha256
    assert [a.sha256 == b.sha256 for a, b in zip(one.items, three.items, strict=True)] == [False, True, True]


def test_messages_are_made_of_what_is_spoken(tmp_path):
    with speaking("fr"), pytest.raises(FournilError) as raised:
        read_set(write(tmp_path, QUESTIONS, chioces="c", **BASE))
    assert raised.value.fix is not None
    assert "choices" in raised.value.fix


def test_a_real_model_answers_every_kind(tmp_path):
    torch.set_num_threads(1)
    scorer = open_scorer(random_model(tmp_path / "model"), threads=1)
    sets = [
        ("choice", QUESTIONS, {}),
        ("classification", [{"text": "Bon.", "gold": "a"}, {"text": "Non.", "gold": "b"}], {"labels": ["a", "b"]}),
        ("reading", [{"question": "Où ?", "answer": "ici"}], {"max_tokens": 4}),
        ("translation", [{"source": "The cat", "reference": "Le chat"}], {"source_language": "en"}),
        ("text", [{"text": "Le chat dort."}], {}),
    ]
    for kind, rows, keys in sets:
        result = run_set(scorer, read_set(write(tmp_path / kind, rows, kind=kind, language="fr", **keys)))
        assert result.num_items == len(rows)
        assert all(math.isfinite(measure.value) for measure in result.measures)
        assert result.extra == ({"asked": "text"} if kind == "translation" else {})


def test_an_answer_that_the_model_cannot_read_is_named_with_its_row(tmp_path):
    torch.set_num_threads(1)
    scorer = open_scorer(random_model(tmp_path / "model"), threads=1)
    long = "le chat " * scorer.engine.context_length
    rows = [*QUESTIONS, {"question": "Quoi ?", "choices": ["rien", long], "gold": 0}]
    with pytest.raises(FournilError, match=r"an answer has .* tokens, the model reads") as raised:
        run_set(scorer, read_set(write(tmp_path, rows, **BASE)))
    assert raised.value.where == "items.jsonl:4"
    assert raised.value.fix


def test_a_model_that_was_taught_to_translate_is_asked_as_it_was_taught(tmp_path):
    torch.set_num_threads(1)
    folder = random_model(tmp_path / "model")
    (folder / "chat_template.jinja").write_text(chat_template(bos=False), "utf-8")
    scorer = open_scorer(folder, threads=1)
    rows = [{"source": "The cat", "reference": "Le chat"}]
    task = read_set(write(tmp_path / "set", rows, kind="translation", language="fr", source_language="en"))
    result = run_set(scorer, task)
    assert result.extra == {"asked": "chat"}
    assert result.prompts == ["The cat"]
    assert result.items[0].details["text"] == answers_of(scorer.engine, ["The cat"], "en", "fr", 1)[0]
