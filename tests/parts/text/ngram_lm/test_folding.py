import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.ngram_lm.folding import fold


def folded(*texts: str) -> list[list[str]]:
    words = fold(pa.array(texts, pa.string()))
    return [[words.word(w) for w in range(*span)] for span in zip(words.first_D, words.first_D[1:], strict=False)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L’Été, qu'il «\xa0aima\xa0» !", ["l'", "été", ",", "qu'", "il", '"', "aima", '"', "!", ""]),
        ("En 1789, 3,14 €", ["en", "0000", ",", "0", ",", "00", "€", ""]),
        ("DÉBATS — œuvre", ["débats", "–", "œuvre", ""]),
        ("Poſſible", ["possible", ""]),
        ("un\u200bseul mot\xadcoupé", ["unseul", "motcoupé", ""]),
        ("un précé-\ndent mot", ["un", "précédent", "mot", ""]),
        ("un précé-\n   dent", ["un", "précédent", ""]),
        ("est-il là", ["est", "-", "il", "là", ""]),
        ("Saint-\nDenis", ["saint", "-", "denis", ""]),
        ("1914-\ndates", ["0000", "-", "dates", ""]),
        ("mot -\nautre", ["mot", "-", "autre", ""]),
        ("mot-\n\nautre", ["mot", "-", "", "autre", ""]),
        ("un\ndeux\n \ntrois\n\n\n\nquatre\n\n", ["un", "deux", "", "trois", "", "quatre", ""]),
        ("aujourd'hui '", ["aujourd'", "hui", "'", ""]),
        ("", []),
        (" \n\n ", []),
        ("\x00", []),
        ("😀é", ["😀", "é", ""]),
    ],
)
def test_words(text, words):
    assert folded(text) == [words]


def test_a_run_of_letters_without_end_is_cut():
    (words,) = folded("é" * 150)
    assert words == ["é" * 64, "é" * 64, "é" * 22, ""]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=40), max_size=6))
def test_a_batch_is_its_texts_one_by_one(texts):
    assert folded(*texts) == [folded(text)[0] for text in texts]


@settings(max_examples=60, deadline=None)
@given(st.text("aé1’'- .,\n", max_size=60))
def test_a_word_is_found_again_by_its_hash(text):
    words = fold(pa.array([text, text.upper() + "\n\n" + text.lower()], pa.string()))
    hashes: dict[str, int] = {}
    for number, found in enumerate(words.hashes_W.tolist()):
        assert hashes.setdefault(words.word(number), found) == found
    assert len(set(hashes.values())) == len(hashes)


def test_bytes_that_break_off_are_left_out():
    """The kernel never reads beyond its text, whatever stands there."""
    import numpy as np

    from fournil.parts.text.ngram_lm.folding import fold_bytes

    data = np.frombuffer("aé".encode()[:-1] + "bé".encode(), np.uint8)
    words = fold_bytes(data, np.array([0, 2, 5], np.int64))
    assert [words.word(number) for number in range(len(words.hashes_W))] == ["a", "", "bé", ""]
