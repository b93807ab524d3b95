"""A model as the page carries it: one safetensors file of 8-bit rows, with the tokenizer and the prompts in its header.

A row of a matrix is kept as integers from -127 to 127 and one float32 scale, weight = integer x scale. Base64 stands in
the page, so nothing of a vocabulary or a template ever meets the page's HTML.

Shapes: R rows, C columns.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from fournil.core.languages import language
from fournil.core.rounding import MAX_BYTES, quantise
from fournil.core.speech import Message, mark
from fournil.stages.report.model.prompts import chat_pieces

FORMAT = 1
_ARCHITECTURES = ("LlamaForCausalLM", "Qwen3ForCausalLM")
_SPACE = "\u2581"
_DECODER = [
    {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
    {"type": "ByteFallback"},
    {"type": "Fuse"},
]
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


class Unpackable(Exception):  # noqa: N818 - it is an answer, no fault
    """A page cannot carry this model; `reason` says why, as a message that goes into records."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason["message"].format(**reason["values"]))
        self.reason = reason


@dataclass(frozen=True)
class Packed:
    """A model's file."""

    data: bytes
    weight_bytes: int
    """Of the weights alone: one for each where they are 8-bit."""
    languages: tuple[str, ...]
    """Those that it can be asked to translate into."""
    chats: bool
    """Whether it has a chat template."""

    @property
    def sha256(self) -> str:
        """The file's hash, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def pack(folder: Path, languages: Sequence[str], *, kind: Literal["int8", "float32"] = "int8") -> Packed:
    """Pack a Hugging Face folder.

    Args:
        folder: With config.json, safetensors, tokenizer.json and tokenizer_config.json.
        languages: Tags of the languages that the model may be asked for.
        kind: 8-bit rows, or the weights as they are (for tests of the arithmetic).

    Raises:
        Unpackable: The architecture or the tokenizer is not one that the page's engine reads, or the model is too
            large.
    """
    config = _read_json(folder / "config.json")
    shape = read_shape(config)
    num_weights = _num_weights(shape, tied=bool(config.get("tie_word_embeddings")))
    if num_weights > MAX_BYTES:
        raise Unpackable(
            mark(
                "its 8-bit weights would take {megabytes:,.0f} MB, and a page carries {most:,.0f} MB at most",
                megabytes=num_weights / 1e6,
                most=MAX_BYTES / 1e6,
            )
        )
    vocabulary, merges_P2 = read_tokenizer(_read_json(folder / "tokenizer.json"))
    prompts = read_prompts(folder, vocabulary, languages)
    tensors = {"frequencies": rotary_frequencies(config, shape["head_dim"]), "merges": merges_P2}
    for name, array in _arrange(_read_weights(folder), shape, tied=bool(config.get("tie_word_embeddings"))).items():
        if array.ndim == 1 or kind == "float32":
            tensors[name] = array
        else:
            tensors[name], tensors[f"{name}.scale"] = quantise(array)
    about = {"format": FORMAT, "shape": shape, "tokenizer": vocabulary, "prompts": prompts}
    # One entry alone: safetensors writes several in an order that changes.
    data = save(tensors, {"fournil": json.dumps(about, ensure_ascii=False, separators=(",", ":"), sort_keys=True)})
    asked = tuple(prompts["languages"]) if prompts["chat"] else ()
    return Packed(data, num_weights * (1 if kind == "int8" else 4), asked, prompts["chat"] is not None)


def carried(folder: Path, languages: Sequence[str]) -> Packed | Unpackable | None:
    """What a page carries of an exported folder: the packed model, or why not; None where nothing was exported."""
    if not (folder / "config.json").is_file():
        return None
    try:
        return pack(folder, languages)
    except Unpackable as reason:
        return reason


def read_shape(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of config.json the engine needs.

    Raises:
        Unpackable: It is no architecture that the engine computes.
    """
    architecture = (config.get("architectures") or ["?"])[0]
    if architecture not in _ARCHITECTURES:
        raise Unpackable(mark("the page's engine does not know the architecture {name}", name=architecture))
    for name in ("attention_bias", "mlp_bias", "use_sliding_window", "quantization_config"):
        if config.get(name):
            raise Unpackable(mark("the page's engine does not know the setting {name} of the model", name=name))
    if config.get("hidden_act", "silu") != "silu":
        raise Unpackable(mark("the page's engine does not know the setting {name} of the model", name="hidden_act"))
    heads = config["num_attention_heads"]
    return {
        "vocab_size": config["vocab_size"],
        "hidden_size": config["hidden_size"],
        "intermediate_size": config["intermediate_size"],
        "num_hidden_layers": config["num_hidden_layers"],
        "num_attention_heads": heads,
        "num_key_value_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or config["hidden_size"] // heads,
        "rms_norm_eps": config.get("rms_norm_eps", 1e-6),
        "context_length": config.get("max_position_embeddings", 2048),
        "query_key_norm": architecture == "Qwen3ForCausalLM",
    }


