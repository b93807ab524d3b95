"""What a step says of a document in its column `extra`, beside what the reader said there."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from fournil.stages.curate.alone.batch import Batch


def mark_rows(batch: Batch, more: Mapping[int, Mapping[str, object]]) -> None:
    """Write something into the `extra` of some documents that no step refused.

    Args:
        batch: The documents.
        more: By place, names and what JSON can hold.
    """
    wanted = {place: said for place, said in more.items() if place not in batch.verdicts}
    if not wanted:
        return
    number = batch.rows.schema.get_field_index("extra")
    extra = marked(batch.rows.column(number), wanted)
    batch.rows = batch.rows.set_column(number, batch.rows.schema.field(number), extra)


def marked(extra: pa.Array, more: Mapping[int, Mapping[str, object]]) -> pa.Array:
    """A column `extra` with something more in some rows.

    Args:
        extra: The column.
        more: By place, names and what JSON can hold.
    """
    if not more:
        return extra
    values: list[str | None] = extra.to_pylist()
    for place, said in more.items():
        values[place] = with_more(values[place], said)
    return pa.array(values, pa.string())


def with_more(extra: str | None, said: Mapping[str, object]) -> str:
    """An `extra` with some more in it; what is no JSON object is kept under "extra"."""
    return json.dumps({**read_extra(extra), **said}, ensure_ascii=False, sort_keys=True)


def read_extra(extra: str | None) -> dict[str, Any]:
    """What an `extra` says; what is no JSON object stands under "extra"."""
    if not extra:
        return {}
    try:
        said = json.loads(extra)
    except (ValueError, RecursionError):
        return {"extra": extra}
    return said if isinstance(said, dict) else {"extra": said}
