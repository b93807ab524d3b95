"""The steps of curate, one after the other."""

from __future__ import annotations

import shlex
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fournil.core.context import Artifact, Context
from fournil.core.errors import FournilError
from fournil.core.files import TEMPORARY
from fournil.core.shards import count_rows, read_batches, shard_paths
from fournil.core.speech import Message, mark, markn, tr, trn
from fournil.parts.workers import Workers, open_workers
from fournil.stages.curate.alone.contamination import contamination_facts
from fournil.stages.curate.alone.documents import prepare, steps_of
from fournil.stages.curate.check import check_leaks
from fournil.stages.curate.chunks import Chunks
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import (
    CONTAMINATION,
    DUPLICATES,
    HELDOUT,
    LANGUAGE,
    MODELS,
    NORMALISE,
    PERSONAL_DATA,
    QUALITY,
)
from fournil.stages.curate.ranges import plan_ranges
from fournil.stages.curate.tasks import SCHEMAS, Making, make_range
from fournil.stages.curate.together.comparing import compare
from fournil.stages.curate.together.known import check_earlier, write_signatures
from fournil.stages.curate.together.rows import load_rows
from fournil.stages.curate.told.facts import Fate, counts_of, edits_of, facts_of, heldout_facts, language_matrix
from fournil.stages.curate.told.mixture import mixture_facts
from fournil.stages.curate.told.models_facts import models_facts
from fournil.stages.curate.told.silenced import toxicity_facts
from fournil.stages.curate.told.translations import translation_facts
from fournil.stages.curate.write import clear, write_kind

PAIR_STEPS = (NORMALISE, PERSONAL_DATA, LANGUAGE, CONTAMINATION, HELDOUT, QUALITY, DUPLICATES)

_KINDS = ("documents", "pairs")
_MUCH_BYTES = 1 << 30
"""From so much text on workers begin anew where another kind of work begins: what they hold by then is given back."""


def document_steps(config: Config) -> tuple[str, ...]:
    """Names of the steps that documents go through, in order.

    `bytes_STEP` is the array that holds the documents' bytes after a step, and `bytes` after those without one.
    """
    alone = [name for name, _ in steps_of(config)]
    before_split = alone.index(QUALITY)
    return (*alone[:before_split], HELDOUT, *alone[before_split:], DUPLICATES)


def _nothing_to_curate(sources: Path) -> FournilError:
    """Say why there is nothing: everything was refused when it was read, or nothing was read."""
    rules: Counter[str] = Counter()
    first = ""
    for batch in read_batches(sources / "refused", columns=["id", "rule"]):
        rules.update(batch.column("rule").to_pylist())
        first = first or batch.column("id")[0].as_py()
    if not rules:
        return FournilError(
            tr("there is nothing to curate"), where=sources, fix=tr("It needs documents/ or pairs/ with rows.")
        )
    what = trn(
        "there is nothing to curate: the only text was refused ({rules})",
        "there is nothing to curate: all {count:,} texts were refused ({rules})",
        rules.total(),
        rules=", ".join(f"{rule} {count}" for rule, count in rules.most_common(5)),
    )
    command = f"fournil why {shlex.quote(str(sources.parent))} {shlex.quote(first)}"
    return FournilError(what, where=sources / "refused", fix=tr("Ask for its story: {command}", command=command))


def curate(config: Config, sources: Path, out: Path, context: Context) -> Artifact:
    """Do what fournil.stages.curate.run says."""
    if not count_rows(sources / "documents") + count_rows(sources / "pairs"):
        raise _nothing_to_curate(sources)
    check_earlier(config.duplicates)
    engine = config.engine
    num_workers = engine.workers or (0 if engine.kind == "cluster" else context.threads)
    num_bytes = sum(path.stat().st_size for kind in _KINDS for path in shard_paths(sources / kind))
    memory_bytes = int(engine.memory_gb * 1e9)
    out.mkdir(parents=True, exist_ok=True)
    opened = open_workers(
        engine.kind, num_workers, num_bytes=num_bytes, folder=out, address=engine.address, memory_bytes=memory_bytes
    )
    with opened as workers:
        return _curate(config, sources, out, context, workers)