def rotary_frequencies(config: Mapping[str, Any], head_dim: int) -> np.ndarray:
    """Angle per position of each pair of a head's coordinates, float32 [head_dim / 2].

    Raises:
        Unpackable: Positions are stretched in a way that the engine does not know.
    """
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    theta = float(config.get("rope_theta") or rope.get("rope_theta") or 10_000.0)
    found = 1.0 / np.float32(theta) ** (np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim))
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "linear":
        found = found / rope["factor"]
    elif kind == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        waves = rope["original_max_position_embeddings"] * found / (2 * np.pi)
        smooth = np.clip((waves - low) / (high - low), 0.0, 1.0)
        found = (1 - smooth) * found / rope["factor"] + smooth * found
    elif kind != "default":
        raise Unpackable(mark("the page's engine does not know the rotary positions of type {kind}", kind=kind))
    return found.astype(np.float32)


def read_tokenizer(content: Mapping[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """Reduce tokenizer.json to every id's text, the ids found before merging, and the merges as ids [P, 2].

    Raises:
        Unpackable: It is not made as ours are.
    """
    model = content.get("model") or {}
    before = content.get("pre_tokenizer") or {}
    ours = (
        model.get("type") == "BPE"
        and model.get("byte_fallback") is True
        and not any(model.get(name) for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"))
        and not model.get("ignore_merges")
        and content.get("normalizer") is None
        and (before.get("type"), before.get("replacement")) == ("Metaspace", _SPACE)
        and (before.get("prepend_scheme"), before.get("split")) == ("never", False)
        and (content.get("decoder") or {}).get("decoders") == _DECODER
        and all(f"<0x{byte:02X}>" in model["vocab"] for byte in range(256))
    )
    added = content.get("added_tokens") or []
    plain = all(
        not (token["lstrip"] or token["rstrip"] or token["single_word"] or token["normalized"]) for token in added
    )
    if not ours or not plain:
        raise Unpackable(mark("the page's engine does not know this kind of tokenizer"))
    ids = dict(model["vocab"]) | {token["content"]: token["id"] for token in added}
    pieces = [""] * (max(ids.values()) + 1)
    for piece, number in ids.items():
        pieces[number] = piece
    pairs = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    merges_P2 = np.array([[ids[left], ids[right]] for left, right in pairs], dtype=np.uint32).reshape(-1, 2)
    vocabulary = {
        "pieces": pieces,
        "added": sorted(token["id"] for token in added),
        "special": sorted(token["id"] for token in added if token["special"]),
    }
    return vocabulary, merges_P2.astype(np.uint16) if len(pieces) <= 1 << 16 else merges_P2


def read_prompts(folder: Path, vocabulary: Mapping[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """How the model is asked: what begins and ends texts, the chat template in pieces, what asks for a language."""
    path = folder / "tokenizer_config.json"
    config = _read_json(path) if path.is_file() else {}
    ids = {piece: number for number, piece in enumerate(vocabulary["pieces"]) if piece}
    bos, eos = _token(config, "bos_token"), _token(config, "eos_token") or "</s>"
    by_class = str(config.get("tokenizer_class", "")).startswith("LlamaTokenizer")
    begin = ids.get(bos) if bos and config.get("add_bos_token", by_class) else None
    turn_end, turn_start = ids.get("<|im_end|>"), ids.get("<|im_start|>")
    stop = sorted({number for number in (ids.get(eos), turn_end, turn_start) if number is not None})
    start = next((number for number in (begin, ids.get(eos), *stop) if number is not None), 0)
    beside = folder / "chat_template.jinja"
    template = beside.read_text("utf-8") if beside.is_file() else config.get("chat_template")
    chat = chat_pieces(template, bos=bos, eos=eos) if isinstance(template, str) else None
    if chat is not None:
        chat["stop"] = sorted({number for number in (ids.get(eos), turn_end) if number is not None})
        if config.get("single_turn") is True:
            chat["again"] = None
    special = {vocabulary["pieces"][number] for number in vocabulary["special"]}
    by_token = {tag: {"text": f"<|{tag}|>", "special": True} for tag in languages if f"<|{tag}|>" in special}
    by_words = {tag: {"text": f"Translate into {language(tag).name}:\n\n"} for tag in languages}
    known = any(re.fullmatch(r"<\|[a-z]{2,3}\|>", piece) for piece in special - {"<|end|>"})
    return {
        "start": start,
        "begin": begin,
        "stop": stop,
        "chat": chat,
        "languages": by_token if known else by_words,
    }


def _num_weights(shape: Mapping[str, Any], *, tied: bool) -> int:
    width, size = shape["hidden_size"], shape["head_dim"]
    heads = 2 * shape["num_attention_heads"] + 2 * shape["num_key_value_heads"]
    layer = width * size * heads + 3 * width * shape["intermediate_size"]
    return shape["num_hidden_layers"] * layer + shape["vocab_size"] * width * (1 if tied else 2)


def _arrange(weights: Mapping[str, np.ndarray], shape: Mapping[str, Any], *, tied: bool) -> dict[str, np.ndarray]:
    """The weights under the engine's names, matrices that read the same input as one."""
    found = {"embedding": weights["model.embed_tokens.weight"], "norm": weights["model.norm.weight"]}
    if not tied:
        found["output"] = weights["lm_head.weight"]
    for layer in range(shape["num_hidden_layers"]):
        part = {name: weights[f"model.layers.{layer}.{name}.weight"] for name in _names(shape["query_key_norm"])}
        queries_keys_values = [part[f"self_attn.{letter}_proj"] for letter in "qkv"]
        found |= {
            f"{layer}.attention_norm": part["input_layernorm"],
            f"{layer}.qkv": np.concatenate(queries_keys_values),
            f"{layer}.attention_out": part["self_attn.o_proj"],
            f"{layer}.feed_norm": part["post_attention_layernorm"],
            f"{layer}.gate_up": np.concatenate([part["mlp.gate_proj"], part["mlp.up_proj"]]),
            f"{layer}.down": part["mlp.down_proj"],
        }
        if shape["query_key_norm"]:
            found |= {f"{layer}.query_norm": part["self_attn.q_norm"], f"{layer}.key_norm": part["self_attn.k_norm"]}
    return found


def _names(query_key_norm: bool) -> tuple[str, ...]:
    names = ("input_layernorm", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    names += tuple(f"self_attn.{letter}_proj" for letter in "qkvo")
    return (*names, "self_attn.q_norm", "self_attn.k_norm") if query_key_norm else names


def _read_weights(folder: Path) -> dict[str, np.ndarray]:
    """All tensors of a folder as float32; numpy has no bfloat16, whose 16 bits are the first of a float32."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            entries = deserialize(path.read_bytes())
        except SafetensorError:
            raise Unpackable(mark("its weights cannot be read: {name}", name=path.name)) from None
        for name, entry in entries:
            if entry["dtype"] == "BF16":
                bits = np.frombuffer(entry["data"], dtype="<u2").astype(np.uint32) << 16
                array = bits.view(np.float32)
            elif entry["dtype"] in _DTYPES:
                array = np.frombuffer(entry["data"], dtype=_DTYPES[entry["dtype"]]).astype(np.float32)
            else:
                raise Unpackable(mark("its weights cannot be read: {name}", name=f"{name} ({entry['dtype']})"))
            found[name] = array.reshape(entry["shape"])
    return found


def _token(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    value = value.get("content") if isinstance(value, Mapping) else value
    return value if isinstance(value, str) else ""


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
