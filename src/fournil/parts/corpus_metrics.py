"""chrF, BLEU and TER: point values by sacrebleu, and the parts of each item that resampling needs.

Shapes: N items, S resamples, K statistics of an item; a corpus score is a function of their sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

CHAR_ORDER = 6
BETA = 2
BLEU_ORDER = 4


@dataclass(frozen=True)
class Metric:
    """A corpus metric: its name, sacrebleu's signature, and the parts that resampling needs."""

    name: str
    signature: str
    score: Callable[[Sequence[str], Sequence[str]], float]
    """Of translations and references, by sacrebleu."""
    statistics: Callable[[str, str], list[int]]
    """Of one translation and its reference, [K]."""
    of_sums: Callable[[np.ndarray], np.ndarray]
    """Scores [S] of sums of statistics [S, K]."""


def translation_metrics() -> tuple[Metric, Metric]:
    """ChrF2 and BLEU as sacrebleu computes them by default."""
    chrf, bleu = CHRF(), BLEU()
    by_sentence = BLEU(effective_order=True)

    def bleu_statistics(text: str, reference: str) -> list[int]:
        found = by_sentence.sentence_score(text, [reference])
        return [*found.counts, *found.totals, found.sys_len, found.ref_len]

    def score_with(metric: CHRF | BLEU) -> Callable[[Sequence[str], Sequence[str]], float]:
        return lambda texts, references: float(metric.corpus_score(list(texts), [list(references)]).score)

    chrf_score, bleu_score = score_with(chrf), score_with(bleu)
    for score in (chrf_score, bleu_score):
        score(["a"], ["a"])  # a signature is complete once a score was made
    return (
        Metric("chrf", chrf.get_signature().format(), chrf_score, chrf_statistics, chrf_of_sums),
        Metric("bleu", bleu.get_signature().format(), bleu_score, bleu_statistics, bleu_of_sums),
    )


def chrf_statistics(text: str, reference: str) -> list[int]:
    """Numbers of n-grams of both and in common, for n from 1 to 6 (Popović 2015; white space is left out)."""
    found: list[int] = []
    text, reference = "".join(text.split()), "".join(reference.split())
    for n in range(1, CHAR_ORDER + 1):
        ours, theirs = (Counter(side[i : i + n] for i in range(len(side) - n + 1)) for side in (text, reference))
        found += [ours.total() if theirs else 0, theirs.total(), (ours & theirs).total()]
    return found


def chrf_best(text: str, references: Sequence[str]) -> list[int]:
    """`chrf_statistics` with the reference that is nearest, as sacrebleu takes several."""
    found = [chrf_statistics(text, reference) for reference in references]
    return found[int(np.argmax(chrf_of_sums(np.array(found))))]


def bleu_best(text: str, references: Sequence[str]) -> list[int]:
    """Statistics of BLEU with one reference or several."""
    found = BLEU(effective_order=True).sentence_score(text, list(references))
    return [*found.counts, *found.totals, found.sys_len, found.ref_len]


def ter_best(text: str, references: Sequence[str]) -> list[float]:
    """Edits to the nearest reference, and the references' mean length, as sacrebleu counts them."""
    found = TER().sentence_score(text, list(references))
    return [found.num_edits, found.ref_length]


def ter_of_sums(sums_SK: np.ndarray) -> np.ndarray:
    """TER of sums of `ter_best`."""
    return 100 * sums_SK[:, 0] / np.maximum(sums_SK[:, 1], 1e-9)


def chrf_of_sums(sums_SK: np.ndarray) -> np.ndarray:
    """ChrF2 of sums of `chrf_statistics`: precision and recall are means over the n that both sides have."""
    ours, theirs, common = (sums_SK[:, part::3].astype(np.float64) for part in range(3))
    usable = (ours > 0) & (theirs > 0)
    orders = np.maximum(usable.sum(axis=1), 1)
    precision = np.where(usable, common / np.maximum(ours, 1), 0.0).sum(axis=1) / orders
    recall = np.where(usable, common / np.maximum(theirs, 1), 0.0).sum(axis=1) / orders
    below = BETA**2 * precision + recall
    return 100 * (1 + BETA**2) * precision * recall / np.where(below > 0, below, 1.0)


def bleu_of_sums(sums_SK: np.ndarray) -> np.ndarray:
    """BLEU of sums of n-gram counts, totals and both lengths."""
    scores = []
    for sums in sums_SK.astype(np.int64).tolist():
        counts, totals = sums[:BLEU_ORDER], sums[BLEU_ORDER : 2 * BLEU_ORDER]
        found = BLEU.compute_bleu(counts, totals, sums[-2], sums[-1], smooth_method="exp", effective_order=False)
        scores.append(found.score)
    return np.array(scores)
