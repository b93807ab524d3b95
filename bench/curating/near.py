"""Near duplicates: how many planted ones are found, and what the join costs beside DuckDB's and datatrove's.

    python -m bench.curating.near --data FOLDER [--cases planted near-join near-duplicates]

Texts are pieces of real ones; a copy has some of its words replaced. The truth is the Jaccard similarity of the sets of
five-word runs, taken for each planted pair by Python's own sets.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench.curating.corpus import texts

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS, document_row
from fournil.core.shards import ShardWriter, read_all
from fournil.parts.text.joining import components
from fournil.parts.text.minhash import meeting_share, sketch
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.scan import scan
from fournil.parts.workers import Workers

CASES = ("planted", "near-join", "near-duplicates")
LEVELS = (0.7, 0.8, 0.9)
ROOT = Path(__file__).resolve().parents[2]


def pieces(data: Path, num: int, *, characters: int = 2500) -> list[tuple[str, str]]:
    """Pieces of real texts, each once: language and text, spread over the sets."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for _, tag, text in texts(data):
        for start in range(0, len(text), characters):
            piece = text[start : start + characters]
            if len(piece.split()) >= 150 and piece not in seen:
                seen.add(piece)
                found.append((tag, piece))
    random.Random(1).shuffle(found)
    return found[:num]


def runs_of(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[place : place + 5]) for place in range(len(words) - 4)}


def true_jaccard(one: list[str], other: list[str]) -> float:
    ones, others = runs_of(one), runs_of(other)
    return len(ones & others) / len(ones | others)


def copy_at(words: list[str], level: float, pool: list[str], draw: random.Random) -> list[str]:
    """The words with as many of them replaced as make the similarity fall to the level, and hardly below."""
    new, order = list(words), list(range(len(words)))
    draw.shuffle(order)
    step = max(1, len(words) // 200)
    for start in range(0, len(order), step):
        tried = list(new)
        for place in order[start : start + step]:
            tried[place] = draw.choice(pool)
        if true_jaccard(words, tried) < level:
            break
        new = tried
    return new


def planted(data: Path, work: Path, *, num_pairs: int = 400) -> Iterator[dict[str, Any]]:
    """Recall and precision of a whole run of the stage, its threshold at the level at which pairs are planted."""
    from fournil.stages.curate import Config, run
    from fournil.stages.curate.sections.duplicates import DuplicateSettings
    from fournil.stages.curate.sections.heldout import HeldoutSettings
    from fournil.stages.curate.sections.quality import QualitySettings

    base = pieces(data, 3 * num_pairs)
    pool = [word for _, text in base[:200] for word in text.split() if word.isalpha()]
    for level in LEVELS:
        draw, rows, truth = random.Random(level), [], {}
        for number, (tag, text) in enumerate(base):
            more = {"source": "real", "licence": "CC0-1.0", "language": tag}
            words = [word for word in text.split() if word.isalnum()]
            rows.append(document_row(f"real/{number}", " ".join(words), **more))
            if number < num_pairs:
                copy = copy_at(words, level, pool, draw)
                rows.append(document_row(f"real/{number}-copy", " ".join(copy), **more))
                truth[number] = true_jaccard([w.lower() for w in words], [w.lower() for w in copy])
        folder = work / f"planted-{level}"
        with ShardWriter(folder / "in" / "documents", DOCUMENTS) as writer:
            writer.write_rows(rows)
        config = Config(
            heldout=HeldoutSettings(share=0.0),
            quality=QualitySettings(skip=("book",)),
            duplicates=DuplicateSettings(threshold=level - 0.02),
        )
        run(config, {"sources": folder / "in"}, folder / "out", Context(("fr", "en"), seed=1, threads=1))
        refused = {row["id"]: row for row in read_all(folder / "out" / "refused", REFUSED_DOCUMENTS).to_pylist()}
        by_id = {row["id"]: [word.lower() for word in row["text"].split()] for row in rows}
        near = {name: row for name, row in refused.items() if row["step"] == "duplicates"}
        others = set(refused) - set(near)
        asked = [n for n in truth if not {f"real/{n}", f"real/{n}-copy"} & others]
        found = [n for n in asked if f"real/{n}" in near or f"real/{n}-copy" in near]
        right = [name for name, row in near.items() if true_jaccard(by_id[name], by_id[row["kept_id"]]) >= level - 0.04]
        mean = float(np.mean([truth[n] for n in asked]))
        precision = len(right) / max(1, len(near))
        yield {
            "case": f"planted-{level}",
            "ours": len(found) / len(asked),
            "peer": meeting_share(mean, num_bands=14, band_rows=8),
            "unit": "recall; the peer is what 14 keys of 8 minima promise",
            "ratio": len(found) / len(asked) / meeting_share(mean, num_bands=14, band_rows=8),
            "equal": precision,
            "precision": precision,
            "mean_similarity": mean,
            "num_pairs": len(asked),
        }


def _corpus(data: Path, num: int) -> list[tuple[str, str]]:
    """Pieces, a fifth of them copies with few words replaced."""
    base = pieces(data, num)
    draw = random.Random(2)
    made = list(base)
    while len(made) < num or len(made) < 1.25 * len(base):
        tag, text = draw.choice(base)
        words = text.split(" ")
        for _ in range(draw.choice((0, 1, 3, 10, 60))):
            words[draw.randrange(len(words))] = draw.choice(words)
        made.append((tag, " ".join(words)))
    draw.shuffle(made)
    return made[:num]


def _measured(task: str, *arguments: str) -> dict[str, Any]:
    """Do one task in a process of its own: what it says, and its seconds, processor's seconds and megabytes."""
    program = [sys.executable, "-m", "bench.curating.near", "--task", task, *arguments]
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**told, "wall_s": time.perf_counter() - began, "cpu_s": cpu}


