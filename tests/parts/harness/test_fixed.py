"""The fixed edition: each known defect is shown in the official one, and gone from the other."""

import pytest
from task_data import rows_of, write_rows, write_task_data
from tiny_lm import TinyLM

from fournil.core.errors import FournilError
from fournil.parts.harness.fixed import fixes
from fournil.parts.harness.names import KNOWN
from fournil.parts.harness.run import Answers, run_task

FIXED = [task.name for task in KNOWN.values() if task.fixed]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_task_data(tmp_path_factory.mktemp("data"))


class Saying(TinyLM):
    """Always gives the same answer."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def generate_until(self, requests, disable_tqdm=False):
        return [self.text for _ in requests]


def both(name, model, folder, **settings):
    settings = {"shots": 0, "data": folder} | settings
    return [run_task(name, model, edition=edition, **settings) for edition in ("official", "fixed")]


@pytest.mark.parametrize("shots", [0, 2])
@pytest.mark.parametrize("name", FIXED)
def test_both_editions_are_of_the_same_items_and_metrics(name, shots, data):
    official, fixed = both(name, TinyLM(), data, shots=shots)
    assert [item["sha256"] for item in official.items] == [item["sha256"] for item in fixed.items]
    assert official.data_sha256 == fixed.data_sha256
    assert official.data_source == fixed.data_source
    assert list(official.metrics) == list(fixed.metrics)
    assert (fixed.task, fixed.of, fixed.edition, fixed.version) == (f"{name}_fixed", name, "fixed", "1")
    assert (official.task, official.of, official.edition) == (name, name, "official")
    assert set(fixed.aggregations.values()) == {"mean"}
    assert all(error is not None for _, error in fixed.metrics.values())
    assert (fixed.language, fixed.shots, fixed.main) == (official.language, official.shots, official.main)


@pytest.mark.parametrize("name", FIXED)
def test_the_second_edition_asks_only_what_the_first_did_not(name, data):
    alone = run_task(name, TinyLM(), shots=2, data=data, edition="fixed")
    answers, model = Answers(), TinyLM()
    run_task(name, model, shots=2, data=data, answers=answers)
    first, model.asked, seen = set(map(repr, model.asked)), [], []
    settings = {"shots": 2, "data": data, "edition": "fixed", "answers": answers}
    run = run_task(name, model, progress=lambda *told: seen.append(told), **settings)
    assert run == alone
    assert not first & set(map(repr, model.asked))
    assert seen[-1][0] == seen[-1][1]
    if name in ("french_bench_multifquad", "french_bench_orangesum_title", "french_bench_trivia"):
        assert model.asked == []
    # Another model's answers are its own.
    other = TinyLM()
    run_task(name, other, **settings)
    assert other.asked


@pytest.mark.parametrize("name", ["grammar", "vocab", "reading_comp"])
def test_gaps_are_filled_one_by_one(name, tmp_path):
    split = {"grammar": "Grammar", "vocab": "Vocabulary", "reading_comp": "Reading"}[name]
    row = rows_of("manu/french-bench-grammar-vocab-reading", "", split, 1)[0]
    row |= {"question": "Elle <...> et il <...>.", "answerA": "part / vient", "answerB": "pars / viens", "answer": "A"}
    row |= {"answerC": "partent", "answerD": "a / b / c"}
    write_rows(tmp_path / f"french_bench_{name}" / f"{split}.jsonl", [row])
    official, fixed = both(f"french_bench_{name}", TinyLM(), tmp_path)
    assert official.items[0]["details"]["choices"][0] == " Elle part / vient et il part / vient."
    assert fixed.items[0]["details"]["choices"] == [
        " Elle part et il vient.",
        " Elle pars et il viens.",
        " Elle partent et il partent.",  # as many parts as gaps, or the whole in each
        " Elle a / b / c et il a / b / c.",
    ]


def test_one_gap_keeps_its_slash_and_none_is_answered_behind():
    assert fixes.fill("Il dit <...>.", "oui / non") == "Il dit oui / non."
    doc = {"question": "Que dit-il ?"} | {f"answer{letter}": letter for letter in "ABCD"}
    assert fixes.filled_choices(doc)[1] == "Que dit-il ? B"


def test_the_description_is_parted_from_the_prompt(data):
    official, fixed = both("french_bench_grammar", TinyLM(), data)
    assert "proposées.La phrase" in official.prompts[0]
    assert "proposées.\n\nLa phrase" in fixed.prompts[0]
    # Where the official text parts them already, nothing changes.
    official, fixed = both("french_bench_multifquad", TinyLM(), data, shots=1)
    assert official.prompts == fixed.prompts


def test_no_brackets_around_impossible(tmp_path):
    rows = rows_of("manu/fquad2_test", "", "test", 2)
    rows[0] |= {"answers": {"answers_start": [0], "text": ["ici"]}}
    rows[1] |= {"answers": {"answers_start": [], "text": []}}
    for task in ("french_bench_fquadv2", "french_bench_fquadv2_genq"):
        for split in ("test", "test_hasAns"):
            write_rows(tmp_path / task / f"{split}.jsonl", rows)
    official, fixed = both("french_bench_fquadv2", Saying(" Impossible"), tmp_path)
    assert official.items[1]["details"]["reference"] == ["Impossible"]
    assert fixed.items[1]["details"]["reference"] == "Impossible"
    assert fixed.items[1]["values"] == {"exact": 1.0, "f1": 1.0}
    official, fixed = both("french_bench_fquadv2_genq", TinyLM(), tmp_path)
    assert "Réponse: ['Impossible']" in official.prompts[1]
    assert "Réponse: Impossible\n" in fixed.prompts[1]


def test_the_first_item_does_not_decide_how_all_are_scored(tmp_path):
    """Officially, if the first item has no answer in its text, the others' answers are taken for lists of letters."""
    rows = rows_of("manu/fquad2_test", "", "test", 2)
    rows[0] |= {"answers": {"answers_start": [], "text": []}}
    rows[1] |= {"answers": {"answers_start": [0], "text": ["le grand marché couvert"]}}
    write_rows(tmp_path / "french_bench_fquadv2" / "test.jsonl", rows)
    official, fixed = both("french_bench_fquadv2", Saying(" le grand marché couvert"), tmp_path)
    assert official.items[1]["values"] == {"exact": 0.0, "f1": 0.0}
    assert fixed.items[1]["values"] == {"exact": 1.0, "f1": 1.0}


