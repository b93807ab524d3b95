"""What length bands and groups of rows are called, whichever words the records have for them."""

from __future__ import annotations

import re
from typing import Any

from fournil.core.speech import tr, trn
from fournil.stages.report.story import told

_AT_MOST = re.compile(r"at most (\d+) characters?")
_BETWEEN = re.compile(r"(\d+) to (\d+) characters?")
_MORE = re.compile(r"more than (\d+) characters?")


def band_name(band: Any) -> str:  # noqa: ANN401 - JSON
    """Return the name of a length band in the reader's language: at most 45 characters."""
    if not band or band == "all lengths":
        return tr("all lengths")
    if not isinstance(band, str):
        return told(band)
    at_most, between, more = _AT_MOST.fullmatch(band), _BETWEEN.fullmatch(band), _MORE.fullmatch(band)
    if at_most:
        return trn("at most {count:,} character", "at most {count:,} characters", int(at_most[1]))
    if between:
        return tr("{low:,} to {high:,} characters", low=int(between[1]), high=int(between[2]))
    if more:
        return trn("more than {count:,} character", "more than {count:,} characters", int(more[1]))
    return band
