"""What a filter says of a batch."""

from typing import NamedTuple

import numpy as np


class Judged(NamedTuple):
    """One entry for each document that was asked."""

    code_D: np.ndarray
    """int64: 0 keeps the document, n refuses it for the reason number n - 1."""

    value_D: np.ndarray
    """float64: the figure found."""

    reasons: tuple[str, ...]
    """datatrove's names."""

    bounds: tuple[float | None, ...]
    """For each reason, the bound."""

    def reason(self, number: int) -> str | None:
        """Why a document is refused; None: it is kept."""
        code = int(self.code_D[number])
        return self.reasons[code - 1] if code else None
