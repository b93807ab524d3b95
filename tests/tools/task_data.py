"""Small data sets with the fields of those that FrenchBench and its English counterparts name, for running offline.

Each is written where `--data` looks for it, in one of the layouts that it knows; all texts are made up.
"""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

LETTERS = "ABCD"
_NAMES = ("Ana", "Bilal", "Chloé", "Didier", "Élise", "Farid", "Gaëlle", "Hugo", "Inès", "Jules")
_THINGS = ("l'eau", "le pain", "la clé", "un œuf", "une île", "les noix", "l’orge", "des pommes", "le sel", "la farine")
_PLACES = ("Nantes", "Dakar", "Genève", "Liège", "Québec", "Lyon", "Tunis", "Brest", "Namur", "Arles")


def rows_of(dataset: str, config: str, split: str, count: int) -> list[dict[str, Any]]:
    """Return rows with the fields of a data set's split."""
    found = list(_rows(dataset, config, split, count))
    assert found, dataset
    return found


def _rows(dataset: str, config: str, split: str, count: int) -> Iterator[dict[str, Any]]:
    # Which words a row has depends on its split too, so that no example is also a question.
    offset = sum(map(ord, split))
    for number in range(count):
        n = number + offset
        name, thing, place = _NAMES[n % 10], _THINGS[(n * 3) % 10], _PLACES[(n * 7) % 10]
        others = [_PLACES[(n * 7 + step) % 10] for step in range(1, 4)]
        text = f"{name} vend {thing} à {place} depuis {1900 + n} ans."
        english = f"{name} has sold bread in {place} since {1900 + n}."
        places = [*others[: n % 4], place, *others[n % 4 :]]
        if dataset == "manu/french_bench_arc_challenge":
            yield {"id": f"q{n}", "question": f"Où va {name} ?", "choices": places, "answerKey": LETTERS[n % 4]}
        elif dataset in ("manu/french_bench_hellaswag", "Rowan/hellaswag"):
            yield {
                "ind": n,
                "activity_label": "Cuisine [title] facile",
                "ctx_a": f"{name} prend {thing}.",
                "ctx_b": "puis",
                "endings": [f"part à {other} [step]  vite." for other in places],
                "label": str(n % 4),
                "split": split,
            }
        elif dataset == "manu/french-bench-grammar-vocab-reading":
            gaps = n % 3 + (split != "Reading")
            question = f"{name} " + " puis ".join(["<...>"] * gaps) if gaps else f"Que fait {name} ?"
            yield {
                "question": question,
                "context": text,
                **{f"answer{letter}": " / ".join([f"v{letter.lower()}a"] * max(gaps, 1)) for letter in LETTERS},
                "answer": LETTERS[n % 4],
                "difficulty": 1,
                "language": "fr",
                "subject": split,
                "url": "",
            }
        elif dataset == "manu/french_boolq":
            yield {"question": f"{name} vend-il ?", "passage": text, "label": n % 2}
        elif dataset in ("manu/fquad2_test", "manu/multifquad_test"):
            impossible = dataset == "manu/fquad2_test" and "hasAns" not in split and number % 3 == 1
            answers = [] if impossible else [thing, place] if dataset.startswith("manu/multi") else [thing]
            yield {
                "title": "Foire",
                "context": text,
                "question": f"Que vend {name} ?",
                "answers": {"answers_start": list(range(len(answers))), "text": answers},
                "is_impossible": impossible,
            }
        elif dataset == "orange_sum":
            yield {"text": f"{text} {text}", "summary": f"{name} vend {thing} ({config})."}
        elif dataset == "manu/topic_based_nli_test":
            polarity = ("positif", "negatif", "neutre")[n % 3]
            yield {"text": f"{text} Très bien.", "topic": "Accueil", "polarity": polarity}
        elif dataset == "manu/french-trivia":
            yield {"Question": f"Which town does {name} live in?", "Answer": place}
        elif dataset == "facebook/xnli":
            yield {"premise": text, "hypothesis": f"{name} habite à {place}.", "label": n % 3}
        elif dataset == "manu/opus100-en-fr":
            yield {"text": f"{english}\t{text}"}
        elif dataset == "asi/wikitext_fr":
            yield {"paragraph": f"= {name} = \n {text} Il a dit : « oui » , puis ( rien ) ."}
        elif dataset == "facebook/belebele":
            yield {
                "link": "",
                "flores_passage": text,
                "question": f"Où vend {name} ? ",
                **{f"mc_answer{place + 1}": answer for place, answer in enumerate(places)},
                "correct_answer_num": str(n % 4 + 1),
            }
        elif dataset == "wmt/wmt14":
            yield {"translation": {"fr": text, "en": english}}
        elif dataset == "jannalu/crows_pairs_multilingual":
            yield {"sent_more": text, "sent_less": f"{text} Non.", "stereo_antistereo": "stereo", "bias_type": "age"}
        elif dataset == "allenai/ai2_arc":
            choices = {"text": places, "label": list(LETTERS)}
            yield {"id": f"q{n}", "question": f"Where is {name}?", "choices": choices, "answerKey": LETTERS[n % 4]}
        elif dataset == "baber/piqa":
            yield {"goal": f"Reach {place}", "sol1": "walk", "sol2": f"take {name}'s bus", "label": n % 2}
        elif dataset == "allenai/sciq":
            wrong = {f"distractor{place + 1}": other for place, other in enumerate(others)}
            yield {"question": "Which town?", "support": f" {english}", "correct_answer": place, **wrong}
        elif dataset == "aps/super_glue":
            yield {"question": f"does {name} sell bread", "passage": english, "idx": n, "label": n % 2}
        elif dataset == "cais/mmlu":
            yield {"question": f"Where is {name}? ", "subject": config, "choices": places, "answer": n % 4}
        elif dataset == "EleutherAI/wikitext_document_level":
            yield {"page": f' = {name} = \n {english} He said : " yes " , then ( nothing ) .'}


