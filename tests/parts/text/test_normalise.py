import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.normalise import normalise, normalise_text, suspects


def batch(texts: list[str], *, code: bool = False) -> list[str]:
    array = pa.array(texts, pa.string())
    new, _ = normalise(array, code=np.full(len(texts), code))
    return new.to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "« Vraiment\u202f?\u00a0» dit-elle\u00a0; puis\u202f: «\u202fNon\u202f!\u202f»",
        "12\u202f500\u00a0€, n°\u00a05, 18\u00a0h\u00a030",
        "Œuvre, cœur, l’été — et… “so on” – ‘quoted’; ﬁn",
        "A\n\nB\n\n\nC",
    ],
)
def test_typography_stays(text: str):
    assert normalise_text(text) == (text, [])
    assert batch([text]) == [text]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("line-ends", "un\r\ndeux\rtrois\u2028quatre\x0ccinq\u2029six", "un\ndeux\ntrois\nquatre\ncinq\n\nsix"),
        ("control", "a\x00b\x1b[0mc\x7f", "ab[0mc"),
        ("zero-width", "\ufeffcou\u200bleur\u2060", "couleur"),
        ("bidi", "prix\u200e : 3\u202c", "prix : 3"),
        ("soft-hyphen", "anti\u00adconstitution\u00adnellement", "anticonstitutionnellement"),
        ("nfc", "e\u0301te\u0301 a\u0300", "été à"),
        ("trailing-space", "un  \ndeux\t\ntrois", "un\ndeux\ntrois"),
        ("trailing-space", "Pourquoi\u00a0?\u00a0\nFin", "Pourquoi\u00a0?\nFin"),
        ("blank-lines", "un\n\n\n\n\n\ndeux", "un\n\n\ndeux"),
        ("edges", "\n\nun\n\n", "un"),
    ],
)
def test_each_rule_says_what_it_did(rule: str, before: str, after: str):
    text, edits = normalise_text(before)
    assert text == after
    assert [edit.rule for edit in edits] == [rule]
    assert before[edits[0].start :].startswith(edits[0].was)
    assert edits[0].end <= len(before)
    assert batch(["x", before, "y"]) == ["x", after, "y"]


def test_joiners_that_join_stay():
    family = "👩\u200d👩\u200d👧"
    assert normalise_text(f"une famille {family} ici")[0] == f"une famille {family} ici"
    assert normalise_text("نمی\u200cخواهم")[0] == "نمی\u200cخواهم"
    assert normalise_text("mot\u200dmot")[0] == "motmot"


def test_marks_of_direction_stay_where_there_is_hebrew():
    text = "le mot \u200fשלום\u200f ici"
    assert normalise_text(text)[0] == text


def test_code_keeps_its_blank_lines_and_first_indentation():
    assert batch(["  a\n\n\n\n\nb"], code=True) == ["  a\n\n\n\n\nb"]


def test_what_is_removed_may_uncover_more():
    assert normalise_text("e\u00ad\u0301 \u200b\n")[0] == "é"


@settings(deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=5))
def test_normalising_twice_changes_nothing_more(texts: list[str]):
    once = batch(texts)
    assert batch(once) == once
    assert once == [normalise_text(text)[0] for text in texts]
    assert all(unicodedata.is_normalized("NFC", text) for text in once)


@settings(deadline=None)
@given(st.lists(st.text(" \n\t\r\xa0\u202fa\u0301\u00ad\u200b:!»", max_size=30), min_size=1, max_size=5))
def test_any_mixture_of_white_space_settles(texts: list[str]):
    once = batch(texts)
    assert batch(once) == once
    assert not any(line != line.rstrip() for text in once for line in text.split("\n"))


def told_in_python(text: str, *, code: bool) -> tuple[str, list[tuple[str, int, int, str, str, int]]]:
    """What the rules of white space do to a text of plain characters, said line by line."""
    told: list[tuple[str, int, int, str, str, int]] = []
    found = list(re.finditer("[ \t\xa0\u202f\u3000]+(?=\n|$)", text))
    if found:
        told.append(("trailing-space", found[0].start(), found[-1].end(), found[0].group(), "", len(found)))
    text = "\n".join(line.rstrip(" \t\xa0\u202f\u3000") for line in text.split("\n"))
    found = [] if code else list(re.finditer("\n{4,}", text))
    if found:
        told.append(("blank-lines", found[0].start(), found[-1].end(), found[0].group(), "\n\n\n", len(found)))
        text = re.sub("\n{4,}", "\n\n\n", text)
    leading = re.match("(?:[^\\S\n]*\n)*", text)
    start, end = leading.end() if leading else 0, len(text.rstrip())
    start, end = (0, 0) if end <= start else (start, end)
    if (start, end) != (0, len(text)):
        low, high = (0, start) if start else (end, len(text))
        told.append(("edges", low, len(text) if end < len(text) else start, text[low:high], "", 1))
    return text[start:end], told


@settings(deadline=None)
@given(st.lists(st.text(" \n\n\n\t\xa0\u202f\u3000\u1680aé→🥖", max_size=40), max_size=6), st.booleans())
def test_white_space_is_told_as_it_was(texts: list[str], code: bool):
    new, edits = normalise(pa.array(texts, pa.string()), code=np.full(len(texts), code))
    wanted = [told_in_python(text, code=code) for text in texts]
    assert new.to_pylist() == [text for text, _ in wanted]
    assert edits == {place: told for place, (_, told) in enumerate(wanted) if told}


def test_no_text_out_of_nfc_goes_unseen():
    """All that has a decomposition, or a place among those that join, is looked at; what stands still alone is not."""
    every = [chr(code) for code in range(0x300, 0x32000) if not 0xD800 <= code < 0xE000]
    seen = suspects(pa.array([f"a{character}b" for character in every], pa.string())) != 0
    for character, found in zip(every, seen.tolist(), strict=True):
        if not found:
            assert unicodedata.is_normalized("NFC", character), character
            assert not unicodedata.combining(character), character
    assert not suspects(pa.array(["Ἀπ’ ἀρχῆς → «\u202f漢字\u202f» 🥖 Москва", "plain"], pa.string())).any()


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", min_codepoint=0x300), max_size=30))
def test_what_nobody_suspects_is_in_nfc(text: str):
    if not suspects(pa.array([text], pa.string()))[0] & 32:
        assert unicodedata.is_normalized("NFC", text)


def test_letters_that_two_signs_make_are_joined_in_the_first_planes_and_beyond():
    text, edits = normalise_text("\U00011099\U000110ba et \u1100\u1161\u11a8")
    assert text == unicodedata.normalize("NFC", "\U00011099\U000110ba et \u1100\u1161\u11a8") != ""
    assert [(edit.rule, edit.num) for edit in edits] == [("nfc", 2)]


def test_marks_piled_upon_a_letter_are_cut_though_the_text_is_in_nfc():
    piled = "q" + "\u0323" * 40
    assert unicodedata.is_normalized("NFC", piled)
    assert normalise_text(piled)[0] == "q" + "\u0323" * 30
