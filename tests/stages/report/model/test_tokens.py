"""Ids and texts in the browser are those of the library tokenizers."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

from fournil.parts.tokenize.load import encode_batch
from fournil.parts.tokenize.prompts import ChatFormat
from fournil.stages.export.lines import NASTY_LINES
from fournil.stages.report.model.embed import script
from fournil.stages.report.model.pack import pack, read_tokenizer

FRAGMENTS = (
    "<|fr|>",
    "<|im_end|>",
    "</s>",
    "<unk>",
    "<0x41>",
    "▁",
    "▁▁",
    "  ",
    "\ufeff",
    "\u202f!",
    "l’",
    "aujourd'hui",
    "é",
)

MAKE = """
globalThis.make = (vocabulary, merges) => {
  globalThis.tokenizer = new Tokenizer(vocabulary, Uint32Array.from(merges));
};
"""


def tokenizer_page(browser: chromium.Chromium, tokenizer: Tokenizer) -> chromium.Page:
    page = browser.page()
    vocabulary, merges = read_tokenizer(json.loads(tokenizer.to_str()))
    page.run(script("tokenizer.js") + "globalThis.Tokenizer = Tokenizer;" + MAKE)
    page.ask("make", vocabulary, merges.flatten().tolist())
    return page


@pytest.fixture(scope="module")
def page(browser: chromium.Chromium, tokenizer: Tokenizer) -> Iterator[chromium.Page]:
    found = tokenizer_page(browser, tokenizer)
    yield found
    found.close()


def ids_in_page(page: chromium.Page, texts: list[str], special: bool) -> list[list[int]]:
    return page.ask("(texts, special) => texts.map((text) => tokenizer.encode(text, { special }))", texts, special)


def ids_in_library(tokenizer: Tokenizer, texts: list[str], special: bool) -> list[list[int]]:
    return [ids.tolist() for ids in encode_batch(tokenizer, texts, parse_special=special)]


@pytest.mark.parametrize("special", [False, True], ids=["typed", "template"])
def test_nasty_and_real_lines_have_the_same_ids(
    page: chromium.Page, tokenizer: Tokenizer, mie_texts: dict[str, str], special: bool
) -> None:
    real = [line for text in mie_texts.values() for line in text.splitlines()]
    texts = [*NASTY_LINES, *real, *mie_texts.values(), "", "".join(FRAGMENTS)]
    assert ids_in_page(page, texts, special) == ids_in_library(tokenizer, texts, special)


WRITTEN = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(FRAGMENTS))).map(
    "".join
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(WRITTEN, min_size=1, max_size=20), special=st.booleans())
def test_any_text_has_the_same_ids(page: chromium.Page, tokenizer: Tokenizer, texts: list[str], special: bool) -> None:
    assert ids_in_page(page, texts, special) == ids_in_library(tokenizer, texts, special)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(st.one_of(st.integers(0, 1023), st.integers(8, 263)))), special=st.booleans())
def test_any_ids_have_the_same_text(
    page: chromium.Page, tokenizer: Tokenizer, rows: list[list[int]], special: bool
) -> None:
    found = page.ask("(rows, special) => rows.map((ids) => tokenizer.decode(ids, { special }))", rows, special)
    assert found == [tokenizer.decode(row, skip_special_tokens=not special) for row in rows]


def test_what_is_shown_while_writing_is_never_taken_back(page: chromium.Page, tokenizer: Tokenizer) -> None:
    for text in NASTY_LINES:
        ids = ids_in_library(tokenizer, [text], special=False)[0][:200]
        whole = tokenizer.decode(ids, skip_special_tokens=True)
        shown = page.ask("(ids) => ids.map((_, i) => tokenizer.settled(ids.slice(0, i + 1)))", ids)
        assert all(whole.startswith(part) for part in shown), text
        assert shown[-1] == whole or whole.endswith("\ufffd")


def test_long_text_takes_no_square_of_its_length(page: chromium.Page, tokenizer: Tokenizer) -> None:
    dice = random.Random(0)
    long = ["a" * 100_000, " " * 100_000, "".join(dice.choices("abcdé ", k=100_000))]
    assert ids_in_page(page, long, False) == ids_in_library(tokenizer, long, False)


def test_added_tokens_that_are_not_special_are_found_in_typed_text(
    browser: chromium.Chromium, tokenizer: Tokenizer
) -> None:
    other = Tokenizer.from_str(tokenizer.to_str())
    words = ["role:", "role: user", "a.b", "[x]"]
    other.add_tokens([AddedToken(word, normalized=False, special=False) for word in words])
    page = tokenizer_page(browser, other)
    texts = ["role: user said a.b or aXb, <|fr|> [x] [[x]]", "role:role: use"]
    for special in (False, True):
        assert ids_in_page(page, texts, special) == ids_in_library(other, texts, special)
    page.close()


def test_half_a_surrogate_pair_is_the_replacement_character(page: chromium.Page, tokenizer: Tokenizer) -> None:
    assert page.run("tokenizer.encode('a\\ud83d b')") == ids_in_library(tokenizer, ["a\ufffd b"], False)[0]


def test_prompts_are_those_of_the_chat_template(plain_folder: Path, open_model: Callable[..., chromium.Page]) -> None:
    page = open_model(pack(plain_folder, ("fr", "en")))
    chat = ChatFormat.read(plain_folder)
    assert chat is not None
    prompt = "async (request) => (await client.ask('prompt', request)).ids"
    for text in ("Le pain est prêt.", " deux  espaces ", "<|im_end|> et </s>", "une\nautre ligne\n"):
        for to in ("fr", "en"):
            expected = chat.encode([{"role": "user", "content": text, "language": to}])
            assert page.ask(prompt, {"translate": text, "to": to}) == expected
        turns = ["Bonjour", text, "Encore"]
        roles = ("user", "assistant", "user")
        messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=True)]
        assert page.ask(prompt, {"chat": turns}) == chat.encode(messages)
