import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.languages import language
from fournil.parts.text.codepoints import decode
from fournil.parts.text.words import split_words, tokens_with_letters, word_hashes

FRENCH, ENGLISH = language("fr"), language("en")


def words_of(texts: list[str], tag: str) -> list[list[str]]:
    words = split_words(decode(pa.array(texts, pa.string())), language=language(tag))
    whole = "".join(texts)
    found = [whole[start:end] for start, end in zip(words.starts_W.tolist(), words.ends_W.tolist(), strict=True)]
    return [found[words.bounds_D[i] : words.bounds_D[i + 1]] for i in range(len(texts))]


def slow_words(text: str, *, elides: bool) -> list[str]:
    """The definition, word for word."""

    def inside(place: int) -> bool:
        return 0 <= place < len(text) and (text[place].isalpha() or text[place].isnumeric())

    words, current = [], ""
    for place, character in enumerate(text):
        if inside(place):
            current += character
        elif character in "'’ʼ-‐‑" and inside(place - 1) and inside(place + 1):
            current += character
            if elides and character in "'’ʼ":
                words.append(current)
                current = ""
        elif current:
            words.append(current)
            current = ""
    return words + ([current] if current else [])


def test_elision_ends_a_french_word():
    text = "L’homme qu'il a vu, c’est peut-être l'abbé : aujourd’hui, non ?"
    assert words_of([text], "fr") == [
        ["L’", "homme", "qu'", "il", "a", "vu", "c’", "est", "peut-être", "l'", "abbé", "aujourd’", "hui", "non"]
    ]


def test_an_apostrophe_stands_inside_an_english_word():
    assert words_of(["Don't touch the dogs' state-of-the-art beds."], "en") == [
        ["Don't", "touch", "the", "dogs", "state-of-the-art", "beds"]
    ]


def test_no_word_reaches_over_the_end_of_a_text():
    assert words_of(["l", "'", "eau-", "vive", "", "a"], "fr") == [["l"], [], ["eau"], ["vive"], [], ["a"]]


def test_case_and_apostrophe_do_not_change_a_hash():
    words = split_words(decode(pa.array(["L’École l'école ÉCOLE"])), language=FRENCH)
    assert len(set(words.hashes_W.tolist())) == 2
    assert words.hashes_W[0] in word_hashes(frozenset({"l'"}))


@given(st.lists(st.text("ab é’'-9 .\n«»", max_size=30), min_size=1, max_size=5), st.sampled_from(["fr", "en"]))
def test_words_are_those_of_the_definition(texts: list[str], tag: str):
    assert words_of(texts, tag) == [slow_words(text, elides=tag == "fr") for text in texts]


@pytest.mark.parametrize(
    ("text", "counted", "lettered"),
    [("Quoi ! « Oui » ; non ?", 3, 3), ("x = 3 + y", 5, 2), ("… — !", 0, 0), ("", 0, 0), ("12 345 kg", 3, 1)],
)
def test_french_spaced_punctuation_is_no_word_without_letters(text: str, counted: int, lettered: int):
    nums, withs = tokens_with_letters(decode(pa.array([text, "a"])))
    assert (nums[0], withs[0]) == (counted, lettered)
