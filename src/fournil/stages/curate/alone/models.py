"""The step that asks small models: how surprising a text is, and what classifiers say of it."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.context import Context
from fournil.core.errors import FournilError
from fournil.core.files import write_json
from fournil.core.languages import primary
from fournil.core.speech import tr
from fournil.parts.text.classifier import Classifier, load_classifier, save_classifier
from fournil.parts.text.ngram_lm import NgramModel, load_model, save_model, train_model
from fournil.parts.text.ngram_lm.folding import fold
from fournil.parts.text.ngram_lm.model import DESCRIPTION as PERPLEXITY
from fournil.parts.text.reading import read_texts
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.ocr import clean_ocr
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import MODELS
from fournil.stages.curate.sections.models import OCR_PRESETS, OcrRules, PerplexitySettings

INDEX = "models.json"
_NOT_JUDGED = float("nan")


def prepare_models(config: Config, context: Context, work: Path) -> Path | None:
    """Put the models that the settings name beside the run's chunks, and train those that are given as text.

    Returns:
        The folder, with models.json that says what each is; None where the settings name none.

    Raises:
        FournilError: A model is missing or damaged, or OCR rules are asked without any.
    """
    settings = config.models
    if settings.ocr.preset != "none" and not settings.perplexity.models:
        raise FournilError(
            tr("the OCR preset {name!r} needs a perplexity model", name=settings.ocr.preset),
            where="curate.models.perplexity.models",
            fix=tr("Name one, or clean text to train one on: {example}", example='models = { fr = "books/" }'),
        )
    if not settings.perplexity.models and not settings.classifier:
        return None
    folder = work / MODELS
    if (folder / INDEX).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    told: dict[str, Any] = {"perplexity": {}, "classifier": {}}
    for tag, name in sorted(settings.perplexity.models.items()):
        path = Path(name).expanduser()
        if (path / PERPLEXITY).exists():
            model = load_model(path)
            if model.language != tag:
                raise FournilError(
                    tr("this model is of {found!r}, not of {tag!r}", found=model.language, tag=tag), where=path,
                    fix=tr("Name it under its language."),
                )  # fmt: skip
        else:
            context.progress.note(tr("Training a perplexity model on {path}", path=path))
            model = train_model(read_texts([path]), tag)
        save_model(model, folder / f"perplexity-{tag}")
        told["perplexity"][tag] = {"sha256": _hash(folder / f"perplexity-{tag}"), **_described(model)}
    for each in settings.classifier:
        path = Path(each.model).expanduser()
        classifier = load_classifier(path)
        save_classifier(classifier, folder / f"classifier-{each.name}")
        told["classifier"][each.name] = {
            "sha256": _hash(folder / f"classifier-{each.name}"), "training": dict(classifier.facts),
        }  # fmt: skip
    write_json(folder / INDEX, told)
    return folder


def _described(model: NgramModel) -> dict[str, Any]:
    reference = {str(percent): model.percentiles[percent] for percent in (1, 10, 30, 50, 60, 90, 99)}
    return {"order": model.order, "reference_percentiles": reference, "training": dict(model.facts)}


def _hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _perplexity_model(folder: Path) -> NgramModel:
    return load_model(folder)


@cache
def _classifier(folder: Path) -> Classifier:
    return load_classifier(folder)


def ask_models(batch: Batch) -> None:
    """Cut and refuse text that was badly read from images, then judge by perplexity and by classifiers."""
    folder = batch.prepared.get(MODELS)
    if folder is None:
        return
    settings = batch.config.models
    models = {tag: _perplexity_model(folder / f"perplexity-{tag}") for tag in sorted(settings.perplexity.models)}
    notes: list[dict[str, Any]] = [{} for _ in range(len(batch))]
    ocr = _ocr_rules(batch)
    cleaned: dict[int, str] = {}
    for place, rules in ocr.items():
        model = models.get(_tag(batch, place))
        left = clean_ocr(batch, place, rules, settings.ocr.score_key, _ratios(model) if model else None)
        if left is not None:
            cleaned[place] = left
    batch.texts.set(cleaned)
    if models:
        _judge_perplexity(batch, models, ocr, notes)
    _classify(batch, folder, notes)
    if settings.record and any(notes):
        _note(batch, notes)


def _tag(batch: Batch, place: int) -> str:
    return primary(batch.tags[place] or "")


def _ocr_rules(batch: Batch) -> dict[int, OcrRules]:
    """The rules for each document that was read from images."""
    settings = batch.config.models.ocr
    if settings.preset == "none":
        return {}
    preset = OCR_PRESETS[settings.preset]
    own = {"max_ratio": settings.max_ratio, "min_confidence": settings.min_confidence}
    rules = OcrRules(**{**vars(preset), **{name: value for name, value in own.items() if value is not None}})
    alive = batch.alive() & ~batch.is_code
    return {place: rules for place in np.flatnonzero(alive).tolist() if batch.categories[place] in settings.categories}


def _ratios(model: NgramModel) -> Callable[[list[str]], np.ndarray]:
    median = model.at(50)
    return lambda parts: model.score(pa.array(parts, pa.large_string())) / median


def _judge_perplexity(
    batch: Batch, models: dict[str, NgramModel], ocr: dict[int, OcrRules], notes: list[dict[str, Any]]
) -> None:
    settings = batch.config.models.perplexity
    out = np.full(len(batch), _NOT_JUDGED, np.float32)
    alive = batch.alive() & ~batch.is_code
    for tag, model in models.items():
        places = [
            place
            for place in np.flatnonzero(alive).tolist()
            if _tag(batch, place) == tag and batch.categories[place] not in settings.skip
        ]
        if not places:
            continue
        whole = len(places) == len(batch)
        values = batch.texts.values if whole else batch.texts.values.take(pa.array(places))
        nats, pieces = model.costs(fold(values))
        low, high = _bounds(settings, model)
        ends = [model.at(percent) for percent in settings.bucket_percentiles]
        for place, nat, num in zip(places, nats.tolist(), pieces.tolist(), strict=True):
            if num < settings.min_pieces:
                continue
            found = round(math.exp(nat / num), 1)
            out[place] = found
            bucket = "head" if found <= ends[0] else "middle" if found <= ends[1] else "tail"
            notes[place] |= {"perplexity": found, "bucket": bucket}
            least, most = low, high
            if place in ocr and not ocr[place].passage:
                least = max(least, ocr[place].min_ratio * model.at(50))
                most = min(most, ocr[place].max_ratio * model.at(50))
            if found < least:
                batch.refuse(place, MODELS, "perplexity-low", found, float(least))
            elif found > most:
                batch.refuse(place, MODELS, "perplexity-high", found, float(most))
            elif bucket not in settings.keep:
                batch.refuse(place, MODELS, "perplexity-bucket", f"{bucket} {found:g}", " ".join(settings.keep))
    batch.arrays["perplexity"] = out


def _bounds(settings: PerplexitySettings, model: NgramModel) -> tuple[float, float]:
    """The least and the greatest perplexity that is allowed, of all that the settings say."""
    least = _values(model, settings.min_perplexity, settings.min_percentile, settings.min_ratio)
    most = _values(model, settings.max_perplexity, settings.max_percentile, settings.max_ratio)
    return max(least, default=0.0), min(most, default=math.inf)


def _values(model: NgramModel, plain: float | None, percentile: float | None, ratio: float | None) -> Iterable[float]:
    if plain is not None:
        yield plain
    if percentile is not None:
        yield model.at(percentile)
    if ratio is not None:
        yield ratio * model.at(50)


def _classify(batch: Batch, folder: Path, notes: list[dict[str, Any]]) -> None:
    for each in batch.config.models.classifier:
        out = np.full(len(batch), _NOT_JUDGED, np.float32)
        wanted = [
            place
            for place in np.flatnonzero(batch.alive() & ~batch.is_code).tolist()
            if (not each.languages or _tag(batch, place) in each.languages)
            and (not each.categories or batch.categories[place] in each.categories)
        ]
        if wanted:
            classifier = _classifier(folder / f"classifier-{each.name}")
            scores = classifier.score(batch.texts.values.take(pa.array(wanted)))
            for place, score in zip(wanted, scores.tolist(), strict=True):
                out[place] = score
                notes[place][each.name] = round(score, 4)
                if each.min_score is not None and score < each.min_score:
                    batch.refuse(place, MODELS, f"{each.name}-low", score, each.min_score)
                elif each.max_score is not None and score > each.max_score:
                    batch.refuse(place, MODELS, f"{each.name}-high", score, each.max_score)
        batch.arrays[f"score_{each.name}"] = out


def _note(batch: Batch, notes: list[dict[str, Any]]) -> None:
    """Write what was found into `extra`, where that is a JSON object or nothing yet."""
    extra: list[str | None] = batch.rows.column("extra").to_pylist()
    for place, found in enumerate(notes):
        if not found:
            continue
        try:
            said = json.loads(extra[place] or "{}")
        except (ValueError, RecursionError):
            continue  # a reader's own words
        if isinstance(said, dict):
            extra[place] = json.dumps(said | found, ensure_ascii=False)
    number = batch.rows.schema.get_field_index("extra")
    batch.rows = batch.rows.set_column(number, batch.rows.schema.field(number), pa.array(extra, pa.string()))
