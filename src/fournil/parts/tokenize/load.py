"""Load any tokenizer file and apply it to text as it stands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize.sentencepiece import is_sentencepiece, read_sentencepiece


def use_threads(num_threads: int) -> None:
    """Bound the threads of `tokenizers`, which takes all cores; only before its first parallel work in a process."""
    os.environ.setdefault("RAYON_NUM_THREADS", str(num_threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true" if num_threads > 1 else "false")


def load(place: Path) -> Tokenizer:
    """Load a tokenizer.

    Args:
        place: a folder with tokenizer.json (or tokenizer.model), such a file itself, or a SentencePiece model.

    Raises:
        FournilError: when there is none, or it cannot be read.
    """
    place = Path(place)
    if place.is_dir():
        found = [place / name for name in ("tokenizer.json", "tokenizer.model") if (place / name).is_file()]
        if not found:
            raise FournilError(
                tr("no tokenizer in this folder"),
                where=place,
                fix=tr("It must hold tokenizer.json or tokenizer.model."),
            )
        place = found[0]
    if not place.is_file():
        raise FournilError(
            tr("no such tokenizer"), where=place, fix=tr("Give a folder or a tokenizer.json or .model file.")
        )
    if is_sentencepiece(place):
        return read_sentencepiece(place)
    try:
        return Tokenizer.from_file(str(place))
    except Exception as error:  # tokenizers raises bare Exception for whatever it cannot parse
        raise FournilError(
            tr("this file cannot be read as a tokenizer ({error})", error=error),
            where=place,
            fix=tr("Give a Hugging Face tokenizer.json or a SentencePiece .model file."),
        ) from error


def encode_batch(tokenizer: Tokenizer, texts: Sequence[str], *, parse_special: bool) -> list[np.ndarray]:
    """The ids of each text, as int64 arrays, nothing added at either end.

    Args:
        tokenizer: from `load` or `train`.
        texts: what to encode.
        parse_special: False for corpora and for whatever a user typed: a literal "</s>" in the text is then text and
            not the end of the document. True for prompts that were put together from a template.
    """
    before = tokenizer.encode_special_tokens
    tokenizer.encode_special_tokens = not parse_special
    try:
        encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    finally:
        tokenizer.encode_special_tokens = before
    return [np.asarray(encoding.ids, dtype=np.int64) for encoding in encodings]


def decode_batch(tokenizer: Tokenizer, ids: Sequence[np.ndarray]) -> list[str]:
    """The texts back, special tokens written out."""
    return tokenizer.decode_batch([row.tolist() for row in ids], skip_special_tokens=False)
