import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors

from fournil.core.rounding import MAX_BYTES, quantise
from fournil.parts.tokenize.prompts import TEMPLATE
from fournil.stages.report.model.embed import WORKER_SCRIPTS, blocks, script, worker_source
from fournil.stages.report.model.pack import Unpackable, carried, pack
from fournil.stages.report.model.prompts import chat_pieces


def rewrite(folder: Path, target: Path, name: str, **changes: Any) -> Path:
    """A copy of a folder with another value in one of its JSON files."""
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    content = json.loads((target / name).read_text())
    (target / name).write_text(json.dumps(content | changes))
    return target


def test_rows_are_rounded_to_half_a_step() -> None:
    matrix = np.random.default_rng(0).normal(size=(30, 50)).astype(np.float32) * np.logspace(-3, 3, 30)[:, None]
    matrix = matrix.astype(np.float32)
    matrix[7] = 0
    whole, scale = quantise(matrix)
    assert whole.dtype == np.int8
    assert (np.abs(whole * scale[:, None] - matrix) <= 0.5001 * scale[:, None]).all()
    assert np.abs(whole).max(axis=1).tolist() == [127 if i != 7 else 0 for i in range(30)]


def test_the_file_is_small_and_the_same_each_time(folder: Path) -> None:
    packed = pack(folder, ("fr", "en"))
    assert packed.data == pack(folder, ("fr", "en")).data
    tensors = load_tensors(packed.data)
    weights = sum(tensor.size for tensor in tensors.values() if tensor.dtype == np.int8)
    assert packed.weight_bytes == weights
    # Scales, norms and 20 KB of vocabulary; petit's weights are ten times these.
    assert len(packed.data) < 1.12 * weights + 35_000
    assert packed.languages == ("en", "fr") or packed.languages == ("fr", "en")


def test_nothing_of_a_vocabulary_meets_the_page(plain_folder: Path, tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><!--"
    content = json.loads((plain_folder / "tokenizer.json").read_text())
    vocab = {(hostile if number == 900 else piece): number for piece, number in content["model"]["vocab"].items()}
    gone = next(piece for piece, number in content["model"]["vocab"].items() if number == 900)
    merges = [pair for pair in content["model"]["merges"] if gone not in (*pair, "".join(pair))]
    changed = rewrite(
        plain_folder, tmp_path, "tokenizer.json", model=content["model"] | {"vocab": vocab, "merges": merges}
    )
    settings = json.loads((changed / "tokenizer_config.json").read_text()) | {"chat_template": hostile + TEMPLATE}
    (changed / "tokenizer_config.json").write_text(json.dumps(settings))
    html = blocks(pack(changed, ("fr", "en")))
    assert "alert" not in html
    assert hostile.encode() in base64.b64decode(html.rpartition("</script>")[0].rpartition(">")[2]).replace(
        b'\\"', b'"'
    )


def test_scripts_can_stand_in_a_page() -> None:
    # `script` refuses text that would end its element.
    assert worker_source() == "".join(script(name) for name in WORKER_SCRIPTS)
    assert "class ModelClient" in script("client.js")


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("config.json", {"architectures": ["MambaForCausalLM"]}, "architecture MambaForCausalLM"),
        ("config.json", {"attention_bias": True}, "setting attention_bias"),
        ("config.json", {"hidden_act": "gelu"}, "setting hidden_act"),
        (
            "config.json",
            {"vocab_size": 1_000_000},
            "would take 48 MB, and a page carries 32 MB at most",
        ),
        ("config.json", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "rotary positions of type yarn"),
        ("tokenizer.json", {"normalizer": {"type": "NFC"}}, "kind of tokenizer"),
        ("tokenizer.json", {"pre_tokenizer": None}, "kind of tokenizer"),
        ("tokenizer.json", {"model": {"type": "Unigram"}}, "kind of tokenizer"),
    ],
)
def test_what_the_engine_does_not_know_is_refused(
    plain_folder: Path, tmp_path: Path, name: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Unpackable, match=reason) as found:
        pack(rewrite(plain_folder, tmp_path, name, **changes), ("fr", "en"))
    assert found.value.reason["message"]


def test_what_a_page_carries_is_a_model_a_reason_or_nothing(plain_folder: Path, tmp_path: Path) -> None:
    assert carried(tmp_path, ("fr", "en")) is None
    assert carried(plain_folder, ("fr", "en")) == pack(plain_folder, ("fr", "en"))
    other = carried(rewrite(plain_folder, tmp_path, "config.json", hidden_act="gelu"), ("fr", "en"))
    assert isinstance(other, Unpackable)
    assert "hidden_act" in str(other)


def test_damaged_weights_are_refused(plain_folder: Path, tmp_path: Path) -> None:
    folder = rewrite(plain_folder, tmp_path, "config.json")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(Unpackable, match="cannot be read"):
        pack(folder, ("fr", "en"))


def test_32_megabytes_are_the_bound() -> None:
    assert MAX_BYTES == 32_000_000


def test_a_template_is_cut_at_its_messages() -> None:
    assert chat_pieces(TEMPLATE, bos="<s>", eos="</s>") == {
        "open": "<|im_start|>user\n",
        "answer": "<|im_end|>\n<|im_start|>assistant\n",
        "again": "<|im_end|>\n<|im_start|>user\n",
    }


def test_a_template_of_uneven_turns_is_for_one_only() -> None:
    counted = "{% for m in messages %}[{{ loop.revindex }}]{{ m['content'] }}{% endfor %}>"
    assert chat_pieces(counted, bos="", eos="") == {"open": "[1]", "answer": ">", "again": None}


@pytest.mark.parametrize("template", ["{{ nobody.knows }}", "{{ raise_exception('no') }}", "{% if %}", "nothing"])
def test_a_template_that_cannot_be_used_is_none(template: str) -> None:
    assert chat_pieces(template, bos="", eos="") is None


def test_bfloat16_weights_are_read(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = make_folder(num_attention_heads=3, num_key_value_heads=3, tie_word_embeddings=True)
    weights = {name: tensor.bfloat16() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    tensors = load_tensors(pack(folder, ("fr", "en"), kind="float32").data)
    assert torch.equal(torch.from_numpy(tensors["embedding"].copy()), weights["model.embed_tokens.weight"].float())
