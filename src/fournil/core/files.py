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
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr

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
    except Exception as error:
        _remove(temporary)
        raise mendable(error, path) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete what killed processes were writing in a folder; what a living process is writing stays."""
    for path in folder.glob(f"{TEMPORARY}*"):
        pid = path.name.removeprefix(TEMPORARY).split("-")[0]
        if path.is_file() and pid.isdigit() and not _is_alive(int(pid)):
            _remove(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot flush a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def mending(place: Path) -> Iterator[None]:
    """Say as a FournilError what the system refuses while the block runs: a full disk, a folder that is read-only.

    Args:
        place: What is named where the system names no file.
    """
    try:
        yield
    except FournilError:
        raise
    except Exception as error:
        mended = mendable(error, place)
        if mended is error:
            raise
        raise mended from error


def mendable(error: Exception, place: Path) -> Exception:
    """Return the FournilError that says what the system refused, or the error itself where a person can mend nothing.

    Libraries say that the disk is full each in its own way: with the error number, in a text, or by counting.
    """
    if isinstance(error, FournilError) or _is_of_stdout(error):
        return error
    where = getattr(error, "filename", None) or place
    if _is_full(error):
        fix = tr("Free some space and run the same command again: it goes on from here.")
        return FournilError(tr("the disk is full"), where=_fullest(Path(os.fsdecode(where))), fix=fix)
    if not isinstance(error, OSError):
        return error
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FournilError(tr("this file cannot be written"), where=where, fix=tr("Check the folder's permissions."))
    if error.errno == errno.EIO:
        return FournilError(tr("the disk cannot be read or written"), where=where, fix=tr("Look at the system's log."))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return FournilError(tr("too many files are open"), where=where, fix=tr("Raise the limit: ulimit -n 4096"))
    if error.errno == errno.ENAMETOOLONG:
        return FournilError(tr("this name is too long"), where=where, fix=tr("Choose a shorter one with --run."))
    return error


_FULL = ("No space left on device", "StorageFull", "os error 28", "requested and")
"""How libraries in C++ and Rust, and numpy (`80 requested and 3 written`), say that the disk is full."""


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return any(words in str(error) for words in _FULL)


def _fullest(place: Path) -> Path:
    """The folder for temporary files where that is what is full, else the place."""
    temporary = Path(tempfile.gettempdir())
    try:
        near = next(folder for folder in (place, *place.parents) if folder.exists())
        if shutil.disk_usage(near).free > 2**24 > shutil.disk_usage(temporary).free:
            return temporary
    except (OSError, StopIteration):
        pass
    return place


def _is_of_stdout(error: Exception) -> bool:
    """Whether what failed was printing: then what is to be printed is still waiting, and fails again."""
    if not isinstance(error, OSError) or error.filename is not None or sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
    except OSError:
        return True
    except ValueError:
        return False
    return False


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
RACY_NS = 2 * 10**9
"""A file that changed within this time before it was read is read again: clocks of file systems tick up to every two
seconds (FAT), and a change within the same tick leaves no trace."""


def hash_tree(folder: Path, *, trust_times: bool = True) -> dict[str, Any]:
    """Hash every file below a folder.

    Hidden names (`.work`, unfinished `.tmp-` files) are no outputs and are left out, as is the record itself.

    Args:
        folder: The folder.
        trust_times: Do not read a file again whose size and times are those of the last call; False reads all.

    Returns:
        `{"sha256": hash over names and hashes, "bytes": total, "files": {name: {"sha256", "bytes"}}}`.
    """
    seen = _read_seen(folder / SEEN) if trust_times else {}
    now: dict[str, list[Any]] = {}
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(_visible_files(folder)):
        name = path.relative_to(folder).as_posix()
        began = time.time_ns()
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        old = seen.get(name, [])
        digest = old[3] if old[:3] == stamp and len(old) == 4 else sha256_file(path)
        files[name] = {"sha256": digest, "bytes": status.st_size}
        if max(stamp[1:]) < began - RACY_NS:
            now[name] = [*stamp, digest]
    if now != seen:
        with contextlib.suppress(FournilError, OSError):  # a folder that may only be read is hashed again next time
            write_json(folder / SEEN, now)
    return {
        "sha256": canonical_hash({name: entry["sha256"] for name, entry in files.items()}),
        "bytes": sum(entry["bytes"] for entry in files.values()),
        "files": files,
    }


def _read_seen(path: Path) -> dict[str, list[Any]]:
    try:
        seen = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    sound = isinstance(seen, dict) and all(isinstance(entry, list) for entry in seen.values())
    return seen if sound else {}


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "record.json":
            continue
        if path.is_dir():
            yield from _visible_files(path)
        else:
            yield path
