import json
import random

import numpy as np
import pyarrow as pa
import pytest

from fournil.core.errors import FournilError
from fournil.parts.text.ngram_lm import TrainSettings, load_model, save_model, train_model
from fournil.parts.text.ngram_lm.folding import fold
from fournil.parts.text.ngram_lm.train import passages


def misread(text: str, share: float) -> str:
    draw = random.Random(1)
    return "".join(draw.choice("abcdefghilmnorstuvéè|1I.;'") if draw.random() < share else each for each in text)


def test_pieces_put_together_are_the_words(model, french):
    names = dict(enumerate([*model.vocabulary.initial, *model.vocabulary.within], start=3))
    words = fold(pa.array(french[-8:], pa.string()))
    pieces = model.vocabulary.cut(words)
    written = "".join({0: "\0", 1: ""}.get(piece) or names.get(piece, "") for piece in pieces.values_P.tolist())
    folded = words.points_C.tobytes().decode("utf-32-le")
    missing = {each for each, now in zip(folded, written, strict=True) if each != now}
    assert missing.isdisjoint("".join(model.vocabulary.initial))
    assert written.count("\0") < 5
    assert len(pieces.values_P) < 2 * len(words.hashes_W)


def test_the_more_is_misread_the_greater_the_perplexity(model, french):
    new = "\n".join(french[-8:])
    rising = model.score(pa.array([misread(new, share) for share in (0, 0.02, 0.05, 0.1, 0.2)], pa.string()))
    assert (np.diff(np.log(rising)) > 0.15).all()


def test_another_language_and_another_script_are_surprises(model, french, english_texts):
    own, other, script = model.score(pa.array([french[-1], english_texts[-1], "привет мир " * 30], pa.string()))
    assert own * 3 < other < script


def test_typography_and_wrapped_lines_cost_nothing(model):
    plain = "L'eau est froide : elle attend « un peu » et puis, qui sait ?"
    set_well = "L’EAU est froide\xa0: elle\u202fattend «\xa0un peu\xa0» et puis,\nqui sait\u202f?"
    first, second = model.score(pa.array([plain, set_well], pa.string()))
    assert first == second


def test_a_score_does_not_depend_on_the_batch(model, french):
    whole = model.score(pa.array(french, pa.string()))
    assert whole.tolist() == [model.score(pa.array([text], pa.large_string()))[0] for text in french]


def test_texts_without_words(model):
    assert np.isinf(model.score(pa.array(["", " \n\t", "\x00"], pa.string()))).all()
    assert len(model.score(pa.array([], pa.string()))) == 0


def test_the_same_texts_give_the_same_files(tmp_path, french):
    for name in ("a", "b"):
        save_model(train_model(french[:30], "fr", TrainSettings(vocabulary=512)), tmp_path / name)
    files = [sorted((tmp_path / name).iterdir()) for name in ("a", "b")]
    assert [path.name for path in files[0]] == ["perplexity.json", "perplexity.safetensors"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_what_is_read_is_what_was_written(tmp_path, model, french):
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert (again.language, again.percentiles, again.facts) == (model.language, model.percentiles, model.facts)
    texts = pa.array(french[-8:], pa.string())
    assert again.score(texts).tolist() == model.score(texts).tolist()


def _without(name: str):
    def damage(folder):
        (folder / name).unlink()

    return damage


def _cut(folder):
    path = folder / "perplexity.safetensors"
    path.write_bytes(path.read_bytes()[:-50])


def _changed(**changes):
    def damage(folder):
        path = folder / "perplexity.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        _without("perplexity.json"),
        _without("perplexity.safetensors"),
        _cut,
        _changed(format=99),
        _changed(order=40),
        _changed(initial=[]),
        _changed(percentiles=[]),
        _changed(facts=3),
    ],
)
def test_half_a_model_is_one_clear_error(tmp_path, model, damage):
    save_model(model, tmp_path)
    damage(tmp_path)
    with pytest.raises(FournilError, match="no perplexity model, or not a whole one"):
        load_model(tmp_path)


def test_percentiles_are_of_text_that_it_was_not_trained_on(model, french):
    assert model.facts["num_reference_passages"] > 0
    new = model.score(pa.array(french[-8:], pa.string()))
    assert model.at(0) / 2 <= np.median(new) <= 2 * model.at(100)
    assert model.at(50) == model.percentiles[50]
    assert list(model.percentiles) == sorted(model.percentiles)


def test_too_little_text():
    with pytest.raises(FournilError, match="too little text"):
        train_model(["Bonjour."], "fr")


def test_training_stops_at_its_bound(french):
    text = "\n\n".join(french)
    copies = [f"{number} {text}" for number in range(20)]
    found = train_model(copies, "fr", TrainSettings(order=2, vocabulary=256, max_megabytes=1)).facts
    assert 1_000_000 <= found["num_bytes"] < 1_000_000 + 2 * len(text.encode())


@pytest.mark.parametrize(
    ("size", "text"), [(10, "mot\n" * 9), (10, "mot " * 9), (10, "m" * 33), (10, ""), (50, "a\nb")]
)
def test_passages_are_the_text(size, text):
    spans = passages(text, size=size)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(end - start <= size * 1.5 for start, end in spans)
    assert all(text[end - 1] in "\n " for _, end in spans[:-1]) or "m" * 20 in text
