import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from fournil.core.errors import FournilError
from fournil.parts.model import folder as model_folder
from fournil.parts.model.attention import Cache
from fournil.parts.model.config import ModelConfig, RopeScaling
from fournil.parts.model.cross_entropy import linear_cross_entropy
from fournil.parts.model.transformer import Llama

LLAMA3 = RopeScaling(
    "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16
)
CONFIGS = {
    "plain": ModelConfig(97, 32, 64, 2, 4, max_position_embeddings=48),
    "grouped": ModelConfig(97, 48, 56, 3, 6, 2, max_position_embeddings=48, rope_theta=500_000.0),
    "tied": ModelConfig(64, 24, 40, 2, 2, 1, max_position_embeddings=48, tie_word_embeddings=True, rms_norm_eps=1e-6),
    "wide heads": ModelConfig(64, 24, 40, 2, 2, head_dim=20, max_position_embeddings=48, rope_theta=1000.0),
    "llama3": ModelConfig(64, 32, 40, 2, 2, max_position_embeddings=48, rope_scaling=LLAMA3),
    "linear": ModelConfig(64, 32, 40, 2, 2, max_position_embeddings=48, rope_scaling=RopeScaling("linear", factor=2.0)),
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def random_llama(config, seed=0):
    model = Llama(config).reset(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return model


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_equal_those_of_transformers(name, dtype, tmp_path):
    from transformers import LlamaForCausalLM

    config = CONFIGS[name]
    model_folder.save(random_llama(config), tmp_path, dtype=dtype)
    ours = model_folder.load(tmp_path)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(0, config.vocab_size, (3, 40), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = theirs(ids).logits
        got = ours.logits(ours(ids))
    assert expected.abs().max() > 0.5
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-5)


def test_reads_what_transformers_writes(tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=80,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            rope_theta=3000.0,
        )
    ).eval()
    theirs.save_pretrained(tmp_path, max_shard_size="20KB")
    assert (tmp_path / model_folder.INDEX).exists()
    ids = torch.arange(60).unsqueeze(0)
    ours = model_folder.load(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(ours.logits(ours(ids)), theirs(ids).logits, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("name", ["grouped", "tied"])
def test_cache_gives_the_same_logits(name):
    config = CONFIGS[name]
    model = random_llama(config)
    ids = torch.randint(0, config.vocab_size, (2, 30), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        whole = model(ids)
        cache = Cache(config, 2, 30, dtype=torch.float32)
        parts = [model(ids[:, a:b], cache=cache) for a, b in ((0, 11), (11, 12), (12, 20), (20, 30))]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="do not fit"):
        model(ids[:, :1], cache=cache)


def test_rows_of_different_length_share_a_cache():
    config = CONFIGS["grouped"]
    model = random_llama(config)
    ids = torch.randint(0, config.vocab_size, (2, 9), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        alone = model(ids[1:, 3:])
        positions = torch.tensor([list(range(9)), [0, 0, 0, *range(6)]])
        real = torch.tensor([[True] * 9, [False] * 3 + [True] * 6])
        causal = torch.ones(9, 9, dtype=torch.bool).tril()
        mask = (real[:, None, None, :] & causal) | torch.eye(9, dtype=torch.bool)
        together = model(ids, positions_BT=positions, mask=mask)
    torch.testing.assert_close(together[1:, 3:], alone, atol=1e-5, rtol=1e-5)


def test_texts_that_share_a_row_do_not_look_at_each_other():
    config = CONFIGS["grouped"]
    model = random_llama(config)
    ids = torch.randint(0, config.vocab_size, (1, 21), generator=torch.Generator().manual_seed(7))
    segments = torch.tensor([[0] * 8 + [1] * 12])
    together = model.loss(ids[:, :-1], ids[:, 1:], segments)
    torch.testing.assert_close(together[:, :8], model.loss(ids[:, :8], ids[:, 1:9]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[:, 8:], model.loss(ids[:, 8:-1], ids[:, 9:]), atol=1e-5, rtol=1e-5)


def test_selected_rows_of_a_cache_go_on_alone():
    config = CONFIGS["plain"]
    model = random_llama(config)
    ids = torch.randint(0, config.vocab_size, (3, 8), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        whole = model(ids)
        cache = Cache(config, 3, 8, dtype=torch.float32)
        model(ids[:, :5], cache=cache)
        rows = torch.tensor([2, 0])
        torch.testing.assert_close(
            model(ids[rows, 5:], cache=cache.select(rows)), whole[rows, 5:], atol=1e-5, rtol=1e-5
        )
        cache.truncate(4)
        torch.testing.assert_close(model(ids[:, 4:], cache=cache), whole[:, 4:], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("chunk", [1 << 24, 200])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_cross_entropy_and_its_gradients_equal_those_of_torch(chunk, share, monkeypatch):
    monkeypatch.setattr("fournil.parts.model.cross_entropy.CHUNK_ELEMENTS", chunk)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(37, 8, generator=generator)
    weight = torch.randn(50, 8, generator=generator)
    targets = torch.randint(0, 50, (37,), generator=generator)
    targets[torch.rand(37, generator=generator) > share] = -100
    scale = torch.rand(37, generator=generator)
    results = []
    for ours in (True, False):
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        if ours:
            losses = linear_cross_entropy(h, w, targets)
        else:
            losses = torch.nn.functional.cross_entropy(h @ w.T, targets, reduction="none")
        (losses * scale).sum().backward()
        results.append((losses.detach(), h.grad, w.grad))
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, atol=1e-5, rtol=1e-5)


def test_gradients_equal_those_of_transformers(tmp_path):
    from transformers import LlamaForCausalLM

    config = CONFIGS["grouped"]
    ours = random_llama(config)
    model_folder.save(ours, tmp_path)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32, attn_implementation="eager")
    ids = torch.randint(0, config.vocab_size, (2, 21), generator=torch.Generator().manual_seed(6))
    ours.loss(ids[:, :-1], ids[:, 1:]).mean().backward()
    theirs(ids, labels=ids).loss.backward()
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for parameter in ours.parameters():
        assert parameter.grad is not None
        parameter.data = parameter.grad
    for name, gradient in model_folder.hugging_face_views(ours).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4)


def test_first_loss_is_that_of_a_uniform_guess():
    model = Llama(CONFIGS["plain"]).reset(0)
    ids = torch.arange(40).unsqueeze(0)
    torch.testing.assert_close(model.loss(ids[:, :-1], ids[:, 1:]), torch.full((1, 39), math.log(97)))


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        model_folder.save(random_llama(CONFIGS["tied"]), tmp_path / name)
    for file in sorted(path.name for path in (tmp_path / "a").iterdir()):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_counts_of_parameters_are_those_of_the_model():
    for config in CONFIGS.values():
        assert config.num_parameters() == sum(parameter.numel() for parameter in Llama(config).parameters())
    croissant = ModelConfig(32_000, 2048, 5504, 24, 16, max_position_embeddings=2048)
    assert round(croissant.num_parameters() / 1e6, 1) == 1345.4


def break_folder(folder, how):
    weights = load_file(folder / "model.safetensors")
    if how == "nan":
        weights["model.norm.weight"][0] = math.nan
    elif how == "missing":
        del weights["model.norm.weight"]
    elif how == "unknown":
        weights["model.norm.bias"] = torch.zeros(1)
    elif how == "shape":
        weights["model.norm.weight"] = torch.zeros(3)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    if how == "pickle":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    elif how == "broken":
        (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    elif how in ("outside", "shard"):
        name = "../model.safetensors" if how == "outside" else "model-00001-of-00001.safetensors"
        index = {"weight_map": {"model.norm.weight": name}}
        (folder / model_folder.INDEX).write_text(json.dumps(index))
    elif how in ("bias", "family", "rope", "json"):
        config = json.loads((folder / "config.json").read_text())
        config |= {
            "bias": {"attention_bias": True},
            "family": {"model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"]},
            "rope": {"rope_scaling": {"rope_type": "yarn", "factor": 2.0}},
            "json": {},
        }[how]
        (folder / "config.json").write_text("[]" if how == "json" else json.dumps(config))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("nan", "NaN"),
        ("missing", "missing"),
        ("unknown", "unknown tensor"),
        ("shape", "shape"),
        ("pickle", "pickled"),
        ("broken", "broken"),
        ("outside", "beside"),
        ("shard", "shard is missing"),
        ("bias", "attention_bias"),
        ("family", "is no GPTNeoX"),
        ("rope", "yarn"),
        ("json", "no JSON object"),
    ],
)
def test_broken_folders_are_refused(how, message, tmp_path):
    model_folder.save(random_llama(CONFIGS["plain"]), tmp_path)
    break_folder(tmp_path, how)
    with pytest.raises(FournilError, match=message):
        model_folder.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"num_attention_heads": 5}, {"num_key_value_heads": 3}, {"head_dim": 7}, {"num_hidden_layers": 0}],
)
def test_impossible_shapes_are_refused(change):
    with pytest.raises(FournilError):
        ModelConfig(**({"vocab_size": 10, "hidden_size": 32, "num_attention_heads": 4} | change))
