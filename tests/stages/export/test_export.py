import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fournil.core.context import Artifact, Context
from fournil.core.errors import FournilError
from fournil.core.files import hash_tree
from fournil.core.speech import retell
from fournil.parts.model import gguf
from fournil.parts.model.folder import load as load_model
from fournil.parts.tokenize import encode_batch, load
from fournil.stages.export import Config, check, run
from fournil.stages.export.lines import NASTY_LINES


def export(model: Path, out: Path, **settings: Any) -> Artifact:
    out.mkdir(exist_ok=True)
    return run(Config(name="essai", **settings), {"model": model}, out, Context())


@pytest.fixture(scope="session")
def exported(make_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Artifact]:
    pytest.importorskip("transformers")
    pytest.importorskip("xllamacpp")
    out = tmp_path_factory.mktemp("export")
    model = make_model(chat=True)
    return out, export(model, out, gguf=("f32", "q8_0"), licence="cc0-1.0", description="Un essai.", check_tokens=40)


def test_both_libraries_read_the_same_model(exported: tuple[Path, Artifact]) -> None:
    _, artifact = exported
    checks, measured = artifact.facts["checks"], artifact.measured
    assert checks["transformers"]["lines_with_equal_ids"] == len(NASTY_LINES)
    assert measured["transformers"]["max_abs_logit_difference"] < 1e-4
    assert checks["essai-f32.gguf"]["prompts"] == 16
    assert measured["essai-f32.gguf"]["prompts_with_equal_text"] == 16
    assert checks["essai-q8_0.gguf"]["lines_with_equal_ids"] == len(NASTY_LINES)


def test_both_libraries_read_the_same_model_with_normed_queries(
    make_model: Callable[..., Path], tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    pytest.importorskip("xllamacpp")
    artifact = export(make_model(qk_norm=True, chat=True), tmp_path, gguf=("f32",), check_tokens=40)
    assert artifact.measured["transformers"]["max_abs_logit_difference"] < 1e-4
    prompts = artifact.facts["checks"]["essai-f32.gguf"]["prompts"]
    assert artifact.measured["essai-f32.gguf"]["prompts_with_equal_text"] == prompts > 0
    config = json.loads((tmp_path / "huggingface" / "config.json").read_text())
    assert config["architectures"] == ["Qwen3ForCausalLM"]
    assert "A Qwen3 of" in (tmp_path / "huggingface" / "README.md").read_text()


def test_exporting_again_gives_the_same_bytes(exported: tuple[Path, Artifact], tmp_path: Path) -> None:
    out, _ = exported
    settings = {"licence": "CC0-1.0", "description": "Un essai.", "gguf": ("f32", "q8_0"), "check": False}
    export(out / "huggingface", tmp_path, **settings)
    assert hash_tree(tmp_path)["sha256"] == hash_tree(out)["sha256"]


def test_a_chat_model_ends_its_turns(exported: tuple[Path, Artifact]) -> None:
    folder = exported[0] / "huggingface"
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2, 5]
    template = (folder / "chat_template.jinja").read_text()
    assert json.loads((folder / "tokenizer_config.json").read_text())["chat_template"] == template


def test_the_card_has_the_front_matter_of_the_hub(exported: tuple[Path, Artifact]) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard.load(exported[0] / "huggingface" / "README.md")
    assert card.data.language == ["fr", "en"]
    assert card.data.license == "cc0-1.0"
    assert "Un essai." in card.text
    assert "A Llama of" in card.text


