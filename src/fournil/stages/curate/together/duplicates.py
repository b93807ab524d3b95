"""Duplicates of documents and pairs: the best one stays, and each one that goes names it.

The best is of the preferred source, then under the preferred licence, then the longest, then the one with the smallest
id: so the order of the input does not matter.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fournil.parts.workers import Workers
from fournil.stages.curate.columns import Codes
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.together.compared import REFUSALS
from fournil.stages.curate.together.near import Near
from fournil.stages.curate.together.rows import Rows
from fournil.stages.curate.together.sets import SetFiles
from fournil.stages.curate.together.settling import Settled, settle

EXACT, NEAR, TRANSLATION = "exact-duplicate", "near-duplicate", "same-translation"


def refusals(rows: Rows, places: np.ndarray, rule: str, values: np.ndarray, bound: str, kept: np.ndarray) -> pa.Table:
    """Refused rows, as compared.REFUSALS has them.

    Args:
        rows: Rows.
        places: Those that go.
        rule: Why.
        values: How similar each is to the one that stays.
        bound: From where on.
        kept: The row that stays in each one's stead.
    """
    names = pa.array(rows.sources.names, pa.string())
    return refusals_for(
        places, rule, values, bound, rows.ids.take(pa.array(kept)), names.take(pa.array(rows.sources.codes[kept]))
    )


def refusals_for(
    places: np.ndarray, rule: str, values: np.ndarray, bound: str, kept_ids: pa.Array, kept_sources: pa.Array
) -> pa.Table:
    """Refused rows, when the ones that stay are of another kind or of another run."""
    columns = [
        pa.array(places, pa.int64()),
        pa.array([rule] * len(places), pa.string()),
        pa.array([f"{value:.6g}" for value in values.tolist()], pa.string()),
        pa.array([bound] * len(places), pa.string()),
        kept_ids.cast(pa.string()),
        kept_sources.cast(pa.string()),
    ]
    return pa.table(columns, schema=REFUSALS)


def ranked(rows: Rows, places: np.ndarray, settings: DuplicateSettings) -> np.ndarray:
    """Some rows, the best ones first."""
    ids = rows.ids.take(pa.array(places))
    by_id = np.empty(len(places), np.int64)
    by_id[pc.array_sort_indices(ids).to_numpy()] = np.arange(len(places))  # pyright: ignore[reportAttributeAccessIssue] - made at import
    source = _preference(rows.sources, settings.prefer_sources)[places]
    licence = _preference(rows.licences, settings.prefer_licences)[places]
    sizes = np.asarray(rows.arrays["bytes"])[places]
    return places[np.lexsort((by_id, -sizes, licence, source))]


def _preference(coded: Codes, preferred: tuple[str, ...]) -> np.ndarray:
    """The place of each row's name among those preferred; all others come last."""
    table = np.array([preferred.index(name) if name in preferred else len(preferred) for name in coded.names], np.int64)
    return np.append(table, len(preferred))[coded.codes]


def exact_duplicates(rows: Rows, alive: np.ndarray, settings: DuplicateSettings) -> pa.Table:
    """Rows that equal another one to the last character, in the same language (or languages).

    Args:
        rows: Documents or pairs.
        alive: Which of them are looked at.
        settings: Who stays.
    """
    places = np.flatnonzero(alive)
    keys = np.asarray(rows.arrays["exact"])[places]
    order = np.lexsort((rows.languages.codes[places], keys[:, 1], keys[:, 0]))
    places, keys = places[order], keys[order]
    tags = rows.languages.codes[places]
    same = (keys[1:] == keys[:-1]).all(1) & (tags[1:] == tags[:-1])
    group, tied = np.zeros(len(places), np.int64), np.zeros(len(places), bool)
    np.cumsum(~same, out=group[1:])
    tied[1:] |= same
    tied[:-1] |= same
    group_of = np.zeros(len(rows), np.int64)
    group_of[places] = group
    best = ranked(rows, places[tied], settings)
    best = best[np.argsort(group_of[best], kind="stable")]
    new = np.ones(len(best), bool)
    new[1:] = group_of[best[1:]] != group_of[best[:-1]]
    gone, kept = best[~new], best[np.maximum.accumulate(np.where(new, np.arange(len(best)), 0))][~new]
    return refusals(rows, gone, EXACT, np.ones(len(gone)), "1", kept)


def near_duplicates(
    documents: Rows,
    alive: np.ndarray,
    near: Near,
    sets: SetFiles,
    work: Path,
    settings: DuplicateSettings,
    workers: Workers,
) -> pa.Table:
    """Documents that are near duplicates of one that stays.

    Args:
        documents: All documents.
        alive: Which of them are looked at.
        near: Who is tied to whom.
        sets: Of all texts.
        work: The folder of the join.
        settings: Who stays.
        workers: Who works.
    """
    places = np.flatnonzero(alive & _tied(np.asarray(near.labels_T[: len(documents)]), alive))
    best = ranked(documents, places, settings)
    made = settle(
        work / "near", sets, work, np.asarray(near.labels_T)[best], best,
        threshold=settings.threshold, chains=settings.chains, workers=workers,
    )  # fmt: skip
    return _refused(documents, made, NEAR, settings.threshold)


def same_translations(
    documents: Rows,
    alive: np.ndarray,
    clusters: np.ndarray,
    sets: SetFiles,
    work: Path,
    settings: DuplicateSettings,
    workers: Workers,
) -> pa.Table:
    """Documents that are, in one language, translations of the same page, and much alike.

    Machines translate a page each in their way: the results are too different to be near duplicates, and nearly the
    same all the same. Pages are the same whose groups are, or have near duplicates in any language.

    Args:
        documents: All documents.
        alive: Which of them are looked at.
        clusters: Each document's cluster: what shares a text, a near duplicate or a group.
        sets: Of all texts.
        work: The folder of the join.
        settings: Who stays.
        workers: Who works.
    """
    wanted = alive & (documents.groups != 0)
    if settings.translation_threshold == 0 or not wanted.any():
        return REFUSALS.empty_table()
    labels = clusters.astype(np.int64) * (len(documents.languages.names) + 1) + documents.languages.codes
    places = np.flatnonzero(wanted & _tied(labels, wanted))
    best = ranked(documents, places, settings)
    made = settle(
        work / "translations", sets, work, labels[best], best,
        threshold=settings.translation_threshold, chains=False, workers=workers,
    )  # fmt: skip
    return _refused(documents, made, TRANSLATION, settings.translation_threshold)


def _tied(labels: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """True for rows whose label another one has that is looked at too."""
    values, num = np.unique(labels[alive], return_counts=True)
    several = values[num > 1]
    places = np.minimum(np.searchsorted(several, labels), max(len(several) - 1, 0))
    return several[places] == labels if len(several) else np.zeros(len(labels), bool)


def _refused(documents: Rows, made: Settled, rule: str, threshold: float) -> pa.Table:
    return refusals(documents, made.texts, rule, made.similarity, f"{threshold:g}", made.kept)
