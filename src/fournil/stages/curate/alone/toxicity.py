"""The step that counts coarse, hateful and sexual words, and says whom it silences."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.context import Context
from fournil.core.languages import primary
from fournil.parts.text.folded import FoldedWords
from fournil.parts.text.toxicity import GRADES, Found, find_words, known_lists, word_list
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.marking import mark_rows
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import TOXICITY
from fournil.stages.curate.sections.toxicity import COUNT, MARK, ToxicitySettings

WORDS = "toxic_words"
"""The array that holds each document's words by grade, and all its words; these are 0 where no list was asked."""
RULES = tuple(f"{grade}-words" for grade in GRADES)

_MAX_SPANS = 64


def prepare_toxicity(config: Config, context: Context, work: Path) -> Path | None:
    """Read the word lists once, so that a fault in one is told before the work begins.

    Raises:
        FournilError: A list or the classifier cannot be read.
    """
    for tag, path in config.toxicity.lists.items():
        word_list(tag, str(Path(path).expanduser()))
    if config.toxicity.classifier:
        from fournil.parts.text.toxic_classifier import load_toxic_classifier

        load_toxic_classifier(config.toxicity.classifier, config.toxicity.classifier_label)
    return None


def count_toxicity(batch: Batch) -> None:
    """Count the words of the lists in each document, and refuse or mark those beyond a bound."""
    settings = batch.config.toxicity
    words = batch.texts.folded
    counts = np.zeros((len(batch), len(GRADES) + 1), np.int32)
    alive = batch.alive() & ~batch.is_code
    tags = [primary(tag or "") for tag in batch.tags]
    marks: dict[int, dict[str, object]] = {}
    for tag in sorted({*known_lists(), *settings.lists} & set(tags)):
        wanted = alive & np.array([each == tag for each in tags], bool)
        path = settings.lists.get(tag, "")
        found = find_words(words, word_list(tag, str(Path(path).expanduser()) if path else ""), wanted)
        counts[wanted, : len(GRADES)] = found.counts_DG[wanted]
        counts[wanted, len(GRADES)] = np.diff(words.bounds_D)[wanted]
        for place, grade, share in _beyond(found, words, wanted, settings):
            if settings.action == MARK:
                marks[place] = {TOXICITY: GRADES[grade]}
            elif batch.categories[place] not in settings.skip and batch.sources[place] not in settings.skip_sources:
                bound = (settings.max_mild, settings.max_strong, settings.max_adult)[grade]
                batch.refuse(place, TOXICITY, RULES[grade], share, bound, _spans(batch, words, found, place, grade))
    batch.arrays[WORDS] = counts
    if settings.classifier:
        _classify(batch, marks)
    mark_rows(batch, marks)


def _beyond(
    found: Found, words: FoldedWords, wanted: np.ndarray, settings: ToxicitySettings
) -> Iterator[tuple[int, int, float]]:
    """The documents beyond a bound, with the gravest grade of which they are, and the share of it."""
    if settings.action == COUNT:
        return
    bounds = np.array([settings.max_mild, settings.max_strong, settings.max_adult])
    shares = found.counts_DG / np.maximum(np.diff(words.bounds_D), 1)[:, None]
    beyond = (shares > bounds) & (found.counts_DG >= settings.min_found) & wanted[:, None]
    for place in np.flatnonzero(beyond.any(axis=1)).tolist():
        grade = next(grade for grade in (1, 2, 0) if beyond[place, grade])
        yield place, grade, float(shares[place, grade])


def _spans(batch: Batch, words: FoldedWords, found: Found, place: int, grade: int) -> tuple[tuple[int, int], ...]:
    """Where the words stand, in code points."""
    data = batch.texts.values[place].as_py().encode("utf-8")
    start = int(words.bytes_D[place])
    spans, before, count = [], 0, 0
    ours = np.flatnonzero((found.document_F == place) & (found.grade_F == grade))[:_MAX_SPANS]
    for first, last in sorted(found.words_F[ours].tolist()):
        begin, end = int(words.starts_W[first]) - start, words.end_of(last) - start
        count += len(data[before:begin].decode("utf-8"))
        before = begin
        spans.append((count, count + len(data[begin:end].decode("utf-8"))))
    return tuple(spans)


def _classify(batch: Batch, marks: dict[int, dict[str, object]]) -> None:
    from fournil.parts.text.toxic_classifier import load_toxic_classifier

    settings = batch.config.toxicity
    classifier = load_toxic_classifier(settings.classifier, settings.classifier_label)
    scores = np.full(len(batch), np.nan, np.float32)
    places = np.flatnonzero(batch.alive() & ~batch.is_code).tolist()
    if places:
        scores[places] = classifier(batch.texts.values.take(pa.array(places)).to_pylist())
    for place in places:
        if settings.action == COUNT or scores[place] <= settings.max_score:
            continue
        if settings.action == MARK:
            marks.setdefault(place, {TOXICITY: "classifier"})
        elif batch.categories[place] not in settings.skip and batch.sources[place] not in settings.skip_sources:
            batch.refuse(place, TOXICITY, "classifier", float(scores[place]), settings.max_score)
    batch.arrays["toxic_score"] = scores