DATASETS: dict[tuple[str, str], Sequence[str]] = {
    ("manu/french_bench_arc_challenge", ""): ("train", "validation", "test"),
    ("manu/french_bench_hellaswag", ""): ("validation",),
    ("manu/french-bench-grammar-vocab-reading", ""): ("Grammar", "Vocabulary", "Reading"),
    ("manu/french_boolq", ""): ("test", "valid"),
    ("manu/fquad2_test", ""): ("test", "valid", "test_hasAns", "valid_hasAns"),
    ("manu/multifquad_test", ""): ("test", "valid"),
    ("orange_sum", "abstract"): ("test", "validation"),
    ("orange_sum", "title"): ("test", "validation"),
    ("manu/topic_based_nli_test", ""): ("test", "valid"),
    ("manu/french-trivia", ""): ("train",),
    ("facebook/xnli", "fr"): ("test", "validation"),
    ("manu/opus100-en-fr", ""): ("test", "validation"),
    ("asi/wikitext_fr", "wikitext-35"): ("test",),
    ("facebook/belebele", "fra_Latn"): ("test",),
    ("facebook/belebele", "eng_Latn"): ("test",),
    ("wmt/wmt14", "fr-en"): ("test", "validation"),
    ("jannalu/crows_pairs_multilingual", "french"): ("test",),
    ("allenai/ai2_arc", "ARC-Challenge"): ("train", "validation", "test"),
    ("Rowan/hellaswag", ""): ("train", "validation"),
    ("baber/piqa", ""): ("train", "validation"),
    ("allenai/sciq", ""): ("train", "validation", "test"),
    ("aps/super_glue", "boolq"): ("train", "validation"),
    ("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1"): ("test",),
}
"""Data set and configuration, and the splits that tasks read. MMLU's 57 configurations are written on demand."""


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a file as its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
        return
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(path.suffix)
    path.write_bytes(packed(lines.encode()) if packed else lines.encode())


def write_task_data(folder: Path, count: int = 7, mmlu: Sequence[str] = ()) -> Path:
    """Write every data set under a folder, in layouts that take turns; returns the folder."""
    names = (
        "{s}.parquet",
        "data/{s}-00000-of-00001.parquet",
        "{s}/0000.parquet",
        "{s}.jsonl",
        "{s}.jsonl.gz",
        "{s}.jsonl.xz",
    )
    sets = {**DATASETS, **{("cais/mmlu", subject): ("dev", "test") for subject in mmlu}}
    for number, ((dataset, config), splits) in enumerate(sets.items()):
        place = dataset if number % 2 else dataset.rsplit("/", 1)[-1]
        if dataset.endswith("/hellaswag"):
            place = "hellaswag"  # a task's own folder
        for split in splits:
            name = names[number % len(names)].format(s=split)
            write_rows(folder / place / config / name, rows_of(dataset, config, split, count))
    return folder
