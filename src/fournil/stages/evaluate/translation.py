"""Translation of held-out pairs, in every direction, beside copying and the nearest training sentence."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.context import Context, Count
from fournil.core.files import canonical_hash
from fournil.core.shards import read_batches
from fournil.core.speech import LANGUAGES, Message, mark, retell, speaking, tr
from fournil.parts.corpus_metrics import Metric, translation_metrics
from fournil.parts.model.engine import Engine
from fournil.parts.model.translation import translate
from fournil.parts.statistics import bootstrapped, resample_weights
from fournil.stages.evaluate.config import Band, Config
from fournil.stages.evaluate.nearest import Nearest

TASK, EDITION = "translation", "1"
SYSTEMS = ("model", "copy", "nearest")

TRANSLATIONS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("from", pa.string(), nullable=False),
        pa.field("to", pa.string(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("nearest_source", pa.string()),
        pa.field("nearest", pa.string(), nullable=False),
    ]
)
"""One held-out pair in one direction: what was asked, what was hoped for, what came."""


@dataclass(frozen=True)
class Item:
    """A held-out pair."""

    id: str
    texts: dict[str, str]
    band: int


@dataclass(frozen=True)
class Translated:
    """All items of a direction and a band, with what each system says."""

    source: str
    target: str
    band: str
    band_said: Message
    items: list[Item]
    answers: dict[str, list[str]]
    nearest_sources: list[str]

    def rows(self) -> Iterator[dict[str, str]]:
        """The rows of TRANSLATIONS."""
        for i, item in enumerate(self.items):
            yield {
                "id": item.id,
                "from": self.source,
                "to": self.target,
                "band": self.band,
                "source": item.texts[self.source],
                "reference": item.texts[self.target],
                "model": self.answers["model"][i],
                "nearest_source": self.nearest_sources[i],
                "nearest": self.answers["nearest"][i],
            }


def band_name(bands: Sequence[Band], number: int) -> str:
    """What a length band is called in scores, whatever language is spoken."""
    with speaking(LANGUAGES[0]):
        return retell(band_said(bands, number))


def band_said(bands: Sequence[Band], number: int) -> Message:
    """The same as a message."""
    bound, before = bands[number].max_characters, bands[number - 1].max_characters if number else 0
    if not bound:
        return mark("more than {before} characters", before=before) if before else mark("all lengths")
    if not before:
        return mark("at most {bound} characters", bound=bound)
    return mark("{least} to {bound} characters", least=before + 1, bound=bound)


def choose_items(folder: Path, config: Config, languages: Sequence[str]) -> tuple[list[Item], Count]:
    """Draw held-out pairs by a hash of their ids, so many for each length.

    Args:
        folder: Shards of pairs.
        config: Has the bands.
        languages: Of the run.
    """
    found: list[tuple[bytes, Item]] = []
    refused: Counter[str] = Counter()
    num_in = 0
    for batch in read_batches(folder, columns=["id", "texts"]):
        for name, texts in zip(batch.column("id").to_pylist(), batch.column("texts").to_pylist(), strict=True):
            num_in += 1
            sides = {language: text for language, text in sorted(texts) if language in languages}
            longest = max(map(len, sides.values()), default=0)
            band = next(
                (i for i, b in enumerate(config.bands) if not b.max_characters or longest <= b.max_characters), None
            )
            if len(sides) < 2:
                refused["one-language"] += 1
            elif len(set(sides.values())) < len(sides):
                refused["equal"] += 1
            elif band is None:
                refused["too-long"] += 1
            else:
                found.append((hashlib.sha256(f"{TASK}\0{name}".encode()).digest(), Item(name, sides, band)))
    found.sort(key=lambda entry: (entry[0], entry[1].id))
    items: list[Item] = []
    room = [band.max_pairs for band in config.bands]
    seen: set[tuple[str, str]] = set()
    for _, item in found:
        sides = set(item.texts.items())
        if sides & seen:
            refused["repeated"] += 1
        elif not room[item.band]:
            refused["not-drawn"] += 1
        else:
            room[item.band] -= 1
            seen |= sides
            items.append(item)
    return items, Count("draw held-out pairs", num_in, len(items), dict(sorted(refused.items())), unit="pairs")


def translate_all(
    engine: Engine, items: Sequence[Item], training: Path, config: Config, context: Context
) -> list[Translated]:
    """Translate items in every direction by every system."""
    memory = _read_training(training, config.max_nearest_pairs, context.languages)
    results: list[Translated] = []
    for source, target in permutations(context.languages, 2):
        chosen = [item for item in items if source in item.texts and target in item.texts]
        known = [texts for texts in memory if source in texts and target in texts]
        index = Nearest([texts[source] for texts in known])
        for number in range(len(config.bands)):
            group = [item for item in chosen if item.band == number]
            texts = [item.texts[source] for item in group]
            if not group:
                continue
            name, said_name = band_name(config.bands, number), band_said(config.bands, number)
            with context.progress.task(
                tr("Translating into {target}, {name}", target=target, name=said_name), len(group), tr("texts")
            ) as bar:
                answers = answers_of(engine, texts, source, target, config.num_beams)
                bar.advance(len(group))
            places = index.find(texts).tolist() if known else []
            nearest = [known[place] for place in places] or [{source: "", target: ""}] * len(texts)
            said = {"model": answers, "copy": texts, "nearest": [near[target] for near in nearest]}
            results.append(Translated(source, target, name, said_name, group, said, [near[source] for near in nearest]))
    return results


def answers_of(engine: Engine, texts: Sequence[str], source: str, target: str, num_beams: int) -> list[str]:
    """Ask the model for translations, one message each; texts that do not fit its context get an empty answer."""
    chat = engine.chat
    assert chat is not None

    def prompt(text: str, language: str) -> list[int]:
        return chat.encode([{"role": "user", "content": text, "language": language}])

    prompts = [prompt(text, target) for text in texts]
    limits = [min(16 + 2 * len(ids), engine.context_length - len(ids)) for ids in prompts]
    fitting = [i for i, limit in enumerate(limits) if limit > 0]
    answers = [""] * len(texts)
    found = translate(
        engine,
        [texts[i] for i in fitting],
        [prompts[i] for i in fitting],
        max_new_tokens=[limits[i] for i in fitting],
        num_beams=num_beams,
        back=(lambda answer: prompt(answer, source)) if chat.language_token(source) else None,
    )
    for i, text in zip(fitting, found, strict=True):
        answers[i] = text
    return answers


def translation_scores(results: Sequence[Translated], config: Config, model_sha256: str) -> list[dict[str, Any]]:
    """Scores of all systems, directions and lengths; the model's with its gain over each baseline."""
    return [
        row
        for result in results
        for metric in translation_metrics()
        for row in _scores_of(result, metric, config, model_sha256)
    ]


