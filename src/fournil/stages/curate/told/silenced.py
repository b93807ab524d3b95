"""Whom the step toxicity silences: its counts by source, language variety and category."""

from typing import Any

import numpy as np

from fournil.core.relatives import RELATIVES
from fournil.parts.text.toxicity import GRADES
from fournil.stages.curate.alone.toxicity import WORDS
from fournil.stages.curate.names import TOXICITY
from fournil.stages.curate.told.facts import Fate


def toxicity_facts(fate: Fate) -> list[dict[str, Any]]:
    """Whom the step silences: a line for each source, language variety and category.

    Returns:
        `source`, `variety` (the language's tag, or that of its relative that was found), `category`; `num_documents`
        that were looked at, `num_mild`, `num_strong` and `num_adult` with at least one such word, `words_*` and
        `words`, how many there are; `num_refused` and `share_refused`.
    """
    rows = fate.rows
    if not len(rows):
        return []
    counts = np.asarray(rows.arrays[WORDS], np.int64)
    refused = rows.refused_by(TOXICITY)
    names, varieties = _varieties(fate)
    num_varieties, num_categories = len(names) + 1, len(rows.categories.names) + 1
    keys = rows.sources.codes.astype(np.int64)
    keys = (keys * num_varieties + varieties) * num_categories + rows.categories.codes
    looked_at = counts[:, -1] > 0
    cells, cell_of = np.unique(keys[looked_at], return_inverse=True)
    counts, refused = counts[looked_at], refused[looked_at]

    def by_cell(values: np.ndarray) -> list[int]:
        return np.bincount(cell_of, values, minlength=len(cells)).astype(np.int64).tolist()

    columns: dict[str, list[int]] = {"num_documents": by_cell(np.ones(len(cell_of)))}
    for number, grade in enumerate(GRADES):
        columns[f"num_{grade}"] = by_cell(counts[:, number] > 0)
        columns[f"words_{grade}"] = by_cell(counts[:, number])
    columns["words"] = by_cell(counts[:, -1])
    columns["num_refused"] = by_cell(refused)
    table = []
    for number, cell in enumerate(cells.tolist()):
        rest, category = divmod(cell, num_categories)
        source, variety = divmod(rest, num_varieties)
        figures = {name: values[number] for name, values in columns.items()}
        table.append(
            {
                "source": rows.sources.names[source],
                "variety": names[variety],
                "category": rows.categories.names[category],
                **figures,
                "share_refused": figures["num_refused"] / figures["num_documents"],
            }
        )
    return sorted(table, key=lambda line: (line["source"], line["variety"], line["category"]))


def _varieties(fate: Fate) -> tuple[list[str], np.ndarray]:
    """Names of language varieties, and each row's: the relative that was found, else the language's tag."""
    rows = fate.rows
    names = list(rows.languages.names)
    codes = np.array(rows.languages.codes, np.int64)
    found = np.asarray(rows.arrays["found"]).astype("U16")
    for tag in sorted(relative.tag for kin in RELATIVES.values() for relative in kin):
        there = found == tag
        if there.any():
            if tag not in names:
                names.append(tag)
            codes[there] = names.index(tag)
    return names, codes
