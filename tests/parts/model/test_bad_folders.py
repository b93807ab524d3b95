"""Model folders that are broken, or made to do harm: what each is refused with."""

# ruff: noqa: E501 - a table: one row a line

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file, save_file

from fournil.core.errors import FournilError
from fournil.parts.model import folder as folders
from fournil.parts.model.engine import open_model
from fournil.parts.tokenize import load

WEIGHTS, CONFIG = "model.safetensors", "config.json"
LYING_HEADER = {"model.norm.weight": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}


class Bad(NamedTuple):
    """A folder, how it is made of a whole one, and the message that it gets: FOLDER stands for its place, … for whatever others say."""

    given: str
    make: Callable[[Path], object]
    message: str


def _config(**changes: Any) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        content = json.loads((folder / CONFIG).read_text()) | changes
        content = {name: value for name, value in content.items() if value != "absent"}
        (folder / CONFIG).write_text(json.dumps(content))

    return make


def _tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS)

    return make


def _poisoned(value: float) -> Callable[[dict[str, torch.Tensor]], object]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors["model.layers.1.mlp.down_proj.weight"][3, 5] = value

    return change


def _write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def _pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def _lying(folder: Path) -> None:
    header = json.dumps(LYING_HEADER).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))


def _index(weight_map: object) -> Callable[[Path], object]:
    return _write("model.safetensors.index.json", json.dumps({"weight_map": weight_map}).encode())


def _gguf_beside(folder: Path) -> None:
    _remove(CONFIG)(folder)
    (folder / "model-q8_0.gguf").write_bytes(b"GGUF" + bytes(60))


def _fewer_rows(folder: Path) -> None:
    _tensors(
        lambda tensors: tensors.update(
            {name: tensors[name][:200].clone() for name in ("model.embed_tokens.weight", "lm_head.weight")}
        )
    )(folder)
    _config(vocab_size=200)(folder)


