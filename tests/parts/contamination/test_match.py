import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fournil.parts.contamination.index import MAX_PLACES, build_index, load_index, save_index
from fournil.parts.contamination.items import Benchmark, Item, Text, item_of
from fournil.parts.contamination.match import NGRAM, OVERLAP, find_texts
from fournil.parts.text.folded import folded_words

QUESTION = "Les lettres que ma tante nous a <...> de Dakar sentent encore le bissap."
ROW = {"id": "g1", "question": QUESTION, "choices": ["envoyés", "envoyées", "envoyée"], "gold": 1}
WORDS = [f"{first}{second}" for first in ("pa", "le", "vi", "mo", "ru", "sé", "né") for second in ("tir", "von", "la")]


def sentence(seed: object, num: int) -> str:
    return " ".join(random.Random(str(seed)).choices(WORDS, k=num))


def index_of(*texts: str, contexts: tuple[str, ...] = ()):
    items = [Item(str(n), (Text(text, text in contexts),)) for n, text in enumerate(texts)]
    return build_index([Benchmark("essai", tuple(items))])


def found(index, *documents: str, ngram: int = 13, overlap: float = 0.8):
    words = folded_words(pa.array(documents))
    whole = bytes(words.bytes_B)
    return [
        (each.document, each.text, each.rule, [whole[start:end].decode() for start, end in each.spans])
        for each in find_texts(index, words, ngram=ngram, overlap=overlap)
    ]


def test_a_question_is_found_however_it_is_typeset():
    index = build_index([Benchmark("grammaire", (item_of("g1", ROW),))])
    copy = "LES LETTRES QUE MA TANTE NOUS A ENVOYÉES DE DAKAR SENTENT ENCORE LE BISSAP"
    assert found(index, f"Avant. « {copy} », après.", "Rien de tel.")[0][2:] == (NGRAM, [copy])
    with_gap = "les lettres que ma tante nous a ____ de Dakar, sentent encore le bissap"
    assert [each[2:] for each in found(index, with_gap)] == [(NGRAM, [with_gap])]
    assert found(index, "Ma tante nous a envoyé des lettres de Dakar ; elles sentent encore le bissap.") == []


def test_thirteen_words_in_a_row_are_enough_and_twelve_are_not():
    long = sentence("long", 60)
    index = index_of(long)
    words = long.split()
    for start in (0, 20, 47):
        part = " ".join(words[start : start + 13])
        assert found(index, f"{sentence('before', 30)}. {part} ! {sentence('behind', 30)}")[0][2:] == (NGRAM, [part])
        assert found(index, f"Un {' '.join(words[start + 1 : start + 13])} deux") == []


def test_a_short_text_is_found_whole_only():
    short = sentence("short", 9)
    index = index_of(short)
    assert found(index, f"Il dit : {short}.")[0][2:] == (OVERLAP, [short])
    assert found(index, short.rsplit(" ", 1)[0] + " autre") == []  # eight of nine
    assert found(index, short.rsplit(" ", 1)[0] + " autre", ngram=9) != []  # 0.89 of it
    assert index_of(sentence("tiny", 7)).searched_I.tolist() == [False]


def test_a_text_with_one_word_changed_is_found_by_the_share_that_stands_there():
    words = sentence("changed", 20).split()
    changed = " ".join([*words[:10], "autrement", *words[11:]])
    index = index_of(" ".join(words))
    assert found(index, changed)[0][1:] == (0, OVERLAP, [" ".join(words[:10]), " ".join(words[11:])])
    assert found(index, changed, overlap=0.96) == []
    assert found(index, changed, ngram=10, overlap=0.96)[0][2] == NGRAM


def test_a_run_that_is_repeated_covers_the_text_once():
    words = sentence("half", 24).split()
    part = " ".join(words[:12])
    assert found(index_of(" ".join(words)), f"{part} puis {part} puis {part}") == []


def test_how_a_benchmark_asks_is_not_what_it_asks():
    asked = "Laquelle des phrases suivantes décrit le mieux ce que dit le texte que vous venez de lire"
    texts = [f"{asked} {sentence(n, 15)}" for n in range(MAX_PLACES + 1)]
    assert found(index_of(*texts), f"{asked} hier soir ?") == []
    assert found(index_of(*texts[:-1]), f"{asked} hier soir ?") != []
    assert [each[1] for each in found(index_of(*texts), texts[5])] == [5]


def test_refrains_and_rows_of_figures_are_not_looked_for():
    index = index_of("tra la la " * 10, "0 1 " * 20)
    assert found(index, "Il chantait tra la la " * 20, "0 1 " * 50) == []


def test_equal_texts_are_one_text_with_several_items():
    text = sentence("both", 30)
    items = (Item("a", (Text(text),)), Item("b", (Text(text.upper(), is_context=True), Text(text))))
    index = build_index([Benchmark("essai", items)])
    assert sorted(zip(index.item_K.tolist(), index.context_K.tolist(), strict=True)) == [
        (0, False),
        (1, False),
        (1, True),
    ]
    assert len(found(index, text)) == 1


def naive(texts, document, ngram, overlap):
    """Texts that are found, by looking at every pair of places."""
    words = document.split()
    numbers = []
    for number, text in enumerate(texts):
        wanted = text.split()
        covered, longest = set(), 0
        for i in range(len(words)):
            for j in range(len(wanted)):
                n = 0
                while i + n < len(words) and j + n < len(wanted) and words[i + n] == wanted[j + n]:
                    n += 1
                if n >= 8:
                    covered |= set(range(j, j + n))
                    longest = max(longest, n)
        if longest >= ngram or len(covered) >= (overlap if len(wanted) >= ngram else 1.0) * len(wanted):
            numbers.append(number)
    return numbers


@pytest.mark.parametrize("seed", range(6))
def test_the_same_as_comparing_every_pair_of_places(seed):
    draw = random.Random(seed)
    texts = [sentence((seed, n), draw.randint(8, 40)) for n in range(30)]
    documents = []
    for number in range(12):
        pieces = []
        for _ in range(8):
            words = draw.choice(texts).split()
            start = draw.randint(0, len(words) - 1)
            pieces.append(" ".join(words[start : start + draw.randint(1, 30)]))
            pieces.append(sentence((seed, number, len(pieces)), draw.randint(0, 4)))
        documents.append(" ".join(pieces))
    index = index_of(*texts)
    for ngram, overlap in ((13, 0.8), (9, 0.6), (20, 0.5)):
        got = found(index, *documents, ngram=ngram, overlap=overlap)
        wanted = [(d, t) for d, document in enumerate(documents) for t in naive(texts, document, ngram, overlap)]
        assert [each[:2] for each in got] == wanted


def test_an_index_is_the_same_when_it_is_read_again(tmp_path: Path):
    index = index_of(*(sentence(n, 20) for n in range(50)))
    save_index(index, tmp_path / "index.npz")
    again = load_index(tmp_path / "index.npz")
    assert (again.names_N, again.ids_I) == (index.names_N, index.ids_I)
    for name in ("words_L", "places_P", "keys_S", "bitmap", "usable_L"):
        assert np.array_equal(getattr(again, name), getattr(index, name))
    save_index(again, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "index.npz").read_bytes()


def test_nothing_to_look_for_and_nothing_to_look_at():
    assert found(build_index([]), sentence("any", 50)) == []
    assert found(index_of(sentence("any", 50)), "", "un") == []


def test_a_text_that_repeats_an_item_a_thousand_times():
    text = sentence("again", 40)
    (each,) = found(index_of(text), f"{text}. " * 1000)
    assert len(each[3]) == 1000
