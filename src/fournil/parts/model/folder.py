"""Models in and out of Hugging Face folders: config.json, safetensors, generation_config.json. Never pickle."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path, write_json
from fournil.core.speech import tr, trn
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Block, Llama

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
LFS_POINTER = b"version https://git-lfs"
FLOATS = ("F64", "F32", "F16", "BF16")


def hugging_face_views(model: Llama) -> dict[str, Tensor]:
    """The model's weights under Hugging Face's names, as views: writing to one changes the model."""
    config = model.config
    views = {"model.embed_tokens.weight": model.embedding.data, "model.norm.weight": model.norm.data}
    if model.unembedding is not None:
        views["lm_head.weight"] = model.unembedding.data
    query, key = config.num_attention_heads * config.head_width, config.key_value_heads * config.head_width
    for layer, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        name = f"model.layers.{layer}."
        views[name + "input_layernorm.weight"] = block.attention_norm.data
        views[name + "post_attention_layernorm.weight"] = block.feed_norm.data
        views[name + "self_attn.q_proj.weight"] = block.qkv.data[:query]
        views[name + "self_attn.k_proj.weight"] = block.qkv.data[query : query + key]
        views[name + "self_attn.v_proj.weight"] = block.qkv.data[query + key :]
        views[name + "self_attn.o_proj.weight"] = block.attention_out.data
        if block.q_norm is not None and block.k_norm is not None:
            views[name + "self_attn.q_norm.weight"] = block.q_norm.data
            views[name + "self_attn.k_norm.weight"] = block.k_norm.data
        views[name + "mlp.gate_proj.weight"] = block.gate_up.data[: config.intermediate_size]
        views[name + "mlp.up_proj.weight"] = block.gate_up.data[config.intermediate_size :]
        views[name + "mlp.down_proj.weight"] = block.down.data
    return views


def read_config(folder: Path) -> ModelConfig:
    """Read a folder's config.json.

    Raises:
        FournilError: There is none, or it describes another kind of model.
    """
    return ModelConfig.from_hugging_face(read_json(folder / "config.json"), where=str(folder / "config.json"))


def load(folder: Path, dtype: torch.dtype = torch.float32, *, device: torch.device | str = "cpu") -> Llama:
    """Read a model from a Hugging Face folder, whole and checked.

    Nothing is allocated before config.json and the headers of the weights agree.

    Args:
        folder: Has config.json and model.safetensors, or shards with their index.
        dtype: The type of the weights in memory.
        device: Where they go.

    Raises:
        FournilError: A file is missing or broken, weights are pickled, a tensor is missing, unknown, of a wrong shape
            or type, or holds NaN or an infinity; or the model is larger than the free memory.
    """
    folder = Path(folder)
    config = read_config(folder)
    kept = _checked(folder, config, tensor_headers(folder))
    needed = config.num_parameters() * dtype.itemsize
    if torch.device(device).type == "cpu":
        refuse_beyond_memory(needed, folder)
    with torch.device("meta"):
        model = Llama(config)
    # As to_empty does, whose way through tensors without memory imports sympy: half a second of every start.
    model = model._apply(lambda tensor: torch.empty(tensor.shape, dtype=dtype, device=device))
    _restore_tables(model, device)
    wanted = hugging_face_views(model)
    for path, name, tensor in _tensors(kept):
        wanted[name].copy_(tensor)
        refuse_not_finite(name, wanted[name], path)
    return model


def refuse_not_finite(name: str, tensor: Tensor, where: Path) -> None:
    """Refuse weights that would make every answer NaN.

    Raises:
        FournilError: The tensor holds NaN or an infinity.
    """
    if not bool(torch.isfinite(tensor).all()):
        raise FournilError(
            tr("{name} holds NaN or an infinity", name=name), where=where, fix=tr("Take the weights from elsewhere.")
        )


def check(folder: Path) -> ModelConfig:
    """Look at a folder's configuration and weights as `load` does, one tensor in memory at a time.

    Raises:
        FournilError: As `load`.
    """
    folder = Path(folder)
    config = read_config(folder)
    for path, name, tensor in _tensors(_checked(folder, config, tensor_headers(folder))):
        refuse_not_finite(name, tensor, path)
    return config


def _checked(folder: Path, config: ModelConfig, headers: list[Header]) -> list[Header]:
    """The tensors that a model of this shape needs, each once.

    Raises:
        FournilError: One is missing, unknown, given twice, or of a wrong shape or type.
    """
    if config.num_hidden_layers > len(headers):  # a lie about layers would make a long list of names
        raise FournilError(
            tr("config.json asks for {layers:,} layers, the weights are {count:,} tensors",
               layers=config.num_hidden_layers, count=len(headers)),
            where=folder,
            fix=tr("The weights do not belong to config.json."),
        )  # fmt: skip
    with torch.device("meta"):
        wanted = hugging_face_views(Llama(config))
    kept: dict[str, Header] = {}
    for header in headers:
        name, path = header.name, header.path
        if name.endswith("rotary_emb.inv_freq") or (name == "lm_head.weight" and config.tie_word_embeddings):
            continue  # both follow from the rest
        if name not in wanted:
            raise FournilError(
                tr("unknown tensor {name}", name=name), where=path, fix=tr("The weights do not belong to config.json.")
            )
        if name in kept:
            raise FournilError(
                tr("{name} is in two files", name=name), where=path, fix=tr("Give the folder as it was published.")
            )
        if header.shape != tuple(wanted[name].shape):
            raise FournilError(
                tr(
                    "{name} has shape {found}, config.json asks for {wanted}",
                    name=name,
                    found=header.shape,
                    wanted=tuple(wanted[name].shape),
                ),
                where=path,
                fix=tr("The weights do not belong to config.json."),
            )
        if header.dtype not in FLOATS:
            raise FournilError(
                tr("{name} is of type {dtype}", name=name, dtype=header.dtype),
                where=path,
                fix=tr("Take the model's full weights, in float16, bfloat16 or float32."),
            )
        kept[name] = header
    refuse_missing(set(wanted) - set(kept), folder)
    return list(kept.values())


def refuse_missing(names: Iterable[str], folder: Path) -> None:
    """Refuse a model of which tensors are missing.

    Raises:
        FournilError: There are any; it names the first.
    """
    missing = sorted(names)
    if missing:
        raise FournilError(
            trn(
                "{count} tensor is missing: {first}",
                "{count} tensors are missing, the first is {first}",
                len(missing),
                first=missing[0],
            ),
            where=folder,
            fix=tr("Give the full folder."),
        )


def refuse_beyond_memory(needed: int, where: Path | str) -> None:
    """Say that weights do not fit before the system ends the process for it; where nothing is known, go on.

    Raises:
        FournilError: They take more bytes than are free.
    """
    free = free_memory_bytes()
    if free is not None and needed > free:
        raise FournilError(
            tr(
                "the model takes {needed:,.1f} GB of memory, {free:,.1f} are free", needed=needed / 1e9, free=free / 1e9
            ),
            where=where,
            fix=tr("Close other programs, or take a smaller model."),
        )


def free_memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Memory that a process may still take, where the system tells."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def save(model: Llama, folder: Path, *, dtype: torch.dtype = torch.float32) -> None:
    """Write config.json, model.safetensors and generation_config.json, the same bytes for the same weights.

    Args:
        model: The model.
        folder: Where to; made when it is missing. Tokenizer files are the caller's.
        dtype: The type of the weights in the file, float32 or bfloat16.
    """
    folder = Path(folder)
    config = model.config
    tensors = {
        name: view.detach().to("cpu", dtype).contiguous().clone() for name, view in hugging_face_views(model).items()
    }
    with atomic_path(folder / WEIGHTS) as path:
        save_file(tensors, path, metadata={"format": "pt"})
    content = config.to_hugging_face(str(dtype).removeprefix("torch."))
    write_json(folder / "config.json", content)
    generation: dict[str, Any] = {"do_sample": False, "max_length": config.max_position_embeddings}
    for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
        if content[name] is not None:
            generation[name] = content[name]
    write_json(folder / "generation_config.json", generation)


def _restore_tables(model: Llama, device: torch.device | str) -> None:
    """Rotary tables are not stored: they are still without content."""
    from fournil.parts.model.attention import first_positions, rotary_table

    cos, sin = rotary_table(model.config, first_positions(model.config))
    model.cos, model.sin = cos.to(device), sin.to(device)


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of one tensor."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: str
    """As safetensors writes it: F32, BF16 …"""


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: those that its index names, or else model.safetensors.

    Raises:
        FournilError: There is none, one is missing or lies elsewhere, or the weights are pickled.
    """
    if (folder / INDEX).exists():
        shards = read_json(folder / INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise FournilError(tr("no weight_map in it"), where=folder / INDEX, fix=tr("Give the full folder."))
        names = sorted({str(name) for name in shards.values()})
    elif (folder / WEIGHTS).exists():
        names = [WEIGHTS]
    else:
        pickles = [path.name for pattern in PICKLES for path in sorted(folder.glob(pattern))]
        if pickles:
            raise FournilError(
                tr("weights are pickled ({name}): reading them would run whatever they contain", name=pickles[0]),
                where=folder,
                fix=tr(
                    "Convert them where you trust them: AutoModelForCausalLM.from_pretrained(FOLDER)"
                    ".save_pretrained(NEW_FOLDER) in transformers writes safetensors."
                ),
            )
        raise FournilError(tr("no model.safetensors"), where=folder, fix=tr("Give a Hugging Face model folder."))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise FournilError(
                tr("the index names {name!r}", name=name), where=folder / INDEX, fix=tr("Shards lie beside the index.")
            )
        if not (folder / name).is_file():
            raise FournilError(tr("this shard is missing"), where=folder / name, fix=tr("Give the full folder."))
    return [folder / name for name in names]


def tensor_headers(folder: Path) -> list[Header]:
    """What the weights' files say of their tensors; the tensors themselves are not read.

    Raises:
        FournilError: As weight_files; or a file is cut short, or its header does not fit its length.
    """
    found: list[Header] = []
    for path in weight_files(folder):
        with _opened(path) as file:
            for name in sorted(file.keys()):
                part = file.get_slice(name)
                found.append(Header(path, name, tuple(part.get_shape()), str(part.get_dtype())))
    return found


def _tensors(headers: list[Header]) -> Iterator[tuple[Path, str, Tensor]]:
    for path in sorted({header.path for header in headers}):
        with _opened(path) as file:
            for header in headers:
                if header.path == path:
                    yield path, header.name, file.get_tensor(header.name)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        if _begins_with(path, LFS_POINTER):
            raise FournilError(
                tr("this is a pointer of Git LFS, not the file itself"),
                where=path,
                fix=tr("Run git lfs pull in that folder, or fetch the file again."),
            ) from None
        raise FournilError(
            tr("broken safetensors ({error})", error=error), where=path, fix=tr("Fetch the file again.")
        ) from None


def _begins_with(path: Path, begins: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(begins)) == begins
    except OSError:
        return False


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FournilError: There is no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FournilError(
            tr("there is no such file"), where=path, fix=tr("Give a Hugging Face model folder.")
        ) from None
    except (ValueError, RecursionError) as error:
        raise FournilError(
            tr("this is no JSON ({error})", error=error), where=path, fix=tr("Fetch the file again.")
        ) from None
    if not isinstance(content, dict):
        raise FournilError(tr("this is no JSON object"), where=path, fix=tr("Give a Hugging Face model folder."))
    return content
