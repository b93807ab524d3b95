"""The stage's output: every row goes to training, to held-out or to refused; every edit to edits.

Blocks of chunks are written side by side, each its own shard of training text; what else it has (held out, refused,
edits) is laid down in pieces, which are then put together to shards of a good size. How blocks and shards are cut
depends on the rows alone, so the bytes are the same whoever writes.
"""

import os
import platform
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fournil.core.context import Context
from fournil.core.document import DOCUMENTS, EDITS, PAIRS, REFUSED_DOCUMENTS, REFUSED_PAIRS
from fournil.core.files import TEMPORARY, atomic_path, mending, write_text
from fournil.core.shards import DEFAULT_MAX_BYTES, write_table
from fournil.core.speech import tr
from fournil.parts.workers import Workers
from fournil.stages.curate.alone.cutting import apply_cuts
from fournil.stages.curate.alone.verdicts import WHY
from fournil.stages.curate.chunks import folder_of
from fournil.stages.curate.names import DUPLICATES
from fournil.stages.curate.together.compared import Compared
from fournil.stages.curate.told.facts import Fate

FOLDERS = ("documents", "pairs", "heldout", "refused", "edits", "signatures")
_SCHEMAS = {"documents": (DOCUMENTS, REFUSED_DOCUMENTS), "pairs": (PAIRS, REFUSED_PAIRS)}
_BLOCK_BYTES = 2 * DEFAULT_MAX_BYTES
"""A block ends with so much text even if little of it is for training."""
_PIECES_BYTES = DEFAULT_MAX_BYTES // 2
"""Pieces are compressed: so many bytes of them make about a shard."""


class Block(NamedTuple):
    """Consecutive chunks that are written together."""

    number: int
    first: int
    stop: int
    row: int
    """The first one's first row."""

    shard: int | None
    """Of training text, if there is any."""

    num_rows: int


@dataclass(frozen=True)
class Writing:
    """All that is needed to write the rows of one kind, wherever that is done."""

    out: Path
    kind: str
    chunks: Path
    compared: Compared
    held: Path
    """One byte a row: 1 for those that are set aside."""

    pieces: Path


def clear(out: Path) -> None:
    """Remove what an earlier, unfinished try wrote, unless it was this very run that was at it."""
    mark = out / ".work" / "writing"
    if mark.exists():
        return
    for name in FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    write_text(mark, "")


