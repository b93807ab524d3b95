"""A training of three phases: batches that grow, pairs by schedule, better text at the end, a longer context."""

import json

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models

from fournil.core.context import Context
from fournil.core.files import hash_tree, sha256_file
from fournil.parts.model import folder as model_folder
from fournil.parts.tokenize.shards import TokenShardWriter
from fournil.parts.train.prefetch import Prefetch
from fournil.parts.train.validation import Validation
from fournil.stages.pretrain import Config, run
from fournil.stages.pretrain.config import Model, Phase, Source, SourceWeight

PHASES = (
    Phase(steps=9, batch_tokens=128, context_length=16, first_batch_tokens=32, ramp_tokens=150, parallel_end=0.25),
    Phase(steps=5, batch_tokens=128, context_length=16, parallel=0.25, decay=1.0, source=(SourceWeight("best", 5.0),)),
    Phase(steps=3, batch_tokens=128, context_length=64, rope_theta=500_000.0, matrix_rate=1e-3, decay=1.0),
)  # fmt: skip
CONFIG = Config(
    Model(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=64),
    phase=PHASES,
    source=(Source("best", 0.0),),
    checkpoint_seconds=0.0,
    log_every=1,
    precision="float32",
)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "03-tokenizer"
    words = {word: number for number, word in enumerate(["<unk>", "<s>", "</s>", "<|fr|>", "<|en|>"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.add_special_tokens(list(words))
    (folder / "tokenizer").mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer" / "tokenizer.json"))
    made_by = sha256_file(folder / "tokenizer" / "tokenizer.json")
    documents = [(f"{s}/{g}{n}", g, s, 30) for n in range(60) for g in ("fr", "en") for s in ("web", "best")]
    held_out = [(f"web/{g}{n}", g, "web", 50) for n in range(9) for g in ("fr", "en")]
    pairs = [(f"mo/{n}", g, "mo", 9) for n in range(50) for g in ("en", "fr")]
    generator = np.random.default_rng(2)
    for name, rows in (("train-documents", documents), ("train-pairs", pairs), ("heldout-documents", held_out)):
        writer = TokenShardWriter(
            folder / "shards" / name, folder.parent / name, vocab_size=40, tokenizer_sha256=made_by, eos_id=2
        )
        for key, group, source, size in rows:
            ids = generator.integers(5, 40, size)
            writer.write([ids], names=[key], languages=[group], sources=[source], num_bytes=[size])
        writer.close()
    return folder


def bake(tokenized, out):
    return run(CONFIG, {"tokenizer": tokenized}, out, Context(seed=3))


@pytest.fixture(scope="module")
def baked(tokenized, tmp_path_factory):
    out = tmp_path_factory.mktemp("baked")
    return out, bake(tokenized, out)


def test_the_plan_is_what_happens(baked):
    out, artifact = baked
    lines = [json.loads(line) for line in (out / "losses.jsonl").read_text().splitlines()]
    ends = [line["tokens"] for line in lines if "loss" in line]
    sizes = np.diff([0, *ends]).tolist()
    assert sizes == [32] * 3 + [64] * 2 + [128] * 12
    assert artifact.facts["tokens"] == ends[-1]
    groups = [set(line["by_group"]) for line in lines if "loss" in line]
    assert "parallel" not in groups[0]
    assert "parallel" in groups[9]
    assert "parallel" not in groups[15]
    read = [{row["source"] for row in fact["tokens_by_source"]} for fact in artifact.facts["mixture"]]
    assert read == [{"web", "mo"}, {"web", "best", "mo"}, {"web"}]


def test_the_model_keeps_the_last_rotary_base(baked):
    assert json.loads((baked[0] / "config.json").read_text())["rope_theta"] == 500_000.0
    assert model_folder.load(baked[0]).config.rope_theta == 500_000.0


def test_held_out_text_is_read_in_windows_that_every_phase_has_learnt(baked, tokenized):
    """Longer ones would show positions that nothing was taught of until the last phase."""
    measure = Validation(
        tokenized / "shards" / "heldout-documents",
        ("fr", "en"),
        context_length=16,
        max_tokens=CONFIG.validation_tokens,
        seed=3,
        apart=True,
    )
    scores = measure(model_folder.load(baked[0]))
    assert baked[1].facts["validation_curve"][-1]["bits_per_byte"] == pytest.approx(scores, rel=1e-6)


@pytest.mark.parametrize("step", [4, 10, 15])
def test_killed_in_any_phase_it_goes_on_to_the_same_bytes(baked, tokenized, tmp_path, monkeypatch, step):
    original = Prefetch.__call__

    def failing(self, number):
        if number == step:
            raise KeyboardInterrupt
        return original(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(Prefetch, "__call__", failing)
        with pytest.raises(KeyboardInterrupt):
            bake(tokenized, tmp_path)
    artifact = bake(tokenized, tmp_path)
    assert artifact.measured["resumed_at_step"] == step
    assert artifact.facts == baked[1].facts
    assert hash_tree(tmp_path)["sha256"] == hash_tree(baked[0])["sha256"]