def _scores_of(result: Translated, metric: Metric, config: Config, model_sha256: str) -> list[dict[str, Any]]:
    references = [item.texts[result.target] for item in result.items]
    data = canonical_hash([[item.id, item.texts[result.source], item.texts[result.target]] for item in result.items])
    weights_SN = resample_weights(len(references), config.num_bootstrap, seed=0)
    values: dict[str, float] = {}
    resampled: dict[str, np.ndarray] = {}
    for system in SYSTEMS:
        answers = result.answers[system]
        statistics_NK = np.array([metric.statistics(*both) for both in zip(answers, references, strict=True)])
        values[system] = metric.score(answers, references)
        resampled[system] = metric.of_sums(weights_SN @ statistics_NK)
    rows = []
    for system in SYSTEMS:
        row = {
            "task": TASK,
            "edition": EDITION,
            "metric": metric.name,
            "signature": metric.signature,
            "language": f"{result.source}-{result.target}",
            "band": result.band,
            "band_said": result.band_said,
            "system": system,
            "num_items": len(references),
            "data_sha256": data,
            **bootstrapped(values[system], resampled[system]).fields(),
        }
        if system == "model":
            row["model_sha256"] = model_sha256
            row["gains"] = {
                other: bootstrapped(values[system] - values[other], resampled[system] - resampled[other]).fields()
                for other in SYSTEMS[1:]
            }
        rows.append(row)
    return rows


def _read_training(folder: Path, max_pairs: int, languages: Sequence[str]) -> list[dict[str, str]]:
    found: list[tuple[bytes, dict[str, str]]] = []
    for batch in read_batches(folder, columns=["id", "texts"]):
        for name, texts in zip(batch.column("id").to_pylist(), batch.column("texts").to_pylist(), strict=True):
            sides = {language: text for language, text in texts if language in languages}
            found.append((hashlib.sha256(name.encode()).digest()[:8], sides))
    if len(found) > max_pairs:
        kept = set(sorted(range(len(found)), key=lambda i: (found[i][0], i))[:max_pairs])
        found = [entry for i, entry in enumerate(found) if i in kept]
    return [sides for _, sides in found]
