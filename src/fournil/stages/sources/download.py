"""Files over HTTP from servers and networks that may fail: resumed, tried again with bounds, checked, then renamed.

A file is written under another name and gets its own once its length and its SHA-256 are those that were announced.
What came so far is kept for the next try, also that of a later run, and asked for no more where the server can give
the rest alone. Proxies are those that the environment names.
"""

from __future__ import annotations

import errno
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3

import fournil
from fournil.core.errors import FournilError
from fournil.core.files import TEMPORARY, sha256_file
from fournil.core.speech import tr

JOBS = 4
"""How many files are fetched side by side."""
_CHUNK_BYTES = 2**16
_MAX_REDIRECTS = 8
_PAGE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype html|<html)", re.IGNORECASE)
_RANGE = re.compile(r"bytes (\d+)-")


@dataclass(frozen=True)
class Patience:
    """How long is waited, and how often is tried again."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    tries: int = 6
    """Tries in a row that give no byte."""
    most_tries: int = 60
    """Tries in all."""
    first_wait_seconds: float = 0.5
    """Before the second try; doubled before each further one that follows a try without a byte."""
    longest_wait_seconds: float = 20.0
    slow_seconds: float = 60.0
    slow_bytes_per_second: float = 200.0
    """A connection that gives less over `slow_seconds` is given up for another."""


PATIENT = Patience()
HASTY = Patience(connect_seconds=4.0, read_seconds=4.0, tries=1)
"""To learn within seconds whether a server answers."""


@dataclass(frozen=True)
class Remote:
    """A file to fetch."""

    url: str
    path: Path
    """What it is called once it is whole."""
    size_bytes: int | None = None
    """Its length, if that is known."""
    sha256: str = ""
    """Its hash, if that is known."""
    max_bytes: int = 2**30
    """Bound on its length where that is not known."""


class MissingError(FournilError):
    """The server says that it has no such file."""


class UnreachableError(FournilError):
    """No try gave the file: the server or the network fails."""


class _AgainError(Exception):
    """A try failed for a reason that may pass."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        self.reason, self.wait_seconds = reason, wait_seconds
        super().__init__(reason)


class _StoppedError(Exception):
    """Another file could not be had, or somebody interrupts: this one need not be fetched any more."""


def _ignore(num_bytes: int) -> None:
    """Nobody counts."""


