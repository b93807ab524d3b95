"""The steps that look at one document alone, in order, and what they make of a batch."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.context import Context
from fournil.parts.text.arrow import matches
from fournil.parts.text.codepoints import utf8_bytes
from fournil.parts.text.keys import exact_keys, letter_keys
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.clean import cut_boilerplate, normalise_texts
from fournil.stages.curate.alone.compat import filter_languages, filter_quality
from fournil.stages.curate.alone.contamination import prepare_contamination, remove_contaminated
from fournil.stages.curate.alone.judging import judge_quality
from fournil.stages.curate.alone.language import find_languages
from fournil.stages.curate.alone.models import ask_models, prepare_models
from fournil.stages.curate.alone.personal import mask_personal_data
from fournil.stages.curate.alone.toxicity import count_toxicity, prepare_toxicity
from fournil.stages.curate.chunks import Chunk
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import (
    BOILERPLATE,
    CONTAMINATION,
    LANGUAGE,
    MODELS,
    NORMALISE,
    PERSONAL_DATA,
    QUALITY,
    TOXICITY,
)
from fournil.stages.curate.sections.quality import COMPAT

_SLICE_BYTES = 1 << 21
"""With fewer, what each step does once for a slice costs more than a nearer cache saves."""


def _normalise(batch: Batch) -> None:
    normalise_texts(batch.texts, batch.is_code)
    for place in np.flatnonzero(batch.texts.num_bytes == 0).tolist():
        batch.refuse(place, NORMALISE, "empty", 0, 1)


def _mask(batch: Batch) -> None:
    mask_personal_data(batch.texts, batch.config.personal_data, batch.described)


def _cut_boilerplate(batch: Batch) -> None:
    is_web = np.array([category in batch.config.quality.published_for for category in batch.categories], bool)
    cut_boilerplate(batch.texts, is_web & ~batch.is_code, batch.described)


STEPS: tuple[tuple[str, Callable[[Batch], None]], ...] = (
    (NORMALISE, _normalise),
    (PERSONAL_DATA, _mask),
    (LANGUAGE, find_languages),
    (BOILERPLATE, _cut_boilerplate),
    (CONTAMINATION, remove_contaminated),
    (TOXICITY, count_toxicity),
    (MODELS, ask_models),
    (QUALITY, judge_quality),
)
"""Each step's name and what it does; it finds what earlier ones made in the batch."""

COMPAT_STEPS: tuple[tuple[str, Callable[[Batch], None]], ...] = (
    (LANGUAGE, filter_languages),
    (QUALITY, filter_quality),
    (PERSONAL_DATA, _mask),
    (CONTAMINATION, remove_contaminated),
    (TOXICITY, count_toxicity),
    (MODELS, ask_models),
)
"""The same where datatrove's filters decide: they see each text as it came."""

PREPARE: Mapping[str, Callable[[Config, Context, Path], Path | None]] = {
    CONTAMINATION: prepare_contamination,
    TOXICITY: prepare_toxicity,
    MODELS: prepare_models,
}
"""By step, what is made once before the first batch: a function of settings, context and a folder for its file."""


def steps_of(config: Config) -> tuple[tuple[str, Callable[[Batch], None]], ...]:
    """The steps that look at one document alone, in the order of the mode."""
    return COMPAT_STEPS if config.quality.mode == COMPAT else STEPS


def prepare(config: Config, context: Context, work: Path) -> dict[str, Path]:
    """Make what the steps need once for the whole run.

    Args:
        config: Settings.
        context: What all stages share.
        work: Where the files go.

    Returns:
        The file of each step that needs one.
    """
    made = {name: make(config, context, work) for name, make in PREPARE.items()}
    return {name: path for name, path in made.items() if path is not None}


def document_chunk(
    config: Config, languages: tuple[str, ...], prepared: Mapping[str, Path] | None = None
) -> Callable[[pa.RecordBatch], Chunk]:
    """The function that makes a chunk of a batch of documents."""

    def make(rows: pa.RecordBatch) -> Chunk:
        # Slices: the arrays of one are of bounded size, and partly still near from one step to the next.
        parts = [_one(Batch.of(part, config, languages, prepared or {})) for part in slices(rows)]
        return Chunk(
            pa.concat_tables([part.rows for part in parts]),
            [edit for part in parts for edit in part.edits],
            {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays},
            np.concatenate([part.shingles for part in parts]),
            {
                key: sum(part.num_changes.get(key, 0) for part in parts)
                for key in sorted({key for part in parts for key in part.num_changes})
            },
        )

    return make


def _one(batch: Batch) -> Chunk:
    for name, step in steps_of(batch.config):
        step(batch)
        batch.arrays[f"bytes_{name}"] = batch.texts.num_bytes
    _refuse_emptied(batch)
    batch.arrays["bytes"] = batch.texts.num_bytes
    batch.arrays["declared"] = np.array([(tag or "").encode() for tag in batch.declared], "S16")
    batch.arrays["exact"] = exact_keys(batch.texts.values)
    batch.arrays["letters"] = letter_keys(batch.texts.values)
    return batch.chunk()


def _refuse_emptied(batch: Batch) -> None:
    """Refuse what is kept but was cut away whole, as may be where no rule of quality is asked."""
    names = [name for name, _ in steps_of(batch.config)]
    for place in np.flatnonzero(batch.alive() & (batch.texts.num_bytes == 0)).tolist():
        emptied = names[-1]
        for name in reversed(names):
            if batch.arrays[f"bytes_{name}"][place]:
                break
            emptied = name
        if emptied in (BOILERPLATE, CONTAMINATION, MODELS):
            batch.refuse(place, emptied, "empty", 0, 1)


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch of documents in slices of about two megabytes, of one document at least."""
    _, bounds_D = utf8_bytes(batch.column("text"))
    start = 0
    while start < batch.num_rows:
        stop = int(np.searchsorted(bounds_D, bounds_D[start] + _SLICE_BYTES, side="right")) - 1
        stop = min(max(stop, start + 1), batch.num_rows)
        yield batch.slice(start, stop - start)
        start = stop


def translation_groups(rows: pa.Table) -> list[str | None]:
    """What `extra` says of the group of translations that a row belongs to."""
    extra = rows.column("extra")
    groups: list[str | None] = [None] * rows.num_rows
    for place in np.flatnonzero(matches(extra, '"group"', literal=True)).tolist():
        try:
            said = json.loads(extra[place].as_py())
        except (ValueError, RecursionError):
            continue  # a reader's own words, and no group
        value = said.get("group") if isinstance(said, dict) else None
        groups[place] = None if value is None else str(value)
    return groups
