"""The items of a split as lm_eval's task definitions handle them, without the library that they usually come from.

Importing `datasets` costs more than a second; what task definitions call of it on a small data set is a few methods.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, overload

Row = dict[str, Any]


class Docs(Sequence[Row]):
    """Rows in order, with the methods of `datasets.Dataset` that task definitions use; others it hands on to that."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = list(rows)

    @property
    def features(self) -> dict[str, None]:
        """The fields' names."""
        return dict.fromkeys(name for row in self._rows for name in row)

    @property
    def column_names(self) -> list[str]:
        """The fields' names."""
        return list(self.features)

    @property
    def num_rows(self) -> int:
        """How many there are."""
        return len(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Any: ...  # noqa: ANN401 - columns
    @overload
    def __getitem__(self, key: str) -> Any: ...  # noqa: ANN401 - a column
    def __getitem__(self, key: int | slice | str) -> Any:
        """Return a row, a column, or the columns of some rows."""
        if isinstance(key, str):
            return [row[key] for row in self._rows]
        if isinstance(key, slice):
            return {name: [row.get(name) for row in self._rows[key]] for name in self.features}
        return self._rows[key]

    def map(self, function: Callable[[Row], Mapping[str, Any]], **settings: Any) -> Any:  # noqa: ANN401
        """Return the rows with what a function makes of each put over it."""
        if settings:
            return self._real().map(function, **settings)
        return Docs([row | dict(function(row)) for row in self._rows])

    def filter(self, function: Callable[[Row], bool], **settings: Any) -> Any:  # noqa: ANN401
        """Return the rows that a function accepts."""
        if settings:
            return self._real().filter(function, **settings)
        return Docs([row for row in self._rows if function(row)])

    def select(self, indices: Sequence[int]) -> Docs:
        """Return some rows, in the order of their numbers."""
        return Docs([self._rows[index] for index in indices])

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def _real(self) -> Any:  # noqa: ANN401 - datasets.Dataset
        return import_module("datasets").Dataset.from_list(self._rows)


class _StandIn(types.ModuleType):
    """A module that imports the real one when something is asked of it that it does not have."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__"):
            raise AttributeError(name)
        with _out_of_the_way(self):
            real = import_module(self.__name__)
        return getattr(real, name)


@contextmanager
def _out_of_the_way(module: types.ModuleType) -> Iterator[None]:
    standing = sys.modules.get(module.__name__) is module
    if standing:
        del sys.modules[module.__name__]
    yield


@contextmanager
def standing_in(name: str, **attributes: Any) -> Iterator[None]:  # noqa: ANN401 - of any type
    """Let a module of our own be imported under another's name, unless that one is loaded already.

    Whoever imported the stand-in keeps it; anything that it lacks it takes from the real one, imported then.

    Args:
        name: The module's name.
        attributes: What it has.
    """
    if name in sys.modules:
        yield
        return
    module = _StandIn(name)
    module.__spec__ = find_spec(name)
    vars(module).update(attributes)
    sys.modules[name] = module
    try:
        yield
    finally:
        if sys.modules.get(name) is module:
            del sys.modules[name]


@contextmanager
def light_datasets() -> Iterator[None]:
    """Let lm_eval's modules be imported without `datasets`, of which their annotations need two names."""
    if find_spec("datasets") is None:
        yield
        return
    with standing_in("datasets", Dataset=Docs, DownloadMode=str, __version__=version("datasets")):
        yield
