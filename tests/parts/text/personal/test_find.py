"""The search itself: batches, windows, code points, text that was made to be nasty."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.core.languages import language
from fournil.parts.text.personal import KINDS, find_all, find_personal_data, mask, places
from fournil.parts.text.personal.find import _apart, _credible
from fournil.parts.text.personal.found import Found
from fournil.parts.text.personal.secrets import _key_cue, _names_key

BOTH = (language("fr"), language("en"))
PIECES = (
    *(
        "jo@free.fr",
        "06 12 34 56 78",
        "né le 3 mai 1991",
        "mot de passe : Berga54!",
        "82.64.133.27",
        "é",
        "’",
        "\u00a0",
    ),
    *(
        "demeurant 12, rue du Four, 57000 Metz",
        "12 34",
        "\n",
        ". ",
        " ",
        "🥖",
        "-----BEGIN ",
        "key=",
        "2a01:e0a::1",
        "zéro un",
    ),
)


def num_places(text: str) -> int:
    bytes_B = np.frombuffer(text.encode(), np.uint8)
    known = places.labels(BOTH, frozenset(KINDS))
    return sum(len(found.kinds_P) for found in places.scan(bytes_B, np.array([0, len(bytes_B)], np.int64), known))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=12).map("".join), max_size=5)
)
def test_a_batch_finds_what_each_text_holds(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    found = find_all(pa.array(texts, pa.string()), languages=BOTH)
    assert found == {
        place: items for place, text in enumerate(texts) if (items := find_personal_data(text, languages=BOTH))
    }
    for place, items in found.items():
        bounds = [bound for item in items for bound in (item.start, item.end)]
        assert bounds == sorted(bounds)
        assert all(item.start < item.end <= len(texts[place]) for item in items)


@pytest.mark.parametrize("filler", ["é ", "🥖 ", "plein de texte sans rien. ", "12 "])
def test_places_are_code_points_wherever_they_stand(filler: str) -> None:
    far = filler * 4000
    text = f"{far}jo@free.fr {far}\nTél. 06 12 34 56 78\n{far}"
    first, second = find_personal_data(text, languages=BOTH)
    assert text[first.start : first.end] == "jo@free.fr"
    assert text[second.start : second.end] == "06 12 34 56 78"
    assert mask(text, [first, second]) == text.replace("jo@free.fr", "[E-MAIL]").replace("06 12 34 56 78", "[PHONE]")


def test_more_places_than_the_kernel_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = pa.array([f"{number} jo{number}@free.fr, 06 12 34 56 {number % 90 + 10}; " * 7 for number in range(60)])
    whole = find_all(texts, languages=BOTH)
    monkeypatch.setattr(places, "_ROOM", 45)
    assert find_all(texts, languages=BOTH) == whole
    assert sum(map(len, whole.values())) == 60 * 7 * 2


def test_slices_of_an_array_and_large_strings() -> None:
    texts = pa.array(["jo@free.fr", "rien", "82.64.133.27 et jo@free.fr"])
    expected = {1: find_personal_data("82.64.133.27 et jo@free.fr", languages=BOTH)}
    assert find_all(texts.slice(1), languages=BOTH) == expected
    assert find_all(texts.cast(pa.large_string()).slice(1), languages=BOTH) == expected
    assert find_all(texts.slice(0, 0), languages=BOTH) == {}


@pytest.mark.parametrize(
    "unit", ["7", "@", "a@", "a@a", "a@a.", "12 ", "+33 1 11 ", "-", "x", "é", "(", "81.82.83.84 "]
)
def test_endless_nothing_is_not_worth_a_look(unit: str) -> None:
    assert num_places(unit * (300_000 // len(unit))) <= 1


def test_prose_is_not_worth_a_look() -> None:
    prose = "Le père Goriot, en 1819, demeurait chez elle ; il n’avait pas 3 francs. Elle l’appela : « Venez ! » "
    assert num_places(prose * 100) == 0


def test_only_the_kinds_wanted_are_looked_for() -> None:
    text = "jo@free.fr, né le 3 mai 1991, 82.64.133.27"
    for kinds, expected in ((("ip",), ["ip"]), (("birth-date", "e-mail"), ["e-mail", "birth-date"]), ((), [])):
        assert [item.kind for item in find_personal_data(text, languages=BOTH, kinds=kinds)] == expected


def test_of_two_that_overlap_the_surer_one_stays() -> None:
    assert _apart([Found("phone", 3, 20), Found("iban", 0, 27)]) == [Found("iban", 0, 27)]
    assert _apart([Found("address", 0, 30), Found("phone", 5, 15)]) == [Found("phone", 5, 15)]
    assert _apart([Found("phone", 5, 9), Found("ip", 0, 4)]) == [Found("ip", 0, 4), Found("phone", 5, 9)]


def test_capitals_with_accents_announce_too() -> None:
    (found,) = find_personal_data("NÉE LE 3 MAI 1991", languages=BOTH)
    assert found == Found("birth-date", 7, 17)


def test_endless_labels_are_passed_over_and_a_form_is_not() -> None:
    labels = [(places.LABELS, 0, 10 * place, 10 * place + 7) for place in range(100)]
    assert _credible([*labels, (places.SIGN, 0, 1000, 1010)]) == [(places.SIGN, 0, 1000, 1010)]
    form = [(places.LABELS, 0, 14 * place, 14 * place + 7) for place in range(100)]
    assert _credible(form) == form
    assert _credible(labels[:40]) == labels[:40]
    text = "adresse 1 " * 600 + "jo@free.fr" + " adresse 1" * 600
    assert [item.kind for item in find_personal_data(text, languages=BOTH)] == ["e-mail"]
    rows = "".join(f"mdp: Berga{number}!\n" for number in range(100, 400))
    assert len(find_personal_data(rows, languages=BOTH)) == 300


@pytest.mark.parametrize("name", ["é" * 33, "a" + "é" * 40, "山" * 30, "a" * 70, "🥖" * 17])
@pytest.mark.parametrize("host", ["free.fr", "é" * 140 + ".fr", "b" + "é" * 140 + ".fr"])
def test_a_long_word_before_or_behind_an_at_sign_is_cut_between_characters(name: str, host: str) -> None:
    text = f"écrire à {name}@{host} ; {name}🥖@{host}"
    found = find_personal_data(text, languages=BOTH)
    assert all(text[item.start] != "@" for item in found)
    assert find_personal_data(f"{text} — jo.durand@laposte.net", languages=BOTH)[-1].kind == "e-mail"


def test_a_label_is_found_at_the_end_of_all_bytes_and_in_capitals() -> None:
    for text in ("MOT DE PASSE : Berga54!", "Né le 3 mai 1991", "NÉ LE 3 MAI 1991"):
        assert find_personal_data(text, languages=BOTH), text
    assert num_places("pwd") == 1
    assert num_places("xpwd") == 0
    assert num_places("épwd") == 0
    assert num_places("_pwd") == 1


CUES = sorted({cue for each in BOTH for cue in each.cues.secret})


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(CUES), st.text("aekyı ſ-_:.KS", max_size=4)), max_size=8), st.booleans())
def test_words_for_keys_are_seen_where_the_pattern_sees_them(pieces: list[str], spaced: bool) -> None:
    text = (" " if spaced else "").join(pieces)
    for written in (text, text.upper(), text.title()):
        assert _names_key(BOTH, written) == (_key_cue(BOTH)[0].search(written) is not None)
