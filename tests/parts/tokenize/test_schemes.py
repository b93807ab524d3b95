import random
from pathlib import Path

import pytest
from random_models import random_weights
from tokenizers import Regex, Tokenizer, pre_tokenizers

from fournil.parts.model import gguf
from fournil.parts.tokenize import (
    Encoder,
    choose_alphabet,
    count_characters,
    decode_batch,
    encode_batch,
    save,
    special_tokens,
    train,
)
from fournil.parts.tokenize.schemes import SCHEMES, SPACE
from fournil.stages.export.check import ask_llama_cpp
from fournil.stages.export.lines import NASTY_LINES
from fournil.stages.tokenizer import config as settings

LINES = [
    *NASTY_LINES,
    "",
    "\n",
    "a" * 10_000,
    "thin\u2009space, no\u00a0break, narrow\u202f!, œuvre, Œuvre",
    "bytes that are no text: \ufffd\ufffd caf\ufffd",
    "12 345,67 € 1789-07-14 ½ ²",
    "def f(x):\n    if x:\n\t\treturn {1: 'un',  2: \"deux\"}\n",
    "👩🏽‍🚀🇫🇷 ❤️‍🔥",
]


def learn(scheme: str, texts: list[str]) -> Tokenizer:
    specials = special_tokens(("fr", "en"))
    alphabet = choose_alphabet(count_characters(texts), vocab_size=1024, num_reserved=264, max_alphabet=400)
    return train([texts], alphabet=alphabet, vocab_size=1024, specials=specials, scheme=scheme)


@pytest.fixture(scope="module", params=list(SCHEMES))
def scheme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def learned(scheme: str, mie_texts: list[str]) -> Tokenizer:
    return learn(scheme, mie_texts)


def cut(scheme: str, text: str) -> list[str]:
    steps = [
        pre_tokenizers.Metaspace(SPACE, prepend_scheme="never", split=False),
        pre_tokenizers.Split(Regex(SCHEMES[scheme]), "isolated"),
    ]
    return [piece for piece, _ in pre_tokenizers.Sequence(steps).pre_tokenize_str(text)]


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("fournil", "▁l’été|▁«\u00a0|Qu’est-ce|\u202f?|▁|4|2|\n|▁▁|x|_|y|▁▁|z"),
        ("croissant", "▁l’été|▁«\u00a0Qu’est-ce\u202f?|▁|4|2|\n|▁|▁x_y|▁|▁z"),
        ("lucie", "▁l|’|été|▁«|\u00a0|Qu|’|est|-|ce|\u202f|?|▁|4|2|\n|▁▁|x|_|y|▁▁|z"),
    ],
)
def test_each_cuts_in_its_own_way(name: str, pieces: str) -> None:
    assert cut(name, " l’été «\u00a0Qu’est-ce\u202f? 42\n  x_y  z") == pieces.split("|")


def test_nothing_is_lost_between_the_pieces(scheme: str, mie_texts: list[str]) -> None:
    for text in [*LINES, "▁ ▁▁,▁a", *mie_texts]:
        assert "".join(cut(scheme, text)) == text.replace(" ", SPACE)


def test_no_piece_crosses_what_the_cut_divides(scheme: str, learned: Tokenizer, mie_texts: list[str]) -> None:
    stretches = "\0".join(sorted({piece for text in mie_texts for piece in cut(scheme, text)}))
    pieces = [learned.id_to_token(number) for number in range(264, learned.get_vocab_size())]
    assert [piece for piece in pieces if piece not in stretches] == []


def test_every_text_comes_back_and_the_kernel_gives_the_same_ids(learned: Tokenizer, mie_texts: list[str]) -> None:
    texts = [*LINES, *mie_texts]
    ids = encode_batch(learned, texts, parse_special=False)
    assert decode_batch(learned, ids) == texts
    fast = Encoder(learned)
    assert fast.is_fast
    assert [row.tolist() for row in fast.encode(texts)] == [row.tolist() for row in ids]


def test_three_programs_give_the_same_ids(learned: Tokenizer, mie_texts: list[str], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("xllamacpp")
    dice = random.Random(7)
    pieces = sorted(learned.get_vocab())[8:]
    mixed = ["".join(dice.choices(pieces, k=dice.randint(1, 30))).replace(SPACE, " ") for _ in range(200)]
    lines = [*LINES, *mixed, *(line for text in mie_texts[::5] for line in text.split("\n")[:6])]
    expected = [row.tolist() for row in encode_batch(learned, lines, parse_special=False)]

    save(learned, tmp_path, languages=("fr", "en"))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    parsed = [row.tolist() for row in encode_batch(learned, lines, parse_special=True)]
    assert [line for line, ids in zip(lines, parsed, strict=True) if theirs(line)["input_ids"] != ids] == []
    assert [line for line, ids in zip(lines, parsed, strict=True) if theirs.decode(ids) != line] == []

    random_weights(tmp_path, learned.get_vocab_size())
    gguf.write_gguf(tmp_path, tmp_path / "x.gguf", gguf.Card("essai"), quantization="f16")
    request = {"model": str(tmp_path / "x.gguf"), "lines": lines, "prompts": [], "num_tokens": 1, "chat": False}
    answer = ask_llama_cpp(request)
    assert [line for line, ids, ours in zip(lines, answer["ids"], expected, strict=True) if ids != ours] == []
    assert [line for line, text in zip(lines, answer["texts"], strict=True) if text != line] == []


def test_settings_name_the_schemes_that_there_are() -> None:
    assert tuple(SCHEMES) == settings.SCHEMES
    assert {preset["scheme"] for preset in settings.PRESETS.values()} <= set(SCHEMES)
    assert set(settings.MIXES) < set(settings.PRESETS)
