"""fournil-mini holds what it promises, and each promise that is broken is seen."""

import importlib.util
import itertools
import json
import re
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import random_model

from fournil.parts.scoring import open_scorer
from fournil.stages.evaluate.mini.items import (
    GAP,
    LANGUAGES,
    SETS,
    TRANSLATION,
    Item,
    path_of,
    read_items,
)
from fournil.stages.evaluate.mini.suite import mini_set, mini_sets
from fournil.stages.evaluate.sets import baselines
from fournil.stages.evaluate.sets.run import run_set
from fournil.stages.evaluate.sets.spec import Spec

REPOSITORY = Path(__file__).resolve().parents[3]
ALL = list(itertools.product(LANGUAGES, SETS))


def program(path):
    spec = importlib.util.spec_from_file_location(f"program_{path.stem}", REPOSITORY / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool():
    return program(Path("tools/mini.py"))


@pytest.mark.parametrize(("language", "name"), ALL, ids=lambda value: value)
def test_a_set_holds_what_the_suite_promises(tool, language, name):
    items = read_items(language, name)
    assert tool.problems(items, language, name) == []


def invented(num, seed):
    """Items of made-up words."""
    dice = np.random.default_rng(seed)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
    words_NW = ["".join(syllables[i] for i in row) for row in dice.integers(len(syllables), size=(num * 10, 3))]
    made = [words_NW[10 * i : 10 * i + 10] for i in range(num)]
    return [
        Item(f"fr-grammar-{i + 1:02}", f"{' '.join(row[:5])} {GAP} {row[5]}.", tuple(row[6:]), i % 4)
        for i, row in enumerate(made)
    ]


@cache
def sound():
    """Sixty of them that no guesser does well on."""
    tried = (invented(60, seed) for seed in itertools.count())
    return next(items for items in tried if abs(baselines.hidden(items).mean() - 0.25) <= 0.05)


def test_sound_items_have_no_problem(tool):
    assert tool.problems(sound(), "fr", "grammar") == []


def changed(items, number, **fields):
    return [replace(item, **fields) if i == number else item for i, item in enumerate(items)]


def test_a_frame_used_twice_is_seen(tool):
    first, second = "Le chat noir dort sur le grand lit.", "Le vieux facteur passe sur le pont."
    assert tool.frame(first, "fr") == "le _ sur le _"
    frames = tool.repeated_frames([Item("a", first), Item("b", second)], "fr")
    assert frames == {"le _ sur le _": ["a", "b"]}
    items = changed(
        changed(sound(), 3, question=f"Elle dit {GAP} à la gare et au café."),
        9,
        question=f"Elle vit {GAP} à la mer et au port.",
    )
    assert [line for line in tool.problems(items, "fr", "grammar") if line.startswith("one frame")] == [
        f"one frame in fr-grammar-04, fr-grammar-10: elle _ {GAP} à la _ et au _"
    ]


@pytest.mark.parametrize(
    ("language", "text", "frame"),
    [
        ("fr", "L’eau de l'étang n'est pas pour qu’on la boive", "le _ de le _ ne est pas pour que on la _"),
        ("fr", "Marie chante.", ""),
        ("en", "The cat sat on the mat with a hat", "the _ on the _ with a _"),
        ("en", "Don't go", ""),
    ],
)
def test_frames_are_function_words_and_places(tool, language, text, frame):
    assert tool.frame(text, language) == frame


def test_questions_that_are_nearly_the_same_are_seen(tool):
    one, two = "Quelle est la capitale du Sénégal ?", "Quelle est la capitale du Cameroun ?"
    ((first, second, share),) = tool.near_duplicates([Item("a", one), Item("b", two), Item("c", "Qui a peint ?")], "fr")
    assert (first, second) == ("a", "b")
    assert share == pytest.approx(5 / 6)
    context = "Il pleut depuis ce matin sur toute la ville de Namur."
    same = [Item("a", "Que fait Paul ?", context=context), Item("b", "Où va Lise ?", context=context)]
    assert tool.near_duplicates(same, "fr") == []
    near = [same[0], replace(same[1], context=context.replace("Namur", "Liège"))]
    assert [pair[:2] for pair in tool.near_duplicates(near, "fr")] == [("a", "b")]


def test_gold_letters_that_are_not_even_are_seen(tool):
    items = sound()
    even = tool.problems(changed(items, 0, gold=1), "fr", "grammar")
    assert not any("gold is" in line for line in even), "one more or less is allowed"
    uneven = tool.problems(changed(changed(items, 0, gold=1), 4, gold=1), "fr", "grammar")
    assert [line for line in uneven if "gold is" in line] == [
        "gold is A 13 times, it should be 15, give or take 1",
        "gold is B 17 times, it should be 15, give or take 1",
    ]


def test_right_choices_that_are_longer_are_seen(tool):
    items = [
        replace(
            item,
            choices=tuple(text + "nt" * (place == item.gold and i < 40) for place, text in enumerate(item.choices)),
        )
        for i, item in enumerate(sound())
    ]
    found = [line.split()[0] for line in tool.problems(items, "fr", "grammar")]
    assert "longest" in found
    assert "hidden" in found


def test_right_choices_with_a_word_of_their_own_are_seen(tool):
    """As long as the others, so that only the words tell."""
    items = [
        replace(
            item,
            choices=tuple("toujou" if place == item.gold else text for place, text in enumerate(item.choices)),
        )
        for item in sound()
    ]
    assert baselines.hidden(items).mean() > 0.9
    assert baselines.longest(items).mean() == 0.25
    assert any(line.startswith("hidden") for line in tool.problems(items, "fr", "grammar"))


def test_right_choices_that_the_others_were_made_from_are_seen():
    items = []
    for item in sound():
        right = item.choices[item.gold]
        others = [right[:4] + "zu", "xy" + right[2:], right[:2] + "wk" + right[4:]]
        others.insert(item.gold, right)
        items.append(replace(item, choices=tuple(others)))
    assert baselines.hidden(items).mean() > 0.8


def test_a_yes_or_no_that_the_question_gives_away_is_seen():
    def asked(plain):
        return [
            Item(f"{i}", f"{words} {'toujours' if i % 2 and not plain else 'souvent'} ?", ("Oui", "Non"), i % 2)
            for i, words in enumerate(" ".join(item.question.split()[:4]) for item in sound())
        ]

    assert baselines.hidden(asked(False)).mean() > 0.9
    assert 0.3 < baselines.hidden(asked(True)).mean() < 0.7


def test_the_hidden_baseline_of_noise_is_chance():
    """Right choices drawn at random: neither above nor, as leaving out an item can make it, below."""
    dice = np.random.default_rng(5)
    shares = []
    for seed in range(40):
        drawn = [replace(item, gold=int(dice.integers(4))) for item in invented(30, seed)]
        shares.append(baselines.hidden(drawn).mean())
    assert np.mean(shares) == pytest.approx(0.25, abs=0.05)


def test_ties_share_the_credit():
    items = [
        Item("a", "?", ("aa", "bb", "c"), 0),
        Item("b", "?", ("aa", "b", "c"), 0),
        Item("c", "?", ("a", "bb", "c"), 0),
    ]
    assert baselines.longest(items).tolist() == [0.5, 1.0, 0.0]
    assert baselines.chance(items).tolist() == [1 / 3] * 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": "fr-grammar-07b"}, "its id should be"),
        ({"question": "Deux trous <...> et <...>"}, "one gap"),
        ({"choices": ("a", "A", "b", "c")}, "different choices"),
        ({"choices": ("a", "b", "c")}, "4 different choices"),
        ({"gold": 4}, "gold is the place"),
        ({"question": " Un blanc <...>."}, "white space"),
        ({"question": "Vraiment <...> ?"}, "no-break space"),
        ({"question": "Vraiment <...>!"}, "no-break space"),
    ],
)
def test_an_item_that_is_malformed_is_seen(tool, fields, said):
    found = tool.problems(changed(sound(), 5, **fields), "fr", "grammar")
    assert any(said in line for line in found), found
    assert any("59 items" in line for line in tool.problems(sound()[1:], "fr", "grammar"))


