"""Packages from a mirror of a Debian archive over HTTP, for machines without apt: nothing is installed, text is read.

As apt does it: the Release file of a suite (its signature checked where there are gpgv and a keyring) names the SHA-256
of the index of packages, and that names the SHA-256 of each package. The newest version of the suite, of its updates
and of its security updates counts. Indexes lie in the user's cache (`$XDG_CACHE_HOME/fournil/apt/mirror-…`) for a day,
packages for good, in the same folder as those that came through apt.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from fournil.core.errors import FournilError
from fournil.core.files import canonical_hash, sha256_file, write_json
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.stages.sources.download import Downloader, MissingError, Patience, Remote, shown
from fournil.stages.sources.index import MAX_INDEX_BYTES, stanzas
from fournil.stages.sources.packages import (
    INDEX_SECONDS,
    Package,
    cache_folder,
    how_many,
    is_kept,
    locked,
    make_folders,
    package_of,
    packages_folder,
)
from fournil.stages.sources.release import Release, check_signature

_MAX_RELEASE_BYTES = 16 * 2**20
_FORMAT = 1
_FORMS = (".xz", ".gz", "")
_PATH = re.compile(r"[A-Za-z0-9][\w.+~:@%-]*(?:/[\w+~:@%-][\w.+~:@%-]*)*")
_WITHOUT_UPDATES = ("sid", "unstable", "experimental")


@dataclass(frozen=True)
class Place:
    """Which archive, and what of it."""

    url: str
    """Such as `https://deb.debian.org/debian`."""
    suite: str
    """Such as `bookworm`; its updates and security updates are found by their names."""
    components: tuple[str, ...] = ("main",)
    architecture: str = "amd64"
    keyring: str = ""
    """A keyring, `none`, or empty for the system's."""

    def suites(self) -> list[tuple[str, str]]:
        """Return addresses of archives and names of suites; all but the first need not be there."""
        url = self.url.rstrip("/")
        found = [(url, self.suite)]
        if self.suite in _WITHOUT_UPDATES or "-" in self.suite:
            return found
        found.append((url, f"{self.suite}-updates"))
        parts = urlsplit(url)
        folders = parts.path.split("/")
        if "debian" in folders:  # the security updates of https://HOST/debian are in https://HOST/debian-security
            folders[len(folders) - 1 - folders[::-1].index("debian")] = "debian-security"
            found.append((urlunsplit(parts._replace(path="/".join(folders))), f"{self.suite}-security"))
        return found