CLOSED = "Fetch the file again."
BELONG = "The weights do not belong to config.json."
BAD_FOLDERS = [
    Bad("an empty folder", _remove(CONFIG, WEIGHTS), "no model here [FOLDER]. Give a Hugging Face folder, with a config.json."),
    Bad("a folder of GGUF files", _gguf_beside, "this is GGUF, which llama.cpp reads [FOLDER]. Give the Hugging Face folder that it was made of, with config.json and safetensors."),
    Bad("a config.json that is no JSON", _write(CONFIG, b"{hidden_size: 4"), f"this is no JSON (…) [FOLDER/config.json]. {CLOSED}"),
    Bad("a config.json of 100,000 brackets", _write(CONFIG, b"[" * 100_000), f"this is no JSON (…) [FOLDER/config.json]. {CLOSED}"),
    Bad("a config.json that holds a list", _write(CONFIG, b"[]"), "this is no JSON object [FOLDER/config.json]. Give a Hugging Face model folder."),
    Bad("a config.json without hidden_size", _config(hidden_size="absent"), "hidden_size is missing [FOLDER/config.json]. Give the model's full folder."),
    Bad("a hidden_size of 10¹²", _config(hidden_size=10**12), "hidden_size is 1,000,000,000,000 [FOLDER/config.json]. It must be from 1 to 1,048,576: fetch the file again."),
    Bad("a hidden_size that is text", _config(hidden_size="16"), "hidden_size is '16' [FOLDER/config.json]. It must be a whole number: fetch the file again."),
    Bad("a hidden_size that the weights have not", _config(hidden_size=1 << 20), f"lm_head.weight has shape (291, 16), config.json asks for (291, 1048576) [FOLDER/model.safetensors]. {BELONG}"),
    Bad("4,000 layers in config.json, two in the weights", _config(num_hidden_layers=4000), f"config.json asks for 4,000 layers, the weights are 21 tensors [FOLDER]. {BELONG}"),
    Bad("a context of a billion tokens", _config(max_position_embeddings=10**9), "max_position_embeddings is 1,000,000,000 [FOLDER/config.json]. It must be from 1 to 33,554,432: fetch the file again."),
    Bad("no attention heads", _config(num_attention_heads=0), "num_attention_heads is 0 [FOLDER/config.json]. It must be from 1 to 16,384: fetch the file again."),
    Bad("a norm's epsilon that is no number", _config(rms_norm_eps=float("nan")), "rms_norm_eps is 'nan' [FOLDER/config.json]. It must be a number above 0: fetch the file again."),
    Bad("rotary scaling by 0", _config(rope_scaling={"rope_type": "linear", "factor": 0.0}), "rotary scaling by 0.0 between 1.0 and 4.0 makes no sense [FOLDER/config.json]. Factors are above 0, and high_freq_factor is greater than low_freq_factor."),
    Bad("program code of its own (auto_map)", _config(auto_map={"AutoModelForCausalLM": "modeling_x.X"}), "this model brings program code of its own, which is not run [FOLDER]. Take a model whose architecture transformers itself knows."),
    Bad("quantised weights", _config(quantization_config={"quant_method": "gptq"}), "its weights are quantised (gptq) [FOLDER/config.json]. Take the model's full weights, in float16, bfloat16 or float32."),
    Bad("no weights", _remove(WEIGHTS), "no model.safetensors [FOLDER]. Give a Hugging Face model folder."),
    Bad("pickled weights alone", _pickled, "weights are pickled (pytorch_model.bin): reading them would run whatever they contain [FOLDER]. Convert them where you trust them: AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER) in transformers writes safetensors."),
    Bad("safetensors cut in half", _cut, f"broken safetensors (…) [FOLDER/model.safetensors]. {CLOSED}"),
    Bad("safetensors whose header claims four terabytes", _lying, f"broken safetensors (…) [FOLDER/model.safetensors]. {CLOSED}"),
    Bad("safetensors that are a pointer of Git LFS", _write(WEIGHTS, b"version https://git-lfs.github.com/spec/v1\n"), "this is a pointer of Git LFS, not the file itself [FOLDER/model.safetensors]. Run git lfs pull in that folder, or fetch the file again."),
    Bad("empty safetensors", _write(WEIGHTS, b""), f"broken safetensors (…) [FOLDER/model.safetensors]. {CLOSED}"),
    Bad("a weight that is NaN", _tensors(_poisoned(float("nan"))), "model.layers.1.mlp.down_proj.weight holds NaN or an infinity [FOLDER/model.safetensors]. Take the weights from elsewhere."),
    Bad("a weight that is infinite", _tensors(_poisoned(float("inf"))), "model.layers.1.mlp.down_proj.weight holds NaN or an infinity [FOLDER/model.safetensors]. Take the weights from elsewhere."),
    Bad("a tensor too few", _tensors(lambda tensors: tensors.pop("model.norm.weight")), "1 tensor is missing: model.norm.weight [FOLDER]. Give the full folder."),
    Bad("a tensor too many", _tensors(lambda tensors: tensors.update(extra=torch.ones(1))), f"unknown tensor extra [FOLDER/model.safetensors]. {BELONG}"),
    Bad("a tensor of another shape", _tensors(lambda tensors: tensors.update({"model.norm.weight": torch.ones(8)})), f"model.norm.weight has shape (8,), config.json asks for (16,) [FOLDER/model.safetensors]. {BELONG}"),
    Bad("weights in whole numbers", _tensors(lambda tensors: tensors.update({"model.norm.weight": torch.ones(16, dtype=torch.int8)})), "model.norm.weight is of type I8 [FOLDER/model.safetensors]. Take the model's full weights, in float16, bfloat16 or float32."),
    Bad("an index that names a file outside the folder", _index({"model.norm.weight": "../other/model.safetensors"}), "the index names '../other/model.safetensors' [FOLDER/model.safetensors.index.json]. Shards lie beside the index."),
    Bad("an index that names a pickle", _index({"model.norm.weight": "pytorch_model.bin"}), "the index names 'pytorch_model.bin' [FOLDER/model.safetensors.index.json]. Shards lie beside the index."),
    Bad("an index without a map", _index({}), "no weight_map in it [FOLDER/model.safetensors.index.json]. Give the full folder."),
    Bad("an index whose shard is missing", _index({"model.norm.weight": "model-00001-of-00002.safetensors"}), "this shard is missing [FOLDER/model-00001-of-00002.safetensors]. Give the full folder."),
    Bad("no tokenizer", _remove("tokenizer.json"), "no tokenizer in this folder [FOLDER]. It must hold tokenizer.json or tokenizer.model."),
    Bad("a broken tokenizer.json", _write("tokenizer.json", b'{"model": {}}'), "this file cannot be read as a tokenizer (…) [FOLDER/tokenizer.json]. Give a Hugging Face tokenizer.json or a SentencePiece .model file."),
    Bad("a tokenizer with more ids than the weights have rows", _fewer_rows, "the tokenizer has ids up to 290, the model 200 rows [FOLDER]. Give the tokenizer that the model was trained with."),
    Bad("a broken tokenizer_config.json", _write("tokenizer_config.json", b"{"), f"this is no JSON (…) [FOLDER/tokenizer_config.json]. {CLOSED}"),
    Bad("a chat template of a megabyte", _write("chat_template.jinja", b"a" * 1_000_000), "the chat template has 1,000,000 characters [FOLDER]. Templates have a few thousand: fetch the folder again."),
    Bad("an architecture that nobody knows", _config(model_type="levain", architectures=["LevainForCausalLM"]), "transformers cannot load this model (…) [FOLDER]. Check that the folder is whole, and that your transformers is new enough for it."),
    Bad("another architecture, with sizes that the weights have not", _config(model_type="mistral", architectures=["MistralForCausalLM"], hidden_size=1 << 16), f"config.json asks for 54,198,272 parameters, the files hold 13,232 [FOLDER]. {BELONG}"),
    Bad("another architecture, a tensor too few", lambda folder: (_config(model_type="mistral", architectures=["MistralForCausalLM"])(folder), _tensors(lambda tensors: tensors.pop("model.norm.weight"))(folder)), "1 tensor is missing: model.norm.weight [FOLDER]. Give the full folder."),
    Bad("another architecture, with NaN", lambda folder: (_config(model_type="mistral", architectures=["MistralForCausalLM"])(folder), _tensors(_poisoned(float("nan")))(folder)), "model.layers.1.mlp.down_proj.weight holds NaN or an infinity [FOLDER]. Take the weights from elsewhere."),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD_FOLDERS, ids=lambda row: row.given)
