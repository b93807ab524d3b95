import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from fournil.core.errors import FournilError
from fournil.parts.tokenize import (
    BOS_ID,
    EOS_ID,
    IM_END_ID,
    IM_START_ID,
    PAD_ID,
    UNK_ID,
    choose_alphabet,
    count_characters,
    decode_batch,
    encode_batch,
    load,
    save,
    special_tokens,
    train,
)

NASTY = [
    "",
    " ",
    "  deux  espaces  ",
    "L’été, aujourd'hui : « Qu’est-ce ? »",
    "«\u00a0Bonjour\u202f!\u00a0» 12\u00a0345,67\u00a0€",
    "a\u2009b\u200bc\ufeffd",
    "😀👩\u200d👩\u200d👧 ñ 漢字 \U0001f1eb\U0001f1f7",
    unicodedata.normalize("NFD", "L’élève naïf déçu"),
    "a" * 5000 + "é" * 500,
    "<unk><s></s><pad><|im_start|>user<|im_end|><|fr|><|en|><0x0A>",
    "ligne\r\nligne\n\n\n\tdef f(x):\n        return x\r",
    "3.14159 2024-02-30 1,000,000 ١٢٣",
    "\x00\x01\x7f",
]


def test_special_tokens_have_the_ids_that_the_constants_say(small: Tokenizer) -> None:
    names = ["<unk>", "<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"]
    assert [small.token_to_id(name) for name in names] == [UNK_ID, BOS_ID, EOS_ID, PAD_ID, IM_START_ID, IM_END_ID]
    assert [small.token_to_id(name) for name in ("<|fr|>", "<|en|>", "<0x00>", "<0xFF>")] == [6, 7, 8, 263]
    assert small.get_vocab_size() == 1024


def test_every_text_comes_back(small: Tokenizer, mie_texts: list[str]) -> None:
    texts = [*NASTY, *mie_texts]
    assert decode_batch(small, encode_batch(small, texts, parse_special=False)) == texts


@given(st.text(alphabet=st.characters(exclude_characters="▁", exclude_categories=["Cs"])))
@settings(max_examples=100, deadline=None)
def test_any_text_without_the_space_sign_comes_back(small: Tokenizer, text: str) -> None:
    (ids,) = encode_batch(small, [text], parse_special=False)
    assert decode_batch(small, [ids]) == [text]
    assert UNK_ID not in ids


def test_special_looking_text_is_text_unless_asked_for(small: Tokenizer) -> None:
    text = "a</s><|fr|>"
    (plain,) = encode_batch(small, [text], parse_special=False)
    assert plain.min() >= 264
    (parsed,) = encode_batch(small, [text], parse_special=True)
    assert parsed[-2:].tolist() == [EOS_ID, 6]
    assert small.encode_special_tokens is False


def test_no_piece_crosses_an_edge_of_the_training_split(small: Tokenizer) -> None:
    pieces = [small.id_to_token(number) for number in range(264, 1024)]
    assert not [piece for piece in pieces if "▁" in piece.lstrip("▁")]
    assert not [piece for piece in pieces if any(map(str.isdigit, piece)) and len(piece) > 1]
    assert not [piece for piece in pieces if "\n" in piece and piece not in ("\n", "\r\n")]


def test_elided_words_and_french_punctuation_become_pieces() -> None:
    text = "l’eau qu’il a, l’été qu’il a : « l’île »\u202f! "
    specials = special_tokens(["fr"])
    alphabet = choose_alphabet(count_characters([text] * 9), vocab_size=1024, num_reserved=263, max_alphabet=400)
    learned = train([[text] * 99], alphabet=alphabet, vocab_size=1024, specials=specials)
    (ids,) = encode_batch(learned, [" l’eau qu’il »\u202f!"], parse_special=False)
    assert [learned.id_to_token(int(number)) for number in ids] == ["▁l’", "eau", "▁qu’il", "▁»\u202f", "!"]


def test_training_gives_the_same_bytes_in_another_process(small: Tokenizer, tmp_path: Path) -> None:
    save(small, tmp_path / "here", languages=("fr", "en"))
    subprocess.run([sys.executable, "-c", _SCRIPT, str(tmp_path / "there")], check=True, timeout=60)
    names = ["tokenizer.json", "tokenizer_config.json"]
    assert [(tmp_path / "here" / name).read_bytes() for name in names] == [
        (tmp_path / "there" / name).read_bytes() for name in names
    ]


_SCRIPT = """
import sys
from importlib import resources
from pathlib import Path
from fournil.parts.tokenize import choose_alphabet, count_characters, save, special_tokens, train
root = resources.files("fournil.data") / "mie"
texts = [p.read_text(encoding="utf-8") for folder in ("code", "en", "fr")
         for p in sorted((root / folder).iterdir(), key=lambda p: p.name) if p.name.endswith((".txt", ".py"))]
specials = special_tokens(["fr", "en"])
alphabet = choose_alphabet(count_characters(texts), vocab_size=1024, num_reserved=264, max_alphabet=400)
save(train([texts], alphabet=alphabet, vocab_size=1024, specials=specials), Path(sys.argv[1]), languages=["fr", "en"])
"""


def test_alphabet_ties_are_broken_by_code_point() -> None:
    counts = count_characters(["zzz  yy xx wvwv"])
    assert choose_alphabet(counts, vocab_size=1024, num_reserved=1000, max_alphabet=3) == ["v", "z", "▁"]


def test_a_text_with_few_repeated_pairs_gives_a_smaller_vocabulary() -> None:
    texts = ["le pain, le pain, le pain"]
    alphabet = choose_alphabet(count_characters(texts), vocab_size=1024, num_reserved=264, max_alphabet=400)
    assert train([texts], alphabet=alphabet, vocab_size=1024, specials=special_tokens(["fr"])).get_vocab_size() < 300


def test_too_small_a_vocabulary_is_refused() -> None:
    with pytest.raises(FournilError, match="too small"):
        train([["x"]], alphabet=["x"], vocab_size=512, specials=special_tokens(["fr"]))


def test_transformers_reads_the_folder_with_the_same_ids(
    small: Tokenizer, mie_texts: list[str], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    save(small, tmp_path, languages=("fr", "en"))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert (theirs.eos_token_id, theirs.bos_token_id, theirs.pad_token_id) == (EOS_ID, BOS_ID, PAD_ID)
    for text in [*NASTY, *mie_texts]:
        (ours,) = encode_batch(small, [text], parse_special=True)
        assert theirs(text)["input_ids"] == ours.tolist(), text
        assert theirs.decode(ours.tolist()) == text


def test_load_takes_a_folder_or_a_file_and_names_what_is_wrong(small: Tokenizer, tmp_path: Path) -> None:
    save(small, tmp_path / "good", languages=("fr", "en"))
    for place in (tmp_path / "good", tmp_path / "good" / "tokenizer.json"):
        assert load(place).get_vocab_size() == 1024
    with pytest.raises(FournilError, match="no tokenizer in this folder"):
        load(tmp_path)
    with pytest.raises(FournilError, match="no such tokenizer"):
        load(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(FournilError, match="cannot be read as a tokenizer"):
        load(tmp_path / "bad.json")


def test_characters_are_counted_as_numpy_counts_them() -> None:
    text = "aab é 😀"
    counts = count_characters([text, text])
    assert counts[ord("a")] == 4
    assert counts[ord("😀")] == 2
    assert int(np.sum(counts)) == 2 * len(text)
