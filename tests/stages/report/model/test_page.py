"""The page around the engine: what it refuses, what it asks of the network, where it can be opened."""

import base64
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import chromium
import pytest

from fournil.stages.report.model.embed import WEIGHTS_ID, script
from fournil.stages.report.model.pack import Packed, pack

LOAD = """
await ModelClient.load(document.getElementById("model-engine"), document.getElementById("model-weights"))
  .then((client) => { globalThis.client = client; return "loaded"; }, (error) => `${error.code}: ${error.message}`)
"""
# What a browser without them does: an older one, or a page that is served without TLS.
BARE = "Object.defineProperty(globalThis, 'crypto', { value: undefined }); Uint8Array.fromBase64 = undefined;"


@pytest.fixture(scope="module")
def packed(plain_folder: Path) -> Packed:
    return pack(plain_folder, ("fr", "en"))


def weights_changed(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(html: str) -> str:
        start = html.index(">", html.index(f'id="{WEIGHTS_ID}"')) + 1
        end = html.index("</script>", start)
        return html[:start] + change(html[start:end]) + html[end:]

    return changed


def engine_changed(html: str) -> str:
    start = html.index(">", html.index('id="model-engine"')) + 1
    return html[:start] + BARE + html[start:]


DAMAGE = {
    "one character": (lambda text: text[:5000] + ("A" if text[5000] != "A" else "B") + text[5001:], "altered: "),
    "the last character": (lambda text: text[:-4] + ("AAAA" if text[-4:] != "AAAA" else "BBBB"), "altered: "),
    "no base64": (lambda text: text[:5000] + "é" + text[5001:], "altered: "),
    "a cut": (lambda text: text[:-400], "cut: "),
    "a hole": (lambda text: text[:2000] + text[2004:], "cut: "),
    "nothing left": (lambda text: "", "cut: "),
}


@pytest.mark.parametrize(
    ("how", "bare"),
    [*((how, False) for how in (None, *DAMAGE)), *((how, True) for how in (None, "one character", "no base64"))],
)
def test_weights_that_are_not_whole_are_said_so(
    browser: chromium.Chromium, write_page: Callable[..., Path], packed: Packed, how: str | None, bare: bool
) -> None:
    change, expected = DAMAGE[how] if how else (str, "loaded")
    alter = weights_changed(change)
    path = write_page(packed, (lambda html: alter(engine_changed(html))) if bare else alter)
    page = browser.page(path.as_uri())
    assert page.run(LOAD).startswith(expected)
    assert page.run("document.body.innerText.trim()") == "Bonjour."
    page.close()


def test_a_page_asks_nothing_of_any_network(
    browser: chromium.Chromium, write_page: Callable[..., Path], packed: Packed
) -> None:
    path = write_page(packed, name="un autre dossier, copié/page & modèle.html")
    page = browser.page(path.as_uri())
    assert page.run(LOAD) == "loaded"
    assert page.run("(await client.ask('generate', { text: 'Le pain', maxTokens: 3, stopIds: [] })).ids.length") == 3
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("blob:")] == [path.as_uri()]
    # The policy that the worker has from its page would refuse what the page does not try.
    refused = page.run(
        """const code = "fetch('http://127.0.0.1:9/').then(() => postMessage('sent'), () => postMessage('refused'))";
        const worker = new Worker(URL.createObjectURL(new Blob([code])));
        await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); })"""
    )
    assert refused == "refused"
    assert any("violates the following Content Security Policy" in text for text in page.complaints)
    page.close()


def test_a_broken_worker_is_said_so(
    browser: chromium.Chromium, write_page: Callable[..., Path], packed: Packed
) -> None:
    path = write_page(packed, lambda html: html.replace("class Heap {", "class Heap {{", 1))
    page = browser.page(path.as_uri())
    assert page.run(LOAD).startswith("broken: ")
    page.close()


def test_hash_and_base64_are_right(browser: chromium.Chromium) -> None:
    page = browser.page()
    page.run(script("weights.js") + "globalThis.readBase64 = readBase64; globalThis.sha256 = sha256;")
    dice = random.Random(0)
    for length in (*range(70), *range(110, 132), 1000, 100_003):
        data = dice.randbytes(length)
        encoded = base64.b64encode(data).decode()
        assert page.ask("(text) => sha256(readBase64(text))", encoded) == hashlib.sha256(data).hexdigest(), length
    page.close()