def test_each_is_refused_with_one_line(
    row: Bad, copy_of: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of()
    row.make(folder)
    if "NaN" not in row.message and "pointer" not in row.message:  # only then are weights looked at
        monkeypatch.setattr(torch.nn.Module, "to_empty", lambda self, *, device: pytest.fail("memory was taken"))
    with pytest.raises(FournilError) as caught:
        open_model(folder)
    said = str(caught.value).replace(str(folder), "FOLDER")
    assert re.fullmatch(re.escape(row.message).replace("…", "[^\n]+"), said), said
    assert capfd.readouterr() == ("", "")


def test_the_whole_folder_is_read(copy_of: Callable[[], Path]) -> None:
    engine = open_model(copy_of())
    assert engine.chat is not None
    assert engine.generate([[5, 6]], stop_ids=(), max_new_tokens=3)


def test_another_architecture_is_read_in_silence(
    copy_of: Callable[[], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of()
    _config(model_type="mistral", architectures=["MistralForCausalLM"])(folder)
    assert open_model(folder).kind == "transformers"
    assert capfd.readouterr() == ("", "")


def test_more_than_the_free_memory_is_refused(copy_of: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "free_memory_bytes", lambda: 1000)
    with pytest.raises(FournilError, match="GB of memory, 0.0 are free"):
        open_model(copy_of())


def test_free_memory_is_read_where_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    3 kB\n")
    assert folders.free_memory_bytes(tmp_path / "meminfo") == 3072
    assert folders.free_memory_bytes(tmp_path / "other") is None


def test_a_special_token_beyond_the_weights_is_let_pass_where_nothing_uses_it(copy_of: Callable[[], Path]) -> None:
    folder = copy_of()
    tokenizer = load(folder)
    tokenizer.add_special_tokens(["<filler>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    assert open_model(folder).generate([[5]], stop_ids=(), max_new_tokens=1)
    (folder / "chat_template.jinja").write_text("<filler>{{ messages[0]['content'] }}")
    with pytest.raises(FournilError, match="the tokenizer has ids up to 291"):
        open_model(folder)
