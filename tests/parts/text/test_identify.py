import pyarrow as pa

from fournil.parts.text.codepoints import decode
from fournil.parts.text.identify import PIECE, identify, samples

FRENCH = "Le boulanger se lève avant le soleil, allume son four et pétrit la pâte qui a levé toute la nuit."
ENGLISH = "The baker gets up before the sun, lights his oven and kneads the dough that rose all through the night."


def test_languages_are_found():
    tags, confidences, letters = identify(decode(pa.array([FRENCH, ENGLISH, FRENCH.upper(), "123 !", ""])))
    assert tags == ["fr", "en", "fr", "", ""]
    assert confidences[:3].min() > 0.9
    assert letters.tolist()[3:] == [0, 0]


def test_a_text_with_line_ends_is_one_line():
    tags, _, _ = identify(decode(pa.array([FRENCH.replace(" ", "\n")])))
    assert tags == ["fr"]


def test_a_long_text_is_judged_by_pieces():
    text = ENGLISH + " " + FRENCH * 40 + " " + ENGLISH
    lines, letters = samples(decode(pa.array([text])))
    assert len(lines[0]) <= 3 * PIECE + 2
    assert letters[0] > 1000
    assert lines[0].startswith("The baker")
    tags, confidences, _ = identify(decode(pa.array([text])), num_pieces=50)
    assert tags == ["fr"]
    assert confidences[0] > 0.8


def test_company_does_not_change_a_verdict():
    alone = identify(decode(pa.array([FRENCH])))
    among = identify(decode(pa.array([ENGLISH, FRENCH, ENGLISH])))
    assert (alone[0][0], alone[1][0]) == (among[0][1], among[1][1])
