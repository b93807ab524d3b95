"""What the chunks know of their rows, end to end, as files that are mapped into memory: no object for a row."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fournil.core.files import mending, write_json
from fournil.parts.arrays import load_all
from fournil.stages.curate.chunks import Chunks

_DONE = "columns.json"
_CODED = ("source", "language", "licence", "category")


class Codes(NamedTuple):
    """A column with few different values."""

    names: list[str]
    """Each value once, in the order of the input; nothing said is the empty string."""

    codes: np.ndarray
    """int32: which of the names a row has; -1 for none."""

    def where(self, *names: str) -> np.ndarray:
        """True for rows with one of these names."""
        wanted = [code for code, name in enumerate(self.names) if name in names]
        return np.isin(self.codes, wanted)


class Arrays(Mapping[str, np.ndarray]):
    """Arrays of all chunks by name, mapped into memory when they are asked for.

    Where there is no chunk at all, every array is there and empty.
    """

    def __init__(self, folder: Path, shapes: Mapping[str, tuple[str, list[int]]], *, empty: bool) -> None:
        self._folder, self._shapes, self._empty = folder, shapes, empty

    def __getitem__(self, name: str) -> np.ndarray:
        """The array, read-only."""
        if self._empty:
            return np.zeros((0, 2), np.uint64) if name == "exact" else np.zeros(0, np.int64)
        dtype, shape = self._shapes[name]
        return _mapped(self._folder / f"{name}.bin", dtype, tuple(shape))

    def __contains__(self, name: object) -> bool:
        """Whether the chunks keep such an array."""
        return name in self._shapes

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._shapes)

    def __len__(self) -> int:
        """How many arrays there are."""
        return len(self._shapes)


class Columns(NamedTuple):
    """All that is known of the rows of one kind, but their texts."""

    num_rows: int
    ids: pa.LargeStringArray
    coded: Mapping[str, Codes]
    """`source`, `language`, `licence`, `category`, and `reason` ("step/rule")."""

    arrays: Arrays
    bounds: np.ndarray
    """Where each chunk's rows begin, and where the last one's end."""


def load_columns(chunks: Chunks, folder: Path) -> Columns:
    """Map the columns, laid end to end first where that is not done yet.

    Args:
        chunks: The chunks.
        folder: Where the files are kept.
    """
    done = folder / _DONE
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with mending(folder):
            write_json(done, _merge(chunks, folder))
    told = json.loads(done.read_text("utf-8"))
    num = told["num_rows"]
    coded = {
        name: Codes(names, _mapped(folder / f"code-{name}.bin", "<i4", (num,))) for name, names in told["names"].items()
    }
    offsets = np.concatenate([np.zeros(1, np.int64), _mapped(folder / "id-ends.bin", "<i8", (num,))])
    letters = _mapped(folder / "id-bytes.bin", "|u1", (int(offsets[-1]),))
    ids = pa.LargeStringArray.from_buffers(num, pa.py_buffer(offsets), pa.py_buffer(letters))
    return Columns(num, ids, coded, Arrays(folder, told["arrays"], empty=not chunks.num), np.array(told["bounds"]))


def _mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if not np.prod(shape, dtype=np.int64):
        return np.zeros(shape, np.dtype(dtype))
    return np.memmap(path, np.dtype(dtype), "r", shape=shape)


def _merge(chunks: Chunks, folder: Path) -> dict[str, Any]:
    """Write all columns chunk by chunk; return what is needed to read them."""
    names: dict[str, dict[str, int]] = {name: {} for name in (*_CODED, "reason")}
    shapes: dict[str, tuple[str, list[int]]] = {}
    bounds = [0]
    length = 0
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}

        def append(name: str, values: np.ndarray) -> None:
            if name not in files:
                files[name] = stack.enter_context((folder / f"{name}.bin").open("wb"))
            np.ascontiguousarray(values).tofile(files[name])

        for name in ("id-ends", "id-bytes", *(f"code-{name}" for name in names)):
            append(name, np.zeros(0, np.uint8))
        for place in chunks.folders():
            with pq.ParquetFile(place / "rows.parquet") as file:
                there = set(file.schema_arrow.names)
                rows = file.read([name for name in ("id", *_CODED, "step", "rule") if name in there])
            ids = rows.column("id").combine_chunks().cast(pa.large_string())
            ends = np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + len(ids) + 1]
            append("id-ends", ends[1:] - ends[0] + length)
            append("id-bytes", np.frombuffer(ids.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]])
            length += int(ends[-1] - ends[0])
            for name in _CODED:
                column = rows.column(name) if name in there else pa.nulls(rows.num_rows, pa.string())
                append(f"code-{name}", _codes(column.fill_null(""), names[name]))
            append("code-reason", _codes(_reasons(rows), names["reason"]))
            for name, values in load_all(place / "arrays.npz").items():
                dtype, shape = shapes.get(name, (values.dtype.str, [0, *values.shape[1:]]))
                if dtype != values.dtype.str or shape[1:] != list(values.shape[1:]):
                    raise AssertionError(f"chunks disagree on the shape of {name}")
                shapes[name] = (dtype, [shape[0] + len(values), *shape[1:]])
                append(name, values)
            bounds.append(bounds[-1] + rows.num_rows)
    listed = {name: list(known) for name, known in names.items()}
    return {"num_rows": bounds[-1], "bounds": bounds, "names": listed, "arrays": shapes}


def _reasons(rows: pa.Table) -> pa.ChunkedArray:
    """Step and rule of each row, with a slash; null where no step refused it."""
    return pc.binary_join_element_wise(rows.column("step"), rows.column("rule"), "/")  # pyright: ignore[reportAttributeAccessIssue] - made at import


def _codes(column: pa.ChunkedArray | pa.Array, known: dict[str, int]) -> np.ndarray:
    """Codes of a column's values, new ones given the next number; -1 for null."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode()
    table = np.array([known.setdefault(value, len(known)) for value in encoded.dictionary.to_pylist()], np.int32)
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.concatenate([table, np.array([-1], np.int32)])[places]
