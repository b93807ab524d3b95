"""A Hugging Face folder as one GGUF file that llama.cpp reads with the same ids and the same arithmetic.

Only what Fournil makes: an unscaled Llama, or a Qwen3 where queries and keys are normalised, with a tokenizer whose
merges follow from the order of its ids.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np

from fournil.core.errors import FournilError
from fournil.core.files import atomic_path
from fournil.core.speech import tr
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import hugging_face_views, load, read_config
from fournil.parts.tokenize.prompts import ChatFormat
from fournil.parts.tokenize.special import IM_END

Quantization = Literal["f32", "f16", "q8_0"]

_FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
}
_TYPES = {
    "f32": gguf.GGMLQuantizationType.F32,
    "f16": gguf.GGMLQuantizationType.F16,
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
}
_Q8_BLOCK = 32


@dataclass(frozen=True)
class Card:
    """What the file says of itself."""

    name: str
    description: str = ""
    licence: str = ""
    """An SPDX expression; empty: not stated."""
    languages: tuple[str, ...] = ()


def write_gguf(folder: Path, path: Path, card: Card, *, quantization: Quantization = "f16") -> None:
    """Write a model folder as GGUF; the same folder gives the same bytes.

    Norms stay float32. With q8_0, a matrix whose rows are no multiple of 32 becomes f16.

    Args:
        folder: config.json, safetensors, tokenizer.json, tokenizer_config.json.
        path: The file to write.
        card: Name, licence, languages.
        quantization: The type of the matrices.

    Raises:
        FournilError: When the model or its tokenizer is of a kind that this does not write.
    """
    config = read_config(folder)
    if config.rope_scaling is not None and config.rope_scaling.rope_type != "default":
        raise FournilError(
            tr("rotary scaling cannot be written as GGUF"), where=folder / "config.json", fix=tr("Export without GGUF.")
        )
    tokens = _Tokens.read(folder, config.vocab_size)
    logging.getLogger("gguf").setLevel(logging.WARNING)
    with atomic_path(path) as temporary:
        writer = gguf.GGUFWriter(temporary, gguf.MODEL_ARCH_NAMES[_architecture(config)])
        _add_card(writer, card, quantization)
        _add_shape(writer, config)
        tokens.add(writer)
        for name, values, kind in _tensors(folder, config, _TYPES[quantization]):
            writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _architecture(config: ModelConfig) -> gguf.MODEL_ARCH:
    return gguf.MODEL_ARCH.QWEN3 if config.qk_norm else gguf.MODEL_ARCH.LLAMA


def _add_card(writer: gguf.GGUFWriter, card: Card, quantization: Quantization) -> None:
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(card.name)
    if card.description:
        writer.add_description(card.description)
    if card.licence:
        writer.add_license(card.licence)
    if card.languages:
        writer.add_languages(list(card.languages))
    writer.add_file_type(_FILE_TYPES[quantization])
    if quantization == "q8_0":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_shape(writer: gguf.GGUFWriter, config: ModelConfig) -> None:
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.key_value_heads)
    writer.add_key_length(config.head_width)
    writer.add_value_length(config.head_width)
    writer.add_rope_dimension_count(config.head_width)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


@dataclass(frozen=True)
class _Tokens:
    """The vocabulary as llama.cpp takes it."""

    texts: list[str]
    kinds: list[int]
    ids: dict[str, int]
    """unk, bos, eos, pad, eot → id, for those that there are."""
    template: str | None

    @staticmethod
    def read(folder: Path, vocab_size: int) -> _Tokens:
        path = folder / "tokenizer.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FournilError(
                tr("no readable tokenizer"), where=path, fix=tr("Give a full Hugging Face folder.")
            ) from error
        _check_scheme(content, path)
        vocab: dict[str, int] = content["model"]["vocab"]
        last = max(vocab.values())
        if last >= vocab_size:
            raise FournilError(
                tr("the tokenizer has ids up to {last:,}, the model {rows:,} rows", last=last, rows=vocab_size),
                where=path,
                fix=tr("Give the tokenizer that the model was trained with."),
            )
        texts = [f"[PAD{number}]" for number in range(vocab_size)]
        kinds = [int(gguf.TokenType.UNUSED)] * vocab_size
        specials = {token["content"] for token in content["added_tokens"]}
        for text, number in vocab.items():
            texts[number] = text
            kinds[number] = int(_kind(text, specials, content["model"]["unk_token"]))
        ids = {
            role: vocab[str(settings[f"{role}_token"])]
            for role in ("unk", "bos", "eos", "pad")
            if settings.get(f"{role}_token") in vocab
        }
        if IM_END in specials:
            ids["eot"] = vocab[IM_END]
        chat = ChatFormat.read(folder)
        return _Tokens(texts, kinds, ids, chat.template if chat else None)

    def add(self, writer: gguf.GGUFWriter) -> None:
        """Write all out: what is not said, llama.cpp takes to be true."""
        normal = int(gguf.TokenType.NORMAL)
        writer.add_tokenizer_model("llama")
        writer.add_token_list(self.texts)
        # llama.cpp merges the pair with the highest score first; merges in the order of the ids are ours too.
        writer.add_token_scores([float(-n) if kind == normal else 0.0 for n, kind in enumerate(self.kinds)])
        writer.add_token_types(self.kinds)
        writer.add_add_space_prefix(False)
        writer.add_add_bos_token(False)
        writer.add_add_eos_token(False)
        writer.add_remove_extra_whitespaces(False)
        for role, add in (
            ("unk", writer.add_unk_token_id),
            ("bos", writer.add_bos_token_id),
            ("eos", writer.add_eos_token_id),
            ("eot", writer.add_eot_token_id),
            ("pad", writer.add_pad_token_id),
        ):
            if role in self.ids:
                add(self.ids[role])
        if self.template:
            writer.add_chat_template(self.template)


def _check_scheme(content: dict[str, Any], path: Path) -> None:
    space = content.get("pre_tokenizer") or {}
    ours = (
        content["model"].get("type") == "BPE"
        and content["model"].get("byte_fallback") is True
        and content.get("normalizer") is None
        and space.get("type") == "Metaspace"
        and space.get("prepend_scheme") == "never"
        and space.get("split") is False
    )
    if not ours:
        raise FournilError(
            tr("this tokenizer would get other ids in llama.cpp"),
            where=path,
            fix=tr("Only tokenizers of Fournil's own scheme are written as GGUF; use llama.cpp's own converter."),
        )


def _kind(text: str, specials: set[str], unk: str) -> gguf.TokenType:
    if text == unk:
        return gguf.TokenType.UNKNOWN
    if text in specials:
        return gguf.TokenType.CONTROL
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        return gguf.TokenType.BYTE
    return gguf.TokenType.NORMAL


def _tensors(
    folder: Path, config: ModelConfig, kind: gguf.GGMLQuantizationType
) -> Iterator[tuple[str, np.ndarray, gguf.GGMLQuantizationType]]:
    names = gguf.get_tensor_name_map(_architecture(config), config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.key_value_heads}
    if config.qk_norm:
        heads = {}  # llama.cpp turns a Qwen3's rows as Hugging Face does
    for name, view in hugging_face_views(load(folder)).items():
        values = view.numpy()
        part = name.split(".")[-2]
        if part in heads:
            values = _interleaved(values, heads[part])
        written = kind if values.ndim > 1 else gguf.GGMLQuantizationType.F32
        if written == gguf.GGMLQuantizationType.Q8_0 and values.shape[-1] % _Q8_BLOCK:
            written = gguf.GGMLQuantizationType.F16
        found = names.get_name(name, try_suffixes=(".weight",))
        assert found is not None, name
        yield found, values, written


def _interleaved(values: np.ndarray, num_heads: int) -> np.ndarray:
    """Rows of each head reordered: Hugging Face turns row i with row i + half, llama.cpp row 2i with row 2i + 1."""
    rows, width = values.shape
    halves = values.reshape(num_heads, 2, rows // num_heads // 2, width)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(rows, width))
