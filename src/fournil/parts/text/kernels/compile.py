"""How a kernel is compiled: once, by its first call; what comes out is kept beside the source or in the user's cache.

numba looks for a folder that it may write: `__pycache__` beside the source, then the user's cache (NUMBA_CACHE_DIR
names another one). Where there is none, as in a container without a home that is read-only throughout, the kernel is
compiled for this process alone.

numba compiles a kernel again when its own file changes, but not when a kernel or a constant changes that it has from
another file, and has swallowed: what is kept is therefore stamped with those too.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = {"nogil": True, "error_model": "numpy"}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function of flat arrays and numbers when it is first called.

    Args:
        function: Pure, with one dtype for each argument, so that it is compiled once.

    Returns:
        The function, without the GIL and with numpy's rules for division by zero.
    """
    return _made(function, {})


def written_out(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a part of a loop, which is compiled into each kernel that calls it."""
    return _made(function, {"inline": "always"})


def _made(function: Callable[P, R], more: dict[str, Any]) -> Callable[P, R]:
    try:
        made = numba.njit(cache=True, **_OPTIONS, **more)(function)
    except RuntimeError:
        return numba.njit(**_OPTIONS, **more)(function)
    kept: Any = made
    kept._cache._cache_file._source_stamp = _stamp(function, kept._cache._cache_file._source_stamp)
    return made


def _stamp(function: Callable[..., Any], own: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a kernel depends on: its file as numba stamps it, and what the file has imported by now."""
    others: list[tuple[str, Any]] = []
    for name, value in sorted(function.__globals__.items()):
        if isinstance(value, bool | int | float):
            others.append((name, value))
        elif hasattr(value, "py_func") and value.__module__ != function.__module__:
            others.append((name, value._cache._cache_file._source_stamp if hasattr(value._cache, "_cache_file") else 0))
    return (*own, tuple(others))
