"""What the page says about curate: tables of what went in, what was refused and why, what was held out."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fournil.core.context import Count
from fournil.stages.curate.columns import Codes
from fournil.stages.curate.names import DUPLICATES, LANGUAGE
from fournil.stages.curate.together.compared import Compared
from fournil.stages.curate.together.heldout import Split
from fournil.stages.curate.together.rows import Rows

_EXAMPLES = 3
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Fate:
    """What became of all rows of one kind."""

    rows: Rows
    compared: Compared
    """Who is refused, or cut, because of other rows."""

    held: np.ndarray
    steps: tuple[str, ...]
    """In order; `bytes_STEP` is the array that holds the rows' bytes after it, and `bytes` after those without one."""

    @cached_property
    def reasons(self) -> Codes:
        """Step and rule of who refused each row, with a slash; -1: it is kept."""
        names, codes = list(self.rows.reasons.names), np.array(self.rows.reasons.codes)
        for name, places in self.compared.reasons().items():
            if name not in names:
                names.append(name)
            codes[places] = names.index(name)
        return Codes(names, codes)

    @cached_property
    def kept(self) -> np.ndarray:
        """True for rows that nobody refused."""
        return self.reasons.codes < 0

    @cached_property
    def sizes(self) -> np.ndarray:
        """UTF-8 bytes of each row as it is written."""
        sizes = np.array(self.rows.arrays["bytes"])
        places, cut = self.compared.bytes_cut()
        np.subtract.at(sizes, places, cut)
        return sizes

    def num_refused(self) -> int:
        """How many rows were refused."""
        return int((~self.kept).sum())

    def step_numbers(self) -> np.ndarray:
        """For each reason the place of its step."""
        return np.array([self.steps.index(name.split("/")[0]) for name in self.reasons.names], np.int64)


def counts_of(fate: Fate) -> list[Count]:
    """One Count for each step."""
    arrays, codes = fate.rows.arrays, fate.reasons.codes
    step_of = np.append(fate.step_numbers(), -1)[codes]
    by_reason = np.bincount(codes[codes >= 0], minlength=len(fate.reasons.names)).tolist()
    # Rows that a step made by cutting others are not there before it.
    split = np.asarray(arrays["split"], bool) if "split" in arrays else np.zeros(len(codes), bool)
    alive = ~split
    before = np.where(alive, arrays["bytes_in"], 0)
    counts: list[Count] = []
    for number, step in enumerate(fate.steps):
        new = split if step == LANGUAGE else np.zeros(len(codes), bool)
        whole = alive | new
        left = whole & (step_of != number)
        after = arrays[f"bytes_{step}"] if f"bytes_{step}" in arrays else arrays["bytes"]
        refused = {
            name.split("/", 1)[1]: num
            for name, num in zip(fate.reasons.names, by_reason, strict=True)
            if num and name.split("/")[0] == step
        }
        counts.append(
            Count(
                step=step,
                num_in=int(alive.sum()),
                num_out=int(left.sum()),
                refused=dict(sorted(refused.items())),
                num_split=int(new.sum()),
                bytes_in=int(before[alive].sum()),
                bytes_out=int((fate.sizes if number == len(fate.steps) - 1 else after)[left].sum()),
                unit=fate.rows.kind,
            )
        )
        alive, before = left, after
    return counts


