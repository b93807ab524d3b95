import itertools
import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fournil.parts.text.folded import folded_words

OF_OUR_LANGUAGES = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéèêëàâùûîïôçÉÈÀŒœæ0123456789 '’-\n«»,.;:!?…\u0301"
)


def texts(words, num=None):
    """Each document's words as they are written."""
    ends = [words.end_of(word) for word in range(len(words.hashes_W))]
    whole = bytes(words.bytes_B)
    written = [whole[start:end].decode() for start, end in zip(words.starts_W.tolist(), ends, strict=True)]
    return [written[first:stop] for first, stop in itertools.pairwise(words.bounds_D.tolist())]


def test_what_two_typesetters_make_of_a_sentence_is_the_same():
    one = "« L’ÉTÉ à Nœux-les-Mines », dit-il\u202f; 12\u00a0500 cafe\u0301s"
    other = "l'ete a noeux les mines, dit il 12 500 CAFÉS !"
    words = folded_words(pa.array([one, other]))
    first, second = np.split(words.hashes_W, [words.bounds_D[1]])
    assert len(first) == 11
    assert first.tolist() == second.tolist()


def test_words_lie_where_they_are_written():
    words = folded_words(pa.array(["Été, œuvre", "", "🍞 pain\u00addoré 𝒙", "fin"]))
    assert texts(words) == [["Été", "œuvre"], [], ["pain\u00addoré", "𝒙"], ["fin"]]


def test_a_slice_of_an_array_has_its_own_words():
    whole = pa.array(["un deux", "trois", "quatre cinq"])
    assert texts(folded_words(whole.slice(1, 2))) == [["trois"], ["quatre", "cinq"]]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_no_text_at_all(kind):
    assert folded_words(pa.array([], kind)).bounds_D.tolist() == [0]
    assert folded_words(pa.array(["", ""], kind)).bounds_D.tolist() == [0, 0, 0]


def plainly(text: str) -> list[str]:
    """The same words, found in another way."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[a-z0-9]+", bare.replace("œ", "oe").replace("æ", "ae"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(OF_OUR_LANGUAGES, max_size=60), min_size=1, max_size=5))
def test_words_are_those_of_letters_without_accents(documents):
    words = folded_words(pa.array(documents))
    wanted = [plainly(document) for document in documents]
    assert np.diff(words.bounds_D).tolist() == [len(each) for each in wanted]
    named: dict[int, str] = {}
    for value, word in zip(words.hashes_W.tolist(), itertools.chain(*wanted), strict=True):
        assert named.setdefault(value, word) == word
    assert len(set(named.values())) == len(named)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_words_of_any_text_lie_inside_it(documents):
    documents = [text.encode("utf-8", "ignore").decode() for text in documents]
    words = folded_words(pa.array(documents))
    for document, written in zip(documents, texts(words), strict=True):
        assert all(each and each in document for each in written)
        assert written == re.findall(r"[^\0]+", "\0".join(written))
