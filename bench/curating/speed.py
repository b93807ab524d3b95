"""What curation costs beside datatrove's filters: step by step, and from parquet to parquet.

Every figure is a median of paired runs, ours and theirs in turn, over the same documents of the data folder. The peer
is run by its own steps' `run`, in a process without its executor; what its default tokenizers need (spaCy) is installed
by the extra `bench`.
"""

import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.utils.hashing import HashConfig

from curating import peer
from curating.corpus import texts
from curating.verdicts import COMPAT, LANGUAGES, config_of, documents, judge, ours, record_batch
from curating.verdicts import Document as Piece
from fournil.core.context import Context
from fournil.core.languages import language
from fournil.core.shards import repeated
from fournil.parts.text.language_model import language_model
from fournil.parts.text.personal import find_all, mask
from fournil.stages.curate import Config
from fournil.stages.curate.alone.documents import document_chunk, prepare
from fournil.stages.curate.together.sets import sketch_chunk

STEPS = ("language", "gopher-repetition", "gopher-quality", "c4", "fineweb")
CASES = ("fournil", "fournil-pages", "compat", *(f"compat-{name}" for name in STEPS), "pii")
_PEER_DOCUMENTS, _OUR_DOCUMENTS = 400, 6000
_BATCH_ROWS = 1024
_PAGE = (800, 16_000)
"""Characters of a document of the case fournil-pages: as long as pages of the web; those of the others are shorter."""