@pytest.mark.parametrize("polarity", ["positif", "negatif", "négatif", "Négatif ", "neutre"])
def test_polarities_with_and_without_accents(polarity, tmp_path):
    row = rows_of("manu/topic_based_nli_test", "", "test", 1)[0] | {"polarity": polarity}
    write_rows(tmp_path / "french_bench_topic_based_nli" / "test.jsonl", [row])
    settings = {"shots": 0, "data": tmp_path}
    fixed = run_task("french_bench_topic_based_nli", TinyLM(), edition="fixed", **settings)
    assert fixed.items[0]["details"]["gold"] == ["p", "n", "u"].index(polarity.strip().lower()[0]) + (
        polarity == "neutre"
    )
    if "é" in polarity:
        with pytest.raises(FournilError, match="cannot use its data"):
            run_task("french_bench_topic_based_nli", TinyLM(), **settings)


@pytest.mark.parametrize(
    ("said", "gold", "official", "fixed"),
    [
        ("eau", "l'eau", 0, 1),  # « leau »
        ("eau", "l’eau", 0, 1),
        ("l’eau", "l'eau", 0, 1),
        ("« le pain »", "le pain", 0, 1),
        ("le pain…", "pain", 0, 1),
        ("d’août", "d'août", 0, 1),
        ("L'Été", "été", 0, 1),
        ("la clé", "une clé.", 1, 1),
        ("aujourd’hui", "aujourd'hui", 0, 1),
        ("cle\u0301", "clé", 0, 1),
        ("peut-être", "peut-être", 1, 1),
        ("20\u202f000\u00a0€", "20 000 €", 1, 1),
        ("pain", "vin", 0, 0),
        ("", "le", 1, 1),
        ("lune", "l'une", 1, 0),  # the official edition drops the apostrophe, and keeps the « l »
    ],
)
def test_answers_are_compared_as_french_is_written(said, gold, official, fixed):
    from fournil.parts.harness import load

    with load.quietly(), load._standing_in():
        entry = load._manager("french_bench").task_index["french_bench_fquadv2"]
        theirs = load._definition(entry.yaml_path)["metric_list"][0]["metric"]
    assert theirs(predictions=[said], references=[gold]) == official
    assert fixes.exact([said], [gold]) == fixed


def test_shares_of_words():
    assert fixes.f1(["le marché de l’eau"], ["l'eau"]) == pytest.approx(2 / 4)
    assert fixes.f1([""], ["les"]) == 1
    assert fixes.f1(["vin"], ["pain"]) == 0
    assert fixes.is_included(["C’est « l’eau » !"], ["l'eau"]) == 1
    assert fixes.is_included(["les eaux"], ["eau"]) == 0
    # Officially an accent parts a word in two: « été » shares its « t » with « tôt ».
    from fournil.parts.harness.rouge import rouge1_of

    assert rouge1_of("été", "tôt") > 0
    assert fixes.rouge1(["tôt"], ["été"]) == 0
    assert fixes.rouge1(["L’ÉTÉ vient"], ["l'été viendra"]) == pytest.approx(4 / 6)
    assert fixes.rouge1([""], [""]) == 0
