from pathlib import Path

import fournil.data
from fournil.stages.evaluate.fidelity.sentences import MIN_LETTERS, judge, pieces, sentences

MIE = Path(fournil.data.__file__).parent / "mie"

FRENCH = "Le boulanger allume son four avant le lever du soleil."
ENGLISH = "The baker lights his oven long before the sun comes up."


def split(line: str) -> list[str]:
    return [line[start:end].strip() for start, end in sentences(line)]


def test_sentences():
    assert split("Il pleut. Nous rentrons\u202f! Et toi\u202f?") == [
        "Il pleut.",
        "Nous rentrons\u202f!",
        "Et toi\u202f?",
    ]
    assert split("«\xa0Viens\u202f!\xa0» Il ne vint pas.") == ["«\xa0Viens\u202f!\xa0»", "Il ne vint pas."]
    assert split("“Come in.” She did.") == ["“Come in.”", "She did."]
    assert split("Elle hésite… puis part.") == ["Elle hésite… puis part."]
    assert split("   ") == []


def test_abbreviations_end_no_sentence():
    assert split("M. Dupont et Mme P. Leroy arrivent. Tout va bien.") == [
        "M. Dupont et Mme P. Leroy arrivent.",
        "Tout va bien.",
    ]
    assert split("Mr. Smith met Dr. Jones at St. Mary.") == ["Mr. Smith met Dr. Jones at St. Mary."]
    assert split("La version 3.2 date de mai.") == ["La version 3.2 date de mai."]


def test_each_sentence_is_judged_by_itself():
    text = f"{FRENCH} {ENGLISH}\n{FRENCH}"
    found = pieces(text, [])
    assert [piece.kind for piece in found] == ["fr", "en", "fr"]
    assert [text[piece.start : piece.end].strip() for piece in found] == [FRENCH, ENGLISH, FRENCH]


def test_short_sentences_are_judged_together():
    found = pieces("Oui. Bien sûr. Viens donc\u202f! Le pain est chaud.", [])
    assert [piece.kind for piece in found] == ["fr"]
    assert [piece.kind for piece in pieces(f"{FRENCH} Oui.", [])] == ["fr", "short"]


def test_short_lines_are_judged_together():
    text = "Oui, demain.\nEt toi, tu viens\u202f?\nPas avant la nuit."
    assert [piece.kind for piece in pieces(text, [])] == ["fr"]


def test_too_little_is_not_judged():
    assert [piece.kind for piece in pieces("Oui.", [])] == ["short"]
    assert [piece.kind for piece in pieces("12 345, 67", [])] == ["short"]
    assert pieces("", []) == pieces(" \n\n ", []) == []


def test_a_short_answer_is_judged_as_a_whole():
    text = "Le chat dort sur le piano."
    assert sum(char.isalpha() for char in text) < MIN_LETTERS
    assert [piece.kind for piece in pieces(text, [])] == ["fr"]
    assert [piece.kind for piece in pieces("The cat is on the piano.", [])] == ["en"]


def test_word_salad_is_unclear():
    assert [piece.kind for piece in pieces("document de flushesshare edital timees sheet cits cendants", [])] == [
        "unclear"
    ]


def test_a_third_language_is_one():
    assert [piece.kind for piece in pieces("Der Bäcker heizt seinen Ofen noch vor dem Sonnenaufgang.", [])] == ["de"]


def test_tags_are_no_text():
    text = "[Speaker 1:] Le train part dans une heure, dépêche-toi."
    (piece,) = pieces(text, [(0, 12)])
    assert (piece.kind, text[piece.start : piece.end].strip()) == ("fr", text[13:])


def test_code_parts_what_is_judged_together():
    assert [piece.kind for piece in pieces("Oui.\nx = 3\nBien sûr.\n" + FRENCH, [])] == ["short", "code", "fr"]


def test_identification_is_right_where_it_judges():
    """On the recipe mie's own texts: what docs/fidelity.md says of the identification."""
    for language, other in (("fr", "en"), ("en", "fr")):
        texts = [path.read_text("utf-8") for path in sorted((MIE / language).glob("*.txt"))]
        lines = [line for text in texts for line in text.splitlines()]
        tags = judge([line[start:end] for line in lines for start, end in sentences(line)], MIN_LETTERS)
        judged = [tag for tag in tags if tag not in ("short", "unclear")]
        assert len(judged) > 650
        assert other not in judged
        assert judged.count(language) / len(judged) > 0.995
