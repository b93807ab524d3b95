from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fournil.core.errors import FournilError
from fournil.parts.tokenize import encode_batch, load

NASTY = [
    "",
    " ",
    " une espace devant",
    "deux  espaces",
    "▁x",
    "e\u0301 a\u2009b \u00a0 «\u00a0l’été\u202f!\u00a0»",
    "😀👩\u200d💻 漢字",
    "a" * 300,
    "<unk><s></s>",
    "\r\n\tx\n\n",
]


def _mistral() -> Path:
    spec = find_spec("mistral_common")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "tokenizer.model.v1"


def test_ids_equal_sentencepiece_on_mistrals_model(mie_texts: list[str]) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(_mistral()))
    ours = load(_mistral())
    texts = [*NASTY, *mie_texts]
    for text, ids in zip(texts, encode_batch(ours, texts, parse_special=False), strict=True):
        assert ids.tolist() == theirs.encode(text), text
        assert ours.decode(ids.tolist()) == theirs.decode(ids.tolist())


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_ids_equal_sentencepiece_on_a_model_with_its_default_normaliser(
    kind: str, mie_texts: list[str], tmp_path: Path
) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    lines = [line for text in mie_texts for line in text.splitlines() if line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(tmp_path / "m"),
        vocab_size=600,
        model_type=kind,
        num_threads=1,
        minloglevel=2,
    )
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "m.model"))
    ours = load(tmp_path / "m.model")
    texts = [*lines[:400], "deux  espaces", "ﬁn ½", "« l’été »"]
    found = encode_batch(ours, texts, parse_special=False)
    different = [t for t, ids in zip(texts, found, strict=True) if not np.array_equal(ids, theirs.encode(t))]
    assert different == []


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.model").write_bytes(b"\xff\xff not a model")
    with pytest.raises(FournilError, match="not a SentencePiece model"):
        load(tmp_path / "x.model")
    (tmp_path / "cut.model").write_bytes(_mistral().read_bytes()[:1000])
    with pytest.raises(FournilError, match="not a SentencePiece model"):
        load(tmp_path / "cut.model")
