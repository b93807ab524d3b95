import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fournil.parts.text.normalise import normalise, normalise_text


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


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), min_size=1, max_size=5))
def test_normalising_twice_changes_nothing_more(texts: list[str]):
    once = batch(texts)
    assert batch(once) == once
    assert once == [normalise_text(text)[0] for text in texts]
    assert all(unicodedata.is_normalized("NFC", text) for text in once)


@given(st.lists(st.text(" \n\t\r\xa0\u202fa\u0301\u00ad\u200b:!»", max_size=30), min_size=1, max_size=5))
def test_any_mixture_of_white_space_settles(texts: list[str]):
    once = batch(texts)
    assert batch(once) == once
    assert not any(line != line.rstrip() for text in once for line in text.split("\n"))
