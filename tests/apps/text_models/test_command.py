import json
from pathlib import Path

import pytest

import fournil
from fournil.cli import main
from fournil.parts.text.ngram_lm import load_model

MIE = Path(fournil.__file__).parent / "data" / "mie"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("models") / "fr"
    assert main(["perplexity", "train", str(MIE / "fr"), "--language", "fr", "-o", str(out)]) == 0
    return out


def test_a_model_is_trained_and_says_what_it_is(capsys, tmp_path):
    assert main(["perplexity", "train", str(MIE / "fr"), "--language", "fr", "-o", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "runs of up to 4 pieces" in said
    assert "perplexity of text kept aside" in said
    assert load_model(tmp_path).language == "fr"


def test_files_are_scored(capsys, folder, tmp_path):
    noise = tmp_path / "noise.txt"
    noise.write_text("67f33 40 45 30 55 60 63 |jPr.fteîc.] d 2n H S > !\n" * 20)
    assert main(["perplexity", "score", str(folder), str(MIE / "fr"), str(noise), "--json"]) == 0
    own, odd = map(json.loads, capsys.readouterr().out.splitlines())
    assert own["p50"] * 3 < odd["p50"]
    assert odd["tail"] == 1
    assert own["head"] + own["middle"] + own["tail"] == pytest.approx(1, abs=0.001)
    assert main(["perplexity", "score", str(folder), str(MIE / "fr"), str(noise)]) == 0
    table = capsys.readouterr().out
    assert "head" in table.splitlines()[0]
    assert "100%" in table.splitlines()[2]


def test_a_classifier_is_trained_and_asked(capsys, tmp_path):
    labels = tmp_path / "labels.jsonl"
    rows = [{"text": f"la leçon {n} explique donc la règle", "grade": 4} for n in range(60)]
    rows += [{"text": f"achetez le lot {n} en promotion ici", "grade": 1} for n in range(90)]
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = str(tmp_path / "model")
    assert main(["classifier", "train", str(labels), "-o", out, "--label", "grade", "--positive", "3"]) == 0
    said = capsys.readouterr().out
    assert "learned from 150 texts, 60 of the kind" in said
    assert "area under the curve" in said
    assert main(["classifier", "score", out, str(labels)]) == 0
    assert "150" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["perplexity", "train", "{mie}"], 2, "perplexity train needs --language and -o"),
        (["perplexity", "score", "{mie}"], 2, "score takes a model's folder and files"),
        (["perplexity", "score", "{mie}", "{mie}"], 1, "no perplexity model"),
        (["classifier", "score", "{mie}", "{mie}"], 1, "no classifier"),
        (["classifier", "train", "{mie}"], 2, "classifier train needs -o"),
        (["classifier", "train", "{labels}", "-o", "{out}"], 1, "row 2: the label '3' is neither true nor false"),
        (["perplexity", "train", "{labels}", "--language", "fr", "-o", "{out}"], 1, "too little text"),
        (["perplexity", "measure", "{mie}"], 2, "measure"),
    ],
)
def test_what_is_missing_is_said(capsys, tmp_path, words, code, message):
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"text": "a", "label": true}\n{"text": "b", "label": 3}\n')
    places = {"mie": MIE / "fr", "labels": labels, "out": tmp_path / "out"}
    try:
        got = main([word.format(**places) for word in words])
    except SystemExit as left:
        got = left.code
    assert got == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
