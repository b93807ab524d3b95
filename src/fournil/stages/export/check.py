"""Proof that transformers and llama.cpp read the exported files as the same model.

Each check returns facts (what was compared, how it came out) and figures that may vary from machine to machine.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from fournil.core.errors import FournilError
from fournil.core.speech import mark, tr
from fournil.parts.model.folder import load as load_model
from fournil.parts.model.generate import generate
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize import encode_batch, load
from fournil.parts.tokenize.prompts import ChatFormat
from fournil.stages.export.folder import end_ids
from fournil.stages.export.lines import NASTY_LINES, prompts_of

LOGITS_TOLERANCE = 1e-3
NEAR_TIE = {"f32": 0.01, "f16": 0.1}
"""Two tokens whose logits are this close, in standard deviations over the vocabulary, may change places: that is
rounding, and no fault of the file. With 8 bits the text may be another one; only its likeness is measured."""
CHILD_SECONDS = 300

Found = tuple[dict[str, Any], dict[str, Any]]


def check_transformers(folder: Path, languages: tuple[str, ...]) -> Found:
    """Compare ids on nasty lines, logits on prompts, and the end ids.

    Raises:
        FournilError: When anything differs.
    """
    if find_spec("transformers") is None:
        return mark("not checked: {name} is not installed", name="transformers"), {}
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer, theirs = load(folder), AutoTokenizer.from_pretrained(folder)
    for line in NASTY_LINES:
        (ids,) = encode_batch(tokenizer, [line], parse_special=True)
        _same(
            theirs(line)["input_ids"], ids.tolist(), tr("transformers gives other ids for {line!r}", line=line), folder
        )
    ours = load_model(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    _same(
        sorted(_as_list(model.generation_config.eos_token_id)),
        end_ids(folder, ChatFormat.read(folder)),
        tr("transformers stops at other ids"),
        folder,
    )
    difference, prompts = 0.0, prompts_of(languages)
    for prompt in prompts:
        ids_BT = torch.from_numpy(encode_batch(tokenizer, [prompt], parse_special=False)[0])[None]
        with torch.inference_mode():
            logits_BTV = ours.logits(ours(ids_BT)).float()
            difference = max(difference, float((model(ids_BT).logits - logits_BTV).abs().max()))
    if not difference <= LOGITS_TOLERANCE:
        raise FournilError(
            tr("transformers' logits differ by {difference:.2g}", difference=difference),
            where=folder,
            fix=tr("This is a fault of Fournil: report it."),
        )
    facts = {"lines_with_equal_ids": len(NASTY_LINES), "prompts_with_equal_logits": len(prompts)}
    return facts | {"logits_tolerance": LOGITS_TOLERANCE}, {"max_abs_logit_difference": difference}


def check_llama_cpp(folder: Path, path: Path, kind: str, languages: tuple[str, ...], num_tokens: int) -> Found:
    """Compare ids on nasty lines, greedy text on prompts, and a rendered chat.

    llama.cpp runs in a process of its own, since a file that it does not like can end the process.

    Raises:
        FournilError: When anything differs by more than rounding.
    """
    if find_spec("xllamacpp") is None:
        return mark("not checked: {name} is not installed", name="xllamacpp"), {}
    tokenizer, chat = load(folder), ChatFormat.read(folder)
    prompts = [ids.tolist() for ids in encode_batch(tokenizer, prompts_of(languages), parse_special=False)]
    if chat is not None:
        prompts += [chat.encode([{"role": "user", "content": prompt}]) for prompt in prompts_of(languages)]
    model = load_model(folder)
    room = model.config.max_position_embeddings
    prompts = [prompt for prompt in prompts if len(prompt) < room]
    num_tokens = min(num_tokens, room - max(map(len, prompts), default=0))
    request = {"model": str(path), "lines": NASTY_LINES, "prompts": prompts, "num_tokens": num_tokens}
    answer = ask_llama_cpp(request | {"chat": chat is not None})
    for line, ids, back in zip(NASTY_LINES, answer["ids"], answer["texts"], strict=True):
        (expected,) = encode_batch(tokenizer, [line], parse_special=False)
        _same(ids, expected.tolist(), tr("llama.cpp gives other ids for {line!r}", line=line), path)
        _same(back, line, tr("llama.cpp does not give this line back"), path)
    if chat is not None:
        turn = [{"role": "user", "content": "Bonjour"}]
        (parsed,) = encode_batch(tokenizer, [answer["chat"]], parse_special=True)
        _same(parsed.tolist(), chat.encode(turn), tr("llama.cpp renders the chat template otherwise"), path)
    stops = end_ids(folder, chat)
    expected = generate(model, prompts, stop_ids=stops, max_new_tokens=num_tokens)
    num_equal, gaps = 0, []
    for prompt, ours, theirs in zip(prompts, expected, answer["continuations"], strict=True):
        theirs = [token for token in theirs if token not in stops]
        if ours == theirs:
            num_equal += 1
            continue
        gaps.append(_gap(model, prompt, ours, theirs, stops))
    if max(gaps, default=0.0) > NEAR_TIE.get(kind, math.inf):
        raise FournilError(
            tr("llama.cpp writes another text than Fournil, {gap:.2g} standard deviations apart", gap=max(gaps)),
            where=path,
            fix=tr("This is a fault of Fournil: report it."),
        )
    facts = {"lines_with_equal_ids": len(NASTY_LINES), "prompts": len(prompts), "gap_allowed": NEAR_TIE.get(kind)}
    return facts, {"prompts_with_equal_text": num_equal, "largest_gap": max(gaps, default=0.0)}


def ask_llama_cpp(request: dict[str, Any]) -> dict[str, Any]:
    """Run llama.cpp on a request in a process of its own.

    Raises:
        FournilError: When it dies, or answers nothing in time.
    """
    where = request["model"]
    try:
        child = subprocess.run(
            [sys.executable, "-m", "fournil.stages.export.llama_cpp"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FournilError(
            tr("llama.cpp did not answer in time"), where=where, fix=tr("Set export.check to false.")
        ) from None
    lines = child.stdout.splitlines()
    if child.returncode or not lines:
        last = (child.stderr.strip().splitlines() or ["no message"])[-1]
        raise FournilError(
            tr("llama.cpp cannot use this file: {last}", last=last), where=where, fix=tr("Report it, with the model.")
        )
    return json.loads(lines[-1])


@torch.inference_mode()
def _gap(model: Llama, prompt: list[int], ours: list[int], theirs: list[int], stops: list[int]) -> float:
    """How much better our model finds its own token than the other one, where the two texts part.

    In standard deviations of the logits over the vocabulary.
    """
    at = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    logits_BTV = model.logits(model(torch.tensor([[*prompt, *ours[:at]]]))).float()
    last = logits_BTV[0, -1]
    other = float(last[theirs[at]]) if at < len(theirs) else max(float(last[stop]) for stop in stops)
    return (float(last.max()) - other) / float(last.std())


def _same(theirs: object, ours: object, what: str, where: Path) -> None:
    if theirs != ours:
        raise FournilError(what, where=where, fix=tr("This is a fault of Fournil: report it."))


def _as_list(ids: int | list[int] | None) -> list[int]:
    return ids if isinstance(ids, list) else [] if ids is None else [ids]
