"""What the page says about curate: tables of what went in, what was refused and why, what was held out."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from fournil.core.context import Count
from fournil.stages.curate.duplicates import Duplicate
from fournil.stages.curate.heldout import Split
from fournil.stages.curate.names import DUPLICATES
from fournil.stages.curate.rows import Rows

_EXAMPLES = 3


@dataclass(frozen=True)
class Fate:
    """What became of all rows of one kind."""

    rows: Rows
    duplicates: dict[int, Duplicate]
    held: np.ndarray
    steps: tuple[str, ...]
    """In order; `bytes_STEP` is the array that holds the rows' bytes after it, and `bytes` after those without one."""

    def reason(self, row: int) -> tuple[str, str] | None:
        """Step and rule that refused a row, or None."""
        if row in self.duplicates:
            return DUPLICATES, self.duplicates[row].rule
        step, rule = self.rows.steps[row], self.rows.rules[row]
        return None if step is None or rule is None else (step, rule)

    def num_refused(self) -> int:
        """How many rows were refused."""
        return sum(self.reason(row) is not None for row in range(len(self.rows)))


def counts_of(fate: Fate) -> list[Count]:
    """One Count for each step."""
    num = len(fate.rows)
    reasons = [fate.reason(row) for row in range(num)]
    step_of = np.array([-1 if reason is None else _number(fate, reason[0]) for reason in reasons], np.int64)
    before = fate.rows.arrays["bytes_in"]
    alive = np.ones(num, bool)
    counts: list[Count] = []
    for number, step in enumerate(fate.steps):
        refused = Counter(reason[1] for reason in reasons if reason is not None and reason[0] == step)
        left = alive & (step_of != number)
        after = fate.rows.arrays.get(f"bytes_{step}", fate.rows.arrays["bytes"])
        counts.append(
            Count(
                step=step,
                num_in=int(alive.sum()),
                num_out=int(left.sum()),
                refused=dict(sorted(refused.items())),
                bytes_in=int(before[alive].sum()),
                bytes_out=int(after[left].sum()),
                unit=fate.rows.kind,
            )
        )
        alive, before = left, after
    return counts


def _number(fate: Fate, step: str) -> int:
    return fate.steps.index(step)


def facts_of(fate: Fate) -> dict[str, Any]:
    """Tables for one kind: by step and rule, by source and language, and a few examples of each rule."""
    rows = fate.rows
    sizes_in, sizes = rows.arrays["bytes_in"].tolist(), rows.arrays["bytes"].tolist()
    table: dict[tuple[str, str], dict[str, Any]] = {}
    rules: dict[tuple[str, str], dict[str, Any]] = {}
    held = fate.held.tolist()
    for row in range(len(rows)):
        line = table.setdefault((rows.sources[row], rows.languages[row]), _line())
        line["num_in"] += 1
        line["bytes_in"] += sizes_in[row]
        reason = fate.reason(row)
        if reason is None:
            part = "heldout" if held[row] else "train"
            line[f"num_{part}"] += 1
            line[f"bytes_{part}"] += sizes[row]
            continue
        name = "/".join(reason)
        line["refused"][name] = line["refused"].get(name, 0) + 1
        rule = rules.setdefault(reason, {"step": reason[0], "rule": reason[1], "num": 0, "bytes": 0, "examples": []})
        rule["num"] += 1
        rule["bytes"] += sizes[row]
        if len(rule["examples"]) < _EXAMPLES:
            rule["examples"].append(rows.ids[row])
    order = {step: number for number, step in enumerate(fate.steps)}
    return {
        "by_source": [
            {"source": source, "language": tag, **line, "refused": dict(sorted(line["refused"].items()))}
            for (source, tag), line in sorted(table.items())
        ],
        "by_rule": [rules[key] for key in sorted(rules, key=lambda key: (order[key[0]], key[1]))],
    }


def _line() -> dict[str, Any]:
    zeros = dict.fromkeys(("num_in", "bytes_in", "num_train", "bytes_train", "num_heldout", "bytes_heldout"), 0)
    return {**zeros, "refused": {}}


def language_matrix(documents: Rows, declared: list[str | None]) -> list[dict[str, Any]]:
    """How many documents of each declared language were found to be in which."""
    pairs = Counter(
        (tag or "", str(found)) for tag, found in zip(declared, documents.arrays["found"].tolist(), strict=True)
    )
    return [{"declared": one, "found": other, "num": num} for (one, other), num in sorted(pairs.items())]


def heldout_facts(documents: Fate, pairs: Fate, split: Split, short_pair: int) -> dict[str, Any]:
    """How much is held out, by kind, source and language."""
    whole = np.concatenate([split.cluster_documents, split.cluster_pairs])
    sizes = np.unique(whole, return_counts=True)[1] if len(whole) else np.zeros(0, np.int64)
    short = pairs.rows.arrays["longest"] <= short_pair
    kept = np.array([pairs.reason(row) is None for row in range(len(pairs.rows))], bool)
    return {
        "num_clusters": len(sizes),
        "num_clusters_of_several": int((sizes > 1).sum()),
        "largest_cluster": int(sizes.max(initial=0)),
        "num_documents": int(split.documents.sum()),
        "num_pairs": int(split.pairs.sum()),
        "num_pairs_kept": int((split.pairs & kept).sum()),
        "num_short_pairs_kept": int((split.pairs & kept & short).sum()),
        "num_documents_kept": sum(
            bool(held) and documents.reason(row) is None for row, held in enumerate(split.documents.tolist())
        ),
        "short_pair": short_pair,
    }
