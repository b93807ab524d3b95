"""Tokenizers: trained, saved in Hugging Face's layout, loaded, applied to corpora; token shards written and read."""

from fournil.parts.tokenize.encoder import Encoder
from fournil.parts.tokenize.load import decode_batch, encode_batch, load, use_threads
from fournil.parts.tokenize.shards import ShardIndex, TokenShards, TokenShardWriter
from fournil.parts.tokenize.special import (
    BOS_ID,
    EOS_ID,
    IM_END,
    IM_END_ID,
    IM_START,
    IM_START_ID,
    PAD_ID,
    UNK_ID,
    language_token,
    special_tokens,
)
from fournil.parts.tokenize.train import MIN_VOCAB_SIZE, choose_alphabet, count_characters, save, train

__all__ = [
    "BOS_ID",
    "EOS_ID",
    "IM_END",
    "IM_END_ID",
    "IM_START",
    "IM_START_ID",
    "MIN_VOCAB_SIZE",
    "PAD_ID",
    "UNK_ID",
    "Encoder",
    "ShardIndex",
    "TokenShardWriter",
    "TokenShards",
    "choose_alphabet",
    "count_characters",
    "decode_batch",
    "encode_batch",
    "language_token",
    "load",
    "save",
    "special_tokens",
    "train",
    "use_threads",
]
