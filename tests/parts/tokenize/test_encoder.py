import json
import random
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, normalizers
from tokenizers.normalizers import NFKC

from fournil.core.errors import FournilError
from fournil.parts.tokenize import Encoder, encode_batch, encoder, kernel, load

NASTY = [
    "",
    " ",
    "▁",
    " ▁ ",
    "  deux  espaces  ",
    "L’été, aujourd'hui : « Qu’est-ce ? » qu'il l'a",
    "«\u00a0Bonjour\u202f!\u00a0» 12\u00a0345,67\u00a0€",
    "a\u2009b\u200bc\ufeffd",
    "😀👩\u200d👩\u200d👧 ñ 漢字 \U0001f1eb\U0001f1f7",
    "e\u0301le\u0300ve",
    "a" * 5000 + "é" * 500 + "-" * 3000 + " " * 3000,
    "ab" * 2000 + "\n" * 500,
    "<unk><s></s><pad><|im_start|>user<|im_end|><|fr|><|en|><0x0A>",
    "ligne\r\nligne\n\n\n\tdef f(x):\n        return x\r",
    "3.14159 2024-02-30 1,000,000 ١٢٣",
    "\x00\x01\x7f",
    "anticonstitutionnellement" * 40,
]


@pytest.fixture(scope="module")
def fast(small: Tokenizer) -> Encoder:
    return Encoder(small, slots=1 << 12)


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return [row.tolist() for row in ours] == [row.tolist() for row in theirs]


def test_the_ids_are_those_of_the_library(fast: Encoder, small: Tokenizer, mie_texts: list[str]) -> None:
    texts = [*NASTY, *mie_texts, *(line for text in mie_texts for line in text.split("\n"))]
    assert fast.is_fast
    assert same(fast.encode(texts), encode_batch(small, texts, parse_special=False))


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_has_the_ids_of_the_library(fast: Encoder, small: Tokenizer, text: str) -> None:
    assert same(fast.encode([text]), encode_batch(small, [text], parse_special=False))


def test_texts_made_of_pieces_have_the_ids_of_the_library(fast: Encoder, small: Tokenizer) -> None:
    dice = random.Random(5)
    pieces = sorted(small.get_vocab())
    texts = ["".join(dice.choices(pieces, k=dice.randint(1, 80))).replace("▁", " ") for _ in range(500)]
    assert same(fast.encode(texts), encode_batch(small, texts, parse_special=False))


@pytest.mark.parametrize(
    ("slots", "num_bytes", "num_ids"), [(4, 1 << 12, 1 << 12), (64, 70, 1 << 12), (64, 1 << 12, 70)]
)
def test_what_is_forgotten_is_encoded_again(
    small: Tokenizer,
    mie_texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    slots: int,
    num_bytes: int,
    num_ids: int,
) -> None:
    monkeypatch.setattr(encoder, "KEPT_BYTES", num_bytes)
    monkeypatch.setattr(encoder, "KEPT_IDS", num_ids)
    texts = [*NASTY, *mie_texts[:6]]
    assert same(Encoder(small, slots=slots).encode(texts), encode_batch(small, texts, parse_special=False))


def test_several_threads_give_the_same_ids(small: Tokenizer, mie_texts: list[str]) -> None:
    one, many = Encoder(small), Encoder(small, threads=3)
    for texts in (mie_texts, ["", "", "le four", ""], ["le four"], ["", ""], []):
        assert same(many.encode(texts), one.encode(texts))
    assert [row.tolist() for row in many.encode(["", ""])] == [[], []]


def test_a_wrong_table_would_be_seen(small: Tokenizer, mie_texts: list[str]) -> None:
    other = Encoder(small)
    assert other._tables is not None
    for table in other._tables[2:4]:
        table[:] = False  # cut everywhere: nothing merges
    assert not same(other.encode(mie_texts[:1]), encode_batch(small, mie_texts[:1], parse_special=False))


def test_half_a_character_is_refused(fast: Encoder) -> None:
    with pytest.raises(FournilError, match="halves of characters"):
        fast.encode(["a", "\ud800"])


def test_the_heap_and_the_scan_agree(small: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Encoder(small)._tables
    assert tables is not None
    pairs_P2 = tables[5]
    dice = np.random.default_rng(1)
    for _ in range(200):
        symbols = dice.choice(tables[1], dice.integers(2, 40)).astype(np.int32)
        short, long = symbols.copy(), symbols.copy()
        num = kernel.merge_short(short, pairs_P2, np.empty(64, np.uint64))
        assert short[:num].tolist() == long[: kernel.merge_long(long, pairs_P2)].tolist()


def test_mistrals_ids_are_those_of_the_library(mie_texts: list[str]) -> None:
    mistral = load(Path(str(resources.files("mistral_common") / "data" / "tokenizer.model.v1")))
    fast = Encoder(mistral)
    texts = [*NASTY, " devant", *mie_texts]
    assert fast.is_fast
    assert same(fast.encode(texts), encode_batch(mistral, texts, parse_special=False))


def test_other_vocabularies_go_through_the_library(small: Tokenizer) -> None:
    texts = ["ﬁn </s> le four", "x"]
    normalised = Tokenizer.from_str(small.to_str())
    normalised.normalizer = normalizers.Sequence([NFKC()])  # type: ignore[assignment]
    added = Tokenizer.from_str(small.to_str())
    added.add_tokens([AddedToken("le four", special=False)])
    dropping = json.loads(small.to_str())
    dropping["model"]["dropout"] = 0.5
    for other in (normalised, added):
        slow = Encoder(other)
        assert not slow.is_fast
        assert same(slow.encode(texts), encode_batch(other, texts, parse_special=False))
    assert not Encoder(Tokenizer.from_str(json.dumps(dropping))).is_fast
