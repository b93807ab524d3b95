"""The tokens that stand at the head of every vocabulary, and their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNK, BOS, EOS, PAD = "<unk>", "<s>", "</s>", "<pad>"
IM_START, IM_END = "<|im_start|>", "<|im_end|>"
UNK_ID, BOS_ID, EOS_ID, PAD_ID, IM_START_ID, IM_END_ID = range(6)

BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""What a character outside the alphabet falls back to: its UTF-8 bytes, one token each."""


def language_token(language: str) -> str:
    """The token that names a language in a prompt, such as <|fr|>."""
    return f"<|{language}|>"


def special_tokens(languages: Sequence[str]) -> list[str]:
    """The special tokens in the order of their ids, the languages' own last.

    Args:
        languages: language tags in the order of the run; the n-th has the id 6 + n.
    """
    return [UNK, BOS, EOS, PAD, IM_START, IM_END, *(language_token(tag) for tag in languages)]


def special_of(config: Mapping[str, Any], name: str) -> str:
    """A special token that a tokenizer's settings name, as a string or as a token with its `content`; "" for none."""
    value = config.get(name)
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else ""
