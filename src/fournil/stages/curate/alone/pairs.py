"""The steps that look at one pair alone.

A pair's sides go through the same steps as documents, laid end to end; `side_counts` says how many each pair has.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from fournil.core.document import PAIRS, REFUSED_PAIRS
from fournil.core.languages import known_languages, language, primary
from fournil.parts.text.codepoints import LETTER, counts, maxima
from fournil.parts.text.function_words import count_words
from fournil.parts.text.identify import identify
from fournil.parts.text.keys import exact_keys, letter_keys
from fournil.parts.text.ngrams import shingles
from fournil.parts.text.normalise import replace
from fournil.parts.text.scan import scan
from fournil.stages.curate.alone.clean import normalise_texts
from fournil.stages.curate.alone.contamination import judge_sides
from fournil.stages.curate.alone.judging import SHINGLE_WORDS
from fournil.stages.curate.alone.marking import marked
from fournil.stages.curate.alone.parallel import Side, judge_pair
from fournil.stages.curate.alone.personal import mask_personal_data
from fournil.stages.curate.alone.texts import Texts, edit_rows, texts_of
from fournil.stages.curate.alone.verdicts import Verdict, with_verdicts
from fournil.stages.curate.chunks import Chunk
from fournil.stages.curate.config import Config
from fournil.stages.curate.names import CONTAMINATION, LANGUAGE, NORMALISE, QUALITY
from fournil.stages.curate.sections.language import LanguageSettings

NEAR_WORDS = 8
"""Sides with fewer words are compared by their letters alone: they have too few shingles."""

_SURE_WORDS, _SURE_SHARE = 5, 0.3
"""With so many words, of which this share are function words, a side's language is told without the identifier."""
_WRONG, _WRONG_WORDS = 4, 8
"""A side of so many words with so many times more function words of another language of the run is in that one."""


def pair_chunk(
    config: Config, languages: tuple[str, ...], prepared: Mapping[str, Path] | None = None
) -> Callable[[pa.RecordBatch], Chunk]:
    """The function that makes a chunk of a batch of pairs."""
    return lambda batch: _make(batch, config, languages, prepared or {})


def _make(batch: pa.RecordBatch, config: Config, languages: tuple[str, ...], prepared: Mapping[str, Path]) -> Chunk:
    described = [language(tag) for tag in languages if primary(tag) in known_languages()]
    ids: list[str] = batch.column("id").to_pylist()
    column: pa.MapArray = batch.column("texts")
    offsets = column.offsets.to_numpy()
    tags: list[str] = column.keys.slice(offsets[0], offsets[-1] - offsets[0]).to_pylist()
    sides = column.items.slice(offsets[0], offsets[-1] - offsets[0]).fill_null("")
    offsets = (offsets - offsets[0]).astype(np.int64)
    pair_of = np.repeat(np.arange(len(ids)), np.diff(offsets))
    verdicts: dict[int, Verdict] = {}

    texts, side_bytes, large = texts_of(sides, config.max_text_bytes)
    bytes_in = _by_pair(side_bytes, offsets)
    for side in large:
        verdicts[int(pair_of[side])] = Verdict(
            NORMALISE, "too-large", str(side_bytes[side]), str(config.max_text_bytes)
        )
    normalise_texts(texts, np.zeros(len(sides), bool))
    bytes_normalised = _by_pair(texts.num_bytes, offsets)
    for side in np.flatnonzero(texts.num_bytes == 0).tolist():
        verdicts.setdefault(int(pair_of[side]), Verdict(NORMALISE, "empty", tags[side]))
    mask_personal_data(texts, config.personal_data, described)

    values: list[str] = texts.values.to_pylist()
    _check_languages(texts, tags, pair_of, config, languages, verdicts)
    marks = judge_sides(texts, pair_of, prepared.get(CONTAMINATION), config.contamination, verdicts)
    letters = counts((texts.points.flags_C & LETTER) != 0, texts.points.bounds_D)
    lengths = np.diff(texts.points.bounds_D)
    longest = maxima(lengths, offsets)
    _judge_quality(values, tags, letters, offsets, batch.column("score").to_pylist(), config, languages, verdicts)

    columns = {name: batch.column(name) for name in PAIRS.names}
    columns["extra"] = marked(columns["extra"], marks)
    whole = replace(texts.values, large)
    columns["texts"] = pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(tags, pa.string()), whole)
    rows = with_verdicts(pa.table(columns), REFUSED_PAIRS, verdicts)
    side_shingles, shingle_counts = shingles_of_sides(texts.values, tags)
    arrays = {
        "bytes_in": bytes_in,
        f"bytes_{NORMALISE}": bytes_normalised,
        "bytes": _by_pair(texts.num_bytes, offsets),
        "longest": longest,
        "exact": _pair_keys(exact_keys(texts.values), tags, offsets),
        "side_counts": np.diff(offsets).astype(np.int64),
        "side_letters": letter_keys(texts.values),
        "side_languages": np.array([primary(tag).encode() for tag in tags], "S12"),
        "shingle_counts": shingle_counts,
    }
    edits = edit_rows(texts, [ids[pair] for pair in pair_of.tolist()], tags)
    return Chunk(rows, edits, arrays, side_shingles, texts.num_changes)


