"""Published config.json layouts, small: what loads, with the logits of transformers, and what is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from fournil.core.errors import FournilError
from fournil.parts.model import folder as folders
from fournil.parts.model.config import ModelConfig, other_kind
from fournil.parts.model.engine import open_model
from fournil.parts.model.published import INITIAL_STD, PUBLISHED
from fournil.parts.model.transformer import Llama

SMALL = {"vocab_size": 97, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2, "num_attention_heads": 6}
CROISSANT = SMALL | {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": False, "attention_dropout": 0.0,
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "initializer_range": 0.02,
    "max_position_embeddings": 64, "num_key_value_heads": 6, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
    "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float32",
    "transformers_version": "4.36.2", "use_cache": True,
}  # fmt: skip
MISTRAL = SMALL | {
    "architectures": ["MistralForCausalLM"], "model_type": "mistral", "attention_dropout": 0.0, "bos_token_id": 1,
    "eos_token_id": 2, "hidden_act": "silu", "initializer_range": 0.02, "max_position_embeddings": 64,
    "num_key_value_heads": 2, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": None,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.42.0", "use_cache": True,
}  # fmt: skip
QWEN = SMALL | {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "attention_bias": False, "attention_dropout": 0.0,
    "bos_token_id": 1, "eos_token_id": 2, "head_dim": 16, "hidden_act": "silu", "initializer_range": 0.02,
    "max_position_embeddings": 64, "max_window_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
    "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": True, "use_sliding_window": False,
}  # fmt: skip
LLAMA3 = {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 16,
          "rope_type": "llama3"}  # fmt: skip
LAYOUTS: dict[str, dict[str, Any]] = {
    "CroissantLLMBase": CROISSANT,
    "CroissantLLMChat": CROISSANT | {"vocab_size": 99, "eos_token_id": 97, "use_cache": False},
    "Llama 2": CROISSANT | {"pad_token_id": 0, "rms_norm_eps": 1e-06, "torch_dtype": "float16"},
    "Llama 3.1": CROISSANT
    | {"num_key_value_heads": 2, "rope_theta": 5e5, "rope_scaling": LLAMA3, "eos_token_id": [2, 5], "mlp_bias": False},
    "Lucie, first stage": CROISSANT
    | {"num_key_value_heads": 2, "head_dim": 8, "rope_theta": 500000.0, "initializer_range": 0.009, "mlp_bias": False},
    "Lucie, long context": CROISSANT
    | {"num_key_value_heads": 2, "rope_theta": 20000000.0, "max_position_embeddings": 500, "mlp_bias": False},
    "Mistral 0.3": MISTRAL,
    "Mistral NeMo": MISTRAL | {"head_dim": 20},
    "Mistral 0.1, no longer than its window": MISTRAL | {"sliding_window": 64, "rope_theta": 10000.0},
    "Qwen3": QWEN,
    "Qwen3, untied": QWEN | {"tie_word_embeddings": False},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def scatter(model):
    """Random weights of a size that makes logits differ, norms too."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.2 * noise if parameter.ndim == 1 else noise * parameter.shape[1] ** -0.5)
    return model.eval()


def write_with_transformers(folder: Path, config: dict[str, Any]):
    from transformers import AutoConfig, AutoModelForCausalLM

    (folder / "config.json").write_text(json.dumps(config))
    theirs = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), attn_implementation="eager")
    theirs = scatter(theirs.float())
    theirs.save_pretrained(folder)
    return theirs


def assert_equal_logits(ours, theirs, vocab_size, length=60):
    ids = torch.randint(0, vocab_size, (2, length), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = theirs(ids).logits
        got = ours.logits(ours(ids))
    assert expected.std() > 0.3
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("written", ["as published", "by transformers 5"])
def test_published_layouts_load_with_equal_logits(name, written, tmp_path):
    config = LAYOUTS[name]
    theirs = write_with_transformers(tmp_path, config)
    if written == "as published":
        (tmp_path / "config.json").write_text(json.dumps(config))
    else:
        assert "rope_parameters" in json.loads((tmp_path / "config.json").read_text())
    ours = folders.load(tmp_path)
    assert ours.config.qk_norm == name.startswith("Qwen")
    assert_equal_logits(ours, theirs, config["vocab_size"])


@pytest.mark.parametrize("name", ["Mistral NeMo", "Qwen3", "Lucie, long context"])
def test_what_was_loaded_is_written_so_that_transformers_agrees(name, tmp_path):
    from transformers import AutoModelForCausalLM

    theirs = write_with_transformers(tmp_path, LAYOUTS[name])
    folders.save(folders.load(tmp_path), tmp_path / "ours")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "ours", attn_implementation="eager").eval()
    assert type(again).__name__ == ("Qwen3ForCausalLM" if name == "Qwen3" else "LlamaForCausalLM")
    assert_equal_logits(folders.load(tmp_path / "ours"), theirs, 97)
    assert_equal_logits(folders.load(tmp_path / "ours"), again, 97)


