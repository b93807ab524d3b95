"""What the page says about small models: what they are, and how each source fares with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fournil.stages.curate.alone.models import INDEX
from fournil.stages.curate.names import MODELS
from fournil.stages.curate.told.facts import Fate

_PERCENTS = (10, 50, 90)


def models_facts(fate: Fate, folder: Path) -> dict[str, Any]:
    """What was asked, and by model and source how many documents were judged and refused, and their percentiles.

    Args:
        fate: Of the documents.
        folder: As `prepare_models` made it.
    """
    told = json.loads((folder / INDEX).read_text("utf-8"))
    rows = fate.rows
    by_model: dict[str, list[dict[str, Any]]] = {}
    for array in [name for name in rows.arrays if name == "perplexity" or name.startswith("score_")]:
        name = array.removeprefix("score_")
        figures = np.asarray(rows.arrays[array], np.float64)
        refused = fate.reasons.where(*(each for each in fate.reasons.names if each.startswith(f"{MODELS}/{name}-")))
        table = []
        for code, source in enumerate(rows.sources.names):
            there = rows.sources.codes == code
            judged = figures[there & np.isfinite(figures)]
            line: dict[str, Any] = {
                "source": source,
                "num": int(there.sum()),
                "num_judged": len(judged),
                "num_refused": int((there & refused).sum()),
            }
            if len(judged):
                line |= {f"p{percent}": float(f"{np.percentile(judged, percent):.4g}") for percent in _PERCENTS}
            table.append(line)
        by_model[name] = sorted(table, key=lambda line: line["source"])
    return {**told, "documents": by_model}
