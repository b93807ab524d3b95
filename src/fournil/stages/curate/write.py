"""The stage's output: every row goes to training, to held-out or to refused; every edit to edits."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.context import Context
from fournil.core.document import EDITS
from fournil.core.shards import ShardWriter
from fournil.core.speech import tr
from fournil.stages.curate.chunks import Chunks
from fournil.stages.curate.facts import Fate
from fournil.stages.curate.names import DUPLICATES
from fournil.stages.curate.verdicts import WHY

FOLDERS = ("documents", "pairs", "heldout", "refused", "edits")


def clear(out: Path) -> None:
    """Remove what an earlier, unfinished try wrote."""
    for name in FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)


def write_kind(out: Path, chunks: Chunks, fate: Fate, schema: pa.Schema, refused: pa.Schema, context: Context) -> None:
    """Write all rows of one kind, in input order.

    Args:
        out: The stage's folder.
        chunks: The rows.
        fate: What became of them.
        schema: Of rows that are kept.
        refused: Of refused rows.
        context: For the bar.
    """
    kind = fate.rows.kind
    start = 0
    title, unit = (
        (tr("Writing documents"), tr("documents")) if kind == "documents" else (tr("Writing pairs"), tr("pairs"))
    )
    with (
        ShardWriter(out / kind, schema) as training,
        ShardWriter(out / "heldout" / kind, schema) as heldout,
        ShardWriter(out / "refused", refused, prefix=kind) as refusals,
        ShardWriter(out / "edits", EDITS, prefix=kind) as edits,
        context.progress.task(title, total=len(fate.rows), unit=unit) as bar,
    ):
        for rows, changes in zip(chunks.rows(), chunks.edits(), strict=True):
            stop = start + rows.num_rows
            rows = _with_duplicates(rows, fate, start)
            gone = np.array([step is not None for step in rows.column("step").to_pylist()], bool)
            held = fate.held[start:stop]
            refusals.write(rows.filter(pa.array(gone)))
            plain = rows.drop_columns(list(WHY))
            training.write(plain.filter(pa.array(~gone & ~held)))
            heldout.write(plain.filter(pa.array(~gone & held)))
            edits.write(changes)
            bar.advance(rows.num_rows)
            start = stop


def _with_duplicates(rows: pa.Table, fate: Fate, start: int) -> pa.Table:
    found = {row - start: fate.duplicates[row] for row in range(start, start + rows.num_rows) if row in fate.duplicates}
    if not found:
        return rows
    columns = {name: rows.column(name).to_pylist() for name in ("step", "rule", "value", "bound", "kept_id")}
    for place, duplicate in found.items():
        values = (DUPLICATES, duplicate.rule, duplicate.value, duplicate.bound, fate.rows.ids[duplicate.kept])
        for name, value in zip(columns, values, strict=True):
            columns[name][place] = value
    for name, values in columns.items():
        rows = rows.set_column(
            rows.schema.get_field_index(name), rows.schema.field(name), pa.array(values, pa.string())
        )
    return rows