@pytest.mark.parametrize("qk_norm", [False, True])
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_size_small_has_the_logits_of_transformers(name, qk_norm, tmp_path):
    from transformers import AutoModelForCausalLM

    whole = PUBLISHED[name]
    width = 8 * whole["num_attention_heads"]
    feed = round(whole["intermediate_size"] * width / whole["hidden_size"])
    small = {"hidden_size": width, "intermediate_size": feed, "num_hidden_layers": 2, "max_position_embeddings": 64}
    config = ModelConfig(vocab_size=97, **(whole | small), qk_norm=qk_norm)
    ours = scatter(Llama(config))
    folders.save(ours, tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    assert_equal_logits(ours, theirs, 97)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_size_has_the_tensors_of_transformers(name):
    from transformers import AutoConfig, AutoModelForCausalLM

    config = ModelConfig(vocab_size=65_024 if name.startswith("lucie") else 32_000, **PUBLISHED[name])
    content = config.to_hugging_face("bfloat16")
    with torch.device("meta"):
        theirs = AutoModelForCausalLM.from_config(AutoConfig.for_model(**content))
        ours = folders.hugging_face_views(Llama(config))
    assert {key: view.shape for key, view in ours.items()} == {k: p.shape for k, p in theirs.named_parameters()}
    assert config.num_parameters() == sum(parameter.numel() for parameter in theirs.parameters())
    published = {"croissant-58m": 57.9, "croissant-268m": 268.1, "croissant-440m": 439.9, "croissant-base": 1345.4}
    assert round(config.num_parameters() / 1e6, 1) == published.get(name, 6707.0)
    assert INITIAL_STD[name] == (0.009 if name == "lucie-7b" else 0.02)


@pytest.mark.parametrize(
    ("layout", "change", "message"),
    [
        (MISTRAL, {"sliding_window": 32}, "look at the last 32 only"),
        (MISTRAL, {"sliding_window": "absent"}, "sliding_window is missing"),
        (MISTRAL, {"num_key_value_heads": "absent"}, "num_key_value_heads is missing"),
        (QWEN, {"head_dim": "absent"}, "head_dim is missing"),
        (QWEN, {"use_sliding_window": True, "sliding_window": 32, "max_window_layers": 1}, "look at the last 32 only"),
        (QWEN, {"layer_types": ["full_attention", "sliding_attention"], "sliding_window": 32}, "the last 32 only"),
        (QWEN, {"attention_bias": True}, "attention_bias is true"),
        (CROISSANT, {"partial_rotary_factor": 0.5}, "partial_rotary_factor is not 1"),
        (CROISSANT, {"model_type": "qwen3"}, "Fournil's own model is no LlamaForCausalLM"),
        (CROISSANT, {"model_type": ["llama"]}, "Fournil's own model is no LlamaForCausalLM"),
        (CROISSANT, {"architectures": ["LlamaForSequenceClassification"]}, "is no LlamaForSequenceClassification"),
    ],
)
def test_what_our_arithmetic_has_not_is_refused(layout, change, message):
    config = {key: value for key, value in (layout | change).items() if value != "absent"}
    with pytest.raises(FournilError, match=message):
        ModelConfig.from_hugging_face(config)
    assert other_kind(config) is not None
    assert other_kind(layout) is None


def test_a_window_that_no_layer_uses_is_none():
    assert other_kind(QWEN | {"sliding_window": 32}) is None
    assert other_kind(QWEN | {"layer_types": ["full_attention"] * 2, "sliding_window": 32}) is None


def test_a_window_narrower_than_the_context_is_left_to_transformers(copy_of):
    """transformers runs it; ours, which would look further back, does not."""
    folder = copy_of()
    ours = json.loads((folder / "config.json").read_text())
    kept = {"architectures", "model_type", "attention_bias", "mlp_bias"}
    own = {key: value for key, value in ours.items() if key not in kept}
    (folder / "config.json").write_text(
        json.dumps(own | {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": 8})
    )
    engine = open_model(folder)
    assert engine.kind == "transformers"
    ids = torch.randint(0, 200, (1, 40), generator=torch.Generator().manual_seed(1))
    windowed = engine.loss(ids[:, :-1], ids[:, 1:])
    (folder / "config.json").write_text(
        json.dumps(own | {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "sliding_window": None})
    )
    whole = open_model(folder)
    assert whole.kind == "fournil"
    with torch.no_grad():
        difference = (whole.loss(ids[:, :-1], ids[:, 1:]) - windowed).abs()[0]
    assert difference[:8].max() < 1e-4
    assert difference[8:].max() > 1e-3
