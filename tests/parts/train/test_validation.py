"""Bits per byte on held-out text, beside figures worked out by hand."""

import math

import pytest
import torch

from fournil.parts.model.config import ModelConfig
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize.shards import TokenShardWriter
from fournil.parts.train.validation import Validation

END = 2
BITS = {END: 4, 11: 2, 12: 3, 13: 5, 20: 3, 21: 4, 31: 6, 32: 3, 34: 5}
"""What each token costs, whatever stands before it; all others share what is left of the probability."""


@pytest.fixture
def model():
    probabilities = {token: 2.0**-bits for token, bits in BITS.items()}
    rest = (1 - sum(probabilities.values())) / (40 - len(BITS))
    model = Llama(ModelConfig(40, 16, 24, 1, 2, max_position_embeddings=32)).reset(0)
    with torch.no_grad():
        model.embedding.fill_(1.0)
        assert model.unembedding is not None
        for token in range(40):
            model.unembedding[token] = math.log(probabilities.get(token, rest)) / 16
    return model


@pytest.fixture
def folder(tmp_path):
    """Documents of two sources with 2, 3 or 4 bytes a token, their ends counted as tokens."""
    writer = TokenShardWriter(
        tmp_path / "documents", tmp_path / ".work", vocab_size=40, tokenizer_sha256="0" * 64, eos_id=END
    )
    for number, (language, source, ids, num_bytes) in enumerate(
        [
            ("fr", "laws", [10, 11, 12], 8),
            ("en", "songs", [30, 31, 32, 33, 34], 12),
            ("fr", "songs", [20, 21], 9),
            ("fr", "laws", [13], 8),
        ]
    ):
        ids = torch.tensor(ids).numpy()
        writer.write([ids], names=[str(number)], languages=[language], sources=[source], num_bytes=[num_bytes])
    writer.close()
    return tmp_path / "documents"


@pytest.mark.parametrize("apart", [False, True])
def test_bits_per_byte_of_each_source_are_those_worked_out_by_hand(model, folder, apart):
    """Windows of two scored tokens and one before: fr 10 11 12, end 20 21, end 13 end; en 30 31 32, 33 34 end."""
    validation = Validation(folder, ("fr", "en"), context_length=2, max_tokens=1000, seed=0, apart=apart)
    scores = validation(model)
    laws, songs = (2 + 3) + (5 + 4), 3 + 4  # bits of 11 12, 13 end; of 20 21
    english = (6 + 3) + (5 + 4)
    laws_bytes, songs_bytes, english_bytes = 2 * 2 + 2 * 4, 2 * 3, 4 * 2
    assert scores == pytest.approx(
        {"fr": (laws + songs) / (laws_bytes + songs_bytes), "en": english / english_bytes}, rel=1e-5
    )
    found = {
        language: {s: row["bits_per_byte"] for s, row in rows.items()}
        for language, rows in validation.by_source.items()
    }
    assert found["fr"] == pytest.approx({"laws": laws / laws_bytes, "songs": songs / songs_bytes}, rel=1e-5)
    assert found["en"] == pytest.approx({"songs": english / english_bytes}, rel=1e-5)
    assert {source: row["bytes"] for source, row in validation.by_source["fr"].items()} == {"laws": 12, "songs": 6}
