"""The stage's work: choose held-out text, measure, score tasks, write scores.json and translations/."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fournil.core.context import Artifact, Context, Count
from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.languages import name_of
from fournil.core.shards import ShardWriter, shard_paths
from fournil.core.speech import Message, mark, tr
from fournil.parts.model.engine import Engine, OwnEngine, open_model
from fournil.stages.evaluate.config import Config
from fournil.stages.evaluate.hashing import hash_model
from fournil.stages.evaluate.rounding import rounding_facts
from fournil.stages.evaluate.suite import jobs_of
from fournil.stages.evaluate.tasks import Tasks, score_tasks
from fournil.stages.evaluate.text import choose_texts, staying_scores, text_scores
from fournil.stages.evaluate.translation import (
    TRANSLATIONS,
    Item,
    Translated,
    choose_items,
    translate_all,
    translation_scores,
)


def evaluate(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Run the stage; see `fournil.stages.evaluate.run`."""
    torch.set_num_threads(context.threads)
    jobs = jobs_of(config, context.languages)
    has_text = "curate" in inputs or "text" in inputs
    if not has_text and not jobs and not config.fidelity:
        raise FournilError(
            tr("there is nothing to measure: neither text nor tasks"),
            where=inputs["model"],
            fix=tr("Name tasks, such as --tasks fournil-mini, or give --text fr=FILE --text en=FILE."),
        )
    model_sha256 = hash_model(inputs["model"])
    measured: dict[str, Any] = {}
    text = _measure_text(config, inputs, out, context, model_sha256, measured) if has_text else _Measured()
    began = time.monotonic()
    tasks = score_tasks(jobs, inputs, out, config, context, model_sha256) if jobs or config.fidelity else Tasks()
    if jobs or config.fidelity:
        measured |= {"task_seconds": round(time.monotonic() - began, 2), "resumed_tasks": tasks.num_resumed}
    scores = text.scores + tasks.rows
    write_json(out / "scores.json", scores + tasks.on_the_way)
    facts = {"headline": _headline(text.scores, context.languages) + tasks.headline(), "scores": scores} | text.facts
    if tasks.blocks:
        facts["tasks"] = tasks.blocks
    if tasks.curves:
        facts["curves"] = tasks.curves
    if tasks.fidelity:
        facts["fidelity"] = tasks.fidelity
    return Artifact(text.counts, facts, measured)


@dataclass
class _Measured:
    """What came of held-out text; nothing where none was given."""

    counts: list[Count] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def _measure_text(
    config: Config,
    inputs: Mapping[str, Path],
    out: Path,
    context: Context,
    model_sha256: str,
    measured: dict[str, Any],
) -> _Measured:
    began = time.monotonic()
    curated = inputs.get("curate")
    documents = curated / "heldout" / "documents" if curated else _documents_of(inputs["text"])
    texts, text_count = choose_texts(documents, config)
    engine = open_model(inputs["model"], device=context.device)
    counts = [text_count]
    measured["load_seconds"] = round(time.monotonic() - began, 2)

    began = time.monotonic()
    scores, results, translated = [], [], None
    items: list[Item] = []
    said: Message | None = None
    if curated is not None:
        said = _no_translation(engine, curated, context.languages)
        if not said:
            items, count = choose_items(curated / "heldout" / "pairs", config, context.languages)
            counts.append(count)
            results = translate_all(engine, items, curated / "pairs", config, context)
            scores = translation_scores(results, config, model_sha256)
            translated = _drawn(results, config.num_translations, context.seed)
    else:
        said = mark("There are no pairs: only text was given.")
    if said:
        context.progress.note(tr("No translations are scored. {reason}", reason=said))
    measured["translation_seconds"] = round(time.monotonic() - began, 2)

    began = time.monotonic()
    text_engine, text_sha256 = engine, model_sha256
    if "base" in inputs and inputs["base"] != inputs["model"]:
        text_engine = open_model(inputs["base"], device=context.device)
        text_sha256 = hash_model(inputs["base"])
    continuations: list[dict[str, str]] = []
    if texts:
        scores += text_scores(text_engine, texts, config, context, text_sha256)
        stays, continuations = staying_scores(text_engine, texts, config, context, text_sha256)
        scores += stays
    if not scores:
        raise FournilError(
            tr("there is no held-out text to measure on"),
            where=documents,
            fix=tr("Hold some text out in curate, or give text in the model's languages."),
        )
    without_text = [tag for tag in context.languages if all(text.language != tag for text in texts)]
    for tag in without_text:
        context.progress.note(tr("There is no held-out text in {language}: it is not measured.", language=name_of(tag)))
    measured["text_seconds"] = round(time.monotonic() - began, 2)
    began = time.monotonic()
    comparison = None
    if engine.kind == OwnEngine.kind:
        comparison = rounding_facts(inputs["model"], texts, items, config, context, model_sha256)
    measured["rounding_seconds"] = round(time.monotonic() - began, 2)
    if results:
        with ShardWriter(out / "translations", TRANSLATIONS) as writer:
            for result in results:
                writer.write_rows(list(result.rows()))
    facts = {
        "translations": translated or [],
        "continuations": continuations,
        "engine": engine.kind,
        "prompt": _asked(config, engine),
        "text_model": "before finetuning" if text_engine is not engine else "the same",
        "skipped": said,
        "without_text": without_text,
        "rounding": comparison,
        "heldout_bytes": sum(text.num_bytes for text in texts),
    }
    return _Measured(counts, scores, facts)


