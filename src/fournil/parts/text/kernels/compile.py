"""How a kernel is compiled: once, by its first call; what comes out is kept beside the source or in the user's cache.

numba looks for a folder that it may write: `__pycache__` beside the source, then the user's cache (NUMBA_CACHE_DIR
names another one). Where there is none, as in a container without a home that is read-only throughout, the kernel is
compiled for this process alone.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

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
    try:
        return numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:
        return numba.njit(**_OPTIONS)(function)
