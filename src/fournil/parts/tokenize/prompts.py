"""Chats as token ids: CroissantLLM's template, and whatever template another model's folder brings.

What a user types is never read as a special token: "<|im_end|>" in a message is text, and ends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.tokenize.load import encode_batch, load
from fournil.parts.tokenize.special import EOS, IM_END, IM_START, language_token, special_of
from fournil.parts.tokenize.templates import Template

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""Of CroissantLLMChat, which transformers and llama.cpp know as ChatML."""

SINGLE_TURN = "single_turn"
"""Our own key in tokenizer_config.json, which others pass over."""

MAX_TEMPLATE = 200_000
"""Characters of a chat template, at most: the longest known have some thirty thousand."""

_MARK = "\ue000{}\ue001"
_MARKS = re.compile("\ue000(\\d+)\ue001")


def chat_template(*, bos: bool) -> str:
    """The Jinja template, with the token that begins a text in front where the tokenizer has one."""
    return ("{{ bos_token }}" if bos else "") + TEMPLATE


class ChatFormat:
    """How one model is spoken to.

    Args:
        tokenizer: The model's.
        template: Jinja, over `messages` (role, content), `add_generation_prompt`, `bos_token` and `eos_token`.
        bos_token: What begins a text, or nothing.
        eos_token: What ends one.
        begin_id: The id that every prompt begins with, where the template itself says nothing of it.
        single_turn: The model was taught to answer one message, not to hold a conversation.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: str,
        *,
        bos_token: str = "",
        eos_token: str = EOS,
        begin_id: int | None = None,
        single_turn: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self._template = Template(template, trusted=template in (chat_template(bos=False), chat_template(bos=True)))
        self.bos_token, self.eos_token, self.begin_id = bos_token, eos_token, begin_id
        self.single_turn = single_turn
        added = tokenizer.get_added_tokens_decoder().values()
        self.specials = sorted((token.content for token in added if token.special), key=len, reverse=True)
        self._split = re.compile("(" + "|".join(map(re.escape, self.specials)) + ")") if self.specials else None
        ends = (eos_token, IM_END)
        found = (tokenizer.token_to_id(token) for token in ends)
        self.stop_ids = frozenset(number for number in found if number is not None)
        """An answer ends before any of these: the end of the turn or of the text, whatever generation_config says."""

    @staticmethod
    def read(folder: Path) -> ChatFormat | None:
        """The format of a Hugging Face folder, or None where it has no chat template.

        Raises:
            FournilError: There is no tokenizer, or its configuration cannot be read.
        """
        folder = Path(folder)
        config = _read_config(folder)
        template = config.get("chat_template")
        if isinstance(template, list):  # several named ones
            named = [entry for entry in template if isinstance(entry, Mapping) and entry.get("name") == "default"]
            template = named[0].get("template") if named else None
        beside = folder / "chat_template.jinja"
        if beside.is_file():
            template = _read_text(beside)
        if isinstance(template, str) and len(template) > MAX_TEMPLATE:
            raise FournilError(
                tr("the chat template has {count:,} characters", count=len(template)),
                where=folder,
                fix=tr("Templates have a few thousand: fetch the folder again."),
            )
        if not isinstance(template, str):
            return None
        tokenizer = load(folder)
        return ChatFormat(
            tokenizer,
            template,
            bos_token=special_of(config, "bos_token"),
            eos_token=special_of(config, "eos_token") or EOS,
            begin_id=tokenizer.token_to_id(begins_with_bos(folder) or ""),
            single_turn=config.get(SINGLE_TURN) is True,
        )

    def language_token(self, language: str) -> str | None:
        """The special token that asks for a language, such as <|fr|>, if this tokenizer has it."""
        token = language_token(language)
        return token if self.tokenizer.token_to_id(token) is not None else None

    def encode(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> list[int]:
        """The ids of a chat.

        Args:
            messages: `role` ("user", "assistant", …) and `content`; and `language`, the language that a user's message
                asks for by its token, where the tokenizer has one (`language_token`).
            add_generation_prompt: End where the assistant begins.

        Raises:
            FournilError: The template refuses these messages.
        """
        contents = [str(message["content"]) for message in messages]
        prefixes = [language_token(message["language"]) if message.get("language") else "" for message in messages]
        roles = [message["role"] for message in messages]
        if not any(special in content for content in contents for special in self.specials):
            whole = [prefix + content for prefix, content in zip(prefixes, contents, strict=True)]
            text = self._render(roles, whole, add_generation_prompt)
            return self._begun(encode_batch(self.tokenizer, [text], parse_special=True)[0].tolist())
        marks = [prefix + _MARK.format(i) for i, prefix in enumerate(prefixes)]
        return self._begun(self._encode_apart(self._render(roles, marks, add_generation_prompt), contents))

    def render(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """The text of a chat, in which what somebody typed is not told apart from the template's special tokens.

        Raises:
            FournilError: The template refuses these messages.
        """
        roles, contents = [message["role"] for message in messages], [message["content"] for message in messages]
        return self._render(roles, contents, add_generation_prompt)

    def around(self, role: str = "user") -> tuple[list[int], list[int]]:
        """The ids before and behind the content of a chat's only message, up to where the assistant begins.

        For templates that put nothing beside the content that could merge with it, such as ours.
        """
        text = self._render([role], [_MARK.format(0)], True)
        before, behind = _MARKS.split(text)[::2]
        head, tail = encode_batch(self.tokenizer, [before, behind], parse_special=True)
        return self._begun(head.tolist()), tail.tolist()

    def _begun(self, ids: list[int]) -> list[int]:
        missing = self.begin_id is not None and ids[:1] != [self.begin_id]
        return [self.begin_id, *ids] if missing and self.begin_id is not None else ids

    def _encode_apart(self, text: str, contents: Sequence[str]) -> list[int]:
        """Encode with special tokens read in the template's own text alone; contents are joined as plain text."""
        assert self._split is not None
        pieces: list[tuple[bool, str]] = [(False, "")]
        for i, part in enumerate(_MARKS.split(text)):
            if i % 2:
                pieces[-1] = (False, pieces[-1][1] + contents[int(part)])
                continue
            for j, piece in enumerate(self._split.split(part)):
                if j % 2:
                    pieces += [(True, piece), (False, "")]
                else:
                    pieces[-1] = (False, pieces[-1][1] + piece)
        ids: list[int] = []
        for special, piece in pieces:
            number = self.tokenizer.token_to_id(piece) if special else None
            if number is not None:
                ids.append(number)
            elif piece:
                ids += encode_batch(self.tokenizer, [piece], parse_special=False)[0].tolist()
        return ids

    def _render(self, roles: Sequence[str], contents: Sequence[str], add_generation_prompt: bool) -> str:
        messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
        return self._template.render(
            messages=messages,
            add_generation_prompt=add_generation_prompt,
            bos_token=self.bos_token,
            eos_token=self.eos_token,
        )


