"""How fast a corpus becomes ids, ours beside the public ways, each in a process of its own, one thread, turn by turn.

Run as a program it is one of these processes: contestant, folder of the tokenizer, folder of the texts.
"""

import hashlib
import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FIRST_MB, SECOND_MB = 4.0, 4.0
"""Of text that meets a fresh encoder, and of other text after it."""
PEERS = ("tokenizers", "gigatoken", "fastokens", "kitoken")
OURS = "fournil"
LLAMA = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
Encode = Callable[[Sequence[str]], Sequence[Any]]


def contestant(name: str, folder: Path) -> Encode:
    """A way to encode, ready to go."""
    file = str(folder / "tokenizer.json")
    if name == OURS:
        from fournil.parts.tokenize import Encoder, load

        Encoder(load(folder)).encode(["compiled, or read from where it was kept"])
        return Encoder(load(folder)).encode
    if name == "tokenizers":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(file)
        tokenizer.encode_special_tokens = True
        return lambda texts: [each.ids for each in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
    if name == "gigatoken":
        import gigatoken

        backend = gigatoken.Tokenizer(str(_plain(folder, None)))
        return lambda texts: backend.encode_batch(list(texts))
    if name == "fastokens":
        from fastokens import Tokenizer as Fast

        fast = Fast.from_file(str(_plain(folder, LLAMA)))
        return lambda texts: [each.ids for each in fast.encode_batch(list(texts), add_special_tokens=False)]
    from kitoken import Kitoken

    kit = Kitoken.from_tokenizers_file(file)
    return lambda texts: kit.encode_all(list(texts), False)


def _plain(folder: Path, normalizer: dict[str, Any] | None) -> Path:
    """The tokenizer for peers that look for special tokens in all text, or read another form of the same: without them,
    and with its spaces written by a normaliser where one is given."""
    content = json.loads((folder / "tokenizer.json").read_text("utf-8")) | {"added_tokens": []}
    if normalizer is not None:
        content |= {"pre_tokenizer": None, "normalizer": normalizer}
    path = folder / f"plain-{os.getpid()}.json"
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def texts_of(curated: Path) -> tuple[list[str], list[str]]:
    """The texts of the first and of the second measure: documents in turn from everywhere, nothing twice."""
    from fournil.core.shards import read_batches

    columns = ["text"]
    rows = [row["text"] for batch in read_batches(curated / "documents", columns=columns) for row in batch.to_pylist()]
    rows = [rows[place] for place in np.random.default_rng(1).permutation(len(rows))]
    ends = np.cumsum([len(text.encode()) for text in rows])
    first, second = np.searchsorted(ends, [FIRST_MB * 1e6, (FIRST_MB + SECOND_MB) * 1e6])
    return rows[:first], rows[first:second]


def measured(name: str, folder: Path, curated: Path) -> dict[str, Any]:
    """Seconds of the processor for both measures, and a hash of all ids."""
    texts = texts_of(curated)
    encode = contestant(name, folder)
    told: dict[str, Any] = {"name": name}
    digest = hashlib.sha256()
    for part, mine in zip(("first", "second"), texts, strict=True):
        begun, wall = time.process_time(), time.perf_counter()
        ids = encode(mine)
        told[part] = time.process_time() - begun
        told[f"{part}_wall"] = time.perf_counter() - wall
        told[f"{part}_mb"] = sum(len(text.encode()) for text in mine) / 1e6
        for row in ids:
            digest.update(np.asarray(row, np.int64).tobytes())
    return told | {"sha256": digest.hexdigest()}


def rows(folder: Path, curated: Path, *, repeats: int) -> Iterator[dict[str, Any]]:
    """One row a peer and measure; medians, ours in the same turns."""
    names = [OURS, *(name for name in PEERS if importlib.util.find_spec(name))]
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    one = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    for _, name in itertools.product(range(repeats), names):
        command = [sys.executable, "-W", "ignore", __file__, name, str(folder), str(curated)]
        said = subprocess.run(command, env=os.environ | one, capture_output=True, text=True, check=True).stdout
        told[name].append(json.loads(said.splitlines()[-1]))

    def speed(name: str, part: str) -> float:
        return statistics.median(turn[f"{part}_mb"] / turn[part] for turn in told[name])

    for name in names[1:]:
        for part, about in (("first", "a fresh encoder"), ("second", "and other text after it")):
            ours, peer = speed(OURS, part), speed(name, part)
            yield {
                "case": f"encode, {about}: {name}",
                "ours": round(ours, 2),
                "peer": round(peer, 2),
                "unit": "MB a second of one core",
                "ratio": round(ours / peer, 2),
                "equal": {turn["sha256"] for turn in told[name]} == {turn["sha256"] for turn in told[OURS]},
            }


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
