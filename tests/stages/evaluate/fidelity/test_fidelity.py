import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from random_models import random_model

import fournil.data
from fournil.core.progress import Progress
from fournil.parts.scoring import Written, open_scorer
from fournil.stages.evaluate.fidelity import fidelity, run_fidelity
from fournil.stages.evaluate.fidelity.prompts import Prompt, prompts
from fournil.stages.evaluate.fidelity.verdict import Verdict, verdict

FRENCH = "Le boulanger allume son four avant le lever du soleil."
ENGLISH = "The baker lights his oven long before the sun comes up."
PROSE = Prompt("fr-prose-00", "fr", "prose", "Ce matin-là,")
QUESTION = Prompt("fr-question-00", "fr", "question", "Pourquoi\u202f?")
DIALOGUE = Prompt("fr-dialogue-00", "fr", "dialogue", "[Intervenant 1:] Bonjour.\n[Intervenant 2:]")


def judged(text: str, prompt: Prompt = PROSE, *, cut: bool = False, asked: bool = False) -> Verdict:
    return verdict(prompt, text, cut=cut, asked=asked)


def told(found: Verdict) -> str:
    (name,) = [name for name in ("sticks", "leaves", "untold") if getattr(found, name)]
    return name


def test_french_sticks_to_french():
    found = judged(f" {FRENCH} {FRENCH}")
    assert (told(found), found.num_own, found.drift) == ("sticks", 2, None)


def test_french_that_drifts():
    text = f" {FRENCH} {ENGLISH} {FRENCH}"
    found = judged(text)
    assert (told(found), found.num_own, found.num_other) == ("leaves", 2, 1)
    assert found.drift is not None
    assert text[found.drift.start :].strip().startswith(ENGLISH)


def test_a_third_language_leaves_without_drifting():
    found = judged(f" {FRENCH} Der Bäcker heizt seinen Ofen noch vor dem Sonnenaufgang.")
    assert (told(found), found.num_third, found.drift) == ("leaves", 1, None)


def test_code_and_latex_leave():
    assert told(judged(f" {FRENCH}\n```python\nx = 3\n```")) == "leaves"
    assert told(judged(f" {FRENCH}\n\\begin{{align}}")) == "leaves"
    assert judged(f"{FRENCH}\n\\begin{{align}}").drift is None


@pytest.mark.parametrize("text", ["", " \n", " Oui.", " 12, 13 et 14", " timees sheet cits cendants de flushesshare"])
def test_what_tells_nothing(text):
    assert told(judged(text)) == "untold"


def test_an_answer_ends_with_its_line_unless_it_was_asked_for():
    text = f" {FRENCH}\nQuestion\xa0: {ENGLISH}"
    assert (told(judged(text, QUESTION)), judged(text, QUESTION).text) == ("sticks", FRENCH)
    assert told(judged(text, QUESTION, asked=True)) == "leaves"
    assert told(judged(text)) == "leaves"  # prose is read to its end
    assert judged(f"\n\n{FRENCH}\n{ENGLISH}", QUESTION).text == FRENCH


def test_a_dialogue_that_keeps_its_tags_and_its_language():
    found = judged(" Bonjour, que désirez-vous\u202f?\n[Intervenant 1:] Une baguette bien cuite, merci.", DIALOGUE)
    assert (told(found), found.values["keeps_format"]) == ("sticks", 1.0)


def test_a_dialogue_may_lose_its_form_in_its_language():
    found = judged(f" Bonjour\u202f!\n{FRENCH}", DIALOGUE)
    assert (told(found), found.values["keeps_format"], found.details["format"]) == ("sticks", 0.0, "lost")
    assert "keeps_format" not in judged(FRENCH).values


def test_the_language_of_tags_is_not_judged():
    prompt = Prompt("en-dialogue-00", "en", "dialogue", "Presenter: Good morning.\nAuthor:")
    text = " The baker was up before any of us.\nPrésentateur de la radio: And what did he say about the bread?"
    assert told(judged(text, prompt)) == "sticks"


