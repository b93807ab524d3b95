"""The steps that look at one document alone."""

import json
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from fournil.core.document import DOCUMENTS, REFUSED_DOCUMENTS
from fournil.core.languages import CODE, known_languages, language, primary
from fournil.parts.text.arrow import matches
from fournil.parts.text.codepoints import CodePoints, decode, utf8_bytes
from fournil.parts.text.identify import CLOSE_PIECES, identify
from fournil.parts.text.keys import exact_keys, letter_keys
from fournil.parts.text.ngrams import ngram_hashes
from fournil.parts.text.normalise import replace
from fournil.parts.text.statistics import code_statistics, text_statistics
from fournil.stages.curate.chunks import Chunk, with_verdicts
from fournil.stages.curate.clean import NORMALISE, Texts, edit_rows
from fournil.stages.curate.config import PUBLISHED, Config
from fournil.stages.curate.quality import code_rules, judge, prose_rules

LANGUAGE, QUALITY = "language", "quality"
SHINGLE_WORDS = 5
"""Near duplicates are compared by their runs of so many words."""

_SLICE_BYTES = 1 << 18

Verdict = tuple[str, str, str | None, str | None]


def document_chunk(config: Config, languages: tuple[str, ...]) -> Callable[[pa.RecordBatch], Chunk]:
    """The function that makes a chunk of a batch of documents."""

    def make(batch: pa.RecordBatch) -> Chunk:
        # Small slices: the arrays of one stay in the processor's cache from one step to the next.
        parts = [_make(part, config, languages) for part in slices(batch)]
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


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch of documents in slices of a few hundred kilobytes, of one document at least."""
    _, bounds_D = utf8_bytes(batch.column("text"))
    start = 0
    while start < batch.num_rows:
        stop = int(np.searchsorted(bounds_D, bounds_D[start] + _SLICE_BYTES, side="right")) - 1
        stop = min(max(stop, start + 1), batch.num_rows)
        yield batch.slice(start, stop - start)
        start = stop


def _make(batch: pa.RecordBatch, config: Config, languages: tuple[str, ...]) -> Chunk:
    ids = batch.column("id").to_pylist()
    declared: list[str | None] = batch.column("language").to_pylist()
    categories = batch.column("category").to_pylist()
    verdicts: dict[int, Verdict] = {}
    is_code = np.array([CODE in (each, category) for each, category in zip(declared, categories, strict=True)], bool)
    described = [language(tag) for tag in languages if primary(tag) in known_languages()]

    texts, bytes_in, large = texts_of(batch.column("text"), config)
    for place in large:
        verdicts[place] = (NORMALISE, "too-large", str(bytes_in[place]), str(config.max_text_bytes))
    texts.normalise(is_code)
    bytes_normalised = texts.num_bytes
    for place in np.flatnonzero(bytes_normalised == 0).tolist():
        verdicts.setdefault(place, (NORMALISE, "empty", "0", "1"))
    texts.mask(config, described)
    bytes_masked = texts.num_bytes

    tags, found = _languages(texts.values, texts.points, declared, is_code, config, languages, verdicts)
    is_web = np.array([category in config.quality.published_for for category in categories], bool)
    texts.cut_boilerplate(is_web & ~is_code, described)
    shingles, shingle_counts = _judge(texts, tags, categories, is_code, config, verdicts)

    columns = {name: batch.column(name) for name in DOCUMENTS.names}
    columns["text"] = replace(texts.values, large)
    columns["language"] = pa.array(
        [CODE if code else tag for tag, code in zip(tags, is_code, strict=True)], pa.string()
    )
    rows = with_verdicts(pa.table(columns), REFUSED_DOCUMENTS, verdicts)
    arrays = {
        "bytes_in": bytes_in,
        "bytes_normalised": bytes_normalised,
        "bytes_masked": bytes_masked,
        "bytes": texts.num_bytes,
        "exact": exact_keys(texts.values),
        "letters": letter_keys(texts.values),
        "found": np.array(found, "U8"),
        "shingle_counts": shingle_counts,
    }
    return Chunk(rows, edit_rows(texts, ids), arrays, shingles, texts.num_changes)


def texts_of(values: pa.Array, config: Config) -> tuple[Texts, np.ndarray, dict[int, str]]:
    """A batch of texts to work on, without those that are too large: their arrays would take all memory.

    Returns:
        The texts, those too large made empty; the bytes of each as it came; those too large, by place.
    """
    num_bytes = np.diff(utf8_bytes(values)[1])
    places = np.flatnonzero(num_bytes > config.max_text_bytes).tolist() if config.max_text_bytes else []
    large: dict[int, str] = {place: values[place].as_py() for place in places}
    return Texts.of(replace(values, dict.fromkeys(large, ""))), num_bytes, large


def _languages(
    values: pa.Array,
    points: CodePoints,
    declared: list[str | None],
    is_code: np.ndarray,
    config: Config,
    languages: tuple[str, ...],
    verdicts: dict[int, Verdict],
) -> tuple[list[str | None], list[str]]:
    """Each document's language, as named or else as found, and as found; refusals go into `verdicts`."""
    settings = config.language
    wanted = {primary(tag) for tag in languages}
    found, confidences, letters = identify(points)
    # A page of commands may hide its language from three glances: whoever may be refused is looked at closely.
    doubtful = [
        place
        for place, tag in enumerate(declared)
        if not is_code[place]
        and letters[place] >= settings.min_letters
        and (found[place] != primary(tag or "") or confidences[place] < settings.min_confidence)
    ]
    if doubtful:
        closer, surer, _ = identify(decode(values.take(pa.array(doubtful))), num_pieces=CLOSE_PIECES)
        confidences[doubtful] = surer
        for place, tag in zip(doubtful, closer, strict=True):
            found[place] = tag
    tags: list[str | None] = []
    for place, tag in enumerate(declared):
        confidence, judged = float(confidences[place]), int(letters[place]) >= settings.min_letters
        if place in verdicts or is_code[place]:
            tags.append(tag)
            continue
        value = f"{found[place]} {confidence:.3f}"
        if tag is None:
            if found[place] not in wanted and judged and confidence >= settings.min_confidence:
                verdicts[place] = (LANGUAGE, "language-outside", value, " ".join(languages))
            elif not judged or confidence < settings.min_confidence:
                verdicts[place] = (LANGUAGE, "language-unsure", value, f"{settings.min_confidence:g}")
            tags.append(found[place] or None)
            continue
        if primary(tag) not in wanted:
            verdicts[place] = (LANGUAGE, "language-outside", tag, " ".join(languages))
        elif judged and found[place] != primary(tag) and confidence >= settings.mismatch_confidence:
            verdicts[place] = (LANGUAGE, "language-mismatch", value, f"{tag} {settings.mismatch_confidence:g}")
        tags.append(tag)
    return tags, found


