"""The step that asks the quality rules, and gives the runs of words by which near duplicates are found."""

import numpy as np
import pyarrow as pa

from fournil.core.languages import CODE, language, primary
from fournil.parts.text.codepoints import decode
from fournil.parts.text.ngrams import ngram_hashes
from fournil.parts.text.statistics import code_statistics, text_statistics
from fournil.stages.curate.batch import Batch
from fournil.stages.curate.names import QUALITY
from fournil.stages.curate.quality import code_rules, judge, prose_rules
from fournil.stages.curate.sections.quality import PUBLISHED

SHINGLE_WORDS = 5
"""Near duplicates are compared by their runs of so many words."""


def judge_quality(batch: Batch) -> None:
    """Ask the quality rules, language by language; give the shingles of all documents that have a known language."""
    config, categories = batch.config, batch.categories
    groups: dict[tuple[str, bool], list[int]] = {}
    for place, tag in enumerate(batch.tags):
        if place not in batch.verdicts:
            published = categories[place] in config.quality.published_for
            groups.setdefault((CODE if batch.is_code[place] else primary(tag or ""), published), []).append(place)
    pieces: dict[int, np.ndarray] = {}
    for (tag, published), places in sorted(groups.items()):
        whole = len(places) == len(batch)
        points = batch.texts.points if whole else decode(batch.texts.values.take(pa.array(places)))
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
                batch.refuse(
                    place, QUALITY, rule.name, float(judged.value_D[position]), float(judged.bound_D[position])
                )
        hashes, bounds_D = ngram_hashes(statistics.words, SHINGLE_WORDS)
        for position, place in enumerate(places):
            pieces[place] = hashes[bounds_D[position] : bounds_D[position + 1]]
    none = np.zeros(0, np.uint64)
    ordered = [pieces.get(place, none) for place in range(len(batch))]
    batch.shingles = np.concatenate([none, *ordered])
    batch.arrays["shingle_counts"] = np.array([len(piece) for piece in ordered], np.int64)
