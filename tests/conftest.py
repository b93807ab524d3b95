"""What tests share, and the guard that no test is skipped unseen in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fournil.core.speech import speak

REPOSITORY = Path(__file__).resolve().parent.parent

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests are small: more threads would only get in each other's way
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["LANGUAGE"] = "en"  # whatever the machine speaks, for programs that tests start too


@pytest.fixture(autouse=True)
def english() -> None:
    """Each test begins in English, whatever the one before it spoke."""
    speak("en")


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real text and real files that stand beside the checkout; a stranger has none and skips."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real text that stands beside the checkout")
    return folder


@pytest.fixture(scope="session")
def mie(tmp_path_factory) -> Path:
    """The crumb, baked once, unbroken; whoever wants to change it takes a copy."""
    run = tmp_path_factory.mktemp("unbroken") / "mie"
    recipe = str(REPOSITORY / "recipes" / "mie.toml")
    command = [sys.executable, "-m", "fournil.cli", "bake", recipe, "--run", str(run), "--threads", "1"]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "index.html" in done.stdout
    return run


def allowed_skips(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")}


def unexplained(reasons: list[str], allowed: set[str]) -> list[str]:
    return [reason for reason in reasons if not any(reason.startswith(known) for known in allowed)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With CI=true, a skip whose reason is not in skips.txt fails the run."""
    if os.environ.get("CI") != "true" or exitstatus != 0:
        return
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None:
        return
    reasons = [str(report.longrepr[2]).removeprefix("Skipped: ") for report in reporter.stats.get("skipped", [])]
    wrong = unexplained(reasons, allowed_skips((REPOSITORY / "tests" / "skips.txt").read_text()))
    if wrong:
        reporter.write_line(f"skipped without a reason in tests/skips.txt: {sorted(set(wrong))}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
