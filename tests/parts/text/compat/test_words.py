"""The splitter against its definition, word for word."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty_texts import NASTY

from fournil.parts.text.compat import characters
from fournil.parts.text.compat.characters import class_table
from fournil.parts.text.compat.words import sentence_spans, split_words


def is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def slow_words(text: str, *, elides: bool) -> list[str]:
    words: list[str] = []
    place = 0
    while place < len(text):
        first = place
        if text[place].isspace():
            place += 1
            continue
        place += 1
        if not is_word(text[first]):
            while place < len(text) and text[place] == text[first]:
                place += 1
        else:
            while place < len(text):
                if is_word(text[place]):
                    place += 1
                    continue
                joins = place + 1 < len(text) and is_word(text[place + 1])
                between_digits = text[place - 1].isdecimal() and joins and text[place + 1].isdecimal()
                if not (joins and text[place] in "'’ʼ-‐‑") and not (between_digits and text[place] in ".,"):
                    break
                place += 1
                if elides and text[place - 1] in "'’ʼ":
                    break
        words.append(text[first:place])
    return words


TEXTS = st.text(
    st.one_of(
        st.sampled_from(" \n\t.,'’-—…!?»«\"()#•[]{}aàeÉßl0129\u0301\xa0\u202f\u2028\x85\x00"),
        st.characters(max_codepoint=0x3FFFF, exclude_categories=["Cs"]),
    )
)


@settings(deadline=None)
@given(TEXTS, st.booleans())
def test_words_are_those_of_the_definition(text: str, elides: bool) -> None:
    assert split_words(text, elides=elides) == slow_words(text, elides=elides)


@pytest.mark.parametrize("text", NASTY)
def test_words_hold_all_that_is_no_white_space(text: str) -> None:
    words = split_words(text, elides=True)
    assert "".join(words) == "".join(text.split())
    assert words == slow_words(text, elides=True)


@settings(deadline=None)
@given(TEXTS)
def test_sentences_hold_all_but_the_white_space_between_them(text: str) -> None:
    spans = sentence_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    assert not "".join(text[end:start] for end, start in zip(edges[::2], edges[1::2], strict=True)).strip()
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Un. Deux ! Trois ? Quatre… Cinq", ["Un.", "Deux !", "Trois ?", "Quatre…", "Cinq"]),
        ("« Ah\xa0!\xa0» Il part.", ["« Ah\xa0!\xa0»", "Il part."]),
        ("« Ah ! » dit-elle. Bien.", ["« Ah ! » dit-elle.", "Bien."]),
        ("Oui... peut-être. Non... Jamais.", ["Oui... peut-être.", "Non...", "Jamais."]),
        ("M. Dupont, J. R. R. Tolkien. Fin.", ["M. Dupont, J. R. R. Tolkien.", "Fin."]),
        ("Il pèse 3.5 kg. Version 1.2.", ["Il pèse 3.5 kg.", "Version 1.2."]),
        ("(Vraiment ?) Oui.", ["(Vraiment ?)", "Oui."]),
        ("Une ligne\nsuit l’autre.", ["Une ligne\nsuit l’autre."]),
        ("第一。 第二？", ["第一。", "第二？"]),
        ("  ", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences


def test_table_is_pythons_and_datatroves() -> None:
    text = pytest.importorskip("datatrove.utils.text")
    table = class_table()
    spaces = {code for code in range(len(table)) if table[code] & characters.SPACE}
    assert spaces == {code for code in range(0x110000) if chr(code).isspace()}
    lines = {code for code in range(len(table)) if table[code] & characters.LINE}
    assert lines == {code for code in range(0x110000) if len(f"a{chr(code)}b".splitlines()) > 1}
    assert {chr(code) for code in range(len(table)) if table[code] & characters.SYMBOL} == text.PUNCTUATION_SET
    assert set(characters.terminal_characters()) == text.TERMINAL_PUNCTUATION
    assert not any(table[code] & characters.WORD for code in spaces)
    beyond = range(len(table), 0x110000)
    assert not any(chr(code).isalpha() or chr(code).isdecimal() or chr(code).isspace() for code in beyond)


def test_only_the_kelvin_sign_hides_a_letter_of_a_phrase() -> None:
    into_ascii = {code for code in range(128, 0x110000) if any(each.isascii() for each in chr(code).lower())}
    # The dotted capital I becomes two characters, an i and a dot that no phrase holds.
    assert into_ascii == {0x130, 0x212A}
