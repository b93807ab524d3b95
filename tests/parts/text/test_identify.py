import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.identify import PIECE, identify, identify_lines, num_letters, samples
from fournil.parts.text.language_model import all_confidences
from fournil.parts.text.language_scores import confidences, likeliest

FRENCH = "Le boulanger se lève avant le soleil, allume son four et pétrit la pâte qui a levé toute la nuit."
ENGLISH = "The baker gets up before the sun, lights his oven and kneads the dough that rose all through the night."


def test_languages_are_found():
    tags, confidences = identify(pa.array([FRENCH, ENGLISH, FRENCH.upper(), "123 !", "", "\u0301 \u0302"]))
    assert tags == ["fr", "en", "fr", "", "", ""]
    assert confidences[:3].min() > 0.9


def test_some_of_a_batch_are_judged():
    tags, confidences = identify(pa.array([FRENCH, ENGLISH, "12"]), [1])
    assert tags == ["en"]
    assert len(confidences) == 1


def test_a_text_with_line_ends_is_one_line():
    tags, _ = identify(pa.array([FRENCH.replace(" ", "\n")]))
    assert tags == ["fr"]


def test_what_is_no_letter_is_left_out():
    assert samples(pa.array(["« L’été », dit-il : 25 €/kg !", "हिन्दी में", "日本語。"])) == [
        "L’été dit-il kg",
        "हिन्दी में",
        "日本語",
    ]


def test_a_piece_may_end_within_a_character():
    text = "é" * 1000
    lines = samples(pa.array([f"a{text}", text]))
    assert {character for line in lines for character in line} == {"a", "é", " "}


def test_a_long_text_is_judged_by_pieces():
    text = ENGLISH + " " + FRENCH * 40 + " " + ENGLISH
    lines = samples(pa.array([text]))
    assert len(lines[0].encode()) <= 3 * PIECE + 2
    assert lines[0].startswith("The baker")
    tags, confidences = identify(pa.array([text]), num_pieces=50)
    assert tags == ["fr"]
    assert confidences[0] > 0.8


def test_tags_of_flags_are_no_letters():
    # U+1F3F4 with the tags of « gbsct » is the flag of Scotland.
    assert samples(pa.array(["\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Oui"])) == ["Oui"]


def test_what_is_said_is_fasttexts_own():
    lines = [FRENCH, ENGLISH, "Wa a ka dòmi nan palè li", "Привет, как дела?", "日本語のテキスト", "ok"]
    tags, confidences = identify_lines(lines)
    own = [all_confidences(line)[0] for line in lines]
    assert tags == [tag for tag, _ in own]
    assert np.abs(confidences - [min(confidence, 1.0) for _, confidence in own]).max() < 1e-5


def test_company_does_not_change_a_verdict():
    alone = identify(pa.array([FRENCH]))
    among = identify(pa.array([ENGLISH, FRENCH, ENGLISH]))
    assert (alone[0][0], alone[1][0]) == (among[0][1], among[1][1])


def test_letters_are_counted_with_their_marks():
    assert num_letters("e\u0301t\u0301 25 €") == 4


@settings(deadline=None)
@given(st.lists(st.sampled_from([FRENCH, ENGLISH, "Guten Tag", "Привет", "日本語", "na na", "3", ""]), min_size=1))
def test_the_likeliest_is_the_greatest_of_all_confidences(lines: list[str]):
    texts = utf8_bytes(pa.array(lines, pa.string()))
    places = np.arange(len(lines))
    numbers, most = likeliest(*texts, places)
    every = confidences(*texts, places)
    assert np.array_equal(numbers, every.argmax(1))
    assert np.array_equal(most, every.max(1))