def _judge(
    texts: Texts,
    tags: list[str | None],
    categories: list[str | None],
    is_code: np.ndarray,
    config: Config,
    verdicts: dict[int, Verdict],
) -> tuple[np.ndarray, np.ndarray]:
    """Ask the quality rules, language by language; give the shingles of all documents that have a known language."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for place, tag in enumerate(tags):
        if place not in verdicts:
            published = categories[place] in config.quality.published_for
            groups.setdefault((CODE if is_code[place] else primary(tag or ""), published), []).append(place)
    pieces: dict[int, np.ndarray] = {}
    for (tag, published), places in sorted(groups.items()):
        whole = len(places) == len(tags)
        points = texts.points if whole else decode(texts.values.take(pa.array(places)))
        described = language(tag)
        if tag == CODE:
            statistics = code_statistics(points, language=described)
            rules = list(code_rules(config.quality.code))
        else:
            statistics = text_statistics(points, language=described)
            rules = list(prose_rules(PUBLISHED if published else config.quality.bounds, described))
        judged = judge(rules, statistics.values)
        for position in np.flatnonzero(judged.rule_D >= 0).tolist():
            place = places[position]
            if categories[place] not in config.quality.skip:
                rule = rules[judged.rule_D[position]]
                value, bound = f"{judged.value_D[position]:.6g}", f"{judged.bound_D[position]:.6g}"
                verdicts[place] = (QUALITY, rule.name, value, bound)
        hashes, bounds_D = ngram_hashes(statistics.words, SHINGLE_WORDS)
        for position, place in enumerate(places):
            pieces[place] = hashes[bounds_D[position] : bounds_D[position + 1]]
    none = np.zeros(0, np.uint64)
    ordered = [pieces.get(place, none) for place in range(len(tags))]
    return np.concatenate([none, *ordered]), np.array([len(piece) for piece in ordered], np.int64)


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
