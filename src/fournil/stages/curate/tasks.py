"""What a worker does of curate: chunks of documents or pairs."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.document import DOCUMENTS, PAIRS
from fournil.parts.text.keys import exact_keys
from fournil.stages.curate.alone.documents import document_chunk, translation_groups
from fournil.stages.curate.alone.pairs import pair_chunk
from fournil.stages.curate.chunks import Chunk, folder_of
from fournil.stages.curate.config import Config
from fournil.stages.curate.ranges import Range, checked
from fournil.stages.curate.together.sets import sketch_chunk

SCHEMAS = {"documents": DOCUMENTS, "pairs": PAIRS}


@dataclass(frozen=True)
class Making:
    """All that is needed to make chunks of one kind, wherever that is done."""

    kind: str
    """`documents` or `pairs`."""

    work: Path
    """Where the chunks go."""

    config: Config
    languages: tuple[str, ...]
    prepared: Mapping[str, Path]


def make_range(making: Making, span: Range) -> tuple[int, float]:
    """Make the chunks of a range that are not there yet.

    Returns:
        How many rows the range has, and the processor's seconds.

    Raises:
        FournilError: The rows are not what their schema says.
    """
    began = time.thread_time()
    schema = SCHEMAS[making.kind]
    make = _maker(making)
    for number, batch in enumerate(span.read(schema.names), span.first):
        folder = folder_of(making.work, number)
        if not folder.exists():
            chunk = make(checked(batch, schema, span.path))
            chunk.arrays["id_keys"] = id_keys(chunk.rows.column("id"))
            chunk.arrays["groups"] = group_keys(translation_groups(chunk.rows))
            sketch_chunk(chunk, making.config.duplicates)
            chunk.write(folder)
    return span.num_rows, time.thread_time() - began


def _maker(making: Making) -> Callable[[pa.RecordBatch], Chunk]:
    if making.kind == "documents":
        return document_chunk(making.config, making.languages, making.prepared)
    return pair_chunk(making.config, making.languages, making.prepared)


def id_keys(ids: pa.ChunkedArray) -> np.ndarray:
    """Hash (uint64) of each id."""
    whole = ids.combine_chunks()
    return np.ascontiguousarray(exact_keys(whole)[:, 0])


def group_keys(groups: list[str | None]) -> np.ndarray:
    """Hash (uint64) of each group of translations; 0 where there is none."""
    return np.array([_key(group) if group is not None else 0 for group in groups], np.uint64)


def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") | 1