def write_kind(out: Path, fate: Fate, workers: Workers, context: Context) -> None:
    """Write all rows of one kind, in input order.

    Args:
        out: The stage's folder.
        fate: What became of the rows.
        workers: Who writes.
        context: For the bar.
    """
    kind, work = fate.rows.kind, out / ".work"
    schema, refused = _SCHEMAS[kind]
    writing = Writing(
        out, kind, fate.rows.chunks.folder, fate.compared, work / f"held-{kind}.bin", work / f"{kind}-pieces"
    )
    with atomic_path(writing.held) as temporary:
        fate.held.astype(np.uint8).tofile(temporary)
    for folder in (kind, f"heldout/{kind}", "refused", "edits"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    writing.pieces.mkdir(parents=True, exist_ok=True)
    blocks = plan_blocks(fate)
    title, unit = (
        (tr("Writing documents"), tr("documents")) if kind == "documents" else (tr("Writing pairs"), tr("pairs"))
    )
    with context.progress.task(title, total=len(fate.rows), unit=unit) as bar:
        workers.run(write_block, ((writing, block) for block in blocks), bar.advance)
    parts = (
        ("heldout", f"heldout/{kind}/part", schema),
        ("refused", f"refused/{kind}", refused),
        ("edits", f"edits/{kind}", EDITS),
    )
    calls: list[tuple[tuple[Path, ...], Path, pa.Schema]] = []
    for name, target, of in parts:
        pieces = (writing.pieces / f"{block.number:06d}" / f"{name}.arrow" for block in blocks)
        for number, group in enumerate(_groups(pieces)):
            calls.append((group, out / f"{target}-{number:05d}.parquet", of))
    workers.run(join_pieces, calls)


def plan_blocks(fate: Fate) -> list[Block]:
    """Cut the chunks into blocks, each with about a shard of training text."""
    bounds = fate.rows.bounds
    whole = _by_chunk(np.asarray(fate.rows.arrays["bytes"]), bounds)
    train = fate.kept & ~fate.held
    for_training = _by_chunk(np.where(train, fate.sizes, 0), bounds)
    any_trained = _by_chunk(train.astype(np.int64), bounds) > 0
    blocks: list[Block] = []
    first = shard = 0
    for chunk in range(len(whole)):
        stop = chunk + 1
        text, trained = int(whole[first:stop].sum()), int(for_training[first:stop].sum())
        if stop == len(whole) or trained >= DEFAULT_MAX_BYTES or text >= _BLOCK_BYTES:
            has_shard = bool(any_trained[first:stop].any())
            num_rows = int(bounds[stop] - bounds[first])
            blocks.append(Block(len(blocks), first, stop, int(bounds[first]), shard if has_shard else None, num_rows))
            shard += has_shard
            first = stop
    return blocks


def _by_chunk(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    running = np.concatenate([[0], np.cumsum(values)])
    return np.diff(running[bounds])


def _groups(pieces: Iterator[Path]) -> Iterator[tuple[Path, ...]]:
    """Those pieces that are there, as many together as make a shard."""
    group: list[Path] = []
    size = 0
    for path in pieces:
        if path.exists():
            group.append(path)
            size += path.stat().st_size
            if size >= _PIECES_BYTES:
                yield tuple(group)
                group, size = [], 0
    if group:
        yield tuple(group)


def write_block(writing: Writing, block: Block) -> int:
    """Write one block: its shard, and the pieces for all other shards.

    Returns:
        How many rows it has.
    """
    pieces = writing.pieces / f"{block.number:06d}"
    if pieces.exists():
        return block.num_rows
    schema, refused_schema = _SCHEMAS[writing.kind]
    training: list[pa.Table] = []
    aside = pieces.with_name(f"{TEMPORARY}{os.getpid()}-{threading.get_ident()}-{platform.node()}-{pieces.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with mending(writing.out):
            aside.mkdir(parents=True)
            heldout, refused = _Piece(aside / "heldout.arrow", schema), _Piece(aside / "refused.arrow", refused_schema)
            edits = _Piece(aside / "edits.arrow", EDITS)
            with heldout, refused, edits:
                row = block.row
                for number in range(block.first, block.stop):
                    folder = folder_of(writing.chunks, number)
                    rows = pq.read_table(folder / "rows.parquet")
                    stop = row + rows.num_rows
                    rows = _with_refusals(rows, writing.compared.refusals(row, stop), row)
                    rows, cut = apply_cuts(rows, writing.compared.cuts(row, stop), row)
                    held = np.fromfile(writing.held, np.uint8, count=rows.num_rows, offset=row) > 0
                    gone = rows.column("step").is_valid().to_numpy()
                    plain = rows.drop_columns(list(WHY))
                    training.append(plain.filter(pa.array(~gone & ~held)))
                    heldout.write(plain.filter(pa.array(~gone & held)))
                    refused.write(rows.filter(pa.array(gone)))
                    edits.write(pq.read_table(folder / "edits.parquet"))
                    edits.write(cut)
                    row = stop
            if block.shard is not None:
                path = writing.out / writing.kind / f"part-{block.shard:05d}.parquet"
                write_table(path, pa.concat_tables(training).select(schema.names).cast(schema).combine_chunks())
            try:
                aside.rename(pieces)
            except OSError:
                if not pieces.exists():  # else another has written the same block
                    raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return block.num_rows


def join_pieces(pieces: Sequence[Path], target: Path, schema: pa.Schema) -> None:
    """Put pieces together to one shard."""
    if target.exists():
        return
    tables = []
    for path in pieces:
        with pa.memory_map(str(path)) as file:
            tables.append(pa.ipc.open_file(file).read_all())
    write_table(target, pa.concat_tables(tables).select(schema.names).cast(schema).combine_chunks())


class _Piece:
    """An Arrow file that is begun with its first row."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path, self._schema = path, schema
        self._to: pa.ipc.RecordBatchFileWriter | None = None

    def __enter__(self) -> "_Piece":
        return self

    def __exit__(self, *_: object) -> None:
        if self._to is not None:
            self._to.close()

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        if rows.num_rows == 0:
            return
        if self._to is None:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._to = pa.ipc.new_file(str(self._path), self._schema, options=options)
        self._to.write_table(rows.select(self._schema.names).cast(self._schema).combine_chunks())


def _with_refusals(rows: pa.Table, refusals: pa.Table, start: int) -> pa.Table:
    """The rows with the verdicts of the steps that compare rows."""
    if not refusals.num_rows:
        return rows
    places = np.zeros(rows.num_rows, bool)
    places[refusals.column("row").to_numpy() - start] = True
    mask = pa.array(places)
    said = {name: refusals.column(name) for name in refusals.column_names if name != "row"}
    said["step"] = pa.chunked_array([pa.array([DUPLICATES] * refusals.num_rows, pa.string())])
    for name in rows.column_names:
        if name in said:
            number = rows.schema.get_field_index(name)
            column = rows.column(name).combine_chunks()
            values = said[name].combine_chunks().cast(column.type)
            rows = rows.set_column(number, rows.schema.field(name), pc.replace_with_mask(column, mask, values))  # pyright: ignore[reportAttributeAccessIssue] - made at import
    return rows
