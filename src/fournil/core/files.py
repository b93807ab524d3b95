"""Writing files so that a reader sees all of them or nothing, and hashing what was written.

Every final file of a run goes through `atomic_path`: it is written under another name in the same folder, flushed to
the disk, and renamed. A killed process leaves at most a file that begins with `.tmp-`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError

TEMPORARY = ".tmp-"
"""How the names of unfinished files begin."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; at the end it is flushed and renamed to `path`.

    Args:
        path: The final name. Its folder is made when it is missing.

    Raises:
        FournilError: When the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.parent / f"{TEMPORARY}{os.getpid()}-{path.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _mendable(error, path) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot flush a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mendable(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FournilError(
            "the disk is full", where=path, fix="Free some space and run the same command again: it goes on from here."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FournilError("this file cannot be written", where=path, fix="Check the folder's permissions.")
    return error


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends to `path`, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def to_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return canonical, readable JSON: sorted keys, two spaces, a newline at the end; NaN is refused."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Write `value` as canonical JSON to `path`, whole or not at all."""
    write_text(path, to_json(value))


def canonical_hash(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 (hex) of a JSON value in its shortest canonical form.

    Raises:
        TypeError: For a value that JSON cannot hold.
        ValueError: For NaN or an infinity.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


SEEN = ".seen.json"
"""Sizes, times and hashes of a folder's files as last read, so that an untouched file is not read again."""


def hash_tree(folder: Path, *, trust_times: bool = True) -> dict[str, Any]:
    """Hash every file below a folder.

    Hidden names (`.work`, unfinished `.tmp-` files) are no outputs and are left out, as is the record itself.

    Args:
        folder: The folder.
        trust_times: Do not read a file again whose size and time are those of the last call; False reads all.

    Returns:
        `{"sha256": hash over names and hashes, "bytes": total, "files": {name: {"sha256", "bytes"}}}`.
    """
    seen = _read_seen(folder / SEEN) if trust_times else {}
    now: dict[str, list[Any]] = {}
    for path in sorted(_visible_files(folder)):
        name = path.relative_to(folder).as_posix()
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        old = seen.get(name, [])
        now[name] = old if old[:2] == stamp else [*stamp, sha256_file(path)]
    if now != seen:
        with contextlib.suppress(FournilError):  # a folder that may only be read is hashed again next time
            write_json(folder / SEEN, now)
    files = {name: {"sha256": digest, "bytes": size} for name, (size, _, digest) in now.items()}
    return {
        "sha256": canonical_hash({name: entry["sha256"] for name, entry in files.items()}),
        "bytes": sum(entry["bytes"] for entry in files.values()),
        "files": files,
    }


def _read_seen(path: Path) -> dict[str, list[Any]]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "record.json":
            continue
        if path.is_dir():
            yield from _visible_files(path)
        else:
            yield path