def _documents_of(folder: Path) -> Path:
    """Where documents are: below a folder of sources (which has no such folder where all was refused), or in itself."""
    of_sources = (folder / "documents").is_dir() or (folder / "evidence.parquet").exists()
    return folder / "documents" if of_sources else folder


def _no_translation(engine: Engine, curated: Path, languages: Sequence[str]) -> Message | None:
    """Why translation is not measured, or nothing."""
    if not shard_paths(curated / "heldout" / "pairs"):
        return mark("There are no held-out pairs.")
    if engine.chat is None:
        return mark("The model has no chat template: it was not taught to answer.")
    missing = [tag for tag in languages if engine.chat.language_token(tag) is None]
    if missing:
        return mark("The tokenizer has no token that asks for {language}.", language=name_of(missing[0]))
    return None


def _drawn(results: Sequence[Translated], num: int, seed: int) -> list[dict[str, str]]:
    """Translations to show: so many each way of the shortest band, drawn by the seed, not chosen."""
    shown: list[dict[str, str]] = []
    for direction in dict.fromkeys((result.source, result.target) for result in results):
        first = next(result for result in results if (result.source, result.target) == direction)
        rows = list(first.rows())
        dice = np.random.Generator(np.random.PCG64([seed, len(rows)]))
        shown += [rows[i] for i in sorted(dice.permutation(len(rows))[:num].tolist())]
    return shown


def _headline(scores: Sequence[dict[str, Any]], languages: Sequence[str]) -> list[Message]:
    parts: list[Message] = []
    chrf = {(row["language"], row["system"]): row for row in reversed(scores) if row["metric"] == "chrf"}
    for (direction, system), row in sorted(chrf.items()):
        if system == "model":
            copied = chrf[direction, "copy"]["value"]
            arrow = direction.replace("-", " → ")
            said = mark(
                "{direction} chrF {score:.1f} (copying {copied:.1f}), {band}",
                direction=arrow, score=round(row["value"], 1), copied=round(copied, 1), band=row["band_said"],
            )  # fmt: skip
            parts.append(said)
    bits = {row["language"]: row["value"] for row in scores if row["metric"] == "bits_per_byte" and not row["source"]}
    parts += [
        mark("bits per byte in {language} {bits:.2f}", language=tag, bits=round(bits[tag], 2))
        for tag in languages
        if tag in bits
    ]
    return parts


def _asked(config: Config, engine: Engine) -> Message:
    if not engine.searches or config.num_beams == 1:
        return mark(
            "The message alone, after the token of the language asked for, in the model's chat template; greedy."
        )
    return mark(
        "The message alone, after the token of the language asked for, in the model's chat template; {beams} beams, "
        "the answer chosen with the help of its own way back.",
        beams=config.num_beams,
    )
