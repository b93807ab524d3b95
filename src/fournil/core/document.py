"""The columns of documents, pairs and dialogues, of what was refused and of what was edited (Arrow schemas)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

_HEAD = [pa.field("id", pa.string(), nullable=False)]
_TAIL = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("licence", pa.string(), nullable=False),
    pa.field("evidence", pa.string()),
    pa.field("url", pa.string()),
    pa.field("title", pa.string()),
    pa.field("author", pa.string()),
    pa.field("date", pa.string()),
    pa.field("category", pa.string()),
    pa.field("extra", pa.string()),
]
_TURNS = pa.list_(pa.struct([pa.field("speaker", pa.string()), pa.field("text", pa.string())]))
_WHY = [
    pa.field("step", pa.string(), nullable=False),
    pa.field("rule", pa.string(), nullable=False),
    pa.field("value", pa.string()),
    pa.field("bound", pa.string()),
    pa.field("spans", pa.list_(pa.list_(pa.int64()))),
    pa.field("kept_id", pa.string()),
    pa.field("kept_source", pa.string()),
]

DOCUMENTS = pa.schema(
    [*_HEAD, pa.field("text", pa.string(), nullable=False), pa.field("language", pa.string()), *_TAIL]
)
"""One text each. `language` is null until it is identified; `extra` is JSON text."""

PAIRS = pa.schema(
    [
        *_HEAD,
        pa.field("texts", pa.map_(pa.string(), pa.string()), nullable=False),
        pa.field("score", pa.float32()),
        *_TAIL,
    ]
)
"""The same content in several languages: `texts` maps a language tag to its text."""

DIALOGUES = pa.schema(
    [
        *_HEAD,
        pa.field("text", pa.string(), nullable=False),
        pa.field("turns", _TURNS),
        pa.field("language", pa.string()),
        *_TAIL,
    ]
)
"""Documents with their turns: a list of speaker and text."""

REFUSED_DOCUMENTS = pa.schema([*DOCUMENTS, *_WHY])
"""A refused document, whole, and why: the step, the rule, the value found, the bound, where, the duplicate kept instead
and its source."""

REFUSED_PAIRS = pa.schema([*PAIRS, *_WHY])
"""A refused pair, whole, and why."""

EDITS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("start", pa.int64()),
        pa.field("end", pa.int64()),
        pa.field("was", pa.string()),
        pa.field("now", pa.string()),
    ]
)
"""A cut or a mask inside a kept document; `start` and `end` count code points; `was` is null for personal data."""

EVIDENCE = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("grade", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("file", pa.string()),
        pa.field("sha256", pa.string()),
        pa.field("paragraph", pa.string()),
        pa.field("statement", pa.string()),
        pa.field("package", pa.string()),
        pa.field("version", pa.string()),
    ]
)
"""What a licence rests on. Grade `machine-readable` (a DEP-5 paragraph) or `stated` (a sentence, the file's hash)."""

_OPTIONAL = ("evidence", "url", "title", "author", "date", "category", "extra")


def document_row(
    id: str, text: str, *, source: str, licence: str, language: str | None = None, **more: str | None
) -> dict[str, Any]:
    """Build a row of `DOCUMENTS`; columns that are not given are null.

    Raises:
        TypeError: For a column that documents do not have.
    """
    _check(more)
    row: dict[str, Any] = {"id": id, "text": text, "language": language, "source": source, "licence": licence}
    return row | {name: more.get(name) for name in _OPTIONAL}


def pair_row(
    id: str, texts: Mapping[str, str], *, source: str, licence: str, score: float | None = None, **more: str | None
) -> dict[str, Any]:
    """Build a row of `PAIRS`; languages are put in alphabetical order, columns that are not given are null.

    Raises:
        TypeError: For a column that pairs do not have.
    """
    _check(more)
    row: dict[str, Any] = {"id": id, "texts": sorted(texts.items()), "score": score, "source": source}
    return row | {"licence": licence} | {name: more.get(name) for name in _OPTIONAL}


def refused_row(
    row: Mapping[str, Any],
    *,
    step: str,
    rule: str,
    value: object = None,
    bound: object = None,
    spans: Sequence[Sequence[int]] | None = None,
    kept_id: str | None = None,
    kept_source: str | None = None,
) -> dict[str, Any]:
    """Build a refused row from a document's or a pair's row and the reason."""
    return {
        **row,
        "step": step,
        "rule": rule,
        "value": _plain(value),
        "bound": _plain(bound),
        "spans": None if spans is None else [list(span) for span in spans],
        "kept_id": kept_id,
        "kept_source": kept_source,
    }


def _plain(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _check(more: Mapping[str, object]) -> None:
    unknown = sorted(set(more) - set(_OPTIONAL))
    if unknown:
        raise TypeError(f"no such column: {', '.join(unknown)}")