class Mirror:
    """A mirror of a Debian archive. Use it inside `locked()`.

    Args:
        place: Which archive, and what of it.
        progress: Where bars and notes go.
        patience: How long it waits for servers and how often it tries.

    Raises:
        FournilError: When the cache folder cannot be made.
    """

    def __init__(self, place: Place, progress: Progress, patience: Patience | None = None) -> None:
        self._place = place
        self._progress = progress
        self._downloader = Downloader(patience)
        parts = [place.url.rstrip("/"), place.suite, *place.components, place.architecture, place.keyring]
        name = canonical_hash([_FORMAT, *parts])
        self.folder = cache_folder() / f"mirror-{name[:16]}"
        self._incoming = self.folder / "incoming"
        self._state_path = self.folder / "index.json"
        make_folders(packages_folder(), self._incoming)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Keep other bakes of the same user out of the folder."""
        return locked(self.folder, self._progress)

    def update(self) -> None:
        """Fetch the index of packages unless it is younger than a day.

        An older index serves on when the mirror cannot be reached.

        Raises:
            FournilError: When no index can be had, or what came is not what it should be.
        """
        state = self._state()
        if state and 0 <= time.time() - state["fetched"] < INDEX_SECONDS:
            return
        if state:
            try:
                self._refresh()
            except FournilError as error:
                day = datetime.fromtimestamp(state["fetched"], UTC).date().isoformat()
                self._progress.note(tr("{error}; going on with the index of {day}", error=error, day=day))
        else:
            self._refresh()

    def find(self, names: Sequence[str]) -> dict[str, Package]:
        """Look packages up in the index, each in its newest version; those that it does not hold are left out."""
        from debian_inspector.version import Version

        wanted = set(names)
        found: dict[str, Package] = {}
        state = self._state() or {"suites": []}
        for suite in state["suites"]:
            for name in suite["indexes"]:
                for stanza in stanzas(self.folder / name, wanted):
                    read = package_of(stanza)
                    if read is None:
                        continue
                    package, path = read
                    if not _PATH.fullmatch(path) or ".." in path.split("/"):
                        what = tr("the index gives no path for the package {name}", name=package.name)
                        raise FournilError(what, where=self.folder / name, fix=tr("Name another mirror."))
                    old = found.get(package.name)
                    if old and Version.from_string(old.version) >= Version.from_string(package.version):
                        continue
                    url = f"{suite['url']}/{quote(path, safe='/+~:@%')}"
                    found[package.name] = Package(*_values(package), url=url)
        return found

    def fetch(self, packages: Sequence[Package]) -> tuple[dict[str, Path], int]:
        """Fetch packages that the cache lacks; all are there, and checked, afterwards.

        Returns:
            Package name → its .deb file, and how many bytes had to be fetched.

        Raises:
            FournilError: When a package cannot be fetched or its bytes are not those of the index.
        """
        missing = [package for package in packages if not is_kept(package)]
        if missing:
            self._download(missing)
        folder = packages_folder()
        files = {package.name: folder / package.file_name for package in packages}
        return files, sum(package.size_bytes for package in missing)

    def how(self) -> dict[str, Any]:
        """Say for the record where packages came from, and what was found of the suites' signatures."""
        state = self._state() or {"suites": []}
        told = [
            {key: suite[key] for key in ("suite", "codename", "date", "valid_until", "signature")}
            for suite in state["suites"]
        ]
        return {"way": "mirror", "mirror": shown(self._place.url), "suites": told}

    def _download(self, packages: Sequence[Package]) -> None:
        remotes = [
            Remote(package.url, self._incoming / package.file_name, package.size_bytes, package.sha256)
            for package in packages
        ]
        total = sum(package.size_bytes for package in packages) / 1e6
        with self._progress.task(tr("Fetching packages"), total=round(total, 1), unit=tr("MB")) as bar:
            began = time.monotonic()

            def advance(num_bytes: int, num_done: int) -> None:
                rate = (bar.done + num_bytes / 1e6) / max(0.1, time.monotonic() - began)
                note = tr("{packages}, {rate:,.1f} MB/s", packages=how_many(num_done, len(packages)), rate=rate)
                bar.advance(num_bytes / 1e6, note=note)

            try:
                self._downloader.fetch_all(remotes, advance)
            except MissingError as error:
                self._state_path.unlink(missing_ok=True)
                fix = tr(
                    "The index is older than the archive: run the same command again, which fetches it anew, or name "
                    "another mirror."
                )
                raise FournilError(error.what, where=error.where, fix=fix) from error
            finally:
                for package, remote in zip(packages, remotes, strict=True):
                    if remote.path.exists():
                        remote.path.replace(packages_folder() / package.file_name)

    def _state(self) -> dict[str, Any] | None:
        try:
            state = json.loads(self._state_path.read_text("utf-8"))
            names = [name for suite in state["suites"] for name in suite["indexes"]]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return state if all((self.folder / name).is_file() for name in names) else None

    def _refresh(self) -> None:
        suites: list[dict[str, Any]] = []
        with self._progress.task(tr("Fetching the index of packages"), unit=tr("MB")) as bar:
            for number, (url, suite) in enumerate(self._place.suites()):
                try:
                    suites.append(self._suite(url, suite, lambda size: bar.advance(size / 1e6)))
                except MissingError:
                    if number == 0:
                        raise
                    note = tr("no {suite} at {url}: packages come without these updates", suite=suite, url=shown(url))
                    self._progress.note(note)
        self._tell(suites)
        write_json(self._state_path, {"fetched": time.time(), "suites": suites})
        names = {name for suite in suites for name in suite["indexes"]}
        for path in self.folder.glob("Packages-*"):
            if path.name not in names:
                path.unlink()

    def _tell(self, suites: Sequence[dict[str, Any]]) -> None:
        for doubt in dict.fromkeys(suite.pop("doubt") for suite in suites):
            if doubt:
                self._progress.note(tr("{url}: {doubt}", url=shown(self._place.url), doubt=doubt))
        why = next((suite["signature"]["why"] for suite in suites if suite["signature"]["state"] != "good"), "")
        if why in ("no-gpgv", "no-keyring"):
            # TLS answers for the way from the mirror then, and nobody for the mirror.
            self._progress.note(
                tr(
                    "{url}: signatures are not checked, for want of gpgv or of a keyring (packages gpgv and "
                    "debian-archive-keyring); the record says so",
                    url=shown(self._place.url),
                )
            )

    def _suite(self, url: str, suite: str, seen: Any) -> dict[str, Any]:  # noqa: ANN401 - a function of bytes
        base = f"{url}/dists/{suite}"
        text, signature = self._release(base)
        release = Release.parse(text, shown(base))
        if suite not in (release.suite, release.codename):
            what = tr(
                "the mirror gives {found} for the suite {suite}", found=release.codename or release.suite, suite=suite
            )
            raise FournilError(what, where=shown(base), fix=tr("Name another mirror, or check sources.suite."))
        indexes = []
        for component in self._place.components:
            architectures = [self._place.architecture, *(["all"] if release.has_all else [])]
            for architecture in architectures:
                name = self._index(base, release, f"{component}/binary-{architecture}/Packages", seen)
                if name:
                    indexes.append(name)
                elif architecture != "all":
                    there = sorted({path.partition("/binary-")[0] for path in release.files if "/binary-" in path})
                    what = tr(
                        "this suite has no component {component} for {architecture}",
                        component=component,
                        architecture=architecture,
                    )
                    fix = tr("Its components: {names}.", names=", ".join(there[:10]))
                    raise FournilError(what, where=shown(base), fix=fix)
        return {
            "url": url,
            "suite": suite,
            "codename": release.codename,
            "date": release.date,
            "valid_until": release.valid_until,
            "signature": signature.facts(),
            "doubt": release.doubt(datetime.now(UTC)),
            "indexes": indexes,
        }

    def _release(self, base: str) -> tuple[str, Any]:
        try:
            data, detached = self._small(f"{base}/InRelease"), None
            name = "InRelease"
        except MissingError:
            data, name = self._small(f"{base}/Release"), "Release"
            try:
                detached = self._small(f"{base}/Release.gpg")
            except MissingError:
                detached = b""
        return check_signature(data, detached, self._place.keyring, shown(f"{base}/{name}"))

    def _small(self, url: str) -> bytes:
        path = self._incoming / url.rpartition("/")[2]
        remote = Remote(url, path, max_bytes=_MAX_RELEASE_BYTES)
        (path.parent / f".tmp-{path.name}").unlink(missing_ok=True)  # of an older Release, perhaps
        self._downloader.fetch(remote)
        data = path.read_bytes()
        path.unlink()
        return data

    def _index(self, base: str, release: Release, path: str, seen: Any) -> str | None:  # noqa: ANN401
        """Fetch an index of packages in the shortest form that there is; return its name in the folder."""
        form = next((form for form in _FORMS if f"{path}{form}" in release.files), None)
        if form is None:
            return None
        digest, size = release.files[f"{path}{form}"]
        _, unpacked = release.files.get(path, ("", MAX_INDEX_BYTES))
        if max(size, unpacked) > MAX_INDEX_BYTES:
            what = tr("this index of packages is larger than {size:,} MiB", size=MAX_INDEX_BYTES // 2**20)
            raise FournilError(what, where=shown(f"{base}/{path}{form}"), fix=tr("Name another mirror."))
        name = f"Packages-{digest[:16]}{form}"
        kept = self.folder / name
        if kept.is_file() and kept.stat().st_size == size and sha256_file(kept) == digest:
            return name
        urls = [f"{base}/{path}{form}"]
        if release.by_hash:  # what has this hash is never replaced by what is published meanwhile
            urls.insert(0, f"{base}/{posixpath.dirname(path)}/by-hash/SHA256/{digest}")
        for url in urls:
            try:
                self._downloader.fetch(Remote(url, kept, size, digest), seen)
                return name
            except MissingError as error:
                if url == urls[-1]:
                    fix = tr("The mirror is being updated: try again in some minutes, or name another mirror.")
                    raise FournilError(error.what, where=error.where, fix=fix) from error
        return name


def _values(package: Package) -> tuple[str, str, str, str, int, str]:
    return (
        package.name, package.version, package.architecture, package.source, package.size_bytes, package.sha256,
    )  # fmt: skip
