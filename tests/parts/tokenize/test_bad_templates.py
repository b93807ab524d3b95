"""Chat templates that fail, or are made to do harm: what each is refused with."""

# ruff: noqa: E501 - a table: one row a line

import gc
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.parts.tokenize import template_process, templates
from fournil.parts.tokenize.prompts import ChatFormat, chat_template


class Bad(NamedTuple):
    """A template, what it does, and the message that it gets; … stands for whatever Jinja says."""

    given: str
    template: str
    message: str


TOO_MUCH = "the model's chat template takes too much time or memory. Take another model: this template is broken, or made to do harm."
REFUSES = "the model's chat template refuses this chat (…). Try a single message, or another model."
BAD_TEMPLATES = [
    Bad("a template that cannot be read", "{% for message in messages %}", REFUSES),
    Bad("a template that refuses the chat", "{{ raise_exception('no system message') }}", REFUSES.replace("…", "no system message")),
    Bad("a template that divides by zero", "{{ 1 / 0 }}", REFUSES.replace("…", "division by zero")),
    Bad("a template that asks what is not there", "{{ messages[7].content.more }}", REFUSES),
    Bad("a template that looks for Python's classes", "{{ ''.__class__.__mro__[1].__subclasses__() }}", REFUSES),
    Bad("a template that reads a file", "{% include '/etc/passwd' %}", REFUSES),
    Bad("a loop of 10¹⁰ turns", "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", TOO_MUCH),
    Bad("a text of all memory", "{{ 'a' * 10 ** 11 }}", REFUSES.replace("…", "MemoryError")),
    Bad("a text that doubles for ever", "{% set t = namespace(s='aa') %}{% for i in range(60) %}{% set t.s = t.s ~ t.s %}{% endfor %}{{ t.s }}", REFUSES.replace("…", "MemoryError")),
    Bad("a text of 30 million characters", "{{ 'a' * 30000000 }}", REFUSES.replace("…", "30,000,000 characters")),
    Bad("a macro that calls itself", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", REFUSES),
]  # fmt: skip


@pytest.mark.parametrize("row", BAD_TEMPLATES, ids=lambda row: row.given)
def test_each_is_refused_with_one_line(row: Bad, small: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 2.0 if row.message == TOO_MUCH else 60.0
    monkeypatch.setattr(templates, "MAX_SECONDS", seconds)
    chat = ChatFormat(small, row.template)
    with pytest.raises(FournilError) as caught:
        chat.encode([{"role": "user", "content": "Bonjour"}])
    assert re.fullmatch(re.escape(row.message).replace("…", "[^\\n]+"), str(caught.value)), caught.value


def test_after_a_refusal_the_next_chat_is_answered(small: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_SECONDS", 2.0)
    chat = ChatFormat(
        small,
        "{% if messages[0].content == 'x' %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{% endif %}{{ messages[0].content }}",
    )
    monkeypatch.setattr(templates, "MAX_SECONDS", 60.0)
    before = chat.encode([{"role": "user", "content": "Bonjour"}])
    monkeypatch.setattr(templates, "MAX_SECONDS", 1.0)
    with pytest.raises(FournilError, match="too much time"):
        chat.encode([{"role": "user", "content": "x"}])
    monkeypatch.setattr(templates, "MAX_SECONDS", 60.0)
    assert chat.encode([{"role": "user", "content": "Bonjour"}]) == before


def test_our_own_template_needs_no_process_and_others_give_the_same(
    small: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = [{"role": "user", "content": "Bonjour !"}, {"role": "assistant", "content": "Salut."}]
    theirs = ChatFormat(small, chat_template(bos=False) + "{# as published #}")
    expected = theirs.encode(chat)
    del theirs
    gc.collect()  # a process that is left behind would warn, which is an error
    monkeypatch.setattr(templates.subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    assert ChatFormat(small, chat_template(bos=False)).encode(chat) == expected


def test_what_the_process_needs_is_little() -> None:
    assert "import fournil" not in Path(template_process.__file__).read_text(encoding="utf-8")