def rows(data: Path, work: Path, cases: Iterable[str], *, repeats: int = 3) -> Iterator[dict[str, Any]]:
    """A row for each case; fournil and compat have one for two workers too."""
    every = documents(data, _OUR_DOCUMENTS)
    few = every[:: _OUR_DOCUMENTS // _PEER_DOCUMENTS]
    batches = _batches([each.text for each in every])
    by_language = {tag: _batches([each.text for each in _of(every, tag)]) for tag in LANGUAGES}
    for case in cases:
        if case in ("fournil", "fournil-pages", "compat"):
            both = (_pages(data, _OUR_DOCUMENTS), every)[case != "fournil-pages"]
            for workers in (1, 2):
                yield _chain(case, both, both[:: len(both) // _PEER_DOCUMENTS], work, workers, repeats)
        elif case == "pii":
            speeds = _paired(lambda: _pii(batches), lambda: _their_pii(few), every, few, repeats)
            yield _row(case, *speeds, equal=_same_masked(few), note=_PII)
        else:
            name = case.removeprefix("compat-")
            same = [each for tag in LANGUAGES for each in _step(name, few, tag)]
            speeds = _paired(lambda n=name: _ours(n, by_language), lambda n=name: _theirs(n, few), every, few, repeats)
            yield _row(case, *speeds, equal=sum(same) / len(same), note="our splitter in both, model in memory")


def _pages(data: Path, num: int) -> list[Piece]:
    """Documents of a page's length, from the texts that the long cases are made of."""
    draw = random.Random(0)
    found: list[Piece] = []
    for source, tag, text in texts(data):
        start = 0
        while start < len(text):
            size = int(_PAGE[0] * (_PAGE[1] / _PAGE[0]) ** draw.random())
            found.append(Piece(f"{source}/{len(found)}", source, tag, text[start : start + size]))
            start += size
    return sorted(draw.sample(found, min(num, len(found))))


def _row(case: str, mine: float, their: float, *, equal: float, **more: Any) -> dict[str, Any]:
    return {
        "case": case, "ours": round(mine, 3), "peer": round(their, 4), "unit": "MB/s", "ratio": round(mine / their, 1),
        "equal": equal, **more,
    }  # fmt: skip


_FOURNIL = "mode fournil against datatrove's filters with published bounds and {tokenizer}: other rules, other verdicts"
_PII = "their finder knows e-mail and IP addresses, ours fifteen kinds"


def _num_bytes(found: list[Piece]) -> int:
    return sum(len(each.text.encode()) for each in found)


def _paired(
    mine: Callable[[], object], their: Callable[[], object], every: list[Piece], few: list[Piece], repeats: int
) -> tuple[float, float]:
    """Megabytes a second, medians of runs in turn; the first one, which compiles, is not counted."""
    mine()
    speeds: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):
        for place, (run, found) in enumerate(((mine, every), (their, few))):
            began = time.perf_counter()
            run()
            speeds[place].append(_num_bytes(found) / 1e6 / (time.perf_counter() - began))
    return statistics.median(speeds[0]), statistics.median(speeds[1])


def _of(found: list[Piece], tag: str) -> list[Piece]:
    return [each for each in found if each.tag == tag]


def _made(name: str, tag: str) -> Any:
    rules, splitter = COMPAT.rules_of(tag), peer.SPLITTERS[tag == "fr"]
    if name == "language":
        return peer.language_filter(COMPAT.language, LANGUAGES, language_model())
    return peer.filters(rules, splitter)[STEPS.index(name) - 1]


def _theirs(name: str, found: list[Piece]) -> None:
    for tag in LANGUAGES:
        made = _made(name, tag)
        for each in _of(found, tag):
            made.filter(Document(text=each.text, id=each.name))


def _ours(name: str, batches: dict[str, list[pa.Array]]) -> None:
    for tag, own in batches.items():
        for batch in own:
            judge(name, batch, COMPAT.rules_of(tag), tag == "fr")


def _batches(texts: list[str]) -> list[pa.Array]:
    """Arrow strings, as they come out of a parquet file."""
    return [pa.array(texts[start : start + 128], pa.large_string()) for start in range(0, len(texts), 128)]


def _step(name: str, found: list[Piece], tag: str) -> list[bool]:
    made, own = _made(name, tag), _of(found, tag)
    theirs = [peer.verdict(made, each.text) for each in own]
    mine = ours(name, [each.text for each in own], COMPAT.rules_of(tag), tag == "fr")
    return [
        ("language" if reason == "" else reason, text) == answer
        for (reason, text), answer in zip(theirs, mine, strict=True)
    ]


def _pii(batches: list[pa.Array]) -> None:
    described = [language(tag) for tag in LANGUAGES]
    for batch in batches:
        for place, spans in find_all(batch, languages=described).items():
            mask(batch[place].as_py(), spans)


def _same_masked(found: list[Piece]) -> float:
    """Share of documents in which both find something to mask, or nothing."""
    described = [language(tag) for tag in LANGUAGES]
    mine = find_all(pa.array([each.text for each in found], pa.large_string()), languages=described)
    made = PIIFormatter()
    return sum((made.format(each.text) != each.text) == (place in mine) for place, each in enumerate(found)) / len(
        found
    )


def _their_pii(found: list[Piece]) -> None:
    made = PIIFormatter()
    for each in found:
        made.format(each.text)


@cache
def default_tokenizer() -> str:
    """What the peer's words come from in the case fournil."""
    try:
        import spacy
    except ImportError:
        return "our splitter (spaCy is not installed)"
    return f"spaCy {spacy.__version__}, datatrove's default"


def _steps_of(case: str, tag: str, work: Path) -> list[Any]:
    """datatrove's chain for documents of a language; near-duplicate signatures end it."""
    compat = case == "compat"
    own: Any = tag if not compat and default_tokenizer().startswith("spaCy") else peer.SPLITTERS[tag == "fr"]
    steps = [
        peer.language_filter(COMPAT.language, LANGUAGES, language_model()),
        *peer.filters(COMPAT.rules_of(tag), own),
    ]
    if not compat:
        # datatrove 0.10 hands strings to xxhash, which version 4 takes no more.
        hashing = HashConfig(hash_fc="xxhash" if int(xxhash.VERSION.split(".")[0]) < 4 else "sha1")
        config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=hashing)
        steps += [PIIFormatter(), _Keep(), MinhashDedupSignature(str(work / "signatures"), config, language=own)]
    return steps


class _Keep:
    """Documents on their way to the signatures, which pass nothing on."""

    def __init__(self) -> None:
        self.kept: list[Document] = []

    def run(self, data: Iterable[Document], _rank: int, _size: int) -> Iterator[Document]:
        for each in data:
            self.kept.append(each)
            yield each


def _their_file(case: str, path: Path, work: Path, rank: int) -> None:
    """From one parquet file to another."""
    table = pq.read_table(path)
    kept: list[Document] = []
    for place, tag in enumerate(LANGUAGES):
        where = pa.compute.equal(table.column("tag"), tag)  # pyright: ignore
        own = table.filter(where).to_pylist()
        data: Any = iter([Document(text=row["text"], id=row["id"]) for row in own])
        middle: _Keep | None = None
        for step in _steps_of(case, tag, work):
            middle = step if isinstance(step, _Keep) else middle
            data = step.run(data, rank * len(LANGUAGES) + place, 100)
        passed = list(data or [])
        kept += passed if middle is None else middle.kept
    out = {"id": [each.id for each in kept], "text": [each.text for each in kept]}
    pq.write_table(pa.table(out), work / f"theirs-{rank}.parquet", compression="zstd")


def _our_file(case: str, path: Path, work: Path, rank: int, prepared: dict[str, Path]) -> None:
    config = config_of() if case == "compat" else Config()
    make = document_chunk(config, LANGUAGES, prepared)
    kept: list[pa.Table] = []
    for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS):
        chunk = make(batch.drop_columns(["tag"]))
        if case != "compat":
            sketch_chunk(chunk, config.duplicates)
        rows = chunk.rows
        kept.append(rows.filter(pa.compute.is_null(rows.column("rule"))))  # pyright: ignore
    table = pa.concat_tables(kept)
    out = work / f"ours-{rank}.parquet"
    pq.write_table(table, out, compression="zstd", use_dictionary=repeated(table.column_names))


