"""What one pass over the bytes finds, against the definition, word for word."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.core.languages import language
from fournil.parts.text.scan import function_word_table, function_words, scan, word_hash

MIXED = "L’été fut long et le pain était bon.\n\nThe bread was good, and they had it with the wine.\nOui, mais don't !"


def words_of(texts: list[str], tag: str) -> list[list[str]]:
    found = scan(pa.array(texts, pa.string()), [tag] * len(texts)).words
    data = "".join(texts).encode()
    edges = zip(found.starts_W.tolist(), found.ends_W.tolist(), strict=True)
    words = [data[start:end].decode() for start, end in edges]
    return [words[found.bounds_D[i] : found.bounds_D[i + 1]] for i in range(len(texts))]


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


@given(st.lists(st.text("ab é’'-9 .\n«»🥖", max_size=30), min_size=1, max_size=5), st.sampled_from(["fr", "en"]))
def test_words_are_those_of_the_definition(texts: list[str], tag: str):
    assert words_of(texts, tag) == [slow_words(text, elides=tag == "fr") for text in texts]


def test_case_and_apostrophe_do_not_change_a_hash():
    hashes = scan(pa.array(["L’École l'école ÉCOLE 🥖a"]), ["fr"]).words.hashes_W.tolist()
    assert hashes == [word_hash(word) for word in ("l'", "école", "l'", "école", "école", "a")]
    assert word_hash("l'") in function_words().keys


def test_function_words_are_counted_by_language_line_and_text():
    found = scan(pa.array([MIXED, "", "the"]), ["fr", None, None])
    french, english = found.tags.index("fr"), found.tags.index("en")
    lines = found.lines
    assert lines.bounds_D.tolist() == [0, 3, 3, 4]
    # « l’ et le », "the was and they had it with the" (« on » and « or » are words of both languages), « mais »
    assert lines.function_words_LN[:, french].tolist() == [3, 0, 1, 0]
    assert lines.function_words_LN[:, english].tolist() == [0, 8, 0, 1]
    assert found.function_words_DN[:, french].tolist() == [4, 0, 0]
    assert found.function_words_DN[:, english].tolist() == [8, 0, 1]
    assert lines.num_words_L.tolist() == [9, 11, 4, 1]
    assert lines.opens_L.tolist() == [True, True, False, True]
    whole = (MIXED + "the").encode()
    assert [whole[a:b].decode() for a, b in zip(lines.starts_L, lines.ends_L, strict=True)] == [
        *MIXED.replace("\n\n", "\n").split("\n"),
        "the",
    ]


@pytest.mark.parametrize("tag", ["en", None])
def test_elided_words_of_french_are_seen_in_a_text_read_as_english(tag: str | None):
    found = scan(pa.array(["L’homme d’hier, qu'il a vu, n'est plus."]), [tag])
    assert found.function_words_DN[0, found.tags.index("fr")] == 5


def test_a_word_of_two_languages_counts_for_both():
    table = function_word_table({"fr": frozenset({"on", "a"}), "en": frozenset({"on"})})
    masks = {int(key): int(mask) for key, mask in zip(table.keys, table.masks, strict=True) if key}
    assert masks == {word_hash("on"): 3, word_hash("a"): 1}


def test_speech_opens_with_a_dash_in_french_and_a_list_with_a_hyphen():
    from fournil.parts.text.kernels import scan as kernel

    assert set(language("fr").speech_dashes) == set("—–")
    text = "— Non, dit-il.\n– Si !\n- un kilo de farine\n• du sel"
    assert scan(pa.array([text]), ["fr"]).count(kernel.BULLET_LINES).tolist() == [2]
    assert scan(pa.array([text]), ["en"]).count(kernel.BULLET_LINES).tolist() == [4]
