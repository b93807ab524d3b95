"""Texts to token ids as lm-evaluation-harness makes them with transformers' tokenizers, its ways with borders included.

Followed: lm_eval 0.4.13, `TemplateLM._encode_pair` and `HFLM` (tok_encode, rolling windows, generate_until).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.scoring.requests import Prompt, Request
from fournil.parts.text.utf8 import refuse_halves
from fournil.parts.tokenize.prompts import begins_with_bos
from fournil.parts.tokenize.special import special_of

BLOCK_CHARACTERS = 1 << 24
"""Characters encoded at a time."""


class Encoder:
    """A model folder's tokenizer, as the reference applies it.

    Args:
        tokenizer: The folder's.
        folder: Where tokenizer_config.json is.
        context_length: The most tokens that the model reads.
        fallback_id: What stands before a text where the folder names neither BOS nor EOS.
    """

    def __init__(self, tokenizer: Tokenizer, folder: Path, context_length: int, fallback_id: int) -> None:
        self.tokenizer, self.context_length = tokenizer, context_length
        config = _json(folder / "tokenizer_config.json")
        names = config | {k: v for k, v in _json(folder / "special_tokens_map.json").items() if k not in config}
        old_llama = str(config.get("tokenizer_class", "")).startswith("LlamaTokenizer")
        bos, eos = (
            special_of(names, name) or (default if old_llama else "")
            for name, default in (("bos_token", "<s>"), ("eos_token", "</s>"))
        )
        bos_id, self.eos_id = (tokenizer.token_to_id(token) if token else None for token in (bos, eos))
        found = [number for number in (bos_id, self.eos_id, fallback_id) if number is not None]
        self.prefix_id = found[0]
        """What a text without context, or a rolling text, begins with."""
        self.eos = eos
        """What ends a text, written out; it is a stop string too."""
        self.stop_ids = _stop_ids(folder, self.eos_id)
        self._prefix = tokenizer.decode([self.prefix_id], skip_special_tokens=False)
        explicit = "add_bos_token" in config or "add_eos_token" in config or tokenizer.post_processor is None
        self._by_template = not explicit
        begins = begins_with_bos(folder) if explicit else None
        begin_id = tokenizer.token_to_id(begins) if begins else None
        ends = explicit and config.get("add_eos_token") is True and self.eos_id is not None
        self._before = [] if begin_id is None else [begin_id]
        self._behind = [self.eos_id] if ends and self.eos_id is not None else []

    def encode(self, texts: Sequence[str], *, special: bool = True) -> list[np.ndarray]:
        """The ids of each text, int32.

        Args:
            texts: What to encode; special tokens written in it are read as such, as the reference does.
            special: Put in front and behind what the tokenizer puts there, unless the text begins with it.

        Raises:
            FournilError: A text cannot be written as UTF-8.
        """
        refuse_halves(texts)
        added = [special and not (self._prefix and text.startswith(self._prefix)) for text in texts]
        found: list[np.ndarray] = [np.empty(0, dtype=np.int32)] * len(texts)
        for wanted in (False, True):
            members = [i for i, flag in enumerate(added) if flag is wanted]
            for part in _blocks(members, texts):
                encodings = self.tokenizer.encode_batch_fast(
                    [texts[i] for i in part], add_special_tokens=wanted and self._by_template
                )
                for i, encoding in zip(part, encodings, strict=True):
                    ids = encoding.ids
                    if wanted and not self._by_template:
                        ids = [*self._before, *ids, *self._behind]
                    found[i] = np.asarray(ids, dtype=np.int32)
        return found

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> list[Request]:
        """Requests of contexts and continuations; spaces at a context's end go to its continuation.

        Raises:
            FournilError: A continuation has no tokens, or more than the model's window.
        """
        moved = [_moved(*pair) for pair in pairs]
        alone = [i for i, (context, _) in enumerate(moved) if not context]
        behind = [i for i, (context, _) in enumerate(moved) if context]
        contexts = {context: n for n, context in enumerate(dict.fromkeys(moved[i][0] for i in behind))}
        context_ids = self.encode(list(contexts))
        wholes = self.encode([moved[i][0] + moved[i][1] for i in behind])
        lone = self.encode([moved[i][1] for i in alone], special=False)
        requests: list[Request | None] = [None] * len(pairs)
        for i, whole in zip(behind, wholes, strict=True):
            context = context_ids[contexts[moved[i][0]]]
            uneven = not np.array_equal(whole[: len(context)], context)
            requests[i] = self._request(context, whole[len(context) :], uneven=uneven)
        for i, ids in zip(alone, lone, strict=True):
            if len(ids) and ids[0] == self.prefix_id:
                requests[i] = self._request(ids[:1], ids[1:])
            else:
                requests[i] = self._request(np.array([self.prefix_id], dtype=np.int32), ids)
        for request, pair in zip(requests, pairs, strict=True):
            assert request is not None
            if not len(request.targets):
                raise FournilError(
                    tr("an answer has no tokens of its own: {text!r}", text=pair[1][:60]),
                    fix=tr("Mend that item, or leave it out."),
                )
            if len(request.targets) > self.context_length:
                raise FournilError(
                    tr(
                        "an answer has {count:,} tokens, the model reads {length:,}",
                        count=len(request.targets),
                        length=self.context_length,
                    ),
                    fix=tr("Shorten that item, or take a model with a longer context."),
                )
        return [request for request in requests if request is not None]

    def _request(self, context: np.ndarray, continuation: np.ndarray, *, uneven: bool = False) -> Request:
        whole = np.concatenate((context, continuation))
        ids = whole[-(self.context_length + 1) :][:-1]
        return Request(ids, continuation, truncated=len(whole) > self.context_length + 1, uneven=uneven)

    def rolling(self, text: str) -> Iterator[Request]:
        """Windows that predict each token of a text once; the last one looks back as far as the model can."""
        (ids,) = self.encode([text])
        length = self.context_length
        for start in range(0, len(ids), length):
            end = min(len(ids), start + length)
            before = ids[max(end - length - 1, 0) : end - 1] if start else ids[: end - 1]
            read = before if start else np.concatenate((np.array([self.prefix_id], dtype=np.int32), before))
            yield Request(read, ids[start:end])

    def prompts(
        self, texts: Sequence[str], stops: Sequence[Sequence[str]], max_new_tokens: Sequence[int]
    ) -> list[Prompt]:
        """What a model writes on from: cut on the left so that all the new tokens fit behind.

        A model whose window is not longer than what it may write keeps half of it for the prompt, where the reference
        refuses.
        """
        prompts = []
        for ids, ends, limit in zip(self.encode(texts), stops, max_new_tokens, strict=True):
            room = limit if limit < self.context_length else self.context_length // 2
            kept = ids[-(self.context_length - room) :] if len(ids) else np.array([self.prefix_id], dtype=np.int32)
            prompts.append(Prompt(kept, tuple(end for end in ends if end), room, truncated=len(kept) < len(ids)))
        return prompts


def _moved(context: str, continuation: str) -> tuple[str, str]:
    """A context without the spaces at its end, which the continuation begins with."""
    kept = context.rstrip()
    return kept, context[len(kept) :] + continuation


def _blocks(members: list[int], texts: Sequence[str]) -> Iterator[list[int]]:
    block: list[int] = []
    characters = 0
    for i in members:
        block.append(i)
        characters += len(texts[i])
        if characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _stop_ids(folder: Path, eos_id: int | None) -> frozenset[int]:
    """What ends a text: the ids of generation_config.json, or else of config.json, and the tokenizer's own."""
    for name in ("generation_config.json", "config.json"):
        named = _json(folder / name).get("eos_token_id")
        found = [number for number in (named if isinstance(named, list) else [named]) if isinstance(number, int)]
        if found:
            return frozenset(found if eos_id is None else [*found, eos_id])
    return frozenset(() if eos_id is None else (eos_id,))


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