def _by_pair(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    running = np.concatenate([[0], np.cumsum(values)])
    return running[offsets[1:]] - running[offsets[:-1]]


def _pair_keys(sides: np.ndarray, tags: list[str], offsets: np.ndarray) -> np.ndarray:
    """One key (2 x uint64) by pair: of all sides with their languages, in the order of the languages."""
    keys = np.zeros((len(offsets) - 1, 2), np.uint64)
    salts = {tag: np.uint64(sum(ord(c) << (8 * i) for i, c in enumerate(tag[:7])) * 2 + 1) for tag in set(tags)}
    for pair in range(len(keys)):
        for side in sorted(range(offsets[pair], offsets[pair + 1]), key=tags.__getitem__):
            keys[pair] = keys[pair] * np.uint64(0x9E3779B97F4A7C15) + sides[side] * salts[tags[side]]
    return keys


def _check_languages(
    texts: Texts,
    tags: list[str],
    pair_of: np.ndarray,
    config: Config,
    languages: tuple[str, ...],
    verdicts: dict[int, Verdict],
) -> None:
    settings = config.language
    wanted = {primary(tag) for tag in languages}
    # Two sides in languages of the run, or there is nothing to learn from the pair.
    present = np.zeros(int(pair_of.max()) + 1 if len(pair_of) else 0, np.int64)
    for side, tag in enumerate(tags):
        present[pair_of[side]] += primary(tag) in wanted
    for pair in np.flatnonzero(present < 2).tolist():
        verdicts.setdefault(pair, Verdict(LANGUAGE, "missing-side", str(present[pair]), "2"))
    counted = count_words(texts.values, languages)
    own_DN, words_D = counted.counts_DC[:, : len(counted.tags)], counted.num_words_D
    others_D = counted.counts_DC[:, len(counted.tags)]
    numbers = {tag: number for number, tag in enumerate(counted.tags)}
    place_of = np.array([numbers.get(primary(tag), -1) for tag in tags], np.int64)
    mine_D = np.where(place_of >= 0, own_DN[np.arange(len(tags)), place_of], 0)
    most_D = own_DN.max(1, initial=0)
    enough_D = (words_D >= _SURE_WORDS) & (most_D >= _SURE_SHARE * words_D) & (most_D >= 5 * others_D)
    # Its own words say so, or those of another language of the run do.
    sure_D = enough_D & (2 * mine_D > most_D)
    wrong_D = enough_D & (words_D >= _WRONG_WORDS) & (_WRONG * mine_D <= most_D) & (place_of >= 0)
    for side in np.flatnonzero(wrong_D).tolist():
        found = counted.tags[int(own_DN[side].argmax())]
        share = int(most_D[side]) / int(most_D[side] + mine_D[side] + others_D[side])
        _mismatch(verdicts, int(pair_of[side]), found, share, tags[side], settings)
    letters = counts((texts.points.flags_C & LETTER) != 0, texts.points.bounds_D)
    doubtful = (letters >= max(settings.pair_min_letters, 1)) & ~sure_D & ~wrong_D
    long = [side for side in np.flatnonzero(doubtful).tolist() if primary(tags[side]) in wanted]
    for side, tag, confidence in zip(long, *identify(texts.values, long), strict=True):
        if tag != primary(tags[side]) and confidence >= settings.pair_mismatch_confidence:
            _mismatch(verdicts, int(pair_of[side]), tag, float(confidence), tags[side], settings)


def _mismatch(
    verdicts: dict[int, Verdict], pair: int, found: str, confidence: float, tag: str, settings: LanguageSettings
) -> None:
    bound = f"{tag} {settings.pair_mismatch_confidence:g}"
    verdicts.setdefault(pair, Verdict(LANGUAGE, "language-mismatch", f"{found} {confidence:.3f}", bound))


def _judge_quality(
    values: list[str],
    tags: list[str],
    letters: np.ndarray,
    offsets: np.ndarray,
    scores: list[float | None],
    config: Config,
    languages: tuple[str, ...],
    verdicts: dict[int, Verdict],
) -> None:
    wanted = {primary(tag) for tag in languages}
    num_letters, edges = letters.tolist(), offsets.tolist()
    for pair, score in enumerate(scores):
        if pair in verdicts:
            continue
        sides = [
            Side(primary(tags[side]), values[side], num_letters[side])
            for side in range(edges[pair], edges[pair + 1])
            if primary(tags[side]) in wanted
        ]
        broken = judge_pair(sides, score, config.pairs)
        if broken is not None:
            verdicts[pair] = Verdict(QUALITY, *broken)


def shingles_of_sides(values: pa.Array, tags: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Shingles of all sides that have enough words and a known language, end to end, and their number by side."""
    words = scan(values, tags).words
    wanted = np.array([primary(tag) in known_languages() for tag in tags], bool)
    return shingles(words, SHINGLE_WORDS, wanted=wanted & (np.diff(words.bounds_D) >= NEAR_WORDS))
