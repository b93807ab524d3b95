"""Why a row is refused, and how that stands in the columns of refused rows."""

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

WHY = ("step", "rule", "value", "bound", "spans", "kept_id", "kept_source")
"""The columns that a refused row has more than a kept one."""


class Verdict(NamedTuple):
    """Who refuses a row, and what for."""

    step: str
    rule: str
    value: str | None = None
    bound: str | None = None
    spans: tuple[tuple[int, int], ...] | None = None
    """Where in the text the evidence stands, in code points."""


def with_verdicts(rows: pa.Table, schema: pa.Schema, verdicts: Mapping[int, Verdict]) -> pa.Table:
    """The rows with the columns of WHY filled where there is a verdict, all else null.

    Args:
        rows: rows of a batch.
        schema: REFUSED_DOCUMENTS or REFUSED_PAIRS; in the result its verdict columns may be null.
        verdicts: by place.
    """
    columns = [rows.column(name) for name in schema.names if name not in WHY]
    for name in WHY:
        said = {place: getattr(verdict, name, None) for place, verdict in verdicts.items()}
        if all(value is None for value in said.values()):
            columns.append(pa.nulls(rows.num_rows, schema.field(name).type))
            continue
        values = [None] * rows.num_rows
        for place, value in said.items():
            values[place] = value
        columns.append(pa.array(values, schema.field(name).type))
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))
