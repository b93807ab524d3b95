"""White space made regular: none at the ends of lines and texts, at most two blank lines in a row."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fournil.parts.text.arrow import strings
from fournil.parts.text.codepoints import flag_table, utf8_bytes
from fournil.parts.text.kernels import white_space as kernel
from fournil.parts.text.scratch import scratch

_RULES = (("trailing-space", ""), ("blank-lines", "\n" * kernel.MOST_BLANK), ("edges", ""))
"""By the kernel's number, each rule's name and what stands where it found something."""


class Edit(NamedTuple):
    """What one rule did to one text.

    That is `num` changes between `start` and `end`, in code points of the text as the rule found it; the first of
    them made `was` into `now`.
    """

    rule: str
    start: int
    end: int
    was: str
    now: str
    num: int


def regular_spaces(texts: pa.Array, *, wanted: np.ndarray, code: np.ndarray) -> tuple[pa.Array, dict[int, list[Edit]]]:
    """White space off the ends of lines; few blank lines; none at the beginning, and no white space at the end.

    Args:
        texts: Strings without nulls, their line ends line feeds, without control characters.
        wanted: bool by text, which of them to look at.
        code: bool by text, True for program code, where blank lines and the first line's indentation are left alone.

    Returns:
        The texts, and the edits of those that changed, by place in the batch.
    """
    num_wanted = int(np.count_nonzero(wanted))
    if not num_wanted:
        return texts, {}
    bytes_B, bounds_D = utf8_bytes(texts)
    out_B, out_bounds_D = np.empty(len(bytes_B), np.uint8), np.empty(len(bounds_D), np.int64)
    was_B = scratch("was_B", len(bytes_B) + kernel.MOST_BLANK * num_wanted, np.uint8)
    edits_EF = np.empty((len(_RULES) * num_wanted, kernel.FIELDS), np.int64)
    num = kernel.regular_spaces(
        bytes_B, bounds_D, wanted, code, flag_table(), out_B, out_bounds_D, was_B, edits_EF
    )  # fmt: skip
    if not num:
        return texts, {}
    changed: dict[int, list[Edit]] = {}
    # By columns: thousands of small lists would wake the collector of garbage.
    for document, rule, start, end, times, was, was_end in zip(*edits_EF[:num].T.tolist(), strict=True):
        name, now = _RULES[rule]
        edit = Edit(name, start, end, was_B[was:was_end].tobytes().decode(), now, times)
        changed.setdefault(document, []).append(edit)
    return strings(out_B, out_bounds_D), changed