def near_join(data: Path, work: Path, *, num: int = 26_692) -> Iterator[dict[str, Any]]:
    """The join alone, from keys that are there: ours takes true similarities too, DuckDB goes by the keys."""
    folder = work / "near-join"
    folder.mkdir(parents=True, exist_ok=True)
    made = _corpus(data, num)
    for number, start in enumerate(range(0, len(made), 2048)):
        part = made[start : start + 2048]
        words = scan(pa.array([text for _, text in part]), [tag for tag, _ in part]).words
        hashes, counts = shingles(words, 5)
        done = sketch(hashes, np.concatenate([[0], np.cumsum(counts)]))
        place = folder / f"{number:06d}"
        place.mkdir(exist_ok=True)
        np.save(place / "shingles.npy", done.sets.values)
        np.save(place / "counts.npy", done.sets.counts)
        np.save(place / "keys.npy", done.keys)
    keys = np.concatenate([np.load(path) for path in sorted(folder.glob("*/keys.npy"))])
    table = pa.table({"doc": np.repeat(np.arange(len(keys)), keys.shape[1]), "key": keys.ravel()})
    pq.write_table(table, folder / "keys.parquet")
    _measured("join-ours", str(folder), "warm")
    ours, duck = _measured("join-ours", str(folder), "cold"), _measured("join-duckdb", str(folder))
    by_keys = _measured("join-keys", str(folder))
    yield _row("near-join", ours, duck, num, by_keys)


def near_duplicates(data: Path, work: Path, *, num: int = 10_000) -> Iterator[dict[str, Any]]:
    """From texts to who goes: words, runs, keys, join."""
    folder = work / "near-duplicates"
    folder.mkdir(parents=True, exist_ok=True)
    made = _corpus(data, num)
    pq.write_table(
        pa.table({"tag": [tag for tag, _ in made], "text": [text for _, text in made]}), folder / "texts.parquet"
    )
    _measured("texts-ours", str(folder), "warm")
    ours, peer = _measured("texts-ours", str(folder), "cold"), _measured("texts-datatrove", str(folder))
    yield _row("near-duplicates", ours, peer, num, _measured("texts-keys", str(folder)))


def _row(case: str, ours: dict[str, Any], peer: dict[str, Any], num: int, by_keys: dict[str, Any]) -> dict[str, Any]:
    """A row of the table; equal: how many the one finds for those of the other, ours without its true similarities.

    datatrove hashes otherwise than we do, so that it finds a few others.
    """
    more = {f"{who}_{name}": value for who, told in (("ours", ours), ("peer", peer)) for name, value in told.items()}
    least, most = sorted((by_keys["num_gone"], peer["num_gone"]))
    return {
        "case": case,
        "ours": ours["seconds"],
        "peer": peer["seconds"],
        "unit": f"seconds for {num:,} documents",
        "ratio": peer["seconds"] / ours["seconds"],
        "equal": least / max(1, most),
        "ours_num_gone_by_keys": by_keys["num_gone"],
        **more,
    }


class _Rows(SimpleNamespace):
    """As much of curate's rows as the join asks for."""

    def __len__(self) -> int:
        return int(self.bounds[-1])