def facts_of(fate: Fate) -> dict[str, Any]:
    """Tables for one kind: by step and rule, by source and language, and a few examples of each rule."""
    rows, (names, codes) = fate.rows, fate.reasons
    sizes_in, sizes = rows.arrays["bytes_in"], fate.sizes
    num_languages = max(1, len(rows.languages.names))
    cells_of = rows.sources.codes * np.int32(num_languages) + rows.languages.codes
    strata = np.flatnonzero(np.bincount(cells_of, minlength=1)) if len(codes) else np.zeros(0, np.int64)
    stratum_of = np.searchsorted(strata, cells_of).astype(np.int32)
    by_source: list[dict[str, Any]] = []
    parts = {"in": np.ones(len(codes), bool), "train": fate.kept & ~fate.held, "heldout": fate.kept & fate.held}
    columns: dict[str, np.ndarray] = {}
    for part, mask in parts.items():
        columns[f"num_{part}"] = np.bincount(stratum_of[mask], minlength=len(strata))
        weights = (sizes_in if part == "in" else sizes)[mask]
        columns[f"bytes_{part}"] = np.bincount(stratum_of[mask], weights, minlength=len(strata)).astype(np.int64)
    refused: dict[int, dict[str, int]] = {}
    gone = np.flatnonzero(~fate.kept)
    cells, nums = np.unique(stratum_of[gone] * max(1, len(names)) + codes[gone], return_counts=True)
    for cell, num in zip(cells.tolist(), nums.tolist(), strict=True):
        place, code = divmod(cell, max(1, len(names)))
        refused.setdefault(place, {})[names[code]] = num
    for number, stratum in enumerate(strata.tolist()):
        source, tag = divmod(stratum, num_languages)
        by_source.append(
            {
                "source": rows.sources.names[source],
                "language": rows.languages.names[tag],
                **{name: int(values[number]) for name, values in columns.items()},
                "refused": dict(sorted(refused.get(number, {}).items())),
            }
        )
    by_source.sort(key=lambda line: (line["source"], line["language"]))
    return {"by_source": by_source, "by_rule": _by_rule(fate)}


def _by_rule(fate: Fate) -> list[dict[str, Any]]:
    names, codes = fate.reasons
    table = []
    numbers = fate.step_numbers().tolist()
    for code in sorted(range(len(names)), key=lambda code: (numbers[code], names[code].split("/", 1)[1])):
        places = np.flatnonzero(codes == code)
        if len(places):
            step, rule = names[code].split("/", 1)
            examples = [fate.rows.ids[row].as_py() for row in places[:_EXAMPLES].tolist()]
            num_bytes = int(fate.sizes[places].sum())
            table.append({"step": step, "rule": rule, "num": len(places), "bytes": num_bytes, "examples": examples})
    return table


def edits_of(fate: Fate) -> dict[str, int]:
    """Numbers of changes by "step/rule"."""
    total = Counter(fate.rows.chunks.num_changes())
    for rule, num in Counter(fate.compared.cuts().column("rule").to_pylist()).items():
        total[f"{DUPLICATES}/{rule}"] += num
    return dict(sorted(total.items()))


def language_matrix(documents: Rows) -> list[dict[str, Any]]:
    """How many documents of each declared language were found to be in which."""
    if not len(documents):
        return []
    declared, found = documents.arrays["declared"], documents.arrays["found"]
    table = Counter[tuple[str, str]]()
    for start in range(0, len(documents), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        table.update(zip(declared[part].astype("U16").tolist(), found[part].astype("U16").tolist(), strict=True))
    return [{"declared": one, "found": other, "num": num} for (one, other), num in sorted(table.items())]


def heldout_facts(documents: Fate, pairs: Fate, split: Split, short_pair: int) -> dict[str, Any]:
    """How much is held out, by kind, source and language."""
    whole = np.concatenate([split.cluster_documents, split.cluster_pairs])
    sizes = np.unique(whole, return_counts=True)[1] if len(whole) else np.zeros(0, np.int64)
    short = pairs.rows.arrays["longest"] <= short_pair
    return {
        "num_clusters": len(sizes),
        "num_clusters_of_several": int((sizes > 1).sum()),
        "largest_cluster": int(sizes.max(initial=0)),
        "num_documents": int(split.documents.sum()),
        "num_pairs": int(split.pairs.sum()),
        "num_pairs_kept": int((split.pairs & pairs.kept).sum()),
        "num_short_pairs_kept": int((split.pairs & pairs.kept & short).sum()),
        "num_documents_kept": int((split.documents & documents.kept).sum()),
        "short_pair": short_pair,
    }
