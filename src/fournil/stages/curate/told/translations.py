"""What the page says about pairs: texts that were translated in several ways."""

from typing import Any

import numpy as np

from fournil.stages.curate.told.facts import Fate


def translation_facts(fate: Fate) -> dict[str, Any]:
    """How many texts of the pairs that are kept were translated in several ways.

    Returns:
        By language: `num_texts`, different texts (by their letters); `num_of_several`, those with several different
        translations; `num_pairs`, the pairs that these make; `most`, the greatest number of translations of one.
    """
    pairs = fate.rows
    if not len(pairs):
        return {}
    counts = np.asarray(pairs.arrays["side_counts"], np.int64)
    letters = np.asarray(pairs.arrays["side_letters"], np.uint64)
    tags = np.asarray(pairs.arrays["side_languages"])
    owner = np.repeat(np.arange(len(pairs)), counts)
    kept = fate.kept[owner] & (counts[owner] == 2)
    sides = np.flatnonzero(kept)
    first = np.cumsum(counts) - counts
    partner = 2 * first[owner[sides]] + 1 - sides  # of two sides, the other one
    table: dict[str, Any] = {}
    for tag in np.unique(tags[sides]).tolist():
        there = tags[sides] == tag
        both = np.unique(np.stack([letters[sides[there]], letters[partner[there]]], 1), axis=0)
        _, num = np.unique(both[:, 0], return_counts=True)
        several = num > 1
        table[tag.decode()] = {
            "num_texts": len(num),
            "num_of_several": int(several.sum()),
            "num_pairs": int(num[several].sum()),
            "most": int(num.max(initial=0)),
        }
    return table
