"""Packages through apt-get, as an ordinary user, in a state folder of its own: nothing of the system is changed.

The folder lies in the user's cache (`$XDG_CACHE_HOME/fournil/apt`) and keeps the index for a day and every package for
good, so that a second bake need not fetch again. apt itself checks signatures and hashes; packages from the cache are
checked once more against the index.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash, sha256_file, write_text
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.stages.sources.packages import (
    INDEX_SECONDS,
    Package,
    cache_folder,
    elsewhere,
    how_many,
    is_kept,
    locked,
    make_folders,
    package_of,
    packages_folder,
)

_SYSTEM_SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))

# Hooks of the system would run as us on its own files; other indexes (Contents, AppStream) would cost time for nothing.
_CONFIG = """\
Dir::State "{folder}/state/";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache/";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "{folder}/log/";
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {{
    MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
    flatMetaKey "Packages";
    ShortDescription "Packages";
    Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
    Optional "false";
}};
"""


class Apt:
    """apt with its own state. Use it inside `locked()`.

    Args:
        sources: A sources.list in place of the system's, or None.
        progress: Where bars and notes go.

    Raises:
        FournilError: When there is no apt-get, or the cache folder cannot be made.
    """

    def __init__(self, sources: Path | None, progress: Progress) -> None:
        if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
            what = tr("this source needs apt-get, which this machine does not have")
            raise FournilError(what, fix=elsewhere())
        if sources is not None and not sources.is_file():
            raise FournilError(tr("no such sources.list"), where=sources, fix=tr("See sources.apt_sources."))
        self._sources = sources
        self._progress = progress
        name = "system" if sources is None else canonical_hash(str(sources.resolve()))[:16]
        self.folder = cache_folder() / name
        self.packages_folder = packages_folder()
        self._incoming = self.folder / "incoming"
        self._config = self.folder / "apt.conf"
        inner = ("state/lists/partial", "cache/archives/partial", "log", "incoming")
        make_folders(self.packages_folder, *(self.folder / name for name in inner))
        text = _CONFIG.format(folder=self.folder)
        if sources is not None:
            text += f'Dir::Etc::sourcelist "{sources.resolve()}";\nDir::Etc::sourceparts "/dev/null";\n'
        write_text(self._config, text)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other bakes of the same user out of the folder."""
        return locked(self.folder, self._progress)

    def update(self, *, options: Sequence[str] = ()) -> None:
        """Fetch the index of packages unless it is younger than a day and the list of sources is as it was.

        Args:
            options: Options for apt-get, such as shorter times to wait.

        Raises:
            FournilError: When no index at all can be had.
        """
        stamp = self.folder / "updated"
        if self._has_index() and stamp.exists() and not self._is_stale(stamp.stat().st_mtime):
            return
        with self._progress.task(tr("Fetching the index of packages"), total=1, unit=tr("index")) as bar:
            done = self._run("apt-get", "-q", *options, "update")
            bar.advance()
        trouble = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("E: ", "W: ", "Err:"))]
        if not self._has_index():
            reason = trouble[0].removeprefix("E: ").removeprefix("W: ") if trouble else "apt-get update"
            raise FournilError(tr("the index of packages cannot be fetched: {reason}", reason=reason), fix=elsewhere())
        stamp.touch()
        if trouble:
            # Third parties may fail while what we need is there; packages that are missing are noticed later.
            self._progress.note(tr("apt: {trouble}; going on with the rest", trouble=trouble[0]))

    def find(self, names: Sequence[str]) -> dict[str, Package]:
        """Look packages up in the index; those that it does not hold are left out."""
        if not names:
            return {}
        done = self._run("apt-cache", "show", "--no-all-versions", *sorted(set(names)))
        found: dict[str, Package] = {}
        for stanza in done.stdout.split("\n\n"):
            read = package_of(stanza)
            if read is not None:
                found.setdefault(read[0].name, read[0])
        return found

    def how(self) -> dict[str, Any]:
        """Say for the record that apt fetched the packages, and by which list of sources."""
        return {"way": "apt", "sources": str(self._sources or "system")}

    def fetch(self, packages: Sequence[Package]) -> tuple[dict[str, Path], int]:
        """Fetch packages that the cache lacks; all are there, and checked, afterwards.

        Returns:
            Package name → its .deb file, and how many bytes had to be fetched.

        Raises:
            FournilError: When a package cannot be fetched or its bytes are not those of the index.
        """
        self._adopt(packages)
        missing = [package for package in packages if not is_kept(package)]
        if missing:
            self._download(missing)
            self._adopt(missing)
        lost = [package.name for package in missing if not is_kept(package)]
        if lost:
            names = ", ".join(lost)
            raise FournilError(tr("these packages did not come whole: {names}", names=names), fix=elsewhere())
        files = {package.name: self.packages_folder / package.file_name for package in packages}
        return files, sum(package.size_bytes for package in missing)

    def _adopt(self, packages: Sequence[Package]) -> None:
        """Move whole packages from where apt puts them to where they are kept."""
        by_size = {package.size_bytes: package for package in packages}
        for path in sorted(self._incoming.glob("*.deb")):
            package = by_size.get(path.stat().st_size)
            if package is not None and sha256_file(path) == package.sha256:
                path.replace(self.packages_folder / package.file_name)

    def _download(self, packages: Sequence[Package]) -> None:
        wanted = [f"{package.name}={package.version}" for package in packages]
        total = sum(package.size_bytes for package in packages)
        command = ("apt-get", "-c", str(self._config), "-q", "download", *wanted)
        with (
            self._progress.task(tr("Fetching packages"), total=round(total / 1e6, 1), unit=tr("MB")) as bar,
            (self.folder / "log" / "download").open("w+") as log,
        ):
            process = subprocess.Popen(command, cwd=self._incoming, env=_environment(), stdout=log, stderr=log)
            try:
                while True:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.5)
                    files = list(self._incoming.glob("*.deb"))
                    size = sum(path.stat().st_size for path in files)
                    bar.advance(size / 1e6 - bar.done, note=how_many(len(files), len(packages)))
                    if process.returncode is not None:
                        break
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            log.seek(0)
            trouble = [line for line in log.read().splitlines() if line.startswith("E: ")]
        if process.returncode:
            reason = trouble[0].removeprefix("E: ") if trouble else "apt-get download"
            raise FournilError(tr("packages cannot be fetched: {reason}", reason=reason), fix=elsewhere())

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        with_config = [command[0], "-c", str(self._config), *command[1:]]
        return subprocess.run(with_config, env=_environment(), capture_output=True, encoding="utf-8", errors="replace")

    def _has_index(self) -> bool:
        return any(self.folder.glob("state/lists/*Packages*"))

    def _is_stale(self, updated: float) -> bool:
        sources = _SYSTEM_SOURCES if self._sources is None else (self._sources,)
        changed = max((path.stat().st_mtime for path in sources if path.exists()), default=0.0)
        return not 0 <= time.time() - updated < INDEX_SECONDS or changed > updated


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