def test_greedy_text_of_llama_cpp_equals_transformers(exported: tuple[Path, Artifact]) -> None:
    from transformers import AutoModelForCausalLM

    out, _ = exported
    folder = out / "huggingface"
    prompts = [row.tolist() for row in encode_batch(load(folder), ["Le pain", "The oven"], parse_special=False)]
    answer = check.ask_llama_cpp(
        {
            "model": str(out / "gguf" / "essai-f32.gguf"),
            "lines": [],
            "prompts": prompts,
            "num_tokens": 40,
            "chat": False,
        }
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for prompt, theirs in zip(prompts, answer["continuations"], strict=True):
        ids = model.generate(torch.tensor([prompt]), max_new_tokens=40, do_sample=False)[0, len(prompt) :].tolist()
        assert [token for token in ids if token not in (2, 5)] == [token for token in theirs if token not in (2, 5)]


def test_llama_cpp_gives_the_ids_of_real_and_random_lines(
    exported: tuple[Path, Artifact], mie_lines: list[str]
) -> None:
    out, _ = exported
    dice = random.Random(3)
    parts = [
        *"aàeéêio’'-,.;:!?«»\u00a0\u202f \t\n1290<>|_/",
        "  ",
        "\r\n",
        "qu’",
        "tion",
        "</s>",
        "😀",
        "e\u0301",
        "漢",
    ]
    lines = [*mie_lines[::4], *("".join(dice.choices(parts, k=dice.randint(1, 60))) for _ in range(300))]
    path = str(out / "gguf" / "essai-q8_0.gguf")
    request = {"model": path, "lines": lines, "prompts": [], "num_tokens": 1, "chat": False}
    answer = check.ask_llama_cpp(request)
    expected = encode_batch(load(out / "huggingface"), lines, parse_special=False)
    assert [line for line, ids, ours in zip(lines, answer["ids"], expected, strict=True) if ids != ours.tolist()] == []


def test_heads_in_the_wrong_order_are_found(
    make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr(gguf, "_interleaved", lambda values, num_heads: values)
    monkeypatch.setattr("fournil.stages.export.check.check_transformers", lambda folder, languages: ("", {}))
    with pytest.raises(FournilError, match="llama.cpp writes another text"):
        export(make_model(), tmp_path, gguf=("f32",))


def test_wrong_scores_are_found(
    make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    write = gguf.gguf.GGUFWriter.add_token_scores
    monkeypatch.setattr(
        gguf.gguf.GGUFWriter, "add_token_scores", lambda self, scores: write(self, [-1e3] * len(scores))
    )
    monkeypatch.setattr("fournil.stages.export.check.check_transformers", lambda folder, languages: ("", {}))
    with pytest.raises(FournilError, match="llama.cpp gives other ids"):
        export(make_model(), tmp_path, gguf=("f16",))


def test_other_logits_are_found(make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")

    def bent(folder: Path) -> Any:
        model = load_model(folder)
        model.norm.data[0] += 0.1
        return model

    monkeypatch.setattr(check, "load_model", bent)
    with pytest.raises(FournilError, match="logits differ"):
        check.check_transformers(make_model(), ("fr",))


def test_a_short_context_bounds_the_check(make_model: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    model = make_model(chat=True)
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 24}))
    gguf.write_gguf(model, tmp_path / "x.gguf", gguf.Card("essai"), quantization="f32")
    facts, measured = check.check_llama_cpp(model, tmp_path / "x.gguf", "f32", ("fr", "en"), 40)
    assert measured["prompts_with_equal_text"] == facts["prompts"]  # type: ignore[index]


def test_a_missing_library_is_said(
    make_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "find_spec", lambda name: None)
    facts = export(make_model(), tmp_path, gguf=("f16",)).facts
    assert retell(facts["checks"]["transformers"]) == "not checked: transformers is not installed"
    assert retell(facts["checks"]["essai-f16.gguf"]) == "not checked: xllamacpp is not installed"


def test_a_file_that_llama_cpp_cannot_read_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(FournilError, match="cannot use this file"):
        check.ask_llama_cpp(
            {"model": str(tmp_path / "x.gguf"), "lines": [], "prompts": [], "num_tokens": 1, "chat": False}
        )


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"gguf": ("q9",)}, "no GGUF type 'q9'"), ({"licence": "mine"}, "mine"), ({"name": "a/b"}, "no file name")],
)
def test_wrong_settings_are_named(
    make_model: Callable[..., Path], tmp_path: Path, settings: dict[str, Any], match: str
) -> None:
    with pytest.raises(FournilError, match=match):
        run(Config(**settings), {"model": make_model()}, tmp_path, Context())


def test_interleaving_turns_pairs_as_llama_cpp_does() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert gguf._interleaved(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_weights_that_are_nan_are_never_exported(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model()
    tensors = load_file(model / "model.safetensors")
    tensors["model.norm.weight"][0] = float("nan")
    save_file(tensors, model / "model.safetensors")
    with pytest.raises(FournilError, match="model.norm.weight holds NaN"):
        export(model, tmp_path / "out", gguf=(), check=False)
    assert not (tmp_path / "out" / "huggingface").exists()


def test_what_lies_beside_the_weights_is_not_exported(make_model: Callable[..., Path], tmp_path: Path) -> None:
    model = make_model()
    (model / "old.safetensors").write_bytes(b"")
    (model / "pytorch_model.bin").write_bytes(b"")
    export(model, tmp_path / "out", gguf=(), check=False)
    assert not {"old.safetensors", "pytorch_model.bin"} & {
        path.name for path in (tmp_path / "out/huggingface").iterdir()
    }
