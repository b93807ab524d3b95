"""What curation takes of a cluster: core-hours, and what its machines hand each other, from rates measured here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fournil.apps.plan import rates
from fournil.apps.plan.order import PARALLEL
from fournil.apps.plan.tokens import TokenTable

LARGE_BYTES = 100e9
"""From so much text on a plan says what a cluster would need."""
YARDSTICK_BYTES = 15e12
"""A large crawl, held beside the recipe's own text."""
_SLICES = {
    "clean": rates.CLEAN_CORE_SECONDS_PER_MB,
    "write": rates.WRITE_CORE_SECONDS_PER_MB,
    "check": rates.CHECK_CORE_SECONDS_PER_MB,
}


@dataclass(frozen=True)
class Curation:
    """Curation of some text."""

    name: str
    """A group of the recipe's sources, `all` of them, or `yardstick`."""
    text_bytes: float
    num_texts: float
    core_hours: dict[str, float]
    """By part: `clean`, `compare`, `write`, `check`."""
    shuffle_bytes: float
    """Keys of near duplicates, parted by their values so that equal ones meet, whichever machine made them."""
    work_bytes: float
    """What lies in the work folder, on the file system that the machines share, until curation is done."""
    driver_bytes: float
    """Memory of the one process that hands out the work and ties duplicates together."""

    @property
    def all_core_hours(self) -> float:
        """Of all parts."""
        return sum(self.core_hours.values())


def curation_of(
    name: str,
    text_bytes: float,
    num_texts: float | None = None,
    *,
    times_reference: float = 1.0,
    held_out: float = 0.0,
) -> Curation:
    """Extrapolate the rates that were measured: by megabytes, by texts, and n log n where texts are compared.

    Args:
        name: What it is.
        text_bytes: UTF-8 bytes of text.
        num_texts: Documents; None: of the size that pages of the web have on average.
        times_reference: How many times as long work on text takes on these machines.
        held_out: Share of the text that is set aside for evaluation.
    """
    num = num_texts or max(1.0, text_bytes / rates.WEB_DOCUMENT_BYTES)
    hours = {part: seconds * text_bytes / 1e6 / 3600 for part, seconds in _SLICES.items()}
    growth = math.log2(max(num, 2.0)) / math.log2(rates.COMPARED_TEXTS)
    hours["compare"] = rates.COMPARE_CORE_SECONDS_PER_TEXT * num * max(growth, 1.0) / 3600
    return Curation(
        name,
        text_bytes,
        num,
        {part: hours[part] * times_reference for part in ("clean", "compare", "write", "check")},
        rates.KEY_BYTES_PER_TEXT * num,
        rates.WORK_BYTES_PER_BYTE * text_bytes + rates.WORK_BYTES_PER_TEXT * num,
        rates.DRIVER_BYTES + rates.DRIVER_BYTES_PER_TEXT * num + rates.HELD_OUT_BYTES_PER_BYTE * held_out * text_bytes,
    )


def curations(table: TokenTable, *, times_reference: float = 1.0, held_out: float = 0.0) -> list[Curation]:
    """What a plan shows: each group with much text, all together, and the yardstick; nothing for little text."""
    asked = {"times_reference": times_reference, "held_out": held_out}
    groups: dict[str, tuple[float, float]] = {}
    for row in table.sources:
        text = row.text
        if text.num_bytes is not None:
            mean = rates.PAIR_BYTES if text.group == PARALLEL else rates.WEB_DOCUMENT_BYTES
            size, number = groups.get(text.group, (0.0, 0.0))
            groups[text.group] = size + text.num_bytes, number + (text.number or text.num_bytes / mean)
    whole = sum(size for size, _ in groups.values()), sum(number for _, number in groups.values())
    found = [
        curation_of(name, size, number, **asked)
        for name, (size, number) in [*groups.items(), ("all", whole)]
        if size >= LARGE_BYTES
    ]
    if found:
        found.append(curation_of("yardstick", YARDSTICK_BYTES, **asked))
    return found
