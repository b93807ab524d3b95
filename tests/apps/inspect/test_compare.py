"""Two models on the same items: what is told apart, what is not, and what is not compared."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fournil.apps.inspect.compare import compare
from fournil.apps.inspect.evaluations import read_evaluation
from fournil.core.errors import FournilError
from fournil.core.speech import mark, speaking
from fournil.parts.corpus_metrics import bleu_best, bleu_of_sums, translation_metrics
from fournil.stages.evaluate.outputs import write_task
from fournil.stages.evaluate.result import Item, Measure, TaskResult

NUM = 200


def answers(share: float, seed: int = 0, num: int = NUM) -> list[float]:
    """So many right answers, on items that are alike hard for whoever has the same seed."""
    hardness = np.random.default_rng(seed).random(num)
    return (hardness < share).astype(float).tolist()


def result(values: list[float], task: str = "boolqa", first: int = 0, **more: Any) -> TaskResult:
    items = [Item(n, f"item-{first + n}", {"acc": value}, {"choice": int(value)}) for n, value in enumerate(values)]
    known: dict[str, Any] = {"edition": "official", "language": "fr", "data_source": "d", "data_sha256": "d"} | more
    measures = known.pop("measures", None) or [Measure("acc", float(np.mean(values)), main=True)]
    items = known.pop("items", items)
    return TaskResult(task=task, measures=measures, items=items, num_items=len(items), **known)


def evaluation(folder: Path, *results: TaskResult, model: str = "", scores: list[dict[str, Any]] | None = None) -> Path:
    sha256 = (model or folder.name) * 12
    row = {"kind": "task", "task": "x", "language": "fr", "model_sha256": sha256, "checkpoint": None}
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(
        json.dumps([row | {"checkpoint": 5, "model_sha256": "old"}, row, *(scores or [])])
    )
    for one in results:
        write_task(folder, one, "key")
    return folder


def said(first: Path, second: Path) -> str:
    out = io.StringIO()
    assert compare(first, second, out) == 0
    return out.getvalue().replace("\u00a0", " ")


def told(first: Path, second: Path) -> dict[str, Any]:
    out = io.StringIO()
    assert compare(first, second, out, as_json=True) == 0
    return json.loads(out.getvalue())


def test_the_better_model_is_told_by_items_that_both_answered(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.6)))
    second = evaluation(tmp_path / "b", result(answers(0.52)))
    found = told(first, second)["comparisons"]
    assert [(row["task"], row["metric"], row["num_items"], row["verdict"]) for row in found] == [
        ("boolqa", "acc", NUM, "a")
    ]
    a, b = np.mean(answers(0.6)), np.mean(answers(0.52))
    assert found[0]["difference"] == pytest.approx(a - b)
    low, high = found[0]["interval"]
    # Where B is right, so is A: the spread is that of the few items on which they differ, far below that of two shares.
    assert 0 < low < a - b < high < a - b + 0.05
    assert told(second, first)["comparisons"][0]["verdict"] == "b"
    lines = said(first, second).splitlines()
    assert lines[0] == f"A  {first}  {'a' * 12}"
    assert lines[4].split() == f"boolqa acc 200 {a:.1%} {b:.1%}".replace("%", " %").split() + lines[4].split()[7:]
    assert lines[4].endswith("A is better")
    assert "Of 1 comparison, A is better in 1 and B in 0; in 0 they cannot be told apart." in lines


def test_unpaired_answers_of_like_models_cannot_be_told_apart(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.5, seed=1)), result(answers(0.4, seed=3), "other"))
    second = evaluation(tmp_path / "b", result(answers(0.5, seed=2)), result(answers(0.4, seed=4), "other"))
    assert {row["verdict"] for row in told(first, second)["comparisons"]} == {"undecided"}
    assert "The two models cannot be told apart: all 2 intervals hold 0." in said(first, second)


def test_a_model_is_the_same_as_itself(tmp_path):
    first, second = (evaluation(tmp_path / name, result(answers(0.5)), model="m") for name in "ab")
    text = said(first, second)
    assert "Both are the same model." in text
    assert "the same on every item" in text
    assert "The two are the same on every item." in text


def test_the_lower_perplexity_is_better(tmp_path):
    def rolling(nats: float) -> TaskResult:
        dice = np.random.default_rng(0)
        sizes = dice.integers(50, 200, 40)
        parts = [[-nats * int(size), int(size)] for size in sizes]
        items = [
            Item(n, f"t{n}", {}, {"parts": {"word_perplexity": part, "bits_per_byte": part}})
            for n, part in enumerate(parts)
        ]
        measures = [
            Measure("word_perplexity", float(np.exp(nats)), False, aggregation="weighted_perplexity"),
            Measure("bits_per_byte", nats / np.log(2), False, main=True, aggregation="bits_per_byte"),
        ]
        return result([], "wikitext_fr", measures=measures, items=items)

    first, second = evaluation(tmp_path / "a", rolling(0.9)), evaluation(tmp_path / "b", rolling(0.7))
    found = told(first, second)["comparisons"]
    assert [(row["metric"], row["verdict"]) for row in found] == [("bits_per_byte", "b"), ("word_perplexity", "b")]
    assert found[0]["difference"] == pytest.approx(0.2 / np.log(2))
    assert found[1]["a"] == pytest.approx(np.exp(0.9))
    assert "bits_per_byte ↓" in said(first, second)


def test_other_data_is_joined_by_its_items_and_said(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.6), shots=5))
    second = evaluation(tmp_path / "b", result(answers(0.6), first=150, shots=0))
    found = told(first, second)
    assert found["comparisons"][0]["num_items"] == 50
    assert found["differences"] == [
        {"task": "boolqa", "reason": "the data differ: 50 items are in both, of 200 in A and 200 in B"},
        {"task": "boolqa", "reason": "5 examples before each item in A, 0 in B"},
    ]
    assert "They differ in:\n  boolqa: the data differ: 50 items" in said(first, second)


def test_another_precision_and_another_limit_are_said(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.6), precision="fp32", limit=0))
    second = evaluation(tmp_path / "b", result(answers(0.6), precision="bf16", limit=200))
    assert [row["reason"] for row in told(first, second)["differences"]] == [
        "precision fp32 in A, bf16 in B",
        "--limit 0 in A, 200 in B (0: all items)",
    ]
    same = evaluation(tmp_path / "c", result(answers(0.5), precision="bf16", limit=200))
    assert told(second, same)["differences"] == []


def test_equal_items_are_joined_one_by_one(tmp_path):
    twice = [Item(n, "the same", {"acc": 1.0 - n}) for n in range(2)]
    one = result([1.0, 0.0], items=twice)
    found = told(evaluation(tmp_path / "a", one), evaluation(tmp_path / "b", one))
    assert found["comparisons"][0]["num_items"] == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "2"}, "versions 1 and 2 of the task"),
        ({"first": 500}, "no item is in both: the data differ"),
    ],
)
def test_what_is_not_the_same_task_is_not_compared(tmp_path, change, reason):
    both = result(answers(0.5), "both")
    first = evaluation(tmp_path / "a", both, result(answers(0.5)), result(answers(0.5), "mine"))
    second = evaluation(tmp_path / "b", both, result(answers(0.5), **change), result(answers(0.5), "theirs"))
    found = told(first, second)
    assert [row["task"] for row in found["comparisons"]] == ["both"]
    reasons = {row["task"]: row["reason"] for row in found["not_compared"]}
    assert reasons == {"boolqa": reason, "mine": "only A has it", "theirs": "only B has it"}


def test_editions_are_not_compared_with_each_other(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.5), "grammar"))
    second = evaluation(tmp_path / "b", result(answers(0.5), "grammar_fixed", edition="fixed", of="grammar"))
    with pytest.raises(FournilError, match=r"no items in common \(grammar: only A has it; grammar_fixed: only B"):
        compare(first, second, io.StringIO())


def test_a_figure_that_items_do_not_come_to_is_not_compared(tmp_path):
    bent = result(answers(0.5), measures=[Measure("acc", 0.9, main=True)])
    first = evaluation(tmp_path / "a", bent, result(answers(0.5), "sound"))
    second = evaluation(tmp_path / "b", result(answers(0.5)), result(answers(0.5), "sound"))
    found = told(first, second)
    assert [row["task"] for row in found["comparisons"]] == ["sound"]
    assert found["not_compared"] == [{"task": "boolqa", "reason": "acc: its figure is not what its items come to"}]


def test_translations_with_several_references_are_compared(tmp_path):
    def translated(texts: list[str]) -> TaskResult:
        references = [
            ["Ouvrir le menu du bas", "Ouvre le menu du bas"],
            ["Fermer la fenêtre"],
            ["Imprimer la page"],
        ] * 8
        pairs = list(zip(texts * 8, references, strict=True))
        items = [Item(n, f"t{n}", {}, {"text": t, "references": r}) for n, (t, r) in enumerate(pairs)]
        statistics = np.array([bleu_best(*pair) for pair in pairs])
        value = float(bleu_of_sums(statistics.sum(axis=0, keepdims=True))[0])
        return result([], "translation", measures=[Measure("bleu", value, main=True)], items=items, edition="own")

    first = evaluation(tmp_path / "a", translated(["Ouvre le menu du bas", "Fermer la fenêtre", "Imprimer la page"]))
    second = evaluation(tmp_path / "b", translated(["Menu", "Fermer la fenêtre", "Page"]))
    found = told(first, second)["comparisons"]
    assert [(row["num_items"], row["metric"], row["verdict"]) for row in found] == [(24, "bleu", "a")]


def with_pairs(folder: Path, said: list[str]) -> Path:
    references = ["Le fichier existe déjà.", "Ouvrir le menu", "Fermer la fenêtre", "Imprimer la page"] * 5
    texts = said * 5
    rows = [
        {"id": f"p{n}", "from": "en", "to": "fr", "band": "all lengths", "source": f"s{n}", "reference": r, "model": t}
        for n, (r, t) in enumerate(zip(references, texts, strict=True))
    ]
    scores = [
        {"task": "translation", "language": "en-fr", "band": "all lengths", "band_said": mark("all lengths")}
        | {"edition": "1", "system": "model", "metric": metric.name, "value": metric.score(texts, references)}
        for metric in translation_metrics()
    ]
    evaluation(folder, scores=scores)
    (folder / "translations").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "translations" / "part-00000.parquet")
    return folder


def test_translations_of_held_out_pairs_are_compared(tmp_path):
    good = ["Le fichier existe déjà.", "Ouvrir menu", "Fermer la fenêtre", "Imprimer page"]
    first = with_pairs(tmp_path / "a" / "06-evaluate", good)
    second = with_pairs(tmp_path / "b" / "06-evaluate", ["Le fichier", "Ouvrir", "Fermer fenêtre", "La page"])
    found = told(tmp_path / "a", tmp_path / "b")["comparisons"]
    assert [(row["label"], row["metric"], row["verdict"]) for row in found] == [
        ("en → fr, all lengths", "chrf", "a"),
        ("en → fr, all lengths", "bleu", "a"),
    ]
    assert told(first, second)["comparisons"] == found


def test_fidelity_is_compared_prompt_by_prompt(tmp_path):
    from fournil.stages.evaluate.outputs import write_items

    def make(name: str, share: float) -> Path:
        folder = evaluation(tmp_path / name)
        stuck = answers(share)
        items = [
            Item(n, f"p{n}", {"sticks": v, "drifts": 1 - v} | ({"keeps_format": v} if n % 4 == 0 else {}))
            for n, v in enumerate(stuck)
        ]
        row = {"language": "fr", "edition": "1", "main": False, "higher_is_better": True, "seed": 7}
        rows = [
            row | {"metric": "sticks", "value": float(np.mean(stuck)), "main": True},
            row | {"metric": "drifts", "value": 1 - float(np.mean(stuck)), "higher_is_better": False},
            row | {"metric": "sentences_in_language", "value": 0.5},
            row | {"metric": "keeps_format", "value": float(np.mean(stuck[::4]))},
            row | {"metric": "sticks", "value": 0.1},
        ]
        (folder / "tasks").mkdir()
        (folder / "tasks" / "fidelity.json").write_text(json.dumps({"key": "", "facts": {}, "rows": rows}))
        write_items(folder, "fidelity-fr", "fidelity-fr", "1", items)
        return folder

    found = told(make("a", 0.9), make("b", 0.6))["comparisons"]
    assert [(row["metric"], row["num_items"], row["verdict"]) for row in found] == [
        ("sticks", NUM, "a"),
        ("drifts", NUM, "a"),
        ("keeps_format", NUM // 4, "a"),
    ]


def test_what_is_no_evaluation_is_refused(tmp_path):
    good = evaluation(tmp_path / "good", result(answers(0.5)))
    for place, reason in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "no evaluation here")):
        with pytest.raises(FournilError, match=reason):
            compare(good, place, io.StringIO())
    with pytest.raises(FournilError, match="keeps no items"):
        compare(good, evaluation(tmp_path / "empty"), io.StringIO())
    (good / "tasks" / "boolqa-official.json").write_text("{")
    with pytest.raises(FournilError, match="cannot be read"):
        read_evaluation(good)


def test_the_same_two_give_the_same_bytes_and_french_reads_french(tmp_path):
    first = evaluation(tmp_path / "a", result(answers(0.6)))
    second = evaluation(tmp_path / "b", result(answers(0.5)))
    assert said(first, second) == said(first, second)
    with speaking("fr"):
        line = said(first, second).splitlines()[4]
    assert f"{np.mean(answers(0.6)) * 100:.1f}".replace(".", ",") in line
