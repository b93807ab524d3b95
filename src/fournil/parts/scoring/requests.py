"""What is asked of a model, as token ids, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Request:
    """How likely is this continuation behind this context?"""

    ids: np.ndarray
    """What the model reads, int32 [T]: context and continuation but for its last token, cut on the left."""
    targets: np.ndarray
    """The continuation, int32 [N]: the last N tokens read predict it."""
    truncated: bool = False
    """Whether the context was cut to fit the model's window."""
    uneven: bool = False
    """Whether the context's ids are not the beginning of the whole's: the tokenizer merges across the border."""

    @property
    def first(self) -> int:
        """The place, among what is read, of the token that predicts the first target."""
        return len(self.ids) - len(self.targets)


@dataclass(frozen=True)
class Scored:
    """A continuation's score."""

    value: float
    """Its log-likelihood in nats."""
    greedy: bool
    """Whether each of its tokens is the likeliest one there."""
    truncated: bool = False
    """Whether the context was cut on the left."""
    uneven: bool = False
    """Whether the context alone does not tokenise as it does before the continuation."""
    num_tokens: int = 0
    """Of the continuation."""


@dataclass(frozen=True)
class Prompt:
    """What a model writes on from."""

    ids: np.ndarray
    """int32 [T], cut on the left where it was too long."""
    stops: tuple[str, ...]
    """The text ends before the first of these."""
    max_new_tokens: int
    truncated: bool = False


@dataclass(frozen=True)
class Written:
    """What a model wrote."""

    text: str
    """Up to the first stop string, special tokens left out."""
    num_tokens: int
    """That it wrote, those of the stop string with them."""
    truncated: bool = False
    """Whether the prompt was cut on the left."""
