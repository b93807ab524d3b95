import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree, sha256_file
from fournil.core.progress import Progress
from fournil.parts.model import folder as model_folder
from fournil.parts.tokenize.shards import TokenShards, TokenShardWriter
from fournil.parts.train.kept import kept, last_step
from fournil.parts.train.validation import Validation
from fournil.stages.pretrain import Config, run
from fournil.stages.pretrain.config import Model, Optimizer, Phase, Source

LANGUAGES = ("fr", "en")
MODEL = Model(16, 24, 2, 2, max_position_embeddings=32)
PHASES = (
    Phase(steps=12, batch_tokens=128, context_length=32, parallel=0.25),
    Phase(tokens=500, batch_tokens=96, context_length=16, code=0.3),
)
CONFIG = Config(MODEL, phase=PHASES, max_epochs=30.0, checkpoint_seconds=0.0, log_every=3, precision="float32")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def write_split(folder, documents):
    generator = np.random.default_rng(len(documents))
    work, made_by = folder.parent.parent / ".work", sha256_file(folder.parent.parent / "tokenizer" / "tokenizer.json")
    writer = TokenShardWriter(folder, work / folder.name, vocab_size=300, tokenizer_sha256=made_by, eos_id=2)
    for name, language, source, size in documents:
        start = 264 + {"fr": 0, "en": 10, "code": 20}[language]
        ids = generator.integers(start, start + 10, size)
        writer.write([ids], names=[name], languages=[language], sources=[source], num_bytes=[2 * size])
    writer.close()


