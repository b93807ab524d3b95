import pyarrow as pa
import pytest

from fournil.parts.text.keys import exact_keys, letter_keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ouvrir le fichier…", "OUVRIR LE FICHIER"),
        ("_Open file", "Open &file"),
        ("Could not open %s: %d", "Could not open “%1$s”"),
        ("Page 3", "page 12"),
        ("<b>Attention</b>", "Attention !"),
        ("{count} files", "files"),
        ("${name} : %(count)d fichiers", "Fichiers"),
        ("%-5.2f octets, %1$lu fichiers", "octets fichiers"),
        ("Ŝ ÉCLAIR 12", "ŝ éclair"),
    ],
)
def test_what_a_message_hides_does_not_make_it_another(one: str, other: str):
    keys = letter_keys(pa.array([one, "x", other]))
    assert keys[0] == keys[2] != keys[1]


def test_letters_make_another_message():
    keys = letter_keys(pa.array(["le", "la", "là", "", "%s", "%d", "12", "l", "e"]))
    assert len(set(keys.tolist())) == len(keys)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("50 % des pains", "50 % pains"),
        ("<" + "x" * 81 + ">", "y"),
        ("{a\nb}", "c"),
        ("100 %", "100 % d"),
        ("un <", "un <a"),
    ],
)
def test_what_only_looks_like_a_directive_is_read(one: str, other: str):
    keys = letter_keys(pa.array([one, other]))
    assert keys[0] != keys[1]


def test_exact_keys_see_every_character():
    keys = exact_keys(pa.array(["a", "A", "a ", "a", ""]))
    assert keys.shape == (5, 2)
    assert (keys[0] == keys[3]).all()
    assert len({tuple(key) for key in keys.tolist()}) == 4


def test_the_first_letters_alone_make_a_key():
    texts = pa.array(["Un, deux, trois", "UN DEUX quatre", "Un dix", "12 : 34", "12 : 35"])
    openings = letter_keys(texts, most=6)
    assert openings[0] == openings[1] == letter_keys(pa.array(["undeux"]))[0]
    assert len(set(openings.tolist())) == 4
    assert openings[3:].tolist() == letter_keys(texts)[3:].tolist()