def _curate(config: Config, sources: Path, out: Path, context: Context, workers: Workers) -> Artifact:
    began, cpu_began = time.perf_counter(), time.process_time()
    work = out / ".work"
    prepared = prepare(config, context, work)
    made = {kind: _make_chunks(kind, config, sources, work, context, prepared, workers) for kind in _KINDS}
    documents, pairs = (
        load_rows(made[kind][0], kind, work / f"{kind}-columns", sources / kind) for kind in ("documents", "pairs")
    )
    bytes_in = sum(int(rows.arrays["bytes_in"].sum()) for rows in (documents, pairs))
    if bytes_in > _MUCH_BYTES:
        workers.renew()
    cleaned, cpu_cleaned = time.perf_counter(), time.process_time()

    context.progress.note(tr("Comparing all texts, setting some aside for evaluation"))
    split, compared, told = compare(documents, pairs, config, work, context.seed, workers)
    fates = [
        Fate(documents, compared["documents"], split.documents, document_steps(config)),
        Fate(pairs, compared["pairs"], split.pairs, PAIR_STEPS),
    ]
    compared_at, cpu_compared = time.perf_counter(), time.process_time()

    clear(out)
    for fate in fates:
        write_kind(out, fate, workers, context)
    write_signatures(out, documents, fates[0].kept, config.duplicates)
    written, cpu_written = time.perf_counter(), time.process_time()
    if bytes_in > _MUCH_BYTES:
        workers.renew()
    context.progress.note(tr("Checking that nothing held out is in the training shards"))
    leaks = check_leaks(out, threshold=config.duplicates.threshold, workers=workers)

    facts: dict[str, Any] = {fate.rows.kind: facts_of(fate) for fate in fates}
    facts["languages"] = language_matrix(documents)
    facts["mixture"] = mixture_facts(fates[0], config.language)
    facts["translations"] = translation_facts(fates[1])
    edits = {rows.kind: (rows.chunks.edits(), rows.chunks.rows(["id", "source"])) for rows in (documents, pairs)}
    facts["contamination"] = contamination_facts(prepared.get(CONTAMINATION), edits)
    facts["toxicity"] = toxicity_facts(fates[0])
    facts["edits"] = {fate.rows.kind: edits_of(fate) for fate in fates}
    facts["heldout"] = heldout_facts(fates[0], fates[1], split, config.heldout.short_pair)
    facts["duplicates"] = told
    facts["leak_check"] = leaks
    if MODELS in prepared:
        facts["models"] = models_facts(fates[0], prepared[MODELS])
    counts = [count for fate in fates if len(fate.rows) for count in counts_of(fate)]
    facts["headline"] = _headline(fates, facts["heldout"])
    cpu_seconds = sum(seconds for _, seconds in made.values())
    measured = {
        "seconds": {
            "clean": cleaned - began,
            "compare": compared_at - cleaned,
            "write": written - compared_at,
            "check": time.perf_counter() - written,
        },
        "cpu_seconds_of_the_driver": {
            "clean": cpu_cleaned - cpu_began,
            "compare": cpu_compared - cpu_cleaned,
            "write": cpu_written - cpu_compared,
            "check": time.process_time() - cpu_written,
        },
        "workers": workers.num,
        "megabytes_per_cpu_second_clean": bytes_in / 1e6 / cpu_seconds if cpu_seconds else None,
        "megabytes_per_second": bytes_in / 1e6 / (time.perf_counter() - began),
    }
    return Artifact(counts=counts, facts=facts, measured=measured)


def _make_chunks(
    kind: str,
    config: Config,
    sources: Path,
    work: Path,
    context: Context,
    prepared: Mapping[str, Path],
    workers: Workers,
) -> tuple[Chunks, float]:
    """Work on all rows of a kind; return the chunks and the processors' seconds, of those that are new."""
    place, chunks = sources / kind, work / kind
    chunks.mkdir(parents=True, exist_ok=True)
    for left_over in chunks.glob(f"{TEMPORARY}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    ranges = plan_ranges(place, SCHEMAS[kind].names, num_workers=workers.num)
    making = Making(kind, chunks, config, context.languages, prepared)
    title, unit = (
        (tr("Cleaning documents"), tr("documents")) if kind == "documents" else (tr("Cleaning pairs"), tr("pairs"))
    )
    with context.progress.task(title, total=sum(span.num_rows for span in ranges), unit=unit) as bar:
        done = workers.run(make_range, ((making, span) for span in ranges), lambda result: bar.advance(result[0]))
    return Chunks(chunks, sum(span.num for span in ranges)), sum(seconds for _, seconds in done)


def _headline(fates: Sequence[Fate], heldout: Mapping[str, Any]) -> list[Message]:
    documents, pairs = (len(fate.rows) for fate in fates)
    kept_documents, kept_pairs = (len(fate.rows) - fate.num_refused() for fate in fates)
    if not pairs:
        kept = {"kept": kept_documents}
        said = [markn("{kept:,} of {count:,} document kept", "{kept:,} of {count:,} documents kept", documents, **kept)]
    elif not documents:
        said = [markn("{kept:,} of {count:,} pair kept", "{kept:,} of {count:,} pairs kept", pairs, kept=kept_pairs)]
    else:
        said = [
            mark(
                "{documents:,} of {all_documents:,} documents and {pairs:,} of {all_pairs:,} pairs kept",
                documents=kept_documents, all_documents=documents, pairs=kept_pairs, all_pairs=pairs,
            )
        ]  # fmt: skip
    aside = heldout["num_documents_kept"] + heldout["num_pairs_kept"]
    if aside:
        said.append(markn("{count:,} of them held out", "{count:,} of them held out", aside))
    return said
