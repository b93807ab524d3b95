"""A headless Chromium, driven through a pipe with the DevTools protocol: what the page's tests and benchmark need.

Nothing to install beside the browser: https://chromedevtools.github.io/devtools-protocol/ over --remote-debugging-pipe,
JSON messages with a NUL behind each.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--use-mock-keychain",
)
# The browser reads the protocol on descriptor 3 and writes it on 4; Popen alone cannot choose those numbers.
_LAUNCH = "import os, sys; os.dup2({0}, 3); os.dup2({1}, 4); os.execv(sys.argv[1], sys.argv[1:])"


class ScriptError(Exception):
    """What a page's script threw."""


def find() -> str | None:
    """The browser's path, or None where there is none; FOURNIL_CHROMIUM names another."""
    named = os.environ.get("FOURNIL_CHROMIUM")
    found = [named] if named else [path for name in NAMES if (path := shutil.which(name))]
    return next(iter([*found, *(path for path in APPLICATIONS if Path(path).exists())]), None)


class Chromium:
    """A browser; use it in a `with` block.

    Args:
        path: Of the executable, see `find`.
    """

    def __init__(self, path: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Numbers that dup2 onto 3 and 4 cannot overwrite before they are used.
        high = [self._high(descriptor) for descriptor in (theirs_in, theirs_out)]
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCH.format(*high)]
        self._process = subprocess.Popen(
            [*launch, path, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=high,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in (*high, theirs_in, theirs_out):
            os.close(descriptor)
        self._to, self._from = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self._answers: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._sessions: dict[str, Page] = {}
        self._number, self._lock = 0, threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _high(descriptor: int) -> int:
        import fcntl

        return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        if self._process.poll() is None:
            try:
                self.call("Browser.close", timeout=5)
                self._process.wait(5)
            except (OSError, TimeoutError, subprocess.TimeoutExpired):
                self._process.kill()
        self._process.wait()
        self._reader.join(5)
        self._to.close()
        self._from.close()
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, timeout: float = 60, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        answer: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._number += 1
            number = self._number
            self._answers[number] = answer
            message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
            self._to.write(json.dumps(message).encode() + b"\0")
            self._to.flush()
        try:
            found = answer.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"{method}: no answer in {timeout} s") from None
        finally:
            self._answers.pop(number, None)
        if "error" in found:
            raise ScriptError(f"{method}: {found['error'].get('message')}")
        return found["result"]

    def page(self, url: str = "about:blank", *, width: int = 1024, height: int = 768, dark: bool = False) -> Page:
        """Open a tab of its own, with no cookies or storage of the others."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, target, session)
        self._sessions[session] = page
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)
        page.resize(width, height, dark=dark)
        if url != "about:blank":
            page.go(url)
        return page

    def _read(self) -> None:
        waiting = b""
        while chunk := self._from.read1(1 << 20):
            *messages, waiting = (waiting + chunk).split(b"\0")
            for raw in messages:
                message = json.loads(raw)
                if "id" in message:
                    if (answer := self._answers.get(message["id"])) is not None:
                        answer.put(message)
                elif (page := self._sessions.get(message.get("sessionId", ""))) is not None:
                    page.event(message["method"], message["params"])
        for answer in list(self._answers.values()):
            answer.put({"error": {"message": "the browser has ended"}})


class Page:
    """A tab."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self.browser, self.target, self.session = browser, target, session
        self.requests: list[str] = []
        """Addresses that the page or its workers asked for."""
        self.complaints: list[str] = []
        """What the console or the browser complained of: errors, refusals of the content security policy."""
        self._loaded = threading.Event()

    def call(self, method: str, timeout: float = 60, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol in this tab."""
        return self.browser.call(method, self.session, timeout, **params)

    def event(self, method: str, params: dict[str, Any]) -> None:
        """Note what happened."""
        if method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(" ".join(str(value.get("value")) for value in params["args"]))
        elif method == "Target.attachedToTarget":
            # Workers are sessions of their own: what they ask for belongs to the page. They wait to be watched.
            self.browser._sessions[params["sessionId"]] = self
            threading.Thread(target=self._watch, args=(params["sessionId"],), daemon=True).start()

    def _watch(self, session: str) -> None:
        with suppress(ScriptError, TimeoutError, OSError):  # the worker may have ended already
            self.browser.call("Network.enable", session)
        with suppress(ScriptError, TimeoutError, OSError):
            self.browser.call("Runtime.runIfWaitingForDebugger", session)

    def go(self, url: str, timeout: float = 60) -> None:
        """Load an address and wait until it is loaded."""
        self._loaded.clear()
        found = self.call("Page.navigate", url=url)
        if found.get("errorText"):
            raise ScriptError(f"{url}: {found['errorText']}")
        if not self._loaded.wait(timeout):
            raise TimeoutError(f"{url}: not loaded in {timeout} s")

    def run(self, expression: str, timeout: float = 60) -> Any:
        """The value of a script's last expression; the script may await.

        Raises:
            ScriptError: The script threw something.
        """
        found = self.call(
            "Runtime.evaluate", timeout, expression=expression, awaitPromise=True, returnByValue=True, replMode=True
        )
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise ScriptError(details.get("exception", {}).get("description") or str(details))
        return found["result"].get("value")

    def ask(self, function: str, *values: Any, timeout: float = 60) -> Any:
        """Call a script's function with JSON values."""
        return self.run(f"await ({function})({', '.join(map(json.dumps, values))})", timeout)

    def resize(self, width: int, height: int, *, dark: bool = False, touch: bool = False) -> None:
        """Take the size and the colours of another screen."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of what is seen, or of the whole page."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        """Close the tab."""
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser._sessions.pop(self.session, None)
