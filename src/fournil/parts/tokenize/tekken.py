"""Read tekken.json, the vocabulary file of Mistral's later models, into a tokenizer of the `tokenizers` library.

The file lists byte strings by rank. A text is split by a regular expression, and within each piece the two neighbours
whose concatenation has the lowest rank are joined, over and over. As merges that is every way to cut a listed string in
two listed ones, in the order of the ranks.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

from fournil.core.errors import FournilError
from fournil.core.speech import tr

_OLD_SPECIALS = ("<unk>", "<s>", "</s>")
"""What the first ids are in files that name no special tokens."""


def is_tekken(path: Path) -> bool:
    """Whether a file's name says that it is such a vocabulary (tekken.json, tekken_240911.json)."""
    return path.name.startswith("tekken") and path.suffix == ".json"


def read_tekken(path: Path) -> Tokenizer:
    """Read a tekken.json; special tokens have the first ids.

    Raises:
        FournilError: When the file is no such vocabulary.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        config = content["config"]
        num_special = int(config["default_num_special_tokens"])
        listed = content["vocab"][: int(config["default_vocab_size"]) - num_special]
        ranked = [_letters(base64.b64decode(entry["token_bytes"])) for entry in listed]
        return _build(ranked, str(config["pattern"]), _specials(content, num_special))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FournilError(
            tr("this file cannot be read as a tokenizer ({error})", error=error),
            where=path,
            fix=tr("Give a Hugging Face tokenizer.json or a SentencePiece .model file."),
        ) from error


def _build(ranked: list[str], pattern: str, specials: list[str]) -> Tokenizer:
    ranks = {piece: rank for rank, piece in enumerate(ranked)}
    merges = []
    for piece in ranked:
        cuts = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [pair for pair in cuts if pair[0] in ranks and pair[1] in ranks]
        merges += sorted(known, key=lambda pair: (ranks[pair[0]], ranks[pair[1]])) if len(known) > 1 else known
    vocab = {token: number for number, token in enumerate(specials)}
    vocab |= {piece: rank + len(specials) for rank, piece in enumerate(ranked)}
    # A piece of text that is listed whole is taken as it is, even where no merges would come to it.
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return tokenizer


def _specials(content: dict[str, Any], num_special: int) -> list[str]:
    named = {int(entry["rank"]): str(entry["token_str"]) for entry in content.get("special_tokens") or ()}
    named = named or dict(enumerate(_OLD_SPECIALS))
    return [named.get(number, f"<SPECIAL_{number}>") for number in range(num_special)]


def _letters(piece: bytes) -> str:
    return piece.decode("latin-1").translate(_LETTERS)


def _byte_letters() -> dict[int, str]:
    """The sign that byte-level vocabularies write a byte with: itself where it can be seen, or one from U+0100 on."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {byte: chr(0x100 + place) for place, byte in enumerate(hidden)}


_LETTERS = _byte_letters()