def _chain(case: str, every: list[Piece], few: list[Piece], work: Path, workers: int, repeats: int) -> dict[str, Any]:
    config = config_of() if case == "compat" else Config()
    context = Context(LANGUAGES, seed=7, threads=1)
    (work / "prepared").mkdir(parents=True, exist_ok=True)
    prepared = prepare(config, context, work / "prepared")
    files = {
        name: [_write(found[rank::workers], work / f"{name}-{rank}.parquet") for rank in range(workers)]
        for name, found in (("every", every), ("few", few))
    }
    methods = multiprocessing.get_context("fork")
    with methods.Pool(workers) as pool:
        mine = [(case, path, work, rank, prepared) for rank, path in enumerate(files["every"])]
        their = [(case, path, work, rank) for rank, path in enumerate(files["few"])]
        pool.starmap(_their_file, their)  # spaCy is imported, once in each process
        speeds = _paired(
            lambda: pool.starmap(_our_file, mine), lambda: pool.starmap(_their_file, their), every, few, repeats
        )
    for rank in range(workers):  # the documents that the peer had last
        _our_file(case, files["few"][rank], work, rank, prepared)
    equal = _same_rows(work, workers, texts=case == "compat", num=len(few))
    name = case if workers == 1 else f"{case}, {workers} workers"
    note = "our splitter in both" if case == "compat" else _FOURNIL.format(tokenizer=default_tokenizer())
    return _row(name, *speeds, equal=equal, note=note, workers=workers)


def _same_rows(work: Path, workers: int, *, texts: bool, num: int) -> float:
    """Share of documents that both kept, or both refused; where texts are asked, those kept have the same text too.

    The language is the one found.
    """
    sides = [
        {
            row["id"]: row["text"] if texts else ""
            for rank in range(workers)
            for row in pq.read_table(work / f"{side}-{rank}.parquet", columns=["id", "text"]).to_pylist()
        }
        for side in ("ours", "theirs")
    ]
    names = sides[0].keys() | sides[1].keys()
    return 1 - sum(sides[0].get(name) != sides[1].get(name) for name in names) / num


def _write(found: list[Piece], path: Path) -> Path:
    batch = record_batch(found)
    table = pa.Table.from_batches([batch]).append_column("tag", pa.array([each.tag for each in found]))
    pq.write_table(table, path, compression="zstd")
    return path
