import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, TokenType

from fournil.core.errors import FournilError
from fournil.parts.model.folder import hugging_face_views
from fournil.parts.model.folder import load as load_model
from fournil.parts.model.gguf import Card, write_gguf
from fournil.parts.tokenize import load

CARD = Card("essai", "Un essai.", "CC0-1.0", ("fr", "en"))


def fields(path: Path) -> dict[str, object]:
    return {name: field.contents() for name, field in GGUFReader(path).fields.items()}


@pytest.mark.parametrize("kind", ["f32", "f16", "q8_0"])
def test_the_same_folder_gives_the_same_bytes(make_model: Callable[..., Path], kind: str, tmp_path: Path) -> None:
    model = make_model()
    for name in ("a", "b"):
        write_gguf(model, tmp_path / name, CARD, quantization=kind)  # type: ignore[arg-type]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_vocabulary_is_written_as_llama_cpp_merges_it(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model(vocab_size=1030, chat=True)
    write_gguf(model, tmp_path / "x.gguf", CARD)
    found = fields(tmp_path / "x.gguf")
    tokens, kinds, scores = (found[f"tokenizer.ggml.{name}"] for name in ("tokens", "token_type", "scores"))
    assert isinstance(tokens, list)
    assert isinstance(kinds, list)
    assert isinstance(scores, list)
    tokenizer = load(model)
    assert tokens[:1024] == [tokenizer.id_to_token(n) for n in range(1024)]
    assert tokens[1024:] == [f"[PAD{n}]" for n in range(1024, 1030)]
    expected = [TokenType.UNKNOWN, *[TokenType.CONTROL] * 7, *[TokenType.BYTE] * 256, *[TokenType.NORMAL] * 760]
    assert kinds == [*expected, *[TokenType.UNUSED] * 6]
    assert scores[264:1024] == [-n for n in range(264, 1024)]
    ids = {name: found[f"tokenizer.ggml.{name}_token_id"] for name in ("unknown", "bos", "eos", "padding", "eot")}
    assert ids == {"unknown": 0, "bos": 1, "eos": 2, "padding": 3, "eot": 5}
    for name in ("add_space_prefix", "add_bos_token", "add_eos_token"):
        assert found[f"tokenizer.ggml.{name}"] is False
    assert "im_start" in str(found["tokenizer.chat_template"])
    assert "tokenizer.ggml.pre" not in found
    assert found["general.languages"] == ["fr", "en"]
    assert found["general.license"] == "CC0-1.0"


def test_tied_embeddings_are_written_once(make_model: Callable[..., Path], tmp_path: Path) -> None:
    for tied in (True, False):
        write_gguf(make_model(tied=tied), tmp_path / "x.gguf", CARD)
        names = {tensor.name for tensor in GGUFReader(tmp_path / "x.gguf").tensors}
        assert ("output.weight" in names) is not tied
        assert "token_embd.weight" in names


def test_normed_queries_make_it_a_qwen3(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model(qk_norm=True)
    write_gguf(model, tmp_path / "x.gguf", CARD, quantization="f32")
    found = fields(tmp_path / "x.gguf")
    assert found["general.architecture"] == "qwen3"
    assert found["qwen3.attention.head_count_kv"] == 2
    tensors = {tensor.name: np.asarray(tensor.data) for tensor in GGUFReader(tmp_path / "x.gguf").tensors}
    views = hugging_face_views(load_model(model))
    for layer in range(2):
        for ours, theirs in (("q_norm", "attn_q_norm"), ("k_norm", "attn_k_norm"), ("q_proj", "attn_q")):
            expected = views[f"model.layers.{layer}.self_attn.{ours}.weight"].numpy()
            np.testing.assert_array_equal(tensors[f"blk.{layer}.{theirs}.weight"], expected)


def test_rows_that_8_bits_do_not_fit_become_16(make_model: Callable[..., Path], tmp_path: Path) -> None:
    write_gguf(make_model(intermediate_size=72), tmp_path / "x.gguf", CARD, quantization="q8_0")
    kinds = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(tmp_path / "x.gguf").tensors}
    assert kinds["blk.0.ffn_down.weight"] == "F16"
    assert kinds["blk.0.ffn_up.weight"] == "Q8_0"
    assert kinds["output_norm.weight"] == "F32"


def test_a_tokenizer_of_another_scheme_is_refused(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model()
    path = model / "tokenizer.json"
    content = json.loads(path.read_text())
    content["pre_tokenizer"]["prepend_scheme"] = "always"
    path.write_text(json.dumps(content))
    with pytest.raises(FournilError, match="other ids in llama"):
        write_gguf(model, tmp_path / "x.gguf", CARD)
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_larger_than_the_model_is_refused(make_model: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(FournilError, match="the model 1,000 rows"):
        write_gguf(make_model(vocab_size=1000), tmp_path / "x.gguf", CARD)


def test_stretched_positions_are_refused(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model()
    content = json.loads((model / "config.json").read_text())
    content["rope_scaling"] = {"rope_type": "linear", "factor": 2.0}
    (model / "config.json").write_text(json.dumps(content))
    with pytest.raises(FournilError, match="rotary scaling"):
        write_gguf(model, tmp_path / "x.gguf", CARD)


def test_half_precision_keeps_the_values(make_model: Callable[..., Path], tmp_path: Path) -> None:
    write_gguf(make_model(), tmp_path / "a.gguf", CARD, quantization="f32")
    write_gguf(make_model(), tmp_path / "b.gguf", CARD, quantization="f16")
    full, half = (
        {tensor.name: np.asarray(tensor.data, dtype=np.float32) for tensor in GGUFReader(tmp_path / name).tensors}
        for name in ("a.gguf", "b.gguf")
    )
    for name, values in full.items():
        np.testing.assert_allclose(half[name].reshape(values.shape), values, rtol=1e-3, atol=1e-6)