@pytest.fixture(scope="module")
def tokenized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "03-tokenizer"
    specials = ["<unk>", "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>", "<|fr|>", "<|en|>"]
    words = {word: number for number, word in enumerate(specials)} | {f"w{n}": n for n in range(8, 300)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.add_special_tokens(specials)
    (folder / "tokenizer").mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    (folder / "tokenizer" / "tokenizer_config.json").write_text("{}\n")
    for split, count in (("train", 30), ("heldout", 6)):
        rows = [(f"{k}/{n}", k, "notes", 20 + n) for n in range(count) for k in ("fr", "en", "code")]
        write_split(folder / "shards" / f"{split}-documents", rows)
        rows = [(f"mo/{n}", k, "mo", 3 + n % 5) for n in range(2 * count) for k in LANGUAGES]
        write_split(folder / "shards" / f"{split}-pairs", rows)
    return folder


def bake(tokenized, out, config=CONFIG):
    return run(config, {"tokenizer": tokenized}, out, Context(languages=LANGUAGES, seed=3, threads=1))


@pytest.fixture(scope="module")
def baked(tokenized, tmp_path_factory):
    out = tmp_path_factory.mktemp("baked")
    return out, bake(tokenized, out)


def test_the_folder_is_one_that_transformers_loads(baked):
    from transformers import AutoModelForCausalLM

    theirs = AutoModelForCausalLM.from_pretrained(baked[0]).eval()
    ours = model_folder.load(baked[0])
    ids = torch.arange(30).unsqueeze(0)
    with torch.no_grad():
        torch.testing.assert_close(ours.logits(ours(ids)), theirs(ids).logits, atol=1e-4, rtol=1e-5)
    names = set(hash_tree(baked[0])["files"])
    assert names == {
        "config.json", "generation_config.json", "losses.jsonl", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json", "training/optimizer.safetensors", "training/state.json",
    }  # fmt: skip


def test_facts_count_what_was_read(baked):
    facts = baked[1].facts
    assert facts["steps"] == 12 + 6
    assert facts["tokens"] == 12 * 128 + 6 * 96
    assert sum(facts["tokens_by_language"].values()) == pytest.approx(facts["tokens"], abs=3)
    assert facts["tokens_by_language"]["fr"] == pytest.approx(facts["tokens_by_language"]["en"], rel=0.01)
    rows = facts["rows_by_group"]
    assert rows["fr"] == rows["en"]
    assert sum(rows.values()) == 12 * 4 + 6 * 6
    assert rows["parallel"] == pytest.approx(12, abs=1)
    assert rows["code"] == pytest.approx(36 * 0.3, abs=2)
    assert facts["parameters"]["total"] == sum(p.numel() for p in model_folder.load(baked[0]).parameters())
    assert facts["flops"]["exact"] > facts["flops"]["six_n_d"] > 0
    assert {"fr", "en", "code"} == set(facts["validation_curve"][-1]["bits_per_byte"])
    assert facts["loss_curve"][-1]["loss"]["fr"] < facts["loss_curve"][0]["loss"]["fr"]
    json.dumps(facts, allow_nan=False)
    json.dumps(baked[1].measured, allow_nan=False)
    assert baked[1].measured["data"]["batches"] == 18
    assert [fact["steps"] for fact in facts["mixture"]] == [12, 6]


def test_killed_and_resumed_the_folder_is_the_same_bytes(baked, tokenized, tmp_path, monkeypatch):
    from fournil.parts.train.batches import Batches

    original = Batches.__call__

    def failing(self, step):
        if step == 7:
            raise KeyboardInterrupt
        return original(self, step)

    monkeypatch.setattr(Batches, "__call__", failing)
    with pytest.raises(KeyboardInterrupt):
        bake(tokenized, tmp_path)
    monkeypatch.setattr(Batches, "__call__", original)
    artifact = bake(tokenized, tmp_path)
    assert artifact.measured["resumed_at_step"] == 7
    assert artifact.facts == baked[1].facts
    assert hash_tree(tmp_path)["sha256"] == hash_tree(baked[0])["sha256"]


def test_bits_per_byte_of_a_uniform_guess(tokenized):
    model = model_folder.Llama(model_folder.ModelConfig(300, 16, 24, 1, 2)).reset(0)
    folder = tokenized / "shards" / "heldout-documents"
    scores = Validation(folder, LANGUAGES, context_length=16, max_tokens=64, seed=0)(model)
    # Two bytes a token, and an end token for about each twenty-three.
    assert scores["fr"] == pytest.approx(math.log2(300) / 2, rel=0.1)
    index = TokenShards(folder).index
    everything = Validation(folder, ("en",), context_length=32, max_tokens=10**6, seed=0)(model)
    rows = index.language == index.languages.index("en")
    assert everything["en"] == pytest.approx(
        math.log2(300) * index.num_tokens[rows].sum() / index.num_bytes[rows].sum(), rel=1e-3
    )


def test_held_out_documents_are_read_as_they_are_in_training(tokenized):
    """Where texts of a row are kept apart, what a document costs does not depend on the one that stands before it."""
    model = model_folder.Llama(model_folder.ModelConfig(300, 16, 24, 1, 2)).reset(0, std=0.5)
    folder = tokenized / "shards" / "heldout-documents"
    shards = TokenShards(folder)
    common = {"context_length": 32, "max_tokens": 10**6, "seed": 0}
    together = Validation(folder, ("fr",), **common)(model)["fr"]
    apart = Validation(folder, ("fr",), apart=True, **common)
    assert apart(model)["fr"] != pytest.approx(together, rel=1e-3)
    windows_WT = apart._groups["fr"].windows_WT
    nats = 0.0
    for window in windows_WT.tolist():
        begin = 0
        while begin < len(window) - 1:  # text by text, each with the token that follows its last one
            end = window.index(shards.eos_id, begin) if shards.eos_id in window[begin:-1] else len(window) - 2
            part = torch.tensor([window[begin : end + 2]])
            nats += float(model.loss(part[:, :-1], part[:, 1:]).detach().sum())
            begin = end + 1
    num_bytes = sum(apart._groups["fr"].num_bytes)
    assert apart(model)["fr"] == pytest.approx(nats / math.log(2) / num_bytes, rel=1e-5)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config(MODEL, phase=(Phase(),)), "either steps or tokens"),
        (Config(MODEL, phase=(Phase(steps=2, tokens=100),)), "either steps or tokens"),
        (Config(MODEL, phase=(Phase(steps=2, batch_tokens=100, context_length=32),)), "no multiple"),
        (Config(MODEL, phase=(Phase(steps=2, batch_tokens=96, context_length=32),)), "as much of each"),
        (Config(MODEL, phase=(Phase(steps=999, context_length=16),)), "more than 4 epochs"),
        (Config(MODEL, phase=(Phase(steps=1, context_length=16),), source=(Source("nots", 2.0),)), "'nots'"),
        (Config(MODEL, phase=(Phase(steps=1, context_length=16),), save_dtype="int8"), "save_dtype"),
    ],
)
def test_settings_that_cannot_be_are_refused(config, message, tokenized, tmp_path):
    with pytest.raises(FournilError, match=message):
        bake(tokenized, tmp_path, config)


