"""The steps of curate, one after the other."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fournil.core.context import Artifact, Context
from fournil.core.document import DOCUMENTS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS
from fournil.core.errors import FournilError
from fournil.core.shards import count_rows, read_batches
from fournil.core.speech import Message, mark, markn, tr, trn
from fournil.stages.curate.check import check_leaks
from fournil.stages.curate.chunks import Chunks, make_chunks
from fournil.stages.curate.config import Config
from fournil.stages.curate.documents import STEPS as ALONE
from fournil.stages.curate.documents import document_chunk, prepare
from fournil.stages.curate.duplicates import exact_duplicates, near_duplicates
from fournil.stages.curate.facts import Fate, counts_of, facts_of, heldout_facts, language_matrix
from fournil.stages.curate.heldout import choose, clusters
from fournil.stages.curate.names import DUPLICATES, HELDOUT, LANGUAGE, NORMALISE, PERSONAL_DATA, QUALITY
from fournil.stages.curate.near import Shingles, find_near
from fournil.stages.curate.pairs import pair_chunk
from fournil.stages.curate.rows import load_rows
from fournil.stages.curate.write import clear, write_kind

_ALONE = [name for name, _ in ALONE]
_BEFORE_SPLIT = _ALONE.index(QUALITY)
DOCUMENT_STEPS = (*_ALONE[:_BEFORE_SPLIT], HELDOUT, *_ALONE[_BEFORE_SPLIT:], DUPLICATES)
"""In order; `bytes_STEP` is the array that holds the documents' bytes after it, and `bytes` after those without one."""

PAIR_STEPS = (NORMALISE, PERSONAL_DATA, LANGUAGE, HELDOUT, QUALITY, DUPLICATES)

_DOCUMENT_ROWS = 1024
_PAIR_ROWS = 4096


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
    began = time.perf_counter()
    cpu_began = time.process_time()
    work = out / ".work"
    prepared = prepare(config, context, work)
    documents_chunks = make_chunks(
        sources / "documents", DOCUMENTS, work / "documents", _DOCUMENT_ROWS,
        document_chunk(config, context.languages, prepared), context,
        title=tr("Cleaning documents"), unit=tr("documents"),
    )  # fmt: skip
    pairs_chunks = make_chunks(
        sources / "pairs", PAIRS, work / "pairs", _PAIR_ROWS, pair_chunk(config, context.languages),
        context, title=tr("Cleaning pairs"), unit=tr("pairs"),
    )  # fmt: skip
    cleaned = time.perf_counter()
    cpu_cleaned = time.process_time()

    sizes = ("bytes_in", "bytes")
    alone = tuple(f"bytes_{name}" for name in _ALONE)
    documents = load_rows(documents_chunks, "documents", (*sizes, *alone, "exact", "letters", "found"))
    alone = (f"bytes_{NORMALISE}", "longest", "exact", "side_counts", "side_letters")
    pairs = load_rows(pairs_chunks, "pairs", (*sizes, *alone))
    for rows, width in ((documents, 2), (pairs, 2)):
        rows.arrays["exact"] = rows.arrays["exact"].reshape(-1, width)
    shingles = Shingles([documents_chunks, pairs_chunks])
    context.progress.note(tr("Comparing all texts, setting some aside for evaluation"))
    near = find_near(shingles, seed=context.seed, threshold=config.duplicates.threshold, kept=work / "near.npz")
    split = choose(documents, pairs, clusters(documents, pairs, near), config.heldout, context.seed)

    fates: list[Fate] = []
    for rows, held, steps in ((documents, split.documents, DOCUMENT_STEPS), (pairs, split.pairs, PAIR_STEPS)):
        alive = np.array([step is None for step in rows.steps], bool)
        duplicates = exact_duplicates(rows, alive)
        if rows is documents:
            alive[list(duplicates)] = False
            threshold = config.duplicates.threshold
            duplicates |= near_duplicates(rows, alive, near, shingles, threshold=threshold)
        fates.append(Fate(rows, duplicates, held, steps))
    compared = time.perf_counter()

    clear(out)
    kinds = ((documents_chunks, DOCUMENTS, REFUSED_DOCUMENTS), (pairs_chunks, PAIRS, REFUSED_PAIRS))
    for fate, (chunks, schema, refused) in zip(fates, kinds, strict=True):
        write_kind(out, chunks, fate, schema, refused, context)
    written = time.perf_counter()
    context.progress.note(tr("Checking that nothing held out is in the training shards"))
    leaks = check_leaks(out, threshold=config.duplicates.threshold)

    bytes_in = sum(int(rows.arrays["bytes_in"].sum()) for rows in (documents, pairs))
    facts: dict[str, Any] = {fate.rows.kind: facts_of(fate) for fate in fates}
    facts["languages"] = language_matrix(documents, _declared(sources / "documents"))
    facts["edits"] = _edits(documents_chunks, pairs_chunks)
    facts["heldout"] = heldout_facts(fates[0], fates[1], split, config.heldout.short_pair)
    facts["leak_check"] = leaks
    counts = [count for fate in fates if len(fate.rows) for count in counts_of(fate)]
    facts["headline"] = _headline(fates, facts["heldout"])
    measured = {
        "seconds": {
            "clean": cleaned - began,
            "compare": compared - cleaned,
            "write": written - compared,
            "check": time.perf_counter() - written,
        },
        "megabytes_per_cpu_second_clean": bytes_in / 1e6 / max(cpu_cleaned - cpu_began, 1e-9),
        "megabytes_per_second": bytes_in / 1e6 / (time.perf_counter() - began),
    }
    return Artifact(counts=counts, facts=facts, measured=measured)


def _declared(folder: Path) -> list[str | None]:
    declared: list[str | None] = []
    for batch in read_batches(folder, columns=["language"]):
        declared += batch.column("language").to_pylist()
    return declared


def _edits(*kinds: Chunks) -> dict[str, dict[str, int]]:
    """Numbers of changes by kind of row, and by step and rule."""
    return {name: chunks.num_changes() for name, chunks in zip(("documents", "pairs"), kinds, strict=True)}


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
