"""The tokenizer: speed beside the public ways to encode, the sweep of shares, presets beside Mistral's, equal ids.

    python bench/tokenizer.py [--data FOLDER] [--cases encode shares kinds ids] [--work FOLDER] [--repeats 3]

The tables are kept in bench/results/tokenizer.txt, case by case: cases that are not asked for keep the rows that they
have there. FOLDER holds sets of real text as JSON lines in xz (tokenizing/corpus.py has their names); without one that
lies beside the checkout as ../shared/data nothing is measured. What is laid out and learned stays in the work folder
for the next time. Peers that are not installed are left out (`pip install fournil[bench]`).
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench")]

from tables import compared, grid, kept, last_line  # noqa: E402 - from this folder

CASES = ("encode", "shares", "kinds", "ids")
RESULTS = ROOT / "bench" / "results" / "tokenizer.txt"
VOCABULARY = 32_000
CROISSANT = {("law", "fr"): 0.69, ("law", "en"): 0.98, ("encyclopaedia", "fr"): 0.82, ("encyclopaedia", "en"): 0.96}
"""CroissantLLM's tokens for one of Mistral's, as the Lucie team measured them on Europarl and Wikipedia: beside our
nearest texts."""


def measured(case: str, asked: argparse.Namespace, work: Path) -> Iterator[dict[str, Any]]:
    """The rows of one case."""
    from tokenizing.corpus import make_curated
    from tokenizing.kinds import config_of
    from tokenizing.shares import kept as learned

    curated = make_curated(asked.data, work / "curated")
    if case == "encode":
        from tokenizing import encode

        yield from encode.rows(learned(curated, config_of("fournil")), curated, repeats=asked.repeats)
    elif case == "shares":
        from tokenizing import shares

        yield from shares.rows(curated, VOCABULARY)
    elif case == "kinds":
        from tokenizing import kinds

        yield from kinds.rows(curated)
    else:
        from tokenizing import ids

        with tempfile.TemporaryDirectory() as folder:
            yield from ids.rows(curated, Path(folder))


def shares_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What each share of French costs: parity, and what English and French pay against as much of both."""
    from tokenizing.measure import parity, per_byte

    def of_pairs(row: dict[str, Any], tag: str) -> int:
        return sum(sides[tag] for sides in row["pairs"].values())

    rows = sorted(rows, key=lambda row: row["french"])
    equal = rows[0]
    names = list(equal["pairs"])
    cells = [
        ("French of the prose", "French / English tokens, all pairs", *names, "each set alike", "English", "French")
    ]
    for row in rows:
        cells.append(
            (
                f"{row['french']:.2f}",
                f"{of_pairs(row, 'fr') / of_pairs(row, 'en'):.3f}",
                *(f"{row['pairs'][name]['fr'] / row['pairs'][name]['en']:.3f}" for name in names),
                f"{parity(row['pairs']):.3f}",
                *(f"{per_byte(row['kinds'], tag) / per_byte(equal['kinds'], tag) - 1:+.1%}" for tag in ("en", "fr")),
            )
        )
    return grid(cells)


def kinds_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Tokens per word, and for one of Mistral's."""
    names = [row["name"] for row in rows]
    mistral = next((row for row in rows if row["name"] == "mistral"), None)
    cells = [("text", *(f"{row['name']} ({row['vocabulary']:,})" for row in rows), "CroissantLLM published")]
    for place, kind in enumerate(rows[0]["kinds"]):
        found = [row["kinds"][place] for row in rows]
        for title, below, digits in (("tokens per word", None, 3), ("for one of Mistral's", mistral, 2)):
            if below is None or mistral is not None:
                of = below["kinds"][place]["tokens"] if below else kind["words"]
                said = CROISSANT.get((kind["kind"], kind["language"])) if below else None
                published = f"{said:.2f}" if said else "–"
                figures = (f"{one['tokens'] / of:.{digits}f}" for one in found)
                cells.append((f"{kind['kind']}, {kind['language']}, {title}", *figures, published))
    for name in rows[0]["pairs"]:
        ratios = (row["pairs"][name]["fr"] / row["pairs"][name]["en"] for row in rows)
        cells.append((f"{name}, French / English", *(f"{ratio:.3f}" for ratio in ratios), "–"))
    sums = [{tag: sum(sides[tag] for sides in row["pairs"].values()) for tag in ("fr", "en")} for row in rows]
    cells.append(("all pairs, French / English", *(f"{one['fr'] / one['en']:.3f}" for one in sums), "–"))
    assert len(names) == len(sums)
    return grid(cells)


def ids_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Lines with equal ids."""
    programs = ("ours", "transformers", "llama.cpp", "back")
    cells = [("preset", "vocabulary", "lines", "our kernel", "transformers", "llama.cpp", "given back by both")]
    for row in rows:
        figures = (f"{row[name]:,}" for name in ("vocabulary", "lines", *programs))
        cells.append((row["name"], *figures))
    return grid(cells)


TABLES = {
    "encode": ("Encoding, one thread, ids compared over all text", compared),
    "shares": (
        f"Shares of French in the training text, {VOCABULARY:,} ids; the last columns against equal shares",
        shares_table,
    ),
    "kinds": ("Presets learned from the same text, beside Mistral's", kinds_table),
    "ids": ("Lines with the ids of the tokenizers library", ids_table),
}


def written(held: dict[str, list[dict[str, Any]]]) -> str:
    """The tables, and the rows as JSON."""
    lines = [f"The tokenizer ({platform.processor() or platform.machine()}, Python {platform.python_version()})"]
    for case in CASES:
        if held.get(case):
            title, made = TABLES[case]
            lines += ["", f"{case}: {title}", "", *made(held[case])]
    others = [row for case in CASES if case != "encode" for row in held.get(case, ())]
    return "\n".join((*lines, "", last_line("tokenizer", held.get("encode", ()), others))) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "fournil-bench-tokenizer")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    if not asked.data.is_dir():
        print(f"{asked.data}: no real text here; name a folder with --data")
        return
    os.environ.setdefault("RAYON_NUM_THREADS", "2")
    asked.work.mkdir(parents=True, exist_ok=True)
    held = kept(RESULTS)
    for case in asked.cases:
        held[case] = [{"of": case, **row} for row in measured(case, asked, asked.work)]
        RESULTS.write_text(written(held), "utf-8")
    print(RESULTS.read_text("utf-8"), end="")


if __name__ == "__main__":
    main()
