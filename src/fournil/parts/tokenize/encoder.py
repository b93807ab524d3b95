"""Corpora to ids, several times faster than the tokenizers library and with the same ids.

The library merges each text anew. A corpus says the same words again and again, so what a word came to is kept and
looked up; see `fournil.parts.tokenize.kernel`. Only vocabularies whose ids follow from their merges alone are encoded
so: those that this project trains, and those of Llama's kind (Llama 2, Mistral 7B, CroissantLLM). Any other goes
through the library.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize.load import encode_batch
from fournil.parts.tokenize.special import BYTE_TOKENS

SPACE = "▁"
MAX_EDGES = 4096
"""Characters at the edges of merges at most: which of them stand side by side is a table of so many squared."""
AFFIXES = ("continuing_subword_prefix", "end_of_word_suffix")
SLOTS = 1 << 19
"""Of stretches that are kept, half of them filled at most."""
KEPT_BYTES = 1 << 22
KEPT_IDS = 1 << 21


class Encoder:
    """Encodes texts as they stand, nothing added, special tokens not looked for.

    Args:
        tokenizer: Any.
        threads: How many work at once.
        slots: Stretches of text that are remembered, a power of two; the ids do not depend on it.
    """

    def __init__(self, tokenizer: Tokenizer, *, threads: int = 1, slots: int = SLOTS) -> None:
        self._tokenizer = tokenizer
        self._threads = threads
        content = json.loads(tokenizer.to_str())
        self._prefix = _prefix(content)
        self._tables = None if self._prefix is None else _tables(content)
        self._memories = [] if self._tables is None else [_Memory(slots) for _ in range(threads)]

    @property
    def is_fast(self) -> bool:
        """Whether the ids come from this module and not from the library."""
        return self._tables is not None

    @property
    def vocab_size(self) -> int:
        """Ids in all."""
        return self._tokenizer.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The ids of each text, int32 or int64.

        Raises:
            FournilError: A text cannot be written as UTF-8.
        """
        if self._tables is None or self._prefix is None:
            return encode_batch(self._tokenizer, texts, parse_special=False)
        try:
            data = [self._prefix + text.encode() if text else b"" for text in texts]
        except UnicodeEncodeError:
            raise FournilError(tr("a text holds halves of characters"), fix=tr("Give text in UTF-8.")) from None
        parts = _split(data, len(self._memories))
        if len(parts) == 1:
            return self._part(parts[0], self._memories[0])
        with ThreadPoolExecutor(len(parts)) as pool:
            return [row for rows in pool.map(self._part, parts, self._memories) for row in rows]

    def _part(self, data: Sequence[bytes], memory: _Memory) -> list[np.ndarray]:
        from fournil.parts.tokenize import kernel

        assert self._tables is not None
        bounds_D = np.zeros(len(data) + 1, np.int64)
        np.cumsum([len(text) for text in data], out=bounds_D[1:])
        ids_N = np.empty(bounds_D[-1], np.int32)
        ends_D = np.empty(len(data), np.int64)
        bytes_B = np.frombuffer(b"".join(data), np.uint8)
        letters_C, symbols_A, joined_JJ, ascii_HH, byte_ids, pairs_P2 = self._tables
        slots_S4, kept_bytes, kept_ids, free = memory.arrays
        kernel.encode(
            bytes_B,
            bounds_D,
            letters_C,
            symbols_A,
            joined_JJ,
            ascii_HH,
            byte_ids,
            pairs_P2,
            slots_S4,
            kept_bytes,
            kept_ids,
            free,
            ids_N,
            ends_D,
        )
        return [ids_N[start:end] for start, end in itertools.pairwise([0, *ends_D.tolist()])]


class _Memory:
    """What one thread remembers."""

    def __init__(self, slots: int) -> None:
        self.arrays = (
            np.zeros((slots, 4), np.uint64),
            np.empty(KEPT_BYTES, np.uint8),
            np.empty(KEPT_IDS, np.int32),
            np.zeros(3, np.int64),
        )


def _split(data: Sequence[bytes], most: int) -> list[Sequence[bytes]]:
    """At most so many runs of texts, of about as many bytes each."""
    ends = np.cumsum([len(text) for text in data])
    if most == 1 or len(data) < 2:
        return [data]
    edges = [0, *np.searchsorted(ends, ends[-1] * np.arange(1, most) / most).tolist(), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges) if start < stop]


def _prefix(content: dict[str, Any]) -> bytes | None:
    """What stands before a text that is not empty; None where a text is changed by more than that.

    Both ways to write spaces that are known: Metaspace as a pre-tokenizer, and what transformers makes of Llama's.
    """
    space, steps = content["pre_tokenizer"], content["normalizer"]
    if steps is None:
        never = space == {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "never", "split": False}
        return b"" if never else None
    written = steps["normalizers"] if steps["type"] == "Sequence" else [steps]
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    if space is not None or written[-1:] != [replace]:
        return None
    return {"[]": b"", str([{"type": "Prepend", "prepend": SPACE}]): b" "}.get(str(written[:-1]))


def _tables(content: dict[str, Any]) -> tuple[np.ndarray, ...] | None:
    """What the kernel needs to know of a tokenizer.json; None where the ids do not follow from its merges alone."""
    model = content["model"]
    plain = (
        model.get("type") == "BPE"
        and model.get("byte_fallback") is True
        and not any(model.get(name) for name in ("dropout", "ignore_merges", *AFFIXES))
        and not any(content[name] for name in ("truncation", "padding"))
        and all(token["special"] for token in content["added_tokens"])
    )
    vocab: dict[str, int] = model["vocab"] if plain else {}
    if not {SPACE, *BYTE_TOKENS} <= vocab.keys():
        return None
    merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"]]
    edges = {left[-1] for left, _ in merges} | {right[0] for _, right in merges}
    alphabet = sorted(edges) + sorted(piece for piece in vocab if len(piece) == 1 and piece not in edges)
    if len(edges) > MAX_EDGES or not edges <= vocab.keys():
        return None
    from fournil.parts.tokenize import kernel

    place = {character: number for number, character in enumerate(alphabet)}
    letters_C = np.full(0x110000, -1, np.int32)
    letters_C[[ord(character) for character in alphabet]] = np.arange(len(alphabet))
    letters_C[ord(" ")] = letters_C[ord(SPACE)]
    joined_JJ = np.zeros((len(edges), len(edges)), np.bool_)
    for left, right in merges:
        joined_JJ[place[left[-1]], place[right[0]]] = True
    joining_H = np.flatnonzero((letters_C[:0x80] >= 0) & (letters_C[:0x80] < len(edges)))
    ascii_HH = np.zeros((0x80, 0x80), np.bool_)
    ascii_HH[np.ix_(joining_H, joining_H)] = joined_JJ[np.ix_(letters_C[joining_H], letters_C[joining_H])]
    numbers = np.array([[vocab[left], vocab[right], vocab[left + right]] for left, right in merges], np.int64)
    pairs_P2 = np.empty((1 << (2 * len(merges) + 1).bit_length(), 2), np.uint64)
    left_M, right_M, made_M = numbers.reshape(-1, 3).T.copy()
    kernel.fill_pairs(left_M, right_M, made_M, pairs_P2)
    symbols_A = np.array([vocab[character] for character in alphabet], np.int32)
    byte_ids = np.array([vocab[token] for token in BYTE_TOKENS], np.int32)
    return letters_C, symbols_A, joined_JJ, ascii_HH, byte_ids, pairs_P2
