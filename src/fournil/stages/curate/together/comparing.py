"""Rows held against each other: what is tied, what is set aside, who goes for another's sake."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.parts.workers import Workers
from fournil.stages.curate.config import Config
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.together.compared import CUTS, REFUSALS, Compared, write_arrow
from fournil.stages.curate.together.duplicates import exact_duplicates, near_duplicates, same_translations
from fournil.stages.curate.together.heldout import Split, choose, clusters
from fournil.stages.curate.together.holding import near_held_out, near_held_out_when_cut
from fournil.stages.curate.together.known import known_documents
from fournil.stages.curate.together.near import Near, find_near
from fournil.stages.curate.together.near_pairs import near_pairs
from fournil.stages.curate.together.repeats import find_repeats
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import index_sets, num_texts


def compare(
    documents: Rows, pairs: Rows, config: Config, work: Path, seed: int, workers: Workers
) -> tuple[Split, dict[str, Compared], dict[str, Any]]:
    """Hold rows against each other.

    Args:
        documents: All documents.
        pairs: All pairs.
        config: Settings.
        work: The stage's folder of work.
        seed: For the split.
        workers: Who works.

    Returns:
        Who is held out; by kind the files that say who is refused; figures for the record.
    """
    settings, folder = config.duplicates, work / "duplicates"
    sets = index_sets(folder, (documents, pairs))
    near = find_near(documents, pairs, sets, folder, threshold=settings.threshold, workers=workers)
    split = choose(documents, pairs, clusters(documents, pairs, near), config.heldout, seed)

    alive = {rows.kind: np.asarray(rows.reasons.codes) < 0 for rows in (documents, pairs)}
    only = alive["documents"]
    refused: dict[str, list[pa.Table]] = {kind: [] for kind in alive}

    def refuse(kind: str, table: pa.Table) -> None:
        alive[kind][table.column("row").to_numpy()] = False
        refused[kind].append(table)

    not_refused = np.concatenate(list(alive.values()))
    told = near_held_out(
        documents, pairs, not_refused, split, sets, folder,
        threshold=settings.threshold, workers=workers,
    )  # fmt: skip
    for kind, table in told.items():
        refuse(kind, table)
    for table in known_documents(documents, only, near, sets, folder, settings, workers):
        refuse("documents", table)
    for rows in (documents, pairs):
        refuse(rows.kind, exact_duplicates(rows, alive[rows.kind], settings))
    refuse("documents", near_duplicates(documents, only, near, sets, folder, settings, workers))
    if config.pairs.near:
        refuse("pairs", near_pairs(pairs, alive["pairs"], num_texts(documents), near, sets, settings))
    refuse("documents", same_translations(documents, only, split.cluster_documents, sets, folder, settings, workers))
    repeats = find_repeats(documents, only & ~split.documents, settings, folder / "repeats", workers)
    refuse("documents", repeats.refused)
    held = np.concatenate([split.documents, split.pairs]) & not_refused
    leaked = near_held_out_when_cut(
        documents, pairs, held, repeats.changed(), sets, folder, threshold=settings.threshold
    )
    refuse("documents", leaked)
    compared = {kind: Compared(folder, kind) for kind in alive}
    for kind, tables in refused.items():
        table = pa.concat_tables(tables).combine_chunks().sort_by("row")
        rows = table.column("row").to_numpy()
        assert (rows[1:] > rows[:-1]).all(), "a row is refused twice"
        write_arrow(compared[kind].refusals_path, REFUSALS, iter([table]))
    cuts = repeats.cuts_table(leaked.column("row").to_numpy())
    write_arrow(compared["documents"].cuts_path, CUTS, iter([cuts]))
    return split, compared, _facts(near, settings)


def _facts(near: Near, settings: DuplicateSettings) -> dict[str, Any]:
    """How much was compared, and how much hangs together."""
    sizes = np.bincount(near.labels_T, minlength=1)
    return {
        "num_texts": len(near.labels_T),
        "num_bands": settings.num_bands,
        "band_rows": settings.band_rows,
        "threshold": settings.threshold,
        "num_compared": near.num_compared,
        "num_left": near.num_left,
        "num_components": int((sizes > 1).sum()),
        "largest_component": int(sizes.max(initial=0)),
        "against": list(settings.against),
    }
