"""The quick pass over shared runs of words says what counting them one by one says."""

import numpy as np
import pyarrow as pa
import pytest

from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import profile_of, scan
from fournil.parts.text.sharing import bit_table, shared_runs

SIZE, THRESHOLD = 5, 0.8
PIECES = [
    piece
    for line in (
        "L’Été, l'eau d'ici ; aujourd’hui peut-être ÉCOUTE-moi 1 234,5 km² œuvre naïve STRASSE Æsop e\u0301te\u0301",
        "- ' l' 'x' a-b--c -d e- rendez-vous qu'il n'y\n\nfin. «\u00a0Oui\u00a0!\u00a0» 𝒳𝒴 \U00020000𝟙 日本 語 été 10e",
    )
    for piece in line.split(" ")
]


def drawn(rng: np.random.Generator, num: int) -> str:
    return " ".join(PIECES[place] for place in rng.integers(0, len(PIECES), num))


def sets_of(texts: list[str], tags: list[str]) -> list[set[int]]:
    """Runs by the long way: all words first."""
    hashes, counts = shingles(scan(pa.array(texts), tags).words, SIZE)
    return [
        set(part.tolist()) for part in np.split((hashes >> np.uint64(32)).astype(np.uint32), np.cumsum(counts)[:-1])
    ]


def asked(texts: list[str], tags: list[str], held: set[int], least: int = 1) -> tuple[np.ndarray, np.ndarray]:
    profile_D = np.array([profile_of(tag) for tag in tags], np.int64)
    ordered = np.array(sorted(held), np.uint32)
    least_D = np.full(len(texts), least)
    return shared_runs(
        pa.array(texts, pa.string()), profile_D, least_D, ordered, bit_table(ordered), size=SIZE, threshold=THRESHOLD
    )


@pytest.mark.parametrize("num_held", [1, 40])
def test_what_is_shared_is_found(num_held: int):
    rng = np.random.default_rng(num_held)
    held_texts = [drawn(rng, 60) for _ in range(num_held)]
    held = set[int]().union(*sets_of(held_texts, ["fr"] * num_held))
    texts = [*held_texts[:5], "", "« »", "Deux mots", held_texts[0][: len(held_texts[0]) // 2]]
    for _ in range(300):
        whole = held_texts[rng.integers(num_held)].split(" ")
        cut = rng.integers(0, len(whole))
        texts.append(" ".join([*whole[:cut], drawn(rng, int(rng.integers(1, 40)))]))
    tags = ["fr"] * len(texts)
    truth = sets_of(texts, tags)
    shares, maybe = asked(texts, tags, held)
    assert shares.tolist() == [bool(each & held) for each in truth]
    near = np.array([bool(each) and len(each & held) >= THRESHOLD * len(each) for each in truth])
    assert near.sum() > 10
    assert maybe[near].all()
    far = np.array([len(each & held) < 0.3 * len(each) for each in truth])
    assert 2 * (maybe & far).sum() < far.sum()


def test_a_text_that_repeats_itself_is_not_passed_over():
    one = "un deux trois quatre cinq six sept huit neuf dix "
    other = drawn(np.random.default_rng(3), 200)
    texts = [one, one * 50, other, one * 50 + other]
    shares, maybe = asked(texts, ["fr"] * 4, sets_of([one * 2], ["fr"])[0])
    assert shares.tolist() == [True, True, False, True]
    assert maybe.tolist()[:3] == [True, True, False]


def test_short_texts_are_one_run_and_too_short_ones_have_none():
    held = sets_of(["un deux trois", "un deux trois quatre cinq six"], ["fr", "fr"])
    texts = ["Un, deux : trois !", "un deux trois quatre cinq six", "un deux trois quatre"]
    shares, maybe = asked(texts, ["fr"] * 3, held[0] | held[1])
    assert shares.tolist() == maybe.tolist() == [True, True, False]
    shares, maybe = asked(texts, ["fr"] * 3, held[0] | held[1], least=6)
    assert shares.tolist() == maybe.tolist() == [False, True, False]


def test_nothing_held_out_shares_nothing():
    shares, maybe = asked(["un deux trois quatre cinq six"], ["fr"], set())
    assert not shares.any()
    assert not maybe.any()


def test_languages_are_read_as_they_are():
    texts = ["l'eau de l'été d'une année qu'il faut"] * 2
    held = sets_of(texts[:1], ["fr"])[0]
    shares, maybe = asked(texts, ["fr", "en"], held)
    assert shares[0]
    assert maybe[0]
    assert not maybe[1]