def ends_of_text(folder: Path, tokenizer: Tokenizer) -> frozenset[int]:
    """The ids that end a text or a turn, for a folder with or without a chat template."""
    tokens = (special_of(_read_config(Path(folder)), "eos_token") or EOS, IM_END, IM_START)
    found = (tokenizer.token_to_id(token) for token in tokens)
    return frozenset(number for number in found if number is not None)


def begins_with_bos(folder: Path) -> str | None:
    """The token that the tokenizer puts in front of every text, or None.

    Silence means yes for the tokenizers of old Llamas, whose tokenizer_config names a BOS and a LlamaTokenizer.
    """
    config = _read_config(Path(folder))
    by_class = str(config.get("tokenizer_class", "")).startswith("LlamaTokenizer")
    return special_of(config, "bos_token") or None if config.get("add_bos_token", by_class) else None


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FournilError(
            tr("this file cannot be read ({error})", error=error), where=path, fix=tr("Fetch the file again.")
        ) from None


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return {}
    try:
        config = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise FournilError(
            tr("this is no JSON ({error})", error=error), where=path, fix=tr("Fetch the file again.")
        ) from None
    if not isinstance(config, dict):
        raise FournilError(tr("this is no JSON object"), where=path, fix=tr("Fetch the file again."))
    return config
