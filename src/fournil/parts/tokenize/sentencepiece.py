"""Read a SentencePiece model file into a tokenizer of the `tokenizers` library, without the sentencepiece library.

The file is one protocol buffer (sentencepiece_model.proto, message ModelProto). Only what decides the ids is read:
the pieces with their scores and types, the model's type, and the normaliser.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers

from fournil.core.errors import FournilError
from fournil.core.speech import tr

SPACE = "▁"
_UNIGRAM, _BPE = 1, 2
_UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 2, 3, 4, 6


@dataclass
class Model:
    """What a ModelProto says about its ids."""

    pieces: list[tuple[str, float, int]] = field(default_factory=list)
    """Piece, score and type, in the order of the ids."""
    kind: int = _UNIGRAM
    unk_id: int = 0
    byte_fallback: bool = False
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    charsmap: bytes = b""


def is_sentencepiece(path: Path) -> bool:
    """Whether a file's name says that it is a SentencePiece model (tokenizer.model, x.model, tokenizer.model.v3)."""
    return path.name.endswith(".model") or ".model.v" in path.name


def read_sentencepiece(path: Path) -> Tokenizer:
    """Read a SentencePiece model of type BPE or Unigram.

    Raises:
        FournilError: when the file is no such model.
    """
    try:
        model = _parse_model(path.read_bytes())
    except (IndexError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise FournilError(tr("this file is not a SentencePiece model"), where=path) from error
    if model.kind not in (_UNIGRAM, _BPE) or not model.pieces:
        raise FournilError(
            tr("a SentencePiece model of an unknown type"),
            where=path,
            fix=tr("Only BPE and Unigram models can be read."),
        )
    return _build(model)


def _build(model: Model) -> Tokenizer:
    unk = model.pieces[model.unk_id][0]
    if model.kind == _BPE:
        vocab = {piece: number for number, (piece, _, _) in enumerate(model.pieces)}
        tokenizer = Tokenizer(
            models.BPE(
                vocab=vocab, merges=_merges(model), unk_token=unk, fuse_unk=True, byte_fallback=model.byte_fallback
            )
        )
    else:
        scored = [(piece, score) for piece, score, _ in model.pieces]
        tokenizer = Tokenizer(models.Unigram(scored, unk_id=model.unk_id, byte_fallback=model.byte_fallback))
    steps: list[normalizers.Normalizer] = []
    if model.charsmap:
        steps.append(normalizers.Precompiled(model.charsmap))
    if model.remove_extra_whitespaces:
        steps += [normalizers.Strip(left=True, right=True), normalizers.Replace(Regex(" {2,}"), " ")]
    if model.add_dummy_prefix:
        steps.append(normalizers.Prepend(SPACE))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
        + ([decoders.Strip(" ", 1, 0)] if model.add_dummy_prefix else [])
    )
    specials = [piece for piece, _, kind in model.pieces if kind in (_UNKNOWN, _CONTROL)]
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in specials])
    users = [piece for piece, _, kind in model.pieces if kind == _USER_DEFINED]
    tokenizer.add_tokens([AddedToken(piece, special=False, normalized=False) for piece in users])
    return tokenizer


def _merges(model: Model) -> list[tuple[str, str]]:
    scores = {piece: score for piece, score, kind in model.pieces if kind not in (_UNKNOWN, _CONTROL, _BYTE)}
    order = {piece: number for number, (piece, _, _) in enumerate(model.pieces)}
    merges = []
    for piece in sorted(scores, key=lambda piece: (-scores[piece], order[piece])):
        splits = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        known = [pair for pair in splits if pair[0] in scores and pair[1] in scores]
        merges += sorted(known, key=lambda pair: (order[pair[0]], order[pair[1]]))
    return merges


def _parse_model(data: bytes) -> Model:
    model = Model()
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            model.pieces.append(_parse_piece(value))
        elif number == 2 and isinstance(value, bytes):
            for inner, content in _fields(value):
                if inner == 3 and isinstance(content, int):
                    model.kind = content
                elif inner == 35:
                    model.byte_fallback = bool(content)
                elif inner == 40 and isinstance(content, int):
                    model.unk_id = content
        elif number == 3 and isinstance(value, bytes):
            for inner, content in _fields(value):
                if inner == 2 and isinstance(content, bytes):
                    model.charsmap = content
                elif inner == 3:
                    model.add_dummy_prefix = bool(content)
                elif inner == 4:
                    model.remove_extra_whitespaces = bool(content)
    return model


def _parse_piece(data: bytes) -> tuple[str, float, int]:
    piece, score, kind = "", 0.0, 1
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            piece = value.decode("utf-8")
        elif number == 2 and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
        elif number == 3 and isinstance(value, int):
            kind = value
    return piece, score, kind


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: number, and an int (varint) or bytes (all other wire types)."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + size > len(data):
            raise ValueError("cut short")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a varint that does not end")
