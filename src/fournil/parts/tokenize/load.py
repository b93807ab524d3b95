"""Load any tokenizer file and apply it to text as it stands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.text.utf8 import refuse_halves
from fournil.parts.tokenize.sentencepiece import is_sentencepiece, read_sentencepiece
from fournil.parts.tokenize.tekken import is_tekken, read_tekken


def use_threads(num_threads: int) -> None:
    """Bound the threads of `tokenizers`, which takes all cores; only before its first parallel work in a process."""
    os.environ.setdefault("RAYON_NUM_THREADS", str(num_threads))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true" if num_threads > 1 else "false")


def load(place: Path) -> Tokenizer:
    """Load a tokenizer.

    Args:
        place: a folder with tokenizer.json (or tokenizer.model, or tekken.json), or such a file itself.

    Raises:
        FournilError: when there is none, or it cannot be read.
    """
    place = Path(place)
    if place.is_dir():
        found = [
            place / name for name in ("tokenizer.json", "tokenizer.model", "tekken.json") if (place / name).is_file()
        ]
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
    if is_tekken(place):
        return read_tekken(place)
    try:
        return Tokenizer.from_file(str(place))
    except Exception as error:  # tokenizers raises bare Exception for whatever it cannot parse
        raise FournilError(
            tr("this file cannot be read as a tokenizer ({error})", error=error),
            where=place,
            fix=tr("Give a Hugging Face tokenizer.json or a SentencePiece .model file."),
        ) from error


def refuse_beyond_rows(tokenizer: Tokenizer, num_rows: int, where: Path, *, template: str = "") -> None:
    """Refuse a tokenizer whose ids a model has no weights for; special tokens that no text has are let pass.

    Args:
        tokenizer: From `load`.
        num_rows: Rows of the model's embedding.
        where: The model's folder, for the error.
        template: Of its chats, if it has one: special tokens in it are not let pass.

    Raises:
        FournilError: A token that a text or a chat may have has an id beyond the embedding.
    """
    added = tokenizer.get_added_tokens_decoder().items()
    unseen = {number for number, token in added if token.special and token.content not in template}
    last = max((number for number in tokenizer.get_vocab().values() if number not in unseen), default=-1)
    if last >= num_rows:
        raise FournilError(
            tr("the tokenizer has ids up to {last:,}, the model {rows:,} rows", last=last, rows=num_rows),
            where=where,
            fix=tr("Give the tokenizer that the model was trained with."),
        )


def encode_batch(tokenizer: Tokenizer, texts: Sequence[str], *, parse_special: bool) -> list[np.ndarray]:
    """The ids of each text, as int64 arrays, nothing added at either end.

    Args:
        tokenizer: from `load` or `train`.
        texts: what to encode.
        parse_special: False for corpora and for whatever a user typed: a literal "</s>" in the text is then text and
            not the end of the document. True for prompts that were put together from a template.

    Raises:
        FournilError: A text cannot be written as UTF-8.
    """
    refuse_halves(texts)
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
