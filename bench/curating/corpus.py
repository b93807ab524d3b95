"""Real text repeated with edits, as much of it as is asked for: the input of the long cases."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fournil.core.document import DOCUMENTS, document_row
from fournil.core.shards import ShardWriter, count_rows, shard_paths

SETS = ("books_fr", "laws_ca_fr", "docs_php_fr", "docs_postgresql_fr", "books_en", "laws_ca_en", "docs_php_en")
CHARACTERS = 20_000
"""A longer text is cut to pieces of about so many: documents of the web are no books."""
LIGHT, HEAVY = 0.02, 0.25
"""Parts of the words that are replaced in a copy: one in ten copies is light, and a near duplicate; the others are
not."""


def texts(data: Path) -> Iterator[tuple[str, str, str]]:
    """Real texts: source, language, text."""
    for name in SETS:
        for path in sorted((data / name).glob("*.jsonl.xz")):
            with lzma.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    row: dict[str, Any] = json.loads(line)
                    text = row["text"]
                    for start in range(0, len(text), CHARACTERS):
                        yield name, row["lang"], text[start : start + CHARACTERS]


def make_corpus(data: Path, sources: Path, num_bytes: int, *, seed: int = 0) -> int:
    """Write documents until there is so much text; a corpus that is there already is kept.

    Args:
        data: The folder of real text.
        sources: Gets documents/.
        num_bytes: UTF-8 bytes of text.
        seed: Of the edits.

    Returns:
        How many documents there are.
    """
    done = sources / "done.json"
    if done.exists() and json.loads(done.read_text()) == [num_bytes, seed]:
        return count_rows(sources / "documents")
    for path in shard_paths(sources / "documents"):
        path.unlink()
    base = [(source, tag, text.split(" ")) for source, tag, text in texts(data)]
    rng = np.random.default_rng(seed)
    pools = {
        tag: np.array([word for _, each, words in base[::7] if each == tag for word in words[:400]], object)
        for tag in ("fr", "en")
    }
    written = round_ = num = 0
    with ShardWriter(sources / "documents", DOCUMENTS) as writer:
        while written < num_bytes:
            for place in rng.permutation(len(base)).tolist():
                source, tag, words = base[place]
                text = " ".join(words if round_ == 0 else _edited(words, pools[tag], rng))
                row = document_row(f"{source}/{place}-{round_}", text, source=source, licence="CC0-1.0", language=tag)
                writer.write_rows([row])
                num += 1
                written += len(text.encode())
                if written >= num_bytes:
                    break
            round_ += 1
    done.write_text(json.dumps([num_bytes, seed]))
    return num


def _edited(words: list[str], pool: np.ndarray, rng: np.random.Generator) -> list[str]:
    share = LIGHT if rng.random() < 0.1 else HEAVY
    array = np.array(words, object)
    places = np.flatnonzero(rng.random(len(words)) < share)
    array[places] = pool[rng.integers(0, len(pool), len(places))]
    return array.tolist()