def test_shards_of_another_tokenizer_are_refused(tokenized, tmp_path):
    place = tmp_path / "03-tokenizer"
    shutil.copytree(tokenized, place)
    path = place / "tokenizer" / "tokenizer.json"
    path.write_text(path.read_text().replace("w299", "w300"))
    with pytest.raises(
        FournilError, match=r"made with another tokenizer \[.*heldout-documents\]. Run the tokenizer stage"
    ):
        bake(place, tmp_path / "out")


def test_less_text_than_a_batch_is_refused(tokenized, tmp_path):
    config = Config(MODEL, phase=(Phase(steps=1, batch_tokens=32_768, context_length=32),), max_epochs=1.0)
    with pytest.raises(FournilError, match="'fr' has 1,065 tokens, this training asks for 16,384: more than 1 epochs"):
        bake(tokenized, tmp_path, config)


def test_a_training_that_diverges_is_said_and_leaves_no_model(tokenized, tmp_path):
    phase = Phase(steps=30, batch_tokens=128, context_length=32, matrix_rate=1.0)
    config = replace(CONFIG, phase=(phase,), optimizer=Optimizer(weight_decay=1e30))
    with pytest.raises(FournilError, match=r"no longer finite.*Lower the learning rates, or lengthen the warm-up\."):
        bake(tokenized, tmp_path, config)
    assert not (tmp_path / "model.safetensors").exists()


def test_a_training_that_ends_worse_than_it_began_is_said(tokenized, tmp_path):
    heard = []
    progress = Progress()
    progress.note = heard.append
    phase = Phase(steps=9, batch_tokens=128, context_length=32, matrix_rate=50.0, unembedding_rate=50.0)
    context = Context(languages=LANGUAGES, seed=3, threads=1, progress=progress)
    run(replace(CONFIG, phase=(phase,)), {"tokenizer": tokenized}, tmp_path, context)
    assert heard[-1].startswith("The last loss, ")
    assert heard[-1].endswith("knows nothing, 5.70: the learning rates may be too high.")


def test_matrices_may_stay_as_they_are(tokenized, tmp_path):
    phase = Phase(steps=2, batch_tokens=128, context_length=32, matrix_rate=0.0)
    bake(tokenized, tmp_path, replace(CONFIG, phase=(phase,)))
    first = model_folder.load(tmp_path)
    assert float(first.blocks[0].down.detach().abs().sum()) == 0.0  # as it began
    assert float(first.unembedding.detach().abs().sum()) > 0.0


def test_a_model_larger_than_the_memory_is_refused_before_it_is_made(tokenized, tmp_path, monkeypatch):
    monkeypatch.setattr(model_folder, "free_memory_bytes", lambda: 100_000)
    with pytest.raises(FournilError, match=r"GB of memory, 0.0 are free \[pretrain.model\]"):
        bake(tokenized, tmp_path)


def test_kept_checkpoints_are_model_folders_of_their_own(tokenized, baked, tmp_path):
    bake(tokenized, tmp_path, replace(CONFIG, keep_every=6))
    assert [step for step, _ in kept(tmp_path)] == [6, 12]  # the last step is the model itself
    assert (tmp_path / "model.safetensors").read_bytes() == (baked[0] / "model.safetensors").read_bytes()
    assert last_step(tmp_path) == 18
    weights = [model_folder.load(folder).embedding for _, folder in kept(tmp_path)]
    assert not torch.equal(*weights)
    assert all((folder / "tokenizer.json").is_file() for _, folder in kept(tmp_path))


def test_a_model_with_normed_queries_is_trained_and_is_a_qwen3(tokenized, tmp_path):
    from transformers import AutoModelForCausalLM

    phases = (PHASES[0], replace(PHASES[1], rope_theta=3000.0))
    model = replace(MODEL, qk_norm=True, base_width=8)
    config = replace(CONFIG, model=model, phase=phases, activation_checkpointing=True)
    facts = bake(tokenized, tmp_path, config).facts
    assert facts["loss_curve"][-1]["loss"]["fr"] < facts["loss_curve"][0]["loss"]["fr"]
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert type(theirs).__name__ == "Qwen3ForCausalLM"
    ours = model_folder.load(tmp_path)
    assert ours.config.rope_theta == 3000.0
    assert facts["parameters"]["total"] == sum(parameter.numel() for parameter in theirs.parameters())
    ids = torch.arange(30).unsqueeze(0)
    with torch.no_grad():
        torch.testing.assert_close(ours.logits(ours(ids)), theirs(ids).logits, atol=1e-5, rtol=1e-5)
