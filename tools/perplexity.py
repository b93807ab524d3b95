"""What perplexity models of ours tell apart: the tables of docs/perplexity.md.

    python tools/perplexity.py FOLDER

FOLDER holds sets of real text, one folder each, as JSON lines in xz: books_fr, theatre17_fr, laws_ca_fr …
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fournil.core.columns import aligned
from fournil.parts.text.ngram_lm import NgramModel, train_model
from fournil.parts.text.ngram_lm.train import passages
from fournil.stages.curate.alone.ocr import letter_share
from fournil.stages.curate.sections.models import OCR_PRESETS

MISREAD = (0.01, 0.02, 0.05, 0.1, 0.2)
LETTERS = "aaaabcdeeeeeeéèfghiiijlmnnnooopqrrrssstttuuuvx,.;:'|!1I-"
STOCK_MARKET = """~s. < i A 'rr-oAtt—~—~—. --, 1 Sj| A TERME. I
Derniers cottrt IIDtrrétl 1-T-S.* J Tsox A TERME. cotés «l J^Ptant.
Liq. ! : -. précédentmrnt. et à démission II le, couro Pins liant. fPÎ.
bas. |Dera« cours. ^'c^^TTermèr] Dividendes. H22ii autre ■ «T.
67f33 40 45 30 55 60 63 60 „ fin coar. 67 50 67 75 S 67 45 67 70 67
30 67 37I | jPr.fteîc.] d 2n H S > ! | S | iPr.iinc. d lf,67 77% 68 d 50! 1
"""


def rows(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """Rows of a set."""
    for path in sorted((data / name).glob("*.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def texts(data: Path, name: str, *, key: str = "text", megabytes: float = 2.0, to_train: bool = False) -> list[str]:
    """Some texts of a set, drawn once for all; those to train on are drawn from the other end."""
    found = [row[key] for row in rows(data, name)]
    random.Random(0).shuffle(found)
    if to_train:
        found.reverse()
    taken: list[str] = []
    size = 0
    for text in found:
        taken.append(text)
        size += len(text.encode())
        if size > megabytes * 1e6:
            break
    return taken


def misread(text: str, share: float) -> str:
    """A text with some of its letters taken for others."""
    draw = random.Random(len(text))
    return "".join(
        draw.choice(LETTERS) if each.isalpha() and draw.random() < share else each for each in text
    )  # fmt: skip


def scored(model: NgramModel, documents: list[str]) -> tuple[list[str], np.ndarray]:
    """Passages, and the perplexity of each as a multiple of the reference text's median."""
    parts = [text[start:end] for text in documents for start, end in passages(text)]
    found = model.score(pa.array(parts, pa.large_string())) / model.at(50)
    enough = np.isfinite(found)
    return [part for part, is_good in zip(parts, enough.tolist(), strict=True) if is_good], found[enough]


def line(model: NgramModel, name: str, documents: list[str]) -> list[str]:
    """One line of the table."""
    parts, found = scored(model, documents)
    share = np.array([letter_share(part) for part in parts])
    cells = [name, f"{len(parts):,}", *(f"{figure:.1f}" for figure in np.percentile(found, (10, 50, 90)))]
    for preset in ("croissant", "lucie"):
        rules = OCR_PRESETS[preset]
        good = (found >= rules.min_ratio) & (found <= rules.max_ratio) & (share >= rules.min_letters)
        cells.append(f"{good.mean():.0%}")
    return cells


def table(data: Path, model: NgramModel, held: list[str]) -> Iterator[str]:
    """How surprising each set is."""
    sets = {"novels, not trained on": held}
    sets |= {f"the same, {share:.0%} of letters misread": [misread(text, share) for text in held] for share in MISREAD}
    names = {
        "theatre17_fr": "plays in verse, 17th century", "laws_ca_fr": "laws", "docs_postgresql_fr": "documentation",
        "docs_php_fr": "documentation of a language", "ud_rhapsodie_fr": "speech, transcribed",
        "ocr_mazarinades_fr": "pamphlets of 1649, OCR", "books_en": "novels in English",
    }  # fmt: skip
    sets |= {said: texts(data, name) for name, said in names.items()}
    charters = list(rows(data, "ocr_himanis_fr"))[::2]
    for key, said in (("gt", "charters of the 14th century"), ("ocr", "the same, OCR")):
        sets[said] = [row[key] for row in charters if len(row["gt"]) > 300]
    sets["columns of a stock market, OCR"] = [STOCK_MARKET]
    head = ["text", "passages", "10 %", "50 %", "90 %", "croissant", "lucie"]
    return aligned([head, *(line(model, name, documents) for name, documents in sets.items())], right=range(1, 7))


def pairs_told_apart(data: Path, model: NgramModel) -> tuple[int, int]:
    """Of how many pages the OCR is more surprising than what people wrote."""
    charters = list(rows(data, "ocr_himanis_fr"))[::2]
    found = [(row["ocr"], row["gt"]) for row in charters if len(row["gt"]) > 300]
    read, written = (model.score(pa.array(side, pa.large_string())) for side in zip(*found, strict=True))
    return int((read > written).sum()), len(found)


def main() -> None:
    """Train the models and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--megabytes", type=float, default=30.0, help="of novels to train on")
    options = parser.parse_args()
    titles = sorted({row["title"] for row in rows(options.data, "books_fr")})
    aside = set(random.Random(5).sample(titles, 12))
    novels = [row for row in rows(options.data, "books_fr") if row["title"] not in aside]
    random.Random(5).shuffle(novels)
    size, training = 0, []
    for row in novels:
        training.append(row["text"])
        size += len(row["text"].encode())
        if size > options.megabytes * 1e6:
            break
    held = [row["text"] for row in rows(options.data, "books_fr") if row["title"] in aside][:60]
    mixed = [
        *training[: len(training) // 2],
        *texts(options.data, "theatre17_fr", megabytes=5, to_train=True),
        *texts(options.data, "laws_ca_fr", megabytes=5, to_train=True),
        *texts(options.data, "docs_postgresql_fr", megabytes=4, to_train=True),
        *texts(options.data, "docs_php_fr", megabytes=4, to_train=True),
    ]
    random.Random(6).shuffle(mixed)
    old = [*training[: len(training) // 2], *texts(options.data, "theatre17_fr", megabytes=5, to_train=True)]
    old += [row["gt"] for row in list(rows(options.data, "ocr_himanis_fr"))[1::2]]
    random.Random(6).shuffle(old)
    models = {
        "novels": training,
        "half the novels, and plays, laws, documentation": mixed,
        "half the novels, plays, and charters of the 14th century": old,
    }
    for name, documents in models.items():
        began = time.process_time()
        model = train_model(documents, "fr")
        seconds = time.process_time() - began
        num_bytes = model.facts["num_bytes"]
        print(f"trained on {name}: {num_bytes / 1e6:.1f} MB, {seconds:.0f} s of one core; {len(model.keys_S):,} runs,")
        print(f"perplexity of its reference text {model.at(10):.0f}, {model.at(50):.0f}, {model.at(90):.0f}\n")
        print("\n".join(table(options.data, model, held)))
        print(
            "\nOCR more surprising than the transcription: {} of {} charters".format(
                *pairs_told_apart(options.data, model)
            )
        )
        batch = pa.array(held, pa.large_string())
        rates = []
        for _ in range(5):
            began = time.process_time()
            model.score(batch)
            rates.append(sum(len(text.encode()) for text in held) / 1e6 / (time.process_time() - began))
        print(f"scored at {np.median(rates):.0f} MB/s of one core\n")


if __name__ == "__main__":
    main()
