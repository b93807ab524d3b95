"""Llamas in and out of Hugging Face folders: config.json, safetensors, generation_config.json. Never pickle."""

from __future__ import annotations

import json
from collections.abc import Iterator
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
        views[name + "mlp.gate_proj.weight"] = block.gate_up.data[: config.intermediate_size]
        views[name + "mlp.up_proj.weight"] = block.gate_up.data[config.intermediate_size :]
        views[name + "mlp.down_proj.weight"] = block.down.data
    return views


def read_config(folder: Path) -> ModelConfig:
    """Read a folder's config.json.

    Raises:
        FournilError: There is none, or it is no Llama.
    """
    return ModelConfig.from_hugging_face(_read_json(folder / "config.json"), where=str(folder / "config.json"))


def load(folder: Path, dtype: torch.dtype = torch.float32, *, device: torch.device | str = "cpu") -> Llama:
    """Read a Llama from a Hugging Face folder, whole and checked.

    Args:
        folder: Has config.json and model.safetensors, or shards with their index.
        dtype: The type of the weights in memory.
        device: Where they go.

    Raises:
        FournilError: A file is missing or broken, weights are pickled, a tensor is missing, unknown, of a wrong shape,
            or holds NaN or an infinity.
    """
    folder = Path(folder)
    config = read_config(folder)
    with torch.device("meta"):
        model = Llama(config)
    model = model.to_empty(device=device).to(dtype)
    _restore_tables(model, device)
    wanted = hugging_face_views(model)
    seen: set[str] = set()
    for path, name, tensor in _tensors(folder):
        if name.endswith("rotary_emb.inv_freq") or (name == "lm_head.weight" and config.tie_word_embeddings):
            continue  # both follow from the rest
        if name not in wanted:
            raise FournilError(
                tr("unknown tensor {name}", name=name), where=path, fix=tr("The weights do not belong to config.json.")
            )
        if wanted[name].shape != tensor.shape:
            raise FournilError(
                tr(
                    "{name} has shape {found}, config.json asks for {wanted}",
                    name=name,
                    found=tuple(tensor.shape),
                    wanted=tuple(wanted[name].shape),
                ),
                where=path,
                fix=tr("The weights do not belong to config.json."),
            )
        if not bool(torch.isfinite(tensor).all()):
            raise FournilError(
                tr("{name} holds NaN or an infinity", name=name), where=path, fix=tr("Take the weights from elsewhere.")
            )
        wanted[name].copy_(tensor)
        seen.add(name)
    missing = sorted(set(wanted) - seen)
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
    return model


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
    """Rotary tables are not stored: to_empty left them without content."""
    from fournil.parts.model.attention import rotary_table

    cos, sin = rotary_table(model.config, model.config.max_position_embeddings)
    model.cos, model.sin = cos.to(device), sin.to(device)


def _tensors(folder: Path) -> Iterator[tuple[Path, str, Tensor]]:
    if (folder / INDEX).exists():
        shards = _read_json(folder / INDEX).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise FournilError(tr("no weight_map in it"), where=folder / INDEX, fix=tr("Give the full folder."))
        names = sorted(set(shards.values()))
    elif (folder / WEIGHTS).exists():
        names = [WEIGHTS]
    else:
        pickles = [path.name for pattern in PICKLES for path in sorted(folder.glob(pattern))]
        if pickles:
            raise FournilError(
                tr(
                    "weights are pickled ({name}): reading them would run whatever they contain",
                    name=pickles[0],
                ),
                where=folder,
                fix=tr("Convert them to safetensors first."),
            )
        raise FournilError(tr("no model.safetensors"), where=folder, fix=tr("Give a Hugging Face model folder."))
    for name in names:
        path = folder / name
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise FournilError(
                tr("the index names {name!r}", name=name), where=folder / INDEX, fix=tr("Shards lie beside the index.")
            )
        if not path.exists():
            raise FournilError(tr("this shard is missing"), where=path, fix=tr("Give the full folder."))
        try:
            with safe_open(path, framework="pt") as file:
                for key in sorted(file.keys()):
                    yield path, key, file.get_tensor(key)
        except SafetensorError as error:
            raise FournilError(
                tr("broken safetensors ({error})", error=error), where=path, fix=tr("Fetch the file again.")
            ) from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FournilError(
            tr("there is no such file"), where=path, fix=tr("Give a Hugging Face model folder.")
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FournilError(
            tr("this is no JSON ({error})", error=error), where=path, fix=tr("Fetch the file again.")
        ) from None
    if not isinstance(content, dict):
        raise FournilError(tr("this is no JSON object"), where=path, fix=tr("Give a Hugging Face model folder."))
    return content
