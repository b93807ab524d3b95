"""Curated documents and pairs as flat batches of texts, one language each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fournil.core.errors import FournilError
from fournil.core.shards import read_batches
from fournil.core.speech import tr

KINDS = ("documents", "pairs")


@dataclass(frozen=True)
class Rows:
    """Texts with what is known of each; a pair is one row per language."""

    ids: list[str]
    languages: list[str]
    sources: list[str]
    texts: list[str]
    num_bytes: list[int]
    categories: list[str]


def read_rows(folder: Path, kind: str) -> Iterator[Rows]:
    """Read a folder's documents or pairs, in the order of its files.

    Args:
        folder: Holds documents/ and pairs/; a missing one has no rows.
        kind: `documents` or `pairs`.

    Raises:
        FournilError: When a document has no language.
    """
    column = "text" if kind == "documents" else "texts"
    columns = ["id", "source", "category", column] + (["language"] if kind == "documents" else [])
    for batch in read_batches(folder / kind, columns=columns, batch_rows=1024):
        yield _documents(batch, folder) if kind == "documents" else _pairs(batch)


def _documents(batch: pa.RecordBatch, folder: Path) -> Rows:
    languages = batch.column("language")
    if languages.null_count:
        name = batch.column("id").filter(languages.is_null())[0].as_py()
        raise FournilError(tr("document {name} has no language", name=name), where=folder, fix=tr("Curate it first."))
    texts = batch.column("text").to_pylist()
    names, sources = batch.column("id").to_pylist(), batch.column("source").to_pylist()
    categories = [category or "" for category in batch.column("category").to_pylist()]
    return Rows(names, languages.to_pylist(), sources, texts, [len(text.encode()) for text in texts], categories)


def _pairs(batch: pa.RecordBatch) -> Rows:
    names, sources = batch.column("id").to_pylist(), batch.column("source").to_pylist()
    categories = batch.column("category").to_pylist()
    rows = Rows([], [], [], [], [], [])
    for name, source, category, texts in zip(
        names, sources, categories, batch.column("texts").to_pylist(), strict=True
    ):
        for language, text in sorted(texts):
            rows.ids.append(name)
            rows.languages.append(language)
            rows.sources.append(source)
            rows.texts.append(text)
            rows.num_bytes.append(len(text.encode()))
            rows.categories.append(category or "")
    return rows
