"""What one pass over the bytes finds, against the definition, word for word."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from words_by_definition import slow_words

from fournil.core.languages import language
from fournil.parts.text.kernels import scan as kernel
from fournil.parts.text.scan import function_words, function_words_of, scan, word_hash

MIXED = "L’été fut long et le pain était bon.\n\nThe bread was good, and they had it with the wine.\nOui, mais don't !"


def words_of(texts: list[str], tag: str) -> list[list[tuple[int, int]]]:
    """Hash and length of each word that was found."""
    found = scan(pa.array(texts, pa.string()), [tag] * len(texts)).words
    words = list(zip(found.hashes_W.tolist(), found.lengths_W.tolist(), strict=True))
    return [words[found.bounds_D[i] : found.bounds_D[i + 1]] for i in range(len(texts))]


def as_found(words: list[str]) -> list[tuple[int, int]]:
    return [(word_hash(word), len(word)) for word in words]


def test_elision_ends_a_french_word():
    text = "L’homme qu'il a vu, c’est peut-être l'abbé : aujourd’hui, non ?"
    words = ["L’", "homme", "qu'", "il", "a", "vu", "c’", "est", "peut-être", "l'", "abbé", "aujourd’", "hui", "non"]
    assert words_of([text], "fr") == [as_found(words)]


def test_an_apostrophe_stands_inside_an_english_word():
    words = ["Don't", "touch", "the", "dogs", "state-of-the-art", "beds"]
    assert words_of(["Don't touch the dogs' state-of-the-art beds."], "en") == [as_found(words)]


def test_no_word_reaches_over_the_end_of_a_text():
    found = words_of(["l", "'", "eau-", "vive", "", "a"], "fr")
    assert found == [as_found(words) for words in (["l"], [], ["eau"], ["vive"], [], ["a"])]


LETTERS = st.one_of(
    st.text("ab é’'-9 .\n«»🥖", max_size=30), st.text("azAZ@[`{éÉ慡'-", max_size=30), st.text("abcdefgh ", max_size=40)
)


@given(st.lists(LETTERS, min_size=1, max_size=5), st.sampled_from(["fr", "en"]))
def test_words_are_those_of_the_definition(texts: list[str], tag: str):
    assert words_of(texts, tag) == [as_found(slow_words(text, elides=tag == "fr")) for text in texts]


def test_hashes_of_different_words_differ():
    words = ["aa", "慡", "a", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaaaaaaaa", "é", "a-a", "a'a", "1", "11"]
    assert len({word_hash(word) for word in words}) == len(words)


def test_case_and_apostrophe_do_not_change_a_hash():
    hashes = scan(pa.array(["L’École l'école ÉCOLE 🥖a"]), ["fr"]).words.hashes_W.tolist()
    assert hashes == [word_hash(word) for word in ("l'", "école", "l'", "école", "école", "a")]
    assert word_hash("l'") in function_words()[0]


def test_lines_and_function_words_of_the_language_in_which_a_text_is_read():
    found = scan(pa.array([MIXED, "", "the", MIXED]), ["fr", None, None, "en"])
    lines = found.lines
    assert lines.bounds_D.tolist() == [0, 3, 3, 4, 7]
    # « l’ fut et le était », « don' » of none, « oui mais »; "the was and they had it with the don't"
    counted = [
        sum(word.lower().replace("’", "'") in function_words_of(tag) for word in slow_words(MIXED, elides=tag == "fr"))
        for tag in ("fr", "en")
    ]
    assert found.count(kernel.FUNCTION_WORDS).tolist() == [counted[0], 0, 0, counted[1]]
    assert min(counted) > 6
    assert lines.num_words_L.tolist() == [9, 11, 4, 1, 8, 11, 3]
    parts = [len(line) for line in MIXED.replace("\n\n", "\n").split("\n")]
    assert lines.lengths_L.tolist() == [*parts, 3, *parts]


def test_words_that_look_like_noise_are_counted():
    text = "Saint-Denis NASA m4tin prix IIDtrrÉtl mcDo brrrt É a l’Homme Ã©tÃ© http://a.fr 12"
    found = scan(pa.array([text]), ["fr"])
    counted = {
        kernel.CAPITAL_WORDS: 1,
        kernel.ODD_CAPITALS: 3,
        kernel.MIXED_WORDS: 1,
        kernel.WORDS_WITHOUT_VOWEL: 2,
        kernel.SINGLE_LETTERS: 4,
        kernel.MOJIBAKE: 2,
        kernel.ADDRESSES: 1,
    }
    assert {column: int(found.count(column)[0]) for column in counted} == counted


@given(st.text("aB é’'-9 .,;\n«»🥖Ã©", max_size=40))
def test_letters_and_digits_are_those_that_python_sees(text: str):
    found = scan(pa.array([text]), ["fr"])
    assert found.count(kernel.LETTERS)[0] == sum(character.isalpha() for character in text)
    assert found.count(kernel.CHARACTERS)[0] == len(text)
    assert found.count(kernel.ALPHANUMERICS)[0] == sum(character.isalnum() for character in text)
    assert found.count(kernel.SOLID)[0] == sum(not character.isspace() for character in text)


def test_the_words_of_speech_and_of_creoles_are_function_words_too():
    text = "Mwen pa konnen ki moun ki di ou sa, men li te la."
    found = scan(pa.array([text, text]), ["fr", "en"]).count(kernel.FUNCTION_WORDS)
    assert found[0] >= 6 > found[1]


def test_a_dash_opens_speech_in_french_where_the_line_ends_a_sentence():
    assert set(language("fr").speech_dashes) == set("—–-")
    text = "— Non, dit-il.\n- Si, « vraiment » !\n- un kilo de farine\n– du sel ;\n• du pain."
    assert scan(pa.array([text]), ["fr"]).count(kernel.BULLET_LINES).tolist() == [3]
    assert scan(pa.array([text]), ["en"]).count(kernel.BULLET_LINES).tolist() == [5]
