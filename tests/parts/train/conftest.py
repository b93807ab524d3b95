from pathlib import Path

import numpy as np
import pytest
import torch

from fournil.parts.tokenize.shards import TokenShardWriter

VOCABULARY = 300


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def write_shards(folder: Path, documents: list[tuple[str, str, str, int]], seed: int = 0, shard_tokens: int = 700):
    """Random documents: (id, language, source, number of tokens without the end)."""
    generator = np.random.default_rng(seed)
    writer = TokenShardWriter(
        folder,
        folder.parent / f".work-{folder.name}",
        vocab_size=VOCABULARY,
        tokenizer_sha256="0" * 64,
        eos_id=2,
        shard_tokens=shard_tokens,
    )
    for name, language, source, size in documents:
        ids = generator.integers(264, VOCABULARY, size)
        writer.write([ids], names=[name], languages=[language], sources=[source], num_bytes=[3 * size])
    writer.close()
    return folder


@pytest.fixture
def shards(tmp_path):
    documents = [
        (f"{source}/{language}{number}", language, source, 40 + 37 * number)
        for number in range(12)
        for language, source in (("fr", "manpages"), ("en", "manpages"), ("fr", "handbook"), ("code", "stdlib"))
    ]
    return write_shards(tmp_path / "documents", documents)


@pytest.fixture
def pairs(tmp_path):
    documents = [
        (f"gettext/{number}", language, "gettext", 3 + (number * (7 if language == "fr" else 5)) % 11)
        for number in range(200)
        for language in ("en", "fr")
    ]
    return write_shards(tmp_path / "pairs", documents)
