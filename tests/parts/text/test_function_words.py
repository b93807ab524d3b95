import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.core.languages import language
from fournil.core.relatives import COLLOQUIAL, NEIGHBOURS, RELATIVES
from fournil.parts.text.function_words import FunctionWords, count_words
from fournil.parts.text.line_languages import UNDECIDED, LineLanguages, line_languages

FRENCH = "Le boulanger se lève avant le soleil et pétrit la pâte qui a levé toute la nuit dans le pétrin.\n"
ENGLISH = "The baker gets up before the sun and kneads the dough that rose all through the night in the trough.\n"


def counted(*texts: str) -> FunctionWords:
    return count_words(pa.array(texts, pa.string()), ("fr", "en"))


def told(*texts: str) -> LineLanguages:
    return line_languages(counted(*texts))


def plainly(text: str, words: frozenset[str]) -> int:
    """The same count as the kernel's, the slow way."""
    found = re.findall(r"[a-zà-öø-ÿœ0-9]+(?:['’](?=[a-zà-öø-ÿœ]))?", text.lower())
    return sum(word.replace("’", "'") in words for word in found)


def own(tag: str) -> frozenset[str]:
    other = "en" if tag == "fr" else "fr"
    lists = {each: language(each).stop_words | COLLOQUIAL[each] for each in (tag, other)}
    return lists[tag] - lists[other]


def test_function_words_are_counted_by_language():
    words = counted(FRENCH, ENGLISH, "", "12 : 34 !")
    assert words.tags == ("fr", "en")
    assert words.counts_DC[0, :2].tolist() == [plainly(FRENCH, own("fr")), plainly(FRENCH, own("en"))]
    assert words.counts_DC[1, :2].tolist() == [plainly(ENGLISH, own("fr")), plainly(ENGLISH, own("en"))]
    assert words.num_words_D.tolist() == [20, 20, 0, 0]
    assert words.num_letters_D.tolist() == [sum(map(str.isalpha, text)) for text in (FRENCH, ENGLISH)] + [0, 0]
    assert not words.counts_DC[2:].any()


def test_elision_capitals_and_typographic_apostrophes():
    words = counted("L’ÉTÉ QU’IL ÉTAIT LÀ, D'OÙ J'AI", "l'été qu'il était là, d’où j’ai")
    assert words.counts_DC[0].tolist() == words.counts_DC[1].tolist()
    # l' été qu' il était là d' où j' ai
    assert words.counts_DC[0, 0] == 10


@settings(deadline=None)  # the first call compiles the kernel
@given(st.lists(st.sampled_from(["le", "La", "the", "ÇA", "où", "l’", "it’s", "x", "1er", "…", "'", " ", "\n", "é"])))
def test_the_kernel_counts_as_plain_python_does(pieces: list[str]):
    text = " ".join(pieces)
    words = counted(text)
    assert words.counts_DC[0, :2].tolist() == [plainly(text, own("fr")), plainly(text, own("en"))]


@settings(deadline=None)  # the first call compiles the kernel
@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_is_read_to_its_end(texts: list[str]):
    words = counted(*texts)
    assert words.bounds_L[-1] == sum(len(text.encode()) for text in texts)
    assert [int(num) for num in np.diff(words.lines_D)] == [
        text.count("\n") + (not text.endswith("\n") and bool(text)) for text in texts
    ]
    alone = [counted(text).counts_DC[0].tolist() for text in texts]
    assert words.counts_DC.tolist() == alone


def test_other_scripts_are_seen():
    words = counted(
        "Пекарь встаёт раньше солнца.", "面包师在太阳升起之前就起床", "Người thợ làm bánh dậy trước", "Ὁ ἀρτοποιὸς"
    )
    assert (words.num_foreign_D > 0).tolist() == [True, True, False, True]


def test_every_list_of_words_is_as_the_kernel_compares_it():
    lists = [*COLLOQUIAL.values(), NEIGHBOURS, *(each.words for kin in RELATIVES.values() for each in kin)]
    for word in frozenset().union(*lists):
        assert word == word.lower()
        assert "\u2019" not in word


def test_a_page_in_two_languages_is_told_line_by_line():
    found = told(FRENCH * 2 + "\n" + ENGLISH * 2 + "1.2.3\n", FRENCH, "12\n")
    assert found.label_L.tolist() == [0, 0, 0, 1, 1, 1, 0, UNDECIDED]
    assert found.share_DN[0].min() == pytest.approx(0.5, abs=0.1)
    assert found.share_DN[1].tolist() == [1.0, 0.0]
    assert found.share_DN[2].tolist() == [0.0, 0.0]
    assert found.switching_D.tolist() == [0.0, 0.0, 0.0]


def test_headings_before_the_first_sure_line_go_with_it():
    assert told("Chapter\n\n" + FRENCH).label_L.tolist() == [0, 0, 0]


def test_a_few_words_of_another_language_are_no_share():
    assert told(FRENCH * 5 + "He said that.\n").share_DN[0].tolist() == [1.0, 0.0]


def test_switching_within_a_line_is_seen():
    found = told("So j'étais comme what the hell, pourquoi tu m'as pas dit that you were with the others ?\n" + FRENCH)
    assert found.switching_D[0] == pytest.approx(0.5, abs=0.1)


def test_verses_of_few_words_still_have_a_language():
    assert told("Sœur Anne,\nne vois-tu\nrien venir ?\n").label_L.tolist() == [0, 0, 0]


def test_nothing_at_all():
    found = told()
    assert found.share_DN.shape == (0, 2)
    assert told("").share_DN.tolist() == [[0.0, 0.0]]


def test_languages_without_function_words_are_passed_over():
    assert count_words(pa.array(["x"]), ("fr-CA", "code", "fr")).tags == ("fr",)