@dataclass
class Told:
    """Stands in for a scorer: writes what it is told to by kind of prompt."""

    answers: dict[str, str]
    chat: Any = None
    context_length: int = 2048
    asked: list[str] = field(default_factory=list)

    @property
    def engine(self) -> Any:
        return self

    @property
    def tokenizer(self) -> Any:
        return SimpleNamespace(decode_batch=lambda rows, skip_special_tokens: [self.answers["chat"]] * len(rows))

    stop_ids = frozenset({2})

    def generate(self, texts: Sequence[Any], *, max_new_tokens: int, stop_ids: Any = None, **_: Any) -> list[Any]:
        if stop_ids is not None:
            return [[5, 6, 7]] * len(texts)
        self.asked += texts
        kinds = {prompt.framed: prompt.kind for tag in ("fr", "en") for prompt in prompts(tag)}
        return [Written(self.answers[kinds[text]], 10) for text in texts]


def scores(found: Any, language: str = "fr") -> dict[tuple[str, str], Any]:
    return {(row["group"], row["metric"]): row for row in found.rows if row["language"] == language}


ANSWERS = {
    "prose": f" {FRENCH} {FRENCH}",
    "dialogue": f" Bonjour\u202f!\n{FRENCH}",
    "question": f" {FRENCH} {ENGLISH}",
    "translation": " x = 3",
}


def test_figures_of_known_answers():
    found = run_fidelity(Told(ANSWERS), ["fr"], seed=3, progress=Progress(), model_sha256="m", num_bootstrap=200)
    table = scores(found)
    assert {key: row["value"] for key, row in table.items() if key[1] == "sticks"} == {
        ("all", "sticks"): 0.5,
        ("prose", "sticks"): 1.0,
        ("dialogue", "sticks"): 1.0,
        ("question", "sticks"): 0.0,
        ("translation", "sticks"): 0.0,
    }
    assert table["all", "drifts"]["value"] == 0.25
    assert table["all", "code_or_latex"]["value"] == 0.25
    assert table["all", "untold"]["value"] == 0.0
    assert table["dialogue", "keeps_format"]["value"] == 0.0
    assert table["question", "sentences_in_language"]["value"] == 0.5
    assert ("translation", "sentences_in_language") not in table  # no sentence was judged there
    own, judged = 50 * (2 + 1 + 1), 50 * (2 + 1 + 2)
    row = table["all", "sentences_in_language"]
    assert row["value"] == own / judged
    assert row["interval"][0] < row["value"] < row["interval"][1]
    assert 0.01 < row["standard_error"] < 0.1
    assert (row["kind"], row["edition"], row["seed"], row["model_sha256"], row["num_items"]) == (
        "fidelity", "1", 3, "m", 200,
    )  # fmt: skip
    assert [key for key, row in table.items() if row["main"]] == [("all", "sticks")]
    facts = found.facts["fr"]
    assert facts["groups"]["all"]["sentences"] == {
        "own": own, "other": 50, "third": 0, "unclear": 0, "short": 0, "code": 50, "latex": 0,
    }  # fmt: skip
    assert facts["format"] == {"kept": 0, "lost": 50, "no_turn": 0}
    assert facts["languages"] == {"fr": own, "en": 50}
    assert facts["drift"] == {
        "into": "en",
        "num": 50,
        "at_once": 0,
        "median_characters": len(FRENCH),
        "median_share": pytest.approx(len(FRENCH) / len(f"{FRENCH} {ENGLISH}")),
    }
    assert [example["kind"] for example in facts["examples"][:4]] == ["prose", "prose", "dialogue", "dialogue"]
    assert all(not example["sticks"] for example in facts["examples"][4:])
    assert [item.values["sticks"] for item in found.items["fr"]] == [1.0] * 100 + [0.0] * 100
    json.dumps([found.facts, found.rows, [item.details for item in found.items["fr"]]])