def _join(
    folder: Path, places: list[Path], keys: np.ndarray, counts: np.ndarray, bounds: np.ndarray, threshold: float
) -> dict[str, Any]:
    from fournil.stages.curate.together.near import find_near
    from fournil.stages.curate.together.sets import index_sets

    chunks = SimpleNamespace(folders=lambda: places)
    documents = _Rows(kind="documents", chunks=chunks, bounds=bounds, arrays={"keys": keys, "shingle_counts": counts})
    none = np.zeros(0, np.int64)
    pairs = _Rows(
        kind="pairs", chunks=SimpleNamespace(folders=list), bounds=np.zeros(1, np.int64), arrays={"side_counts": none}
    )
    with tempfile.TemporaryDirectory(dir=folder) as work:
        sets = index_sets(Path(work), (documents, pairs))  # type: ignore[arg-type]
        near = find_near(documents, pairs, sets, Path(work), threshold=threshold, workers=Workers())  # type: ignore[arg-type]
        labels = np.array(near.labels_T)
    return {"num_gone": int((labels != np.arange(len(labels))).sum()), "num_compared": near.num_compared}


def join_ours(folder: Path, threshold: float = 0.8) -> dict[str, Any]:
    places = sorted(path.parent for path in folder.glob("*/keys.npy"))
    keys = [np.load(place / "keys.npy") for place in places]
    counts = np.concatenate([np.load(place / "counts.npy") for place in places])
    bounds = np.concatenate([[0], np.cumsum([len(part) for part in keys])])
    return _join(folder, places, np.concatenate(keys), counts, bounds, threshold)


def join_duckdb(folder: Path) -> dict[str, Any]:
    import duckdb

    edges = duckdb.sql(
        f"""
        with keys as (select * from '{folder}/keys.parquet' where key != 0),
             first as (select key, min(doc) as one from keys group by key having count(*) > 1)
        select distinct one, doc as other from keys join first using (key) where doc != one
        """
    ).fetchnumpy()
    num = pq.read_metadata(folder / "keys.parquet").num_rows // 14
    labels = components(num, np.stack([edges["one"], edges["other"]], 1))
    return {"num_gone": int((labels != np.arange(num)).sum())}


def texts_ours(folder: Path, threshold: float = 0.8) -> dict[str, Any]:
    table = pq.read_table(folder / "texts.parquet")
    values, tags = table.column("text").combine_chunks(), table.column("tag").to_pylist()
    made = []
    for start in range(0, len(values), 128):
        hashes, counts = shingles(scan(values.slice(start, 128), tags[start : start + 128]).words, 5)
        made.append(sketch(hashes, np.concatenate([[0], np.cumsum(counts)])))
    place = folder / "sets"
    place.mkdir(exist_ok=True)
    np.save(place / "shingles.npy", np.concatenate([each.sets.values for each in made]))
    keys, counts = np.concatenate([each.keys for each in made]), np.concatenate([each.sets.counts for each in made])
    return _join(folder, [place], keys, counts, np.array([0, len(keys)]), threshold)


def texts_datatrove(folder: Path) -> dict[str, Any]:
    """datatrove's steps with the same numbers; words are split at white space, which is faster than its own way."""
    import xxhash
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import (
        MinhashConfig,
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Spaces(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)
    values = pq.read_table(folder / "texts.parquet").column("text").to_pylist()
    with tempfile.TemporaryDirectory(dir=folder) as work:
        signature = MinhashDedupSignature(f"{work}/signatures", config=config, language=Spaces())  # type: ignore[arg-type]
        # datatrove hands xxhash strings, which its newer versions refuse.
        signature._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())
        signature.run((Document(text=text, id=str(number)) for number, text in enumerate(values)), 0, 1)
        buckets = MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=config)
        for rank in range(config.num_buckets):
            buckets.run(None, rank, config.num_buckets)
        MinhashDedupCluster(f"{work}/buckets", f"{work}/remove", config=config).run(None, 0, 1)
        num_gone = sum(path.stat().st_size // 4 for path in Path(work, "remove").rglob("*.remove"))
    return {"num_gone": num_gone}


TASKS = {
    "join-ours": join_ours,
    "join-keys": partial(join_ours, threshold=0.0),
    "texts-keys": partial(texts_ours, threshold=0.0),
    "join-duckdb": join_duckdb,
    "texts-ours": texts_ours,
    "texts-datatrove": texts_datatrove,
}


def rows(data: Path, work: Path, cases: tuple[str, ...] = CASES) -> Iterator[dict[str, Any]]:
    """Measure some cases.

    Args:
        data: The folder of real text.
        work: Gets what is made.
        cases: Which.
    """
    makers = {"planted": planted, "near-join": near_join, "near-duplicates": near_duplicates}
    for case in cases:
        yield from makers[case](data, work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--task", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.task:
        began, cpu_began = time.perf_counter(), time.process_time()
        told = TASKS[asked.task[0]](Path(asked.task[1]))
        taken = {"seconds": time.perf_counter() - began, "own_cpu_s": time.process_time() - cpu_began}
        lines = Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        print(json.dumps({**told, **taken, "peak_mb": peak / 1024}))
        return
    with tempfile.TemporaryDirectory() as work:
        for row in rows(asked.data, Path(work), tuple(asked.cases)):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
