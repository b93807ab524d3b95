"""Arrays in numpy's files, read from any number of threads.

numpy reads the header of a file as Python source, and in Python 3.11.7 two threads that do so at the same moment can
fail with "SystemError: AST constructor recursion depth mismatch" (github.com/python/cpython/issues/106905). So headers
are read one after the other.
"""

import threading
from pathlib import Path
from typing import Literal

import numpy as np

from fournil.core.files import atomic_path

_one_header = threading.Lock()


def save(path: Path, values: np.ndarray) -> None:
    """Write an array, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, values)


def load(path: Path, mode: Literal["r", "c"] | None = None) -> np.ndarray:
    """Read an array.

    Args:
        path: An .npy file.
        mode: "r" and "c" map the file into memory; what is written to a "c" one stays there.
    """
    with _one_header:
        mapped = np.load(path, mmap_mode=mode or "r")
    return mapped if mode else np.array(mapped)


def load_all(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file, by name."""
    with _one_header, np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
