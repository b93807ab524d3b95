"""The page as a folder for a web host, served by a real one."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.stages.report import Config
from fournil.stages.report.publish import publish

CONTEXT = Context(name="loaf", title="A small loaf", description="A model.")
WATCH = """
globalThis.seen = [];
const state = document.querySelector("[data-part=state]");
new MutationObserver(() => seen.push(state.textContent)).observe(state, { childList: true });
"""
ASK = """
async (text) => {
  const part = (name) => document.querySelector(`[data-part="${name}"]`);
  part("translate-in").focus();
  part("translate-in").value = text;
  part("translate-in").dispatchEvent(new Event("input", { bubbles: true }));
  for (let i = 0; i < 600 && part("translate-out").getAttribute("aria-busy") !== "false"; i++) {
    if (part("state").classList.contains("bad")) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return [part("translate-out").querySelectorAll(".token").length, part("state").textContent];
}
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine, and its address; it serves `web` in the test's folder."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def publish_it(make_run: Callable[..., Path], plain_folder: Path, tmp_path: Path) -> Callable[..., Any]:
    story = make_run()
    shutil.copytree(plain_folder, tmp_path / "export" / "huggingface")

    def make(out: Path = tmp_path / "web", **how: Any) -> Any:
        return publish(Config(), story, tmp_path / "export", out, CONTEXT, **how)

    return make


def weights_of(folder: Path) -> Path:
    (found,) = folder.glob("*.bin")
    return found


@pytest.mark.parametrize("file", ["index.html", "index.fr.html"])
def test_the_weights_are_fetched_when_asked_for_and_the_model_answers(
    browser: chromium.Chromium, serve: str, publish_it: Callable[..., Any], tmp_path: Path, file: str
) -> None:
    made = publish_it()
    weights = weights_of(tmp_path / "web")
    assert made.files == {path.name: path.stat().st_size for path in sorted((tmp_path / "web").iterdir())}
    assert set(made.files) == {"index.html", "index.fr.html", weights.name}
    page = browser.page(serve + file)
    page.run(WATCH)
    page.run("document.querySelector('#model').scrollIntoView(); await new Promise((r) => setTimeout(r, 300))")
    assert page.requests == [serve + file, *(url for url in page.requests if url.startswith("data:"))]
    num_tokens, state = page.ask(ASK, "Le fichier existe déjà.")
    assert num_tokens > 0
    assert state in ("The model is ready.", "Le modèle est prêt.")
    seen = page.run("seen")
    assert any("%" in said for said in seen), seen  # the progress
    fetched = [url for url in page.requests if not url.startswith(("data:", "blob:"))]
    assert fetched == [serve + file, serve + weights.name]
    assert page.complaints == []
    refused = page.ask("() => fetch('https://example.org/').then(() => 'sent', () => 'refused')")
    assert refused == "refused"
    page.close()


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "altered": (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x55"), "The model in this page was altered"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"\x00"), "The model in this page was altered"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "The model in this page is not whole"),
    "empty": (lambda path: path.write_bytes(b""), "The model in this page is not whole"),
    "missing": (lambda path: path.unlink(), "The model’s weights could not be fetched"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_weights_that_are_not_those_of_the_page_are_refused(
    browser: chromium.Chromium, serve: str, publish_it: Callable[..., Any], tmp_path: Path, how: str
) -> None:
    publish_it()
    damage, expected = DAMAGE[how]
    damage(weights_of(tmp_path / "web"))
    page = browser.page(serve)
    num_tokens, state = page.ask(ASK, "Le fichier existe déjà.")
    assert num_tokens == 0
    assert state.startswith(expected)
    assert page.run("document.querySelectorAll('#records, #cost').length") == 2
    page.close()


def test_from_a_disk_it_says_that_it_is_made_for_a_web_server(
    browser: chromium.Chromium, publish_it: Callable[..., Any], tmp_path: Path
) -> None:
    publish_it(tmp_path / "disk")
    page = browser.page((tmp_path / "disk" / "index.html").as_uri())
    _, state = page.ask(ASK, "Le fichier existe déjà.")
    assert state.startswith("The model’s weights could not be fetched")
    assert "web server" in state
    page.close()


def test_published_again_it_is_the_same_and_old_weights_go(publish_it: Callable[..., Any], tmp_path: Path) -> None:
    publish_it()
    before = {path.name: path.read_bytes() for path in (tmp_path / "web").iterdir()}
    (tmp_path / "web" / "CNAME").write_text("example.org")
    publish_it()
    assert {path.name: path.read_bytes() for path in (tmp_path / "web").iterdir()} == before | {"CNAME": b"example.org"}
    about = tmp_path / "export" / "huggingface" / "config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"rms_norm_eps": 1e-3}))
    publish_it()
    names = {path.name for path in (tmp_path / "web").iterdir()}
    assert len(names) == 4
    assert weights_of(tmp_path / "web").name not in before


@pytest.mark.parametrize("name", ["index.html", "index.fr.html"])
def test_a_page_of_somebody_else_is_not_replaced(publish_it: Callable[..., Any], tmp_path: Path, name: str) -> None:
    out = tmp_path / "theirs"
    out.mkdir()
    (out / name).write_text("<h1>My garden</h1>")
    with pytest.raises(FournilError, match=f"not one of Fournil’s.*{name}.*--force"):
        publish_it(out)
    assert [path.name for path in out.iterdir()] == [name]
    assert len(publish_it(out, force=True).files) == 3
    assert "My garden" not in (out / name).read_text("utf-8")


def test_a_model_that_no_page_carries_is_refused_with_what_to_use_instead(
    publish_it: Callable[..., Any], tmp_path: Path
) -> None:
    about = tmp_path / "export" / "huggingface" / "config.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"vocab_size": 1_000_000}))
    with pytest.raises(FournilError, match=r"a page carries 32 MB at most.*llama-server"):
        publish_it()
    assert not (tmp_path / "web").exists()
    shutil.rmtree(tmp_path / "export")
    with pytest.raises(FournilError, match="no exported model"):
        publish_it()


def test_a_folder_that_cannot_be_written_is_said_in_a_line(publish_it: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FournilError, match="this is a file"):
        publish_it(tmp_path / "file")
