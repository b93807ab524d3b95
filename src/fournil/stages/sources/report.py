"""From the finished sources to the stage's artifact: evidence.parquet, counts, and the facts for the label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fournil.core.context import Artifact, Count
from fournil.core.document import EVIDENCE
from fournil.core.shards import write_table
from fournil.core.speech import Message, mark, markn


def write_evidence(path: Path, states: Sequence[Mapping[str, Any]]) -> None:
    """Write what all licences rest on, one row per paragraph or statement, sorted by key."""
    rows = sorted((row for state in states for row in state["evidence"]), key=lambda row: row["key"])
    write_table(path, pa.Table.from_pylist(rows, schema=EVIDENCE))


def artifact(states: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]) -> Artifact:
    """Put together what the stage says of its output.

    Facts: `sources`, one table each (key, title, licences, grades, rightsholder, packages, documents, pairs, …), and
    `languages`: language → documents, pairs and bytes.
    """
    counts = [Count(**count) for state in states for count in state["counts"]]
    languages: dict[str, Counter[str]] = defaultdict(Counter)
    grades: Counter[str] = Counter()
    for state in states:
        for row in state["evidence"]:
            grades[row["grade"]] += 1
        for kind in ("documents", "pairs"):
            for language, found in state["facts"][kind]["languages"].items():
                languages[language][kind] += found["number"]
                languages[language][f"{kind}_bytes"] += found["bytes"]
    facts = {
        "headline": _headline(states),
        "sources": [state["facts"] for state in states],
        "languages": {language: dict(sorted(found.items())) for language, found in sorted(languages.items())},
        "evidence": dict(sorted(grades.items())),
    }
    return Artifact(counts=counts, facts=facts, measured=dict(measured))


def _headline(states: Sequence[Mapping[str, Any]]) -> list[Message]:
    counts = [count for state in states for count in state["counts"]]
    found = {unit: sum(c["num_out"] for c in counts if c["unit"] == unit) for unit in ("documents", "pairs")}
    size = sum(count["bytes_out"] for count in counts)
    documents = markn("{count:,} document", "{count:,} documents", found["documents"])
    pairs = markn("{count:,} pair", "{count:,} pairs", found["pairs"])
    sources = markn("{count:,} source", "{count:,} sources", len(states))
    if found["documents"] and found["pairs"]:
        texts = mark("{documents} and {pairs} from {sources}", documents=documents, pairs=pairs, sources=sources)
    else:
        texts = mark("{texts} from {sources}", texts=pairs if found["pairs"] else documents, sources=sources)
    return [texts, mark("{size:,.1f} MB", size=round(size / 1e6, 1))]
