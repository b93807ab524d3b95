"""Runs llama.cpp on a GGUF file, as a process of its own: a JSON request on standard input, a JSON line as the answer.

Request: model (path), lines (to encode and decode), prompts (ids to continue greedily), num_tokens, chat (whether to
render a chat). Answer: ids, texts, continuations (ids), chat.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import urllib.request
from typing import Any

_SECONDS = 120


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Load the model and do what is asked."""
    server = _serve(request["model"], max(map(len, request["prompts"]), default=1) + request["num_tokens"] + 8)
    address = server.listening_address

    def post(route: str, content: dict[str, Any]) -> dict[str, Any]:
        call = urllib.request.Request(
            address + route, json.dumps(content).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(call, timeout=_SECONDS) as reply:
            return json.loads(reply.read())

    ids = [
        post("/tokenize", {"content": line, "add_special": True, "parse_special": False})["tokens"]
        for line in request["lines"]
    ]
    texts = [post("/detokenize", {"tokens": row})["content"] for row in ids]
    settings = {"n_predict": request["num_tokens"], "temperature": 0, "top_k": 1, "return_tokens": True}
    settings |= {"cache_prompt": False, "repeat_penalty": 1.0}
    continuations = [post("/completion", {"prompt": prompt, **settings})["tokens"] for prompt in request["prompts"]]
    turn = {"messages": [{"role": "user", "content": "Bonjour"}]}
    chat = post("/apply-template", turn)["prompt"] if request["chat"] else ""
    return {"ids": ids, "texts": texts, "continuations": continuations, "chat": chat}


def _serve(model: str, context_length: int) -> Any:  # noqa: ANN401 - the binding has no types
    xllamacpp: Any = importlib.import_module("xllamacpp")
    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.n_ctx = context_length
    settings.n_parallel = 1
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    settings.warmup = False
    settings.verbosity = 0
    settings.fit_params = False
    # Its flash attention rounds to half precision: greedy texts part at near ties that the file has no part in.
    settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    settings.cache_type_k = settings.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    return xllamacpp.Server(settings)


def main() -> None:
    """Answer one request; llama.cpp's threads are not waited for."""
    result = answer(json.loads(sys.stdin.read()))
    print("\n" + json.dumps(result), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
