"""What a run made, of what, and what it took: from the ledger alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO

from fournil.core.ledger import newest_records
from fournil.core.progress import duration
from fournil.core.record import Record
from fournil.core.speech import figure, retell, tr, trn


def show(run: Path, file: TextIO, *, as_json: bool = False) -> int:
    """Print a line or two per stage of a run.

    Args:
        run: The run folder.
        file: Where to print.
        as_json: Print the newest record of each stage as a JSON array instead.

    Raises:
        FournilError: When the folder is no run.
    """
    records = newest_records(run)
    if as_json:
        print(json.dumps([record.to_json() for record in records], ensure_ascii=False, indent=2), file=file)
        return 0
    print(f"{run}\n", file=file)
    for record in records:
        for line in _lines(record):
            print(line, file=file)
    seconds, kwh = sum(r.seconds for r in records), sum(r.energy.get("kwh", 0.0) for r in records)
    words = {"time": duration(seconds), "energy": kwh * 1000}
    print(f"\n  {tr('in all    {time}, {energy:,.1f} Wh', **words)}", file=file)
    return 0


def _lines(record: Record) -> list[str]:
    name = record.stage if record.stage == record.name else f"{record.stage}/{record.name}"
    size = record.outputs.get("bytes", 0)
    head = f"  {name:<20} {duration(record.seconds):>12}  {tr('{megabytes:>9,.1f} MB', megabytes=size / 1e6)}  "
    lines = [head + retell(record.headline)]
    refused = _refused(record.counts)
    if refused:
        lines.append(f"  {'':<20} {tr('refused: {rules}', rules=refused)}")
    return lines


def _refused(counts: list[dict[str, Any]]) -> str:
    rules: dict[str, int] = {}
    for count in counts:
        for rule, number in count["refused"].items():
            key = f"{count['step']}/{rule}"
            rules[key] = rules.get(key, 0) + number
    top = sorted(rules.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{figure(f'{number:,}')} {rule}" for rule, number in top[:6])
    more = len(top) - 6
    if more <= 0:
        return shown
    return trn("{shown}, and {count} more rule", "{shown}, and {count} more rules", more, shown=shown)