def test_a_translation_that_says_the_same_again_is_seen(tool):
    items = [Item("fr-translation-01", source="It rains.", references=("Il pleut.", "Il pleut."))]
    assert any("says the same again" in line for line in tool.problems(items, "fr", TRANSLATION, 1))
    assert tool.problems([replace(items[0], references=("Il pleut.",))], "fr", TRANSLATION, 1) == []


def test_a_line_with_other_keys_is_named(tmp_path):
    path = path_of("fr", "grammar", tmp_path)
    path.parent.mkdir()
    path.write_text(json.dumps({"id": "a", "question": "?", "choices": [], "right": 0}) + "\n", "utf-8")
    with pytest.raises(ValueError, match=r"grammar\.jsonl:1: keys"):
        read_items("fr", "grammar", tmp_path)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    torch.set_num_threads(1)
    return open_scorer(random_model(tmp_path_factory.mktemp("mini"), context=256), threads=1)


def test_each_set_is_asked_and_scored(scorer):
    names = []
    for task in mini_sets():
        result = run_set(scorer, task, limit=4)
        names.append((result.language, result.task))
        assert result.num_items == len(result.items) == 4
        assert result.pair == f"mini_{result.task}"
        (main,) = [measure for measure in result.measures if measure.main]
        assert main.system == "model"
        systems = {measure.system for measure in result.measures}
        assert systems == (
            {"model", "copy"} if result.task == TRANSLATION else {"model", "chance", "longest", "hidden"}
        )
        assert type(result).from_json(json.loads(json.dumps(result.to_json()))) == result
    assert names[:2] == [("fr", "grammar"), ("en", "grammar")]
    assert names[-2:] == [("en-fr", TRANSLATION), ("fr-en", TRANSLATION)]
    assert [task.spec.language for task in mini_sets(["fr"])] == ["fr"] * len(SETS)


