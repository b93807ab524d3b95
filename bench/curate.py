"""Curation: verdicts against datatrove's, and what each step costs beside it.

    python bench/curate.py [--data FOLDER] [--cases fournil compat …] [--documents 24000] [--repeats 3]

The table is kept in bench/results/curate.txt, case by case: cases that are not asked for keep the rows that they have
there. FOLDER holds sets of real text as JSON lines in xz (`id`, `text`, `lang`), see curating/verdicts.py for their
names; without one that lies beside the checkout as ../shared/data nothing is measured.
"""

import argparse
import contextlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from tables import compared, kept, last_line  # noqa: E402 - from this folder

STEPS = ("language", "gopher-repetition", "gopher-quality", "c4", "fineweb")
SPEED = ("fournil", "fournil-pages", "compat", *(f"compat-{name}" for name in STEPS), "pii")
NEAR = ("near-duplicates", "near-join", "planted")
SCALE = ("growth-10", "growth-100", "memory", "start", "cluster")
CASES = ("verdicts", *SPEED, *NEAR, *SCALE)
RESULTS = ROOT / "bench" / "results" / "curate.txt"


def measured(case: str, asked: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    """The rows of one case. What it needs is imported only here: the peers are large."""
    if case in NEAR:
        from curating import near

        yield from near.rows(asked.data, work, (case,))
    elif case in SCALE:
        from curating import scale

        yield from scale.rows(asked.data, work, (case,))
    elif case == "verdicts":
        from curating.verdicts import verdicts

        for row in verdicts(asked.data, asked.documents):
            yield {
                "case": f"verdicts of {row['filter']}",
                "ours": row["same"],
                "peer": row["documents"],
                "unit": "documents with the same verdict, reason and text",
                "ratio": row["same"] / row["documents"],
                "equal": row["same"] / row["documents"],
                **{name: row[name] for name in ("refused", "changed", "reasons", "differences")},
            }
    else:
        from curating import speed

        yield from speed.rows(asked.data, work, (case,), repeats=asked.repeats)


def written(held: dict[str, list[dict[str, Any]]]) -> str:
    """The table, the reasons of the verdicts, and the rows as JSON."""
    rows = [row for case in CASES for row in held.get(case, ())]
    lines = compared(rows)
    for row in rows:
        if row["of"] == "verdicts":
            said = ", ".join(f"{name} {num:,}" for name, num in row["reasons"].items())
            lines.append(
                f"\n{row['case']}: refused {row['refused']:,} ({said}); text changed in {row['changed']:,} kept."
            )
            lines += [f"  differs: {json.dumps(each, ensure_ascii=False)}" for each in row["differences"]]
        elif "note" in row:
            lines.append(f"\n{row['case']}: {row['note']}.")
    machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    head = (
        f"Curation beside its peers ({machine}); ratio: how many times the peer's speed; equal: share of equal\n"
        "outputs (where the mode is fournil: of documents that both keep or both refuse).\n"
    )
    return "\n".join((head, *lines, "", last_line("curate", rows))) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--documents", type=int, default=24_000, help="how many the verdicts are compared on")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, help="keeps the corpora that are made (the largest has 10 GB of text)")
    asked = parser.parse_args()
    if not asked.data.is_dir():
        print(f"{asked.data}: no real text here; name a folder with --data")
        return
    held = kept(RESULTS)
    for case in asked.cases:
        with contextlib.ExitStack() as stack:
            work = asked.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            rows = list(measured(case, asked, work))
        held[case] = [{"of": case, **row} for row in rows]
        RESULTS.write_text(written(held), "utf-8")
        for row in held[case]:
            print(json.dumps(row, ensure_ascii=False), flush=True)
    print(RESULTS.read_text("utf-8"), end="")


if __name__ == "__main__":
    main()
