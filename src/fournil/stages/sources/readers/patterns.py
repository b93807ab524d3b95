"""Patterns of paths: `*`, `?`, `[…]` and `**`, like the shell's, in folders whose links may lead in circles."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from fournil.core.errors import FournilError
from fournil.core.speech import tr

_MAGIC = re.compile(r"[*?[]")


def is_pattern(text: str) -> bool:
    """Say whether a path holds wildcards."""
    return _MAGIC.search(text) is not None


def expand(pattern: Path) -> list[Path]:
    """Return what a pattern matches, sorted. Names that begin with a dot match only where the pattern has the dot.

    `**` enters each real folder once, by the shortest way: folders that link to each other would be endless.

    Raises:
        FournilError: A folder may not be read.
    """
    parts = pattern.parts
    found = [Path(parts[0])] if pattern.is_absolute() else [Path()]
    for number, part in enumerate(parts[1:] if pattern.is_absolute() else parts, start=1):
        if part == "**":
            folders = list(dict.fromkeys(folder for base in found for folder in _folders_below(base)))
            is_last = number == len(parts) - pattern.is_absolute()
            found = [child for folder in folders for child in _children(folder)] if is_last else folders
        elif is_pattern(part):
            found = [
                child
                for base in found
                for child in _children(base, hidden=part.startswith("."))
                if fnmatch.fnmatchcase(child.name, part)
            ]
        else:
            found = [base / part for base in found if os.path.lexists(base / part)]
    return sorted(set(found))


def _folders_below(base: Path) -> Iterator[Path]:
    if not base.is_dir():
        return
    seen: set[tuple[int, int]] = set()
    todo = deque([base])
    while todo:
        folder = todo.popleft()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield folder
        todo.extend(child for child in _children(folder) if child.is_dir())


def _children(folder: Path, *, hidden: bool = False) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError as error:
        what = tr("cannot read the folder: {reason}", reason=error.strerror)
        raise FournilError(what, where=folder, fix=tr("Check its permissions, or name other files")) from None
    return [folder / name for name in names if hidden or not name.startswith(".")]
