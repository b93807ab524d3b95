"""Packages as an index describes them, and the folder of the user's cache that keeps those that were fetched."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fournil.core.errors import FournilError
from fournil.core.files import sha256_file
from fournil.core.progress import Progress
from fournil.core.speech import tr, trn

INDEX_SECONDS = 24 * 3600
"""How old an index of packages may be."""
_FIELD = re.compile(r"^([A-Za-z0-9-]+): *(.*)$", re.MULTILINE)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True)
class Package:
    """A package as the index describes it."""

    name: str
    version: str
    architecture: str
    source: str
    """The source package that it was built from."""
    size_bytes: int
    sha256: str
    url: str = field(default="", compare=False)
    """Where it lies, where a mirror gave the index; apt finds its packages itself."""

    @property
    def file_name(self) -> str:
        """Under which the cache keeps it."""
        return f"{self.name}_{self.sha256[:16]}.deb"


class Archive(Protocol):
    """A way to packages: apt, or a mirror. Use it inside `locked()`, `update` it first."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other bakes of the same user out of its folder."""
        ...

    def update(self) -> None:
        """Fetch the index of packages unless it is younger than a day."""
        ...

    def find(self, names: Sequence[str]) -> dict[str, Package]:
        """Look packages up in the index; those that it does not hold are left out."""
        ...

    def fetch(self, packages: Sequence[Package]) -> tuple[dict[str, Path], int]:
        """Fetch packages that the cache lacks; return name → .deb file, and how many bytes had to be fetched."""
        ...

    def how(self) -> dict[str, Any]:
        """Say for the record by which way packages came: JSON that may differ from machine to machine."""
        ...


def package_of(stanza: str) -> tuple[Package, str] | None:
    """Read a stanza of an index of packages: the package, and its path in the archive (empty where it has none).

    None for a stanza that does not describe a package by name, version, architecture, size and SHA-256.
    """
    fields = dict(_FIELD.findall(stanza))
    name, size, digest = fields.get("Package", ""), fields.get("Size", ""), fields.get("SHA256", "").lower()
    if not (_NAME.fullmatch(name) and size.isascii() and size.isdigit() and _SHA256.fullmatch(digest)):
        return None
    if not (fields.get("Version") and fields.get("Architecture")):
        return None
    source = fields.get("Source", name).split(" ")[0]
    package = Package(name, fields["Version"], fields["Architecture"], source, int(size), digest)
    return package, fields.get("Filename", "")


def cache_folder() -> Path:
    """Return the folder of the user's cache for packages and their indexes."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "fournil" / "apt"


def packages_folder() -> Path:
    """Return the folder that keeps packages for good, whichever way they came."""
    return cache_folder() / "packages"


def make_folders(*folders: Path) -> None:
    """Make folders of the cache.

    Raises:
        FournilError: When that cannot be.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fix = tr("Set XDG_CACHE_HOME to a folder that can be written.")
            raise FournilError(tr("the cache folder cannot be made"), where=folder, fix=fix) from error


def is_kept(package: Package) -> bool:
    """Say whether the cache holds a package whole; what is there under its name and is not it, is deleted."""
    path = packages_folder() / package.file_name
    if not path.exists():
        return False
    if path.stat().st_size == package.size_bytes and sha256_file(path) == package.sha256:
        return True
    path.unlink()
    return False


@contextlib.contextmanager
def locked(folder: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of a folder while the block runs; wait for it if another bake has it."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.note(tr("Another bake is fetching packages: waiting for it"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def how_many(done: int, number: int) -> str:
    """Say how many packages are there."""
    return trn("{done:,} of {count:,} package", "{done:,} of {count:,} packages", number, done=done)


def elsewhere() -> str:
    """Say what to do where packages cannot be had."""
    return tr(
        "Check the network (and the proxy), name another mirror of Debian with --mirror URL, bake "
        "recipes/petit-hub.toml, which reads the Hugging Face hub, or recipes/mie.toml, which needs no network."
    )
