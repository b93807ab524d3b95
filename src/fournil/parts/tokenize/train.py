"""Train a SentencePiece-like BPE whose ids are the same in tokenizers, transformers and llama.cpp.

The text is split by a regular expression only while merges are counted. The finished tokenizer merges over the whole
text by rank alone, which is what llama.cpp's "llama" vocabulary does, so there is no pre-tokenizer that two programs
could read differently. Merges never cross the edges of the training split because none were counted there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from fournil.core.errors import FournilError
from fournil.core.files import write_json, write_text
from fournil.core.speech import tr
from fournil.parts.tokenize.schemes import SCHEMES, SPACE
from fournil.parts.tokenize.special import BOS, BYTE_TOKENS, EOS, PAD, UNK, special_tokens

MIN_VOCAB_SIZE = 1024


def count_characters(texts: Iterable[str]) -> np.ndarray:
    """How often each code point occurs (one count per code point), the space included."""
    counts = np.zeros(sys.maxunicode + 1, dtype=np.int64)
    for text in texts:
        points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
        seen = np.bincount(points)
        counts[: len(seen)] += seen
    return counts


def choose_alphabet(counts: np.ndarray, *, vocab_size: int, num_reserved: int, max_alphabet: int) -> list[str]:
    """The characters that get an id of their own; all others are spelled in bytes.

    The choice is made here and not by the trainer, whose own cut breaks ties by a hash map's order, which changes
    from run to run. A small vocabulary keeps at least three quarters of its learned part for merges, and a character
    seen less than once in a million is not worth an id.
    """
    counts = counts.copy()
    counts[ord(SPACE)] += counts[ord(" ")]
    counts[ord(" ")] = 0
    size = min(max_alphabet, (vocab_size - num_reserved) // 4)
    worth = np.flatnonzero(counts >= max(2, counts.sum() // 1_000_000))
    frequent = worth[np.argsort(-counts[worth], kind="stable")][:size]
    return sorted(chr(point) for point in frequent)


def train(
    texts: Iterable[Sequence[str]],
    *,
    alphabet: Sequence[str],
    vocab_size: int,
    specials: Sequence[str],
    max_token_length: int = 24,
    scheme: str = "fournil",
    progress: bool = False,
) -> Tokenizer:
    """Learn a vocabulary.

    Args:
        texts: batches of texts, in any order (only counts matter); a text given twice weighs twice.
        alphabet: characters that get an id of their own, see `choose_alphabet`.
        vocab_size: ids in all, special and byte tokens included.
        specials: special tokens, in the order of their ids from 0.
        max_token_length: the longest piece, in characters.
        scheme: how the text is cut while pairs are counted, see `schemes`.
        progress: show the trainer's own bars.

    Returns:
        The finished tokenizer; it has fewer ids than asked for where the text has no more repeated pairs.
    """
    if vocab_size < MIN_VOCAB_SIZE:
        raise FournilError(
            tr("a vocabulary of {vocab_size} is too small", vocab_size=vocab_size),
            where="tokenizer.vocab_size",
            fix=tr(
                "Take at least {least}: {reserved} ids are special and byte tokens.",
                least=MIN_VOCAB_SIZE,
                reserved=len(specials) + len(BYTE_TOKENS),
            ),
        )
    learner = Tokenizer(models.BPE(byte_fallback=True, unk_token=UNK, fuse_unk=False))
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(SPACE, prepend_scheme="never", split=False),
            pre_tokenizers.Split(Regex(SCHEMES[scheme]), "isolated"),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[*specials, *BYTE_TOKENS],
        initial_alphabet=list(alphabet),
        limit_alphabet=len(alphabet),
        max_token_length=max_token_length,
        show_progress=progress,
    )
    learner.train_from_iterator(texts, trainer)
    return assemble(learner.get_vocab(with_added_tokens=True), specials)


def assemble(vocab: dict[str, int], specials: Sequence[str]) -> Tokenizer:
    """A tokenizer from pieces alone: merges follow from the order of the ids, as in llama.cpp."""
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocab,
            merges=list(_merges(vocab, first_piece=len(specials) + len(BYTE_TOKENS))),
            byte_fallback=True,
            unk_token=UNK,
            fuse_unk=False,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, prepend_scheme="never", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return tokenizer


def _merges(vocab: dict[str, int], first_piece: int) -> Iterator[tuple[str, str]]:
    """Every pair of learned pieces that makes a learned piece, by the id of what it makes."""
    pieces = {piece: number for piece, number in vocab.items() if number >= first_piece}
    for piece in sorted(pieces, key=pieces.__getitem__):
        splits = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        yield from sorted(
            (pair for pair in splits if pair[0] in pieces and pair[1] in pieces),
            key=lambda pair: (pieces[pair[0]], pieces[pair[1]]),
        )


def save(tokenizer: Tokenizer, folder: Path, *, languages: Sequence[str], context_length: int | None = None) -> None:
    """Write a tokenizer folder in Hugging Face's layout.

    The configuration is written by hand: transformers 5 saves a class name that transformers 4 refuses, and both read
    PreTrainedTokenizerFast and change nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "tokenizer.json", _readable(json.loads(tokenizer.to_str())))
    specials = special_tokens(languages)
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": UNK,
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "additional_special_tokens": specials[4:],
        "clean_up_tokenization_spaces": False,
        "add_bos_token": False,
        "add_eos_token": False,
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
    }
    if context_length is not None:
        config["model_max_length"] = context_length
    write_json(folder / "tokenizer_config.json", config)


def _readable(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
