"""datatrove's LanguageFilter: the whole text through fastText's model, as language_scores.py reads it.

Its confidences differ from fastText's in the fifth place. Where that could matter, fastText itself is asked.
"""

from typing import NamedTuple

import numpy as np

from fournil.parts.text.compat.judged import Judged
from fournil.parts.text.language_model import all_confidences
from fournil.parts.text.language_scores import confidences, labels

REASON = "language"
"""datatrove refuses without a reason's name here."""

MARGIN = 0.01
"""Confidences that lie nearer to the bound, or to each other, are fastText's own."""


class Languages(NamedTuple):
    """What was found, one entry for each document that was asked."""

    judged: Judged
    tags: list[str]
    """The likeliest language, in the model's words; "" where there is none."""

    confidence_D: np.ndarray
    """float64: of that language."""


def judge_language(
    bytes_B: np.ndarray,
    bounds_D: np.ndarray,
    places: np.ndarray,
    *,
    languages: tuple[str, ...],
    threshold: float,
) -> Languages:
    """Decide which documents are in one of some languages.

    Args:
        bytes_B: Texts end to end (uint8 UTF-8).
        bounds_D: Where each begins, and where the last ends (int64).
        places: Which of them are asked (int64).
        languages: As the model calls them.
        threshold: One of them needs more than this confidence.
    """
    scores_DL = confidences(bytes_B, bounds_D, places)
    wanted = [labels().index(each) for each in languages if each in labels()]
    best_D = scores_DL[:, wanted].max(axis=1, initial=0.0).astype(np.float64)
    order_DL = np.partition(scores_DL, -2, axis=1)
    top_D = scores_DL.argmax(axis=1)
    tags = [labels()[top] for top in top_D.tolist()]
    confidence_D = order_DL[:, -1].astype(np.float64)
    doubtful_D = np.abs(best_D - threshold) < MARGIN
    doubtful_D |= order_DL[:, -1] - order_DL[:, -2] < MARGIN
    for number in np.flatnonzero(doubtful_D).tolist():
        start, end = bounds_D[places[number]], bounds_D[places[number] + 1]
        found = all_confidences(bytes_B[start:end].tobytes().decode().replace("\n", " "))
        tags[number], confidence_D[number] = found[0] if found else ("", 0.0)
        best_D[number] = max((confidence for tag, confidence in found if tag in languages), default=0.0)
    code_D = np.where(best_D > threshold, 0, 1)
    return Languages(Judged(code_D, best_D, (REASON,), (threshold,)), tags, confidence_D)
