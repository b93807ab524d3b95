import json
import math
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
import torch

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EVIDENCE, PAIRS, document_row, pair_row
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree, write_json
from fournil.core.progress import Progress
from fournil.core.shards import ShardWriter
from fournil.core.speech import retell
from fournil.parts.model import folder as model_folder
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.engine import open_model
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.prompts import chat_template
from fournil.parts.tokenize.special import special_tokens
from fournil.parts.tokenize.train import choose_alphabet, count_characters, save, train
from fournil.stages import evaluate
from fournil.stages.evaluate import rounding
from fournil.stages.evaluate.config import Band, Config
from fournil.stages.evaluate.translation import answers_of

CONFIG = Config(
    bands=(Band(20, 6), Band(0, 3)), num_prompts=4, continuation_tokens=6, num_bootstrap=50, num_translations=2
)
FRENCH = "Le chat dort sur la chaise de la cuisine, et la pluie tombe doucement sur le toit de la vieille maison. " * 4
ENGLISH = (
    "The cat sleeps on the kitchen chair, and the rain falls softly on the roof of the old house by the road. " * 4
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("evaluate")
    documents = [
        document_row(f"{source}/{i}", f"{i} {text}", source=source, licence="CC0-1.0", language=language)
        for source, language, text in (("a", "fr", FRENCH), ("b", "fr", FRENCH), ("a", "en", ENGLISH))
        for i in range(4)
    ]
    with ShardWriter(place / "curate/heldout/documents", DOCUMENTS) as writer:
        writer.write_rows(documents)
    for folder, numbers in (("pairs", range(40)), ("heldout/pairs", range(40, 60))):
        rows = [({"en": f"Page {n} of {n % 7}", "fr": f"Page {n} sur {n % 7}"}) for n in numbers]
        rows.append({"en": f"A much longer message, number {numbers[0]}", "fr": f"Un message long, {numbers[0]}"})
        with ShardWriter(place / "curate" / folder, PAIRS) as writer:
            writer.write_rows([pair_row(f"{folder}/{i}", row, source="p", licence="X") for i, row in enumerate(rows)])
    texts = [FRENCH, ENGLISH, "user", "assistant"]
    specials = special_tokens(("fr", "en"))
    alphabet = choose_alphabet(count_characters(texts), vocab_size=1024, num_reserved=264, max_alphabet=99)
    tokenizer = train([texts], alphabet=alphabet, vocab_size=1024, specials=specials)
    config = ModelConfig(tokenizer.get_vocab_size(), 16, 32, 1, 2, max_position_embeddings=128, pad_token_id=3)
    for name in ("base", "chat"):
        save(tokenizer, place / name, languages=("fr", "en"))
        model_folder.save(Llama(config).reset(0), place / name)
    settings = json.loads((place / "chat/tokenizer_config.json").read_text())
    write_json(place / "chat/tokenizer_config.json", settings | {"chat_template": chat_template(bos=False)})
    return place


@pytest.fixture(scope="module")
def artifact(place):
    inputs = {"model": place / "chat", "curate": place / "curate"}
    return evaluate.run(CONFIG, inputs, place / "out", Context(seed=3, threads=1))


def test_a_model_that_knows_nothing_needs_all_the_bits(artifact, place):
    vocabulary = model_folder.read_config(place / "chat").vocab_size
    rows = [row for row in artifact.facts["scores"] if row["metric"] == "bits_per_byte"]
    assert {(row["language"], row["source"]) for row in rows} == {
        ("en", None), ("en", "a"), ("fr", None), ("fr", "a"), ("fr", "b")
    }  # fmt: skip
    for row in rows:
        assert row["value"] == pytest.approx(row["num_tokens"] * math.log2(vocabulary) / row["num_bytes"], rel=1e-5)
        assert row["interval"][0] <= row["value"] <= row["interval"][1]


def test_translations_stand_beside_their_baselines(artifact, place):
    rows = {
        (row["language"], row["band"], row["system"]): row
        for row in artifact.facts["scores"]
        if row["metric"] == "chrf"
    }
    assert {key[0] for key in rows} == {"fr-en", "en-fr"}
    assert {key[1] for key in rows} == {"at most 20 characters", "more than 20 characters"}
    copied = rows["en-fr", "at most 20 characters", "copy"]
    model = rows["en-fr", "at most 20 characters", "model"]
    assert (copied["num_items"], len(copied["data_sha256"])) == (6, 64)
    assert 40 < copied["value"] < 90
    assert model["value"] < copied["value"]
    assert model["gains"]["copy"]["value"] == pytest.approx(model["value"] - copied["value"])
    assert model["gains"]["copy"]["interval"][1] < 0
    stored = pq.read_table(place / "out/translations").to_pylist()
    assert len(stored) == 2 * (6 + 1)
    assert all(row["nearest"].startswith(("Page", "Un message", "A much")) for row in stored)
    assert all(row["source"] != row["reference"] for row in stored)


def test_the_page_gets_samples_drawn_by_seed_and_languages_identified(artifact):
    shown = artifact.facts["translations"]
    assert [(row["from"], row["to"]) for row in shown] == [("fr", "en")] * 2 + [("en", "fr")] * 2
    stays = [row for row in artifact.facts["scores"] if row["task"] == "stays_in_language"]
    assert [(row["language"], row["num_items"]) for row in stays] == [("fr", 4), ("en", 4)]
    assert len(artifact.facts["continuations"]) == 6
    assert all(FRENCH[:30] in row["prompt"] or ENGLISH[:30] in row["prompt"] for row in artifact.facts["continuations"])


def test_the_same_inputs_give_the_same_bytes(artifact, place, tmp_path):
    inputs = {"model": place / "chat", "curate": place / "curate"}
    again = evaluate.run(CONFIG, inputs, tmp_path, Context(seed=3, threads=1))
    assert again.facts == artifact.facts
    assert hash_tree(tmp_path)["sha256"] == hash_tree(place / "out")["sha256"]
    assert json.loads((tmp_path / "scores.json").read_text()) == artifact.facts["scores"]


def test_alone_on_text_it_measures_bits_and_says_why_nothing_else(place, tmp_path):
    inputs = {"model": place / "base", "text": place / "curate/heldout"}
    artifact = evaluate.run(CONFIG, inputs, tmp_path, Context(threads=1))
    assert "no pairs" in retell(artifact.facts["skipped"])
    assert {row["task"] for row in artifact.facts["scores"]} == {"held-out text", "stays_in_language"}
    base = evaluate.run(CONFIG, {"model": place / "base", "curate": place / "curate"}, tmp_path, Context(threads=1))
    assert "no chat template" in retell(base.facts["skipped"])


def test_plain_text_is_measured_on_the_model_before_finetuning(place, tmp_path):
    inputs = {"model": place / "chat", "base": place / "base", "curate": place / "curate"}
    artifact = evaluate.run(CONFIG, inputs, tmp_path, Context(threads=1))
    assert artifact.facts["text_model"] == "before finetuning"
    hashes = {row["task"]: row["model_sha256"] for row in artifact.facts["scores"] if "model_sha256" in row}
    assert hashes["translation"] != hashes["held-out text"]


@pytest.fixture(scope="module")
def uneven(place):
    """A model whose weights 8 bits change: one weight of each row stands far above the others."""
    torch.manual_seed(1)
    config = model_folder.read_config(place / "chat")
    model = Llama(config).reset(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                weight.copy_(torch.randn_like(weight))
                weight[torch.arange(len(weight)), torch.randint(weight.shape[1], (len(weight),))] *= 20
    for path in (place / "chat").iterdir():
        (place / "uneven").mkdir(exist_ok=True)
        (place / "uneven" / path.name).write_bytes(path.read_bytes())
    model_folder.save(model, place / "uneven")
    return place / "uneven"


def test_what_8_bits_change_is_measured_on_the_model_itself(place, uneven, tmp_path):
    inputs = {"model": uneven, "base": place / "base", "curate": place / "curate"}
    artifact = evaluate.run(CONFIG, inputs, tmp_path, Context(threads=1))
    found = artifact.facts["rounding"]
    assert [row["language"] for row in found["text"]] == ["fr", "en"]
    assert [(row["language"], row["num_items"]) for row in found["translation"]] == [("fr-en", 7), ("en-fr", 7)]
    assert found["model_sha256"] in {row.get("model_sha256") for row in artifact.facts["scores"]}
    # By another way: the whole folder rounded and written again, and its plain text scored.
    model = model_folder.load(uneven)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim == 2:
                scale = weight.abs().amax(1, keepdim=True) / 127
                weight.copy_((weight / scale).round() * scale)
    for path in uneven.iterdir():
        (tmp_path / "rounded").mkdir(exist_ok=True)
        (tmp_path / "rounded" / path.name).write_bytes(path.read_bytes())
    model_folder.save(model, tmp_path / "rounded")
    texts = {"curate": place / "curate"}
    wanted = {}
    for side, folder in (("exact", uneven), ("rounded", tmp_path / "rounded")):
        scores = evaluate.run(CONFIG, {"model": folder, **texts}, tmp_path / side, Context(threads=1)).facts["scores"]
        for row in scores:
            if row["metric"] == "bits_per_byte" and not row["source"]:
                wanted[row["language"], side] = row["value"]
    for row in found["text"]:
        assert 0.2 < row["same"] < 1
        for side, value in row["bits_per_byte"].items():
            assert value == pytest.approx(wanted[row["language"], side], rel=1e-4)
        assert row["bits_per_byte"]["exact"] != row["bits_per_byte"]["rounded"]


def test_what_8_bits_change_is_measured_on_as_much_as_was_asked_for(place, uneven, tmp_path, monkeypatch):
    inputs = {"model": uneven, "curate": place / "curate"}
    little = replace(CONFIG, rounded_text_bytes=500, rounded_pairs=3)
    found = evaluate.run(little, inputs, tmp_path, Context(threads=1)).facts["rounding"]
    assert [row["num_bytes"] for row in found["text"]] == [500, 500]
    assert [row["num_items"] for row in found["translation"]] == [3, 3]
    nothing = replace(CONFIG, rounded_text_bytes=0, rounded_pairs=0)
    assert evaluate.run(nothing, inputs, tmp_path, Context(threads=1)).facts["rounding"] is None
    monkeypatch.setattr(rounding, "MAX_BYTES", 1000)
    assert evaluate.run(little, inputs, tmp_path, Context(threads=1)).facts["rounding"] is None


def test_a_model_that_is_not_changed_by_8_bits_scores_the_same(artifact):
    for row in artifact.facts["rounding"]["text"]:
        assert row["same"] == 1
        assert row["bits_per_byte"]["exact"] == row["bits_per_byte"]["rounded"]


def test_another_architecture_is_measured_by_transformers(place, tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path / "gpt2"
    vocabulary = model_folder.read_config(place / "base").vocab_size
    GPT2LMHeadModel(GPT2Config(vocab_size=vocabulary, n_positions=96, n_embd=16, n_layer=1, n_head=2)).save_pretrained(
        folder
    )
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((place / "base" / name).read_bytes())
    inputs = {"model": folder, "text": place / "curate/heldout/documents"}
    artifact = evaluate.run(CONFIG, inputs, tmp_path / "out", Context(threads=1))
    assert artifact.facts["engine"] == "transformers"
    assert artifact.facts["rounding"] is None
    assert all(0 < row["value"] < 20 for row in artifact.facts["scores"] if row["metric"] == "bits_per_byte")


def test_nothing_to_measure_on_is_an_error(place, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FournilError, match="no held-out text"):
        evaluate.run(CONFIG, {"model": place / "base", "text": tmp_path / "empty"}, tmp_path / "out", Context())


def test_sources_of_which_all_was_refused_have_no_text(place, tmp_path):
    folder = tmp_path / "01-sources"
    folder.mkdir()
    pq.write_table(EVIDENCE.empty_table(), folder / "evidence.parquet")
    with pytest.raises(FournilError, match=r"no held-out text to measure on \[.*01-sources.documents\]"):
        evaluate.run(CONFIG, {"model": place / "base", "text": folder}, tmp_path / "out", Context())


def test_a_language_without_text_is_said(place, tmp_path):
    rows = [document_row("a/0", FRENCH, source="a", licence="CC0-1.0", language="fr")]
    with ShardWriter(tmp_path / "text" / "documents", DOCUMENTS) as writer:
        writer.write_rows(rows)
    heard = []
    progress = Progress()
    progress.note = heard.append
    context = Context(languages=("fr", "en"), threads=1, progress=progress)
    artifact = evaluate.run(CONFIG, {"model": place / "base", "text": tmp_path / "text"}, tmp_path / "out", context)
    assert artifact.facts["without_text"] == ["en"]
    assert "There is no held-out text in English: it is not measured." in heard


def test_an_overlap_longer_than_the_window_is_refused(place, tmp_path):
    inputs = {"model": place / "base", "text": place / "curate/heldout"}
    with pytest.raises(FournilError, match=r"an overlap of 128 tokens in windows of 128 \[evaluate.overlap\]"):
        evaluate.run(replace(CONFIG, overlap=128), inputs, tmp_path / "out", Context(threads=1))


@pytest.mark.parametrize("text", ["", " ", "\0", "a" * 3000])
def test_texts_of_any_length_are_translated_or_left_empty(place, text):
    engine = open_model(place / "chat")
    (answer,) = answers_of(engine, [text], "fr", "en", 2)
    assert isinstance(answer, str)
    assert answer == "" or text != "a" * 3000
