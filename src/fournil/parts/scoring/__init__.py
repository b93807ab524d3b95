"""One scorer for all that is asked of a model: log-likelihoods of answers, rolling perplexity, written answers.

It decides exactly what lm-evaluation-harness's `hf` model decides, and reads shared contexts once.
"""

from __future__ import annotations

from fournil.parts.scoring.requests import Scored, Written
from fournil.parts.scoring.scorer import Scorer, open_scorer

__all__ = ["Scored", "Scorer", "Written", "open_scorer"]