def test_drift_at_once_and_silence():
    found = run_fidelity(Told(dict.fromkeys(ANSWERS, FRENCH)), ["en"], seed=0, progress=Progress())
    assert found.facts["en"]["drift"] == {
        "into": "fr", "num": 200, "at_once": 200, "median_characters": 0, "median_share": 0,
    }  # fmt: skip
    silent = run_fidelity(Told(dict.fromkeys(ANSWERS, "")), ["en"], seed=0, progress=Progress())
    table = scores(silent, "en")
    assert table["all", "untold"]["value"] == 1.0
    assert table["all", "sticks"]["value"] == 0.0
    assert silent.facts["en"]["drift"]["median_share"] is None


def test_what_chats_is_asked_through_its_template():
    chat = SimpleNamespace(encode=lambda messages: [1] * len(messages[0]["content"]), single_turn=False, stop_ids=set())
    model = Told({**ANSWERS, "chat": f"{FRENCH}\n{FRENCH}"}, chat=chat, context_length=100)
    found = run_fidelity(model, ["fr"], seed=0, progress=Progress())
    assert found.facts["fr"]["asked"] == "chat"
    assert model.asked == [prompt.text for prompt in prompts("fr")[:100]]
    assert scores(found)["question", "sticks"]["value"] == 1.0
    long = [prompt for prompt in prompts("fr")[100:] if len(prompt.text) > 100 - 50]
    assert found.facts["fr"]["num_truncated"] == len(long) > 0
    chat.single_turn = True
    told = run_fidelity(Told(ANSWERS, chat=chat), ["fr"], seed=0, progress=Progress())
    assert told.facts["fr"]["asked"] == "text"


def test_languages_without_prompts_are_passed_over():
    found = run_fidelity(Told(ANSWERS), ["de", "en", "code"], seed=0, progress=Progress())
    assert list(found.facts) == list(found.items) == ["en"]


def test_a_model_writes_the_same_again(tmp_path, monkeypatch):
    monkeypatch.setattr(fidelity, "prompts", lambda language: prompts(language)[::20])
    scorer = open_scorer(random_model(tmp_path, context=96), threads=1)
    first = run_fidelity(scorer, ["fr", "en"], seed=1, progress=Progress())
    again = run_fidelity(scorer, ["fr", "en"], seed=1, progress=Progress())
    other = run_fidelity(scorer, ["fr", "en"], seed=2, progress=Progress())
    assert (first.facts, first.rows, first.items) == (again.facts, again.rows, again.items)
    texts = [item.details["text"] for item in first.items["fr"]]
    assert any(texts)
    assert texts != [item.details["text"] for item in other.items["fr"]]
    assert first.facts["fr"]["max_new_tokens"] == 48  # half of its window
    assert first.facts["fr"]["num_prompts"] == 10


def control(language: str, texts: Sequence[str]) -> dict[str, float]:
    """What is said of continuations whose language is known."""
    prompt = Prompt(f"{language}-prose-00", language, "prose", "")
    found = [verdict(prompt, text, cut=True, asked=False) for text in texts]
    assert len(found) > 20
    return {
        "sticks": sum(one.sticks for one in found) / len(found),
        "drifts": sum(one.drift is not None for one in found) / len(found),
        "signs": sum(one.count("code", "latex") > 0 for one in found) / len(found),
    }


def test_known_text_gets_the_verdict_it_deserves():
    """The table of docs/fidelity.md, on the texts of the recipe mie."""
    mie = Path(fournil.data.__file__).parent / "mie"
    cuts = {
        name: [text[start : start + 230] for text in texts for start in range(0, len(text) - 230, 230)]
        for name in ("fr", "en", "code")
        if (texts := [path.read_text("utf-8") for path in sorted((mie / name).glob("*.*"))])
    }
    for language, other in (("fr", "en"), ("en", "fr")):
        halves = [f"{own[:115]}\n{foreign[:115]}" for own, foreign in zip(cuts[language], cuts[other], strict=False)]
        assert control(language, cuts[language]) == {"sticks": 1.0, "drifts": 0.0, "signs": 0.0}
        assert control(language, cuts[other]) == {"sticks": 0.0, "drifts": 1.0, "signs": 0.0}
        assert control(language, cuts["code"])["signs"] == 1.0
        assert control(language, halves)["drifts"] > 0.97
