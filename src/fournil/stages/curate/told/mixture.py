"""What the record says of languages within documents: how many are mixed, who switches, which relatives there are."""

from typing import Any

import numpy as np

from fournil.core.relatives import RELATIVES
from fournil.stages.curate.sections.language import LanguageSettings
from fournil.stages.curate.told.facts import Fate


def mixture_facts(fate: Fate, settings: LanguageSettings) -> dict[str, Any]:
    """Tables of the documents that the step `language` judged.

    Returns:
        `mixed_share`, the bound; `num_mixed` and `num_split` (documents in two languages, and made of them);
        `switching_share` (share of all text in lines that mix two languages) and `num_switching` (documents of which
        at least a tenth is); `by_source`, the same figures by source; `relatives`, how many documents are in a
        relative of a language of the run, by tag, and how many of them are kept.
    """
    rows = fate.rows
    if not len(rows):
        return {}
    arrays = rows.arrays
    mixed = np.asarray(arrays["second_share"]) >= settings.mixed_share
    switching = np.asarray(arrays["switching"], np.float64)
    split = np.asarray(arrays["split"], bool)
    weights = np.asarray(arrays["bytes"], np.float64)
    num, codes = len(rows.sources.names), rows.sources.codes

    def by_source(values: np.ndarray) -> list[float]:
        return np.bincount(codes, values, minlength=num).tolist()

    columns = zip(
        rows.sources.names,
        by_source(~split),
        by_source(mixed),
        by_source(split),
        by_source(switching >= 0.1),
        by_source(switching * weights),
        by_source(weights),
        strict=True,
    )
    table = [
        {
            "source": source,
            "num": int(whole),
            "num_mixed": int(two),
            "num_split": int(parts),
            "num_switching": int(switchers),
            "switching_share": switched / max(size, 1.0),
        }
        for source, whole, two, parts, switchers, switched, size in columns
    ]
    return {
        "mixed_share": settings.mixed_share,
        "num_mixed": int(mixed.sum()),
        "num_split": int(split.sum()),
        "num_switching": int((switching >= 0.1).sum()),
        "switching_share": float((switching * weights).sum() / max(weights.sum(), 1.0)),
        "by_source": sorted((line for line in table if line["num"]), key=lambda line: line["source"]),
        "relatives": _relatives(fate),
    }


def _relatives(fate: Fate) -> list[dict[str, Any]]:
    found = np.asarray(fate.rows.arrays["found"]).astype("U16")
    tags = sorted(relative.tag for kin in RELATIVES.values() for relative in kin)
    table = []
    for tag in tags:
        there = found == tag
        if there.any():
            table.append({"tag": tag, "num": int(there.sum()), "num_kept": int((there & fate.kept).sum())})
    return table