def test_sets_ask_as_their_language_does():
    reading, boolean = mini_set("fr", "reading").items[0], mini_set("en", "boolean").items[0]
    assert re.fullmatch(r"(?s).+\n\nQuestion\N{NO-BREAK SPACE}: .+\nRéponse\N{NO-BREAK SPACE}:", reading.prompt)
    assert re.fullmatch(r"(?s).+\n\nQuestion: .+\nAnswer:", boolean.prompt)
    grammar = mini_set("fr", "grammar").items[0]
    assert grammar.prompt == ""
    assert all(GAP not in sentence for sentence in grammar.answers)
    assert len(set(grammar.answers)) == 4
    assert mini_set("fr", TRANSLATION).items[0].prompt.startswith("English\N{NO-BREAK SPACE}: ")


def test_the_review_pages_are_current():
    writer = program(Path("docs/mini.py"))
    stale = [name for name, text in writer.pages().items() if (writer.FOLDER / name).read_text("utf-8") != text]
    assert stale == [], "python docs/mini.py writes them again"
    assert sorted(path.name for path in writer.FOLDER.glob("*.md")) == sorted(writer.pages())


def test_the_keys_of_a_set_are_described():
    writer = program(Path("docs/mini.py"))
    assert writer.own_sets() == writer.OWN_SETS.read_text("utf-8"), "python docs/mini.py writes them again"
    for field in fields(Spec):
        assert re.search(rf"^\| `{field.name}` \| .+ \| .+ \|$", writer.own_sets(), re.MULTILINE), field.name
