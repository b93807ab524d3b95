"""The step that asks the quality rules, and gives the runs of words by which near duplicates are found."""

from collections.abc import Sequence

import numpy as np

from fournil.core.languages import CODE
from fournil.parts.text.ngrams import repetition, shingles
from fournil.parts.text.phrases import furniture
from fournil.parts.text.scan import described, profiles
from fournil.parts.text.statistics import code_figures, good_lines, prose_figures
from fournil.stages.curate.alone.batch import Batch
from fournil.stages.curate.alone.presets import bounds_for
from fournil.stages.curate.alone.quality import Rule, Verdicts, code_rules, judge, prose_rules, split_at_repetition
from fournil.stages.curate.names import QUALITY

SHINGLE_WORDS = 5
"""Near duplicates are compared by their runs of so many words."""


def judge_quality(batch: Batch) -> None:
    """Ask the quality rules, language by language; give the shingles of all documents that are left by then."""
    settings, scan, alive = batch.config.quality, batch.scan(), batch.alive()
    words = scan.words
    batch.shingles, batch.arrays["shingle_counts"] = shingles(words, SHINGLE_WORDS, wanted=alive)
    asked = alive & ~_among(batch.categories, settings.skip)
    published = _among(batch.categories, settings.published_for)
    groups: list[tuple[Sequence[Rule], np.ndarray]] = []
    for profile in np.unique(scan.profile_D[asked]).tolist():
        of_tag = asked & (scan.profile_D == profile)
        if profiles()[profile] == CODE:
            rules = list(code_rules(settings.code))
            _refuse(batch, rules, judge(rules, code_figures(scan), of_tag))
            continue
        for is_published, where in ((False, of_tag & ~published), (True, of_tag & published)):
            if where.any():
                bounds = bounds_for(settings, published=is_published)
                groups.append((list(prose_rules(bounds, described(profile))), where))
    if not groups:
        return
    figures = {**prose_figures(scan), "furniture": furniture(scan), "good_lines": good_lines(scan)}
    # What is refused already is not searched for what it repeats.
    left = np.zeros(len(batch), bool)
    enough = 1.0
    late: list[tuple[Sequence[Rule], np.ndarray]] = []
    for rules, where in groups:
        early, rest, least = split_at_repetition(rules)
        verdicts = judge(early, figures, where)
        _refuse(batch, early, verdicts)
        still = where & (verdicts.rule_D < 0)
        left |= still
        enough = min(enough, least)
        late.append((rest, still))
    figures |= repetition(words, wanted=left, enough=enough)
    for rules, where in late:
        _refuse(batch, rules, judge(rules, figures, where))


def _among(categories: list[str | None], names: tuple[str, ...]) -> np.ndarray:
    if not names:
        return np.zeros(len(categories), bool)
    return np.array([category in names for category in categories], bool)


def _refuse(batch: Batch, rules: Sequence[Rule], verdicts: Verdicts) -> None:
    for place in np.flatnonzero(verdicts.rule_D >= 0).tolist():
        rule = rules[int(verdicts.rule_D[place])]
        batch.refuse(place, QUALITY, rule.name, float(verdicts.value_D[place]), float(verdicts.bound_D[place]))