class Downloader:
    """Fetches files.

    Args:
        patience: How long it waits and how often it tries.
        jobs: How many files are fetched side by side.
    """

    def __init__(self, patience: Patience | None = None, jobs: int = JOBS) -> None:
        self._patience = patience or PATIENT
        self._jobs = jobs
        self._local = threading.local()

    def fetch(self, remote: Remote, seen: Callable[[int], None] = _ignore, stop: threading.Event | None = None) -> None:
        """Fetch one file.

        Args:
            remote: Where it is and what is known of it.
            seen: Gets the number of bytes as they come; a negative one when they had to be thrown away.
            stop: Set by others when the file is wanted no more.

        Raises:
            MissingError: The server has no such file.
            FournilError: It cannot be had, or is not what was announced.
        """
        part = remote.path.parent / f"{TEMPORARY}{remote.path.name}"
        stop = stop or threading.Event()
        tries = idle = wrong = 0
        if part.exists():
            seen(part.stat().st_size)
        while True:
            before, wait = _size(part), 0.0
            try:
                if before != remote.size_bytes:  # else only its name was missing
                    self._read(remote, part, seen, stop)
            except _AgainError as error:
                reason, wait = error.reason, error.wait_seconds
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                reason = _reason(error, self._patience)
            else:
                reason = _difference(remote, part)
                _check(stop)
                if not reason:
                    with _disk(part):
                        _finish(part, remote.path)
                    return
                wrong += 1
                seen(-_size(part))
                part.unlink(missing_ok=True)
                if wrong > 1:
                    fix = tr(
                        "The server is being updated, or something on the way alters files: try again in some "
                        "minutes, or name another mirror."
                    )
                    raise FournilError(reason, where=shown(remote.url), fix=fix)
            tries, idle = tries + 1, idle + 1 if _size(part) <= before else 0
            if idle >= self._patience.tries or tries >= self._patience.most_tries:
                what = tr("this file cannot be fetched: {reason}", reason=reason)
                fix = tr("Check the network (and the proxy), or name another mirror; a second try goes on from here.")
                raise UnreachableError(what, where=shown(remote.url), fix=fix)
            wait = wait or self._patience.first_wait_seconds * 2 ** max(0, idle - 1)
            if stop.wait(min(wait, self._patience.longest_wait_seconds)):
                raise _StoppedError

    def fetch_all(self, remotes: Sequence[Remote], advance: Callable[[int, int], None]) -> None:
        """Fetch files side by side; `advance` gets the bytes that came and the number of files that are whole.

        Raises:
            FournilError: The first one that cannot be had; the others keep what came of them.
        """
        todo: queue.SimpleQueue[Remote] = queue.SimpleQueue()
        news: queue.SimpleQueue[int | Remote | BaseException] = queue.SimpleQueue()
        for remote in remotes:
            todo.put(remote)

        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                try:
                    remote = todo.get_nowait()
                except queue.Empty:
                    return
                try:
                    self.fetch(remote, news.put, stop)
                    news.put(remote)
                except BaseException as error:  # the thread that waits raises it
                    news.put(error)
                    return

        # Daemons: an interrupt must not wait for a server that is silent.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self._jobs, len(remotes)))]
        for thread in threads:
            thread.start()
        num_done = 0
        try:
            while num_done < len(remotes):
                told = news.get()
                if isinstance(told, BaseException):
                    raise told
                num_done += isinstance(told, Remote)
                advance(told if isinstance(told, int) else 0, num_done)
        except FournilError:
            stop.set()
            for thread in threads:
                thread.join(1.0)
            raise
        finally:
            stop.set()

    def _read(self, remote: Remote, part: Path, seen: Callable[[int], None], stop: threading.Event) -> None:
        """Read once from the server, on from what is there."""
        have = _size(part)
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self._session().get(
            remote.url,
            headers=headers,
            stream=True,
            timeout=(self._patience.connect_seconds, self._patience.read_seconds),
        ) as response:
            _check(stop)
            if self._refuses(response, remote) or (have and response.status_code == 200):
                seen(-have)
                part.unlink(missing_ok=True)
                have = 0
            starts = _RANGE.match(response.headers.get("Content-Range", ""))
            if response.status_code == 206 and (starts is None or int(starts[1]) != have):
                seen(-have)
                part.unlink(missing_ok=True)
                raise _AgainError(tr("the server gives another part than was asked for"))
            if response.status_code == 416:
                raise _AgainError(tr("the server gives no part of the file"))
            self._write(response, remote, part, have, seen, stop)

    def _refuses(self, response: requests.Response, remote: Remote) -> bool:
        """Raise for answers that are no file; True when what was kept of the file is of no use to this server."""
        code = response.status_code
        if code in (404, 410):
            fix = tr("Check the name of the mirror and of the suite, or name another mirror.")
            raise MissingError(tr("the server has no such file"), where=shown(remote.url), fix=fix)
        if code in (408, 425, 429) or code >= 500:
            after = response.headers.get("Retry-After", "")
            wait = min(float(after), self._patience.longest_wait_seconds) if after.isdigit() else 0.0
            raise _AgainError(tr("the server answers {code}", code=f"{code} {response.reason or ''}".strip()), wait)
        if code not in (200, 206, 416):
            what = tr("the server answers {code}", code=f"{code} {response.reason or ''}".strip())
            fix = tr("Check the address (and the proxy), or name another mirror.")
            raise FournilError(what, where=shown(remote.url), fix=fix)
        return code == 416

    def _write(
        self,
        response: requests.Response,
        remote: Remote,
        part: Path,
        have: int,
        seen: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        announced = response.headers.get("Content-Length", "")
        end = have + int(announced) if announced.isdigit() else None
        bound = remote.max_bytes if remote.size_bytes is None else remote.size_bytes
        began, at_first = time.monotonic(), have
        with _disk(part):
            file = part.open("ab" if have else "wb")
        with file:
            while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
                _check(stop)
                if have == 0 and _PAGE.match(chunk):
                    what = tr("a web page came in place of the file: a captive portal or a proxy answers")
                    fix = tr("Open the address in a browser, log in to the network, and run the same command again.")
                    raise FournilError(what, where=shown(remote.url), fix=fix)
                chunk = chunk[: bound + 1 - have]  # one byte too many shows that there are too many
                with _disk(part):
                    file.write(chunk)
                have += len(chunk)
                seen(len(chunk))
                if have > bound:
                    return
                seconds = time.monotonic() - began
                if seconds > self._patience.slow_seconds:
                    if have - at_first < self._patience.slow_bytes_per_second * seconds:
                        raise _AgainError(tr("the server is too slow"))
                    began, at_first = time.monotonic(), have
            with _disk(part):
                file.flush()
        if (remote.size_bytes is not None and have < remote.size_bytes) or (end is not None and have < end):
            raise _AgainError(tr("the connection was cut"))

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.max_redirects = _MAX_REDIRECTS
            # Packed on the way, lengths and parts would not be those of the file.
            session.headers.update({"Accept-Encoding": "identity", "User-Agent": f"fournil/{fournil.__version__}"})
        return session


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise _StoppedError


def shown(url: str) -> str:
    """Return an address without the name and the password that it may hold."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _difference(remote: Remote, part: Path) -> str:
    """Say in which way a file is not what was announced; empty when it is."""
    size = _size(part)
    if remote.size_bytes is not None and size != remote.size_bytes:
        return tr("this file has not the {size:,} bytes that the index announces", size=remote.size_bytes)
    if remote.size_bytes is None and size > remote.max_bytes:
        return tr("this file has more than {size:,} bytes", size=remote.max_bytes)
    if remote.sha256 and sha256_file(part) != remote.sha256:
        return tr("this file has not the SHA-256 that the index announces")
    return ""


def _finish(part: Path, path: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Tell errors of the disk, which no further try mends, from those of the network."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = tr("Free some space and run the same command again: it goes on from here.")
            raise FournilError(tr("the disk is full"), where=path, fix=fix) from error
        fix = tr("Check the folder's permissions.")
        raise FournilError(tr("this file cannot be written"), where=path, fix=fix) from error


def _reason(error: Exception, patience: Patience) -> str:
    """Say in a few words why a connection failed; the libraries' own words fill lines."""
    cause: object = error
    for _ in range(4):  # requests wraps urllib3, which wraps the system's error
        inner = getattr(cause, "reason", None)
        inner = inner if isinstance(inner, BaseException) else (getattr(cause, "args", None) or (None,))[0]
        if not isinstance(inner, BaseException):
            break
        cause = inner
    text = f"{type(cause).__name__} {cause}"
    if "NameResolution" in text or "getaddrinfo" in text:
        return tr("the name of the server is not known")
    if "Timeout" in text or "timed out" in text:
        return tr("no answer within {seconds:g} s", seconds=patience.read_seconds)
    if "refused" in text.lower():
        return tr("the connection is refused")
    if "SSL" in text or "certificate" in text:
        return tr("the server's certificate is not trusted: {error}", error=str(cause)[:120])
    if isinstance(cause, (ConnectionError, urllib3.exceptions.ProtocolError)) or "IncompleteRead" in text:
        return tr("the connection was cut")
    return f"{type(cause).__name__}: {str(cause).splitlines()[0][:120] if str(cause) else ''}".rstrip(": ")
