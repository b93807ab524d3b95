"""The blocks of a page that carry a model: its weights, and the scripts that run it."""

from __future__ import annotations

import base64
from functools import cache
from importlib.resources import files

from fournil.stages.report.markup import Html, join, tag
from fournil.stages.report.model.pack import Packed

ENGINE_ID, WEIGHTS_ID = "model-engine", "model-weights"
WORKER_SCRIPTS = ("weights.js", "tokenizer.js", "llama.js", "engine.js", "worker.js")
PAGE_SCRIPTS = ("client.js", "view.js")
POLICY = "worker-src blob:"
"""What the page's Content-Security-Policy must allow beside the hash of its own script and style."""


@cache
def script(name: str) -> str:
    """A script of this folder, as it stands in a page: nothing in it may end its element."""
    text = files(__package__ or "").joinpath(name).read_text("utf-8")
    assert not any(end in text for end in ("</", "<!--")), f"{name} would end its element"
    return text


def worker_source() -> str:
    """The worker's script, whole."""
    return "".join(script(name) for name in WORKER_SCRIPTS)


def page_script() -> str:
    """What the page itself runs; with its own script before it, one element and one hash are enough."""
    return "".join(script(name) for name in PAGE_SCRIPTS)


def page_style() -> str:
    """Rules for the model's part of the page, which use the variables of page.css."""
    return script("view.css")


def blocks(packed: Packed, src: str | None = None) -> Html:
    """The page's data blocks, which `ModelClient.load` reads; browsers do not run them.

    Args:
        packed: The model.
        src: Where the weights stand beside the page; None: in the page itself, as base64.
    """
    weights = None if src else Html(base64.b64encode(packed.data).decode("ascii"))
    return join(
        [
            tag("script", Html(worker_source()), type="text/plain", id=ENGINE_ID),
            tag(
                "script",
                weights,
                type="application/octet-stream",
                id=WEIGHTS_ID,
                data_src=src,
                data_length=len(packed.data),
                data_sha256=packed.sha256,
            ),
        ]
    )
