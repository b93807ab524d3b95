"""A made-up ledger, rich enough to draw every part of the page; no value in it was ever measured."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fournil.core import ledger
from fournil.core.context import Context
from fournil.core.files import canonical_hash
from fournil.core.record import Record
from fournil.stages.report import Config, run

STAGES = ("sources", "curate", "tokenizer", "pretrain", "finetune", "evaluate", "export")

DESCRIPTION = """
A made-up model of interface messages and manuals, for the tests of this page. It translates short messages; on anything
longer it babbles.

So little training cannot make a model that knows facts, answers questions or writes a letter.
"""

SOURCES = (
    ("manpages-fr", "Manual pages in French", "fr", 5_400, 31_400_000, "GPL-3.0-or-later"),
    ("manpages-en", "The Linux man-pages project", "en", 2_300, 9_800_000, "Linux-man-pages-copyleft"),
    ("handbook-fr", "Le cahier de l’administrateur", "fr", 310, 2_900_000, "CC-BY-SA-3.0"),
    ("handbook-en", "The Administrator’s Handbook", "en", 310, 2_600_000, "CC-BY-SA-3.0"),
    ("python-library", "Python’s standard library", "code", 1_450, 14_000_000, "PSF-2.0"),
)

SENTENCES = (
    ("The file already exists.", "Le fichier existe déjà.", "Le fichier existe déjà."),
    (
        "Do you want to save the changes?",
        "Voulez-vous enregistrer les changements\u202f?",
        "Voulez-vous enregistrer les modifications\u202f?",
    ),
    ("Unable to open “%s”", "Impossible d’ouvrir «\u00a0%s\u00a0»", "Impossible d’ouvrir «\u00a0%s\u00a0»"),
    (
        "Style of items in the tool palette",
        "Style des éléments de la palette",
        "Style des éléments dans la palette d’outils",
    ),
)


def _curve(first: float, last: float, step: int, of: int) -> float:
    return round(last + (first - last) * math.exp(-5 * step / of), 5)


def sources_record(hostile: str) -> dict[str, Any]:
    counts, facts = [], []
    for key, title, language, number, size, licence in SOURCES:
        counts.append(
            _count(f"sources/{key}", number + 12, number, {"too-few-letters": 9, "too-large": 3}, size + 9000, size)
        )
        found = {"number": number, "bytes": size, "refused": {"too-few-letters": 9, "too-large": 3}}
        found |= {
            "licences": {licence: number - 5, "GPL-2.0-only": 5},
            "languages": {language: {"number": number, "bytes": size}},
        }
        empty = {"number": 0, "bytes": 0, "refused": {}, "licences": {}, "languages": {}}
        facts.append(_source(key, title + hostile, licence, ["machine-readable"], {"documents": found, "pairs": empty}))
    both = {tag: {"number": 91_000, "bytes": 4_100_000} for tag in ("en", "fr")}
    pairs = {
        "number": 91_000,
        "bytes": 8_200_000,
        "refused": {"unknown-licence": 410},
        "licences": {"GPL-3.0-or-later": 91_000},
        "languages": both,
    }
    counts.append(_count("sources/messages", 91_410, 91_000, {"unknown-licence": 410}, 8_300_000, 8_200_000, "pairs"))
    none = {"number": 0, "bytes": 0, "refused": {}, "licences": {}, "languages": {}}
    facts.append(
        _source(
            "messages",
            "Interface messages of free programs",
            "GPL-3.0-or-later",
            ["stated", "machine-readable"],
            {"documents": none, "pairs": pairs},
        )
    )
    facts[0]["rightsholder"] += hostile
    table = {"sources": facts, "evidence": {"machine-readable": 61, "stated": 4}, "languages": {}}
    return {"counts": counts, "facts": table | {"headline": "9,770 documents and 91,000 pairs from 6 sources"}}


def _source(key: str, title: str, licence: str, grades: list[str], kinds: dict[str, Any]) -> dict[str, Any]:
    package = {
        "name": f"{key}-data",
        "version": "4.2-1",
        "source": key,
        "bytes": 1_234_567,
        "sha256": canonical_hash(key),
    }
    head = {
        "key": key,
        "title": title,
        "grades": grades,
        "packages": [package],
        "rightsholder": "The authors of " + key,
    }
    return (
        head
        | {"dates": "1999–2024", "url": f"https://example.org/{key}", "language": "fr", "category": "documentation"}
        | kinds
    )


def _count(
    step: str,
    num_in: int,
    num_out: int,
    refused: dict[str, int],
    bytes_in: int,
    bytes_out: int,
    unit: str = "documents",
) -> dict[str, Any]:
    assert num_in == num_out + sum(refused.values())
    return {
        "step": step,
        "num_in": num_in,
        "num_split": 0,
        "num_out": num_out,
        "refused": refused,
        "bytes_in": bytes_in,
        "bytes_out": bytes_out,
        "unit": unit,
    }


def curate_record(hostile: str) -> dict[str, Any]:
    steps = (
        ("normalise", {}),
        ("personal-data", {}),
        ("language", {"mismatch": 112, "low-confidence": 7}),
        ("boilerplate", {}),
        ("heldout", {}),
        ("quality", {"gopher-few-words": 320, "max_duplicate_ngrams": 41, "max_short_lines": 88}),
        ("duplicates", {"near": 1_204, "exact": 260}),
    )
    counts, left, size = [], 9_770, 60_700_000
    for step, refused in steps:
        after = left - sum(refused.values())
        counts.append(_count(step, left, after, refused, size, round(size * after / left)))
        left, size = after, round(size * after / left)
    left = 91_000
    for step, refused in (
        ("language", {"mismatch": 1_100}),
        ("quality", {"length-ratio": 640}),
        ("duplicates", {"exact": 20_260}),
    ):
        after = left - sum(refused.values())
        counts.append(_count(step, left, after, refused, left * 90, after * 90, "pairs"))
        left = after
    by_source = [
        {
            "source": key,
            "language": language,
            "num_in": number,
            "bytes_in": size,
            "num_train": number - 400,
            "bytes_train": size - 90_000,
            "num_heldout": 60,
            "bytes_heldout": 40_000,
            "refused": {"quality/gopher-few-words": 340},
        }
        for key, _, language, number, size, _ in SOURCES
        if number > 400
    ]
    pairs = [
        {
            "source": "messages",
            "language": "en-fr",
            "num_in": 91_000,
            "bytes_in": 8_200_000,
            "num_train": 67_600,
            "bytes_train": 6_000_000,
            "num_heldout": 1_400,
            "bytes_heldout": 130_000,
            "refused": {"duplicates/exact": 22_000},
        }
    ]
    rules = [
        {
            "step": "duplicates",
            "rule": "near",
            "num": 1_204,
            "bytes": 5_000_000,
            "examples": ["manpages-fr/man3/strcpy.3" + hostile],
        }
    ]
    facts = {
        "documents": {"by_source": by_source, "by_rule": rules},
        "pairs": {"by_source": pairs, "by_rule": []},
        "edits": {
            "documents": {"personal-data/e-mail": 812, "personal-data/phone": 3, "normalise/nfc": 91},
            "pairs": {"personal-data/e-mail": 4},
        },
        "contamination": [
            {
                "name": f"essai {hostile}",
                "source": hostile,
                "num_items": 60,
                "num_searched": 58,
                "num_found": 3,
                "num_context": 2,
                "num_documents": 7,
                "num_pairs": 1,
                "by_source": [],
            },
            {
                "name": "fidelity-fr",
                "source": "fidelity",
                "num_items": 200,
                "num_searched": 187,
                "num_found": 0,
                "num_context": 0,
                "num_documents": 0,
                "num_pairs": 0,
                "by_source": [],
            },
        ],
        "toxicity": [
            {
                "source": "messages",
                "variety": "fr-CA",
                "category": hostile,
                "num_documents": 40,
                "num_mild": 9,
                "num_strong": 1,
                "num_adult": 0,
                "words_mild": 12,
                "words_strong": 1,
                "words_adult": 0,
                "words": 9_000,
                "num_refused": 2,
                "share_refused": 0.05,
            },
            {
                "source": "manpages-en",
                "variety": "en",
                "category": "",
                "num_documents": 60,
                "num_mild": 0,
                "num_strong": 0,
                "num_adult": 0,
                "words_mild": 0,
                "words_strong": 0,
                "words_adult": 0,
                "words": 70_000,
                "num_refused": 0,
                "share_refused": 0.0,
            },
        ],
        "heldout": {
            "num_clusters": 310,
            "num_documents": 300,
            "num_pairs": 1_450,
            "num_pairs_kept": 1_400,
            "num_short_pairs_kept": 640,
            "num_documents_kept": 240,
            "short_pair": 45,
        },
        "leak_check": {
            "num_heldout_texts": 3_040,
            "num_training_texts": 143_000,
            "num_comparisons": 434_720_000,
            "num_sharing_words": 5_121,
            "threshold": 0.8,
            "violations": {"near_duplicate": 0, "same_letters": 0, "translation_group": 0},
        },
    }
    return {"counts": counts, "facts": facts}


def tokenizer_record(hostile: str) -> dict[str, Any]:
    fertility = []
    for language, ours, other in (("en", 1.98, 1.52), ("fr", 2.11, 1.87)):
        for kind, source in ((None, None), ("messages", None), ("messages", f"manpages-{language}")):
            row = {
                "language": language,
                "kind": kind,
                "source": source,
                "num_texts": 120,
                "num_bytes": 500_000,
                "num_words": 81_234,
                "num_tokens": 160_000,
            }
            row |= {"tokens_per_word": ours, "tokens_per_byte": 0.3214, "bytes_per_token": 3.111}
            fertility.append(row | {"mistral_tokens_per_word": other, "mistral_bytes_per_token": 4.0})
    vocabulary = [
        {"language": language, "num_tokens": number, "share": share, "examples": ["▁de", "l'" + hostile, "▁<b>", "ing"]}
        for language, number, share in (
            ("code", 310, 0.07),
            ("en", 1_400, 0.34),
            ("fr", 1_650, 0.4),
            ("shared", 700, 0.17),
            ("unused", 83, 0.02),
        )
    ]
    return {
        "facts": {
            "vocab_size": 4096,
            "fertility": fertility,
            "compared_with": [{"key": "mistral", "short": "Mistral", "name": "Mistral 7B v0.1", "vocab_size": 32_000}],
            "vocabulary": vocabulary,
            "parity": {
                "languages": ["fr", "en"],
                "num_pairs": 1_400,
                "bytes": 1.151,
                "words": 1.06,
                "tokens": 1.093,
                "mistral_tokens": 1.31,
            },
            "round_trip": {"num_texts": 3_040, "num_failed": 1, "num_space_sign": 1, "num_unknown": 0},
        }
    }


def pretrain_record(hostile: str) -> dict[str, Any]:
    groups = {"en": (8.3, 2.9), "fr": (8.3, 2.7), "code": (8.3, 2.2), "parallel": (8.3, 3.3)}
    losses = [
        {
            "step": step,
            "tokens": step * 1024,
            "loss": {name: _curve(*ends, step, 1200) for name, ends in groups.items()},
        }
        for step in range(10, 1201, 10)
    ]
    checks = [
        {
            "step": step,
            "tokens": step * 1024,
            "bits_per_byte": {"en": _curve(3.9, 1.91, step, 1200), "fr": _curve(3.8, 1.62, step, 1200)},
        }
        for step in range(150, 1201, 150)
    ]
    seen = [
        {"group": group, "source": source, "tokens": tokens, "tokens_seen": read, "epochs": round(read / tokens, 4)}
        for group, source, tokens, read in (
            ("fr", "manpages-fr", 9_100_000, 420_000),
            ("fr", "handbook-fr", 800_000, 40_800),
            ("en", "manpages-en", 2_900_000, 380_000),
            ("en", "handbook-en", 700_000, 80_800),
            ("code", "python-library", 4_400_000, 122_880),
            ("parallel", "messages", 2_300_000, 184_320),
        )
    ]
    return {
        "config": {
            "model": {
                "hidden_size": 192,
                "intermediate_size": 512,
                "num_hidden_layers": 4,
                "num_attention_heads": 3,
                "num_key_value_heads": None,
                "max_position_embeddings": 256,
            }
        },
        "facts": {
            "parameters": {"total": 3_343_296, "embedding": 1_572_864, "non_embedding": 1_770_432},
            "steps": 1200,
            "tokens": 1_228_800,
            "tokens_by_language": {"code": 122_880, "en": 552_960, "fr": 552_960},
            "tokens_by_source": seen,
            "flops": {"exact": 2.5e13, "six_n_d": 1.3e13},
            "precision": "float32",
            "loss_curve": losses,
            "validation_curve": checks,
        },
        "measured": {"tokens_per_second": 4321.0},
    }


def finetune_record(hostile: str) -> dict[str, Any]:
    groups = {"en-fr": (5.1, 1.4), "fr-en": (4.8, 1.5)}
    return {
        "facts": {
            "abilities": "Taught to translate texts of at most 45 characters." + hostile,
            "losses": [
                {
                    "step": step,
                    "tokens": step * 768,
                    "by_group": {name: _curve(*ends, step, 2000) for name, ends in groups.items()},
                }
                for step in range(10, 2001, 10)
            ],
            "validations": [
                {
                    "step": step,
                    "bits_per_byte": {
                        name + how: _curve(3.0, end / 2, step, 2000)
                        for name, (_, end) in groups.items()
                        for how in ("", " bare")
                    },
                }
                for step in range(500, 2001, 500)
            ],
            "pairs_by_length": [
                {"max_characters": 45, "weight": 1.0, "num_pairs": 41_000},
                {"max_characters": 120, "weight": 0.25, "num_pairs": 21_000},
            ],
            "examples_seen": {"en-fr": 40_123, "fr-en": 40_087},
            "rounds": 2,
            "heldout_pairs": 200,
            "training": {"step": 2000, "tokens_seen": 1_536_000},
        }
    }


def evaluate_record(hostile: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for language, shift in (("en-fr", 0.0), ("fr-en", 1.7)):
        for band, drop in (("at most 45 characters", 0.0), ("longer", 12.5)):
            for system, chrf, bleu in (("model", 44.3, 18.2), ("copy", 26.4, 3.1), ("nearest", 31.9, 8.8)):
                for metric, value in (("chrf", chrf), ("bleu", bleu)):
                    value = round(max(value + shift - drop, 1.0), 4)
                    found.append(
                        {
                            "task": "translation",
                            "metric": metric,
                            "language": language,
                            "band": band,
                            "system": system,
                            "value": value,
                            "interval": [value - 1.25, value + 1.25],
                            "num_items": 640,
                            "signature": f"{metric} as computed",
                            "gains": {"copy": {"value": 17.9, "interval": [15.6, 20.1]}} if system == "model" else {},
                        }
                    )
    for language, value in (("en", 1.913), ("fr", 1.624)):
        for source in (None, f"manpages-{language}"):
            found.append(
                {
                    "task": "bits_per_byte",
                    "metric": "bits_per_byte",
                    "language": language,
                    "source": source,
                    "value": value,
                    "interval": [value - 0.031, value + 0.031],
                    "num_items": 120,
                }
            )
        found.append(
            {
                "task": "stays_in_language",
                "metric": "stays_in_language",
                "language": language,
                "value": 0.973,
                "interval": [0.94, 0.99],
                "num_items": 100,
            }
        )
    ways = [
        {
            "from": one,
            "to": other,
            "source": texts[0] + hostile,
            "model": texts[1],
            "reference": texts[2],
            "id": f"messages/{n}",
        }
        for one, other in (("en", "fr"), ("fr", "en"))
        for n, texts in enumerate(SENTENCES * 3)
    ]
    beginnings = [
        {
            "language": "fr",
            "prompt": "La commande",
            "text": " ls affiche la liste des fichiers\u00a0: voir le fichier «\u00a0/etc/fstab\u00a0»." + hostile,
        },
        {"language": "fr", "prompt": "Pour installer", "text": " un paquet, il faut que le fichier soit un fichier."},
        {"language": "en", "prompt": "The command", "text": " is used to set the file to be set by the file."},
    ]
    rounding = {
        "bits": 8,
        "text": [
            {"language": language, "num_tokens": tokens, "num_bytes": 20_000, "same": same}
            | {"bits_per_byte": {"exact": exact, "rounded": rounded}}
            for language, tokens, same, exact, rounded in (
                ("fr", 6_000, 0.98, 3.2225, 3.2209),
                ("en", 2_000, 0.94, 3.5849, 3.5857),
            )
        ],
        "translation": [
            {"language": way, "num_items": 100, "same": 0.87, "chrf": {"exact": 42.91, "rounded": 42.77}}
            for way in ("fr-en", "en-fr")
        ],
    }
    return {
        "facts": {"scores": found, "translations": ways, "continuations": beginnings, "rounding": rounding},
        "config": {"num_beams": 6},
    }


def export_record(hostile: str) -> dict[str, Any]:
    return {
        "facts": {
            "licence": "CC-BY-SA-4.0",
            "gguf": {"loaf-q8_0.gguf": {"type": "q8_0", "bytes": 3_600_000}},
            "checks": {
                "transformers": {"lines_with_equal_ids": 57, "prompts_with_equal_logits": 6, "logits_tolerance": 0.001},
                "loaf-q8_0.gguf": {"lines_with_equal_ids": 57, "prompts": 12, "gap_allowed": 1.0},
                "loaf-f16.gguf": "not checked: xllamacpp is not installed",
            },
        },
        "measured": {
            "transformers": {"max_abs_logit_difference": 3.4e-6},
            "loaf-q8_0.gguf": {"prompts_with_equal_text": 11, "largest_gap": 0.12},
        },
    }


MAKERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "sources": sources_record,
    "curate": curate_record,
    "tokenizer": tokenizer_record,
    "pretrain": pretrain_record,
    "finetune": finetune_record,
    "evaluate": evaluate_record,
    "export": export_record,
}


def record_of(stage: str, hostile: str, pace: float, inputs: dict[str, Any]) -> Record:
    made = {"counts": [], "facts": {}, "measured": {}, "config": {}} | MAKERS[stage](hostile)
    names = {
        "tokenizer": ("tokenizer/tokenizer.json",),
        "export": ("gguf/loaf-q8_0.gguf", "huggingface/model.safetensors"),
    }.get(stage, ("data.bin",))
    files = {name: {"sha256": canonical_hash([stage, name]), "bytes": 3_600_000} for name in names}
    shared = {"languages": ["fr", "en"], "seed": 7}
    place = 1 + STAGES.index(stage)
    return Record(
        stage=stage,
        name="translator" if stage == "finetune" else stage,
        format=1,
        inputs=inputs,
        config={**made["config"], "shared": shared, "quality": {"bounds": {"min_words": 20}}},
        outputs={"sha256": canonical_hash([stage, hostile]), "bytes": 3_600_000, "files": files},
        counts=made["counts"],
        facts=made["facts"],
        code={"fournil": "0.1.0", "commit": "0123456789abcdef"},
        machine={
            "processor": f"Made-up {pace:g}",
            "cores": 2,
            "threads": 2,
            "memory_gib": 24.0,
            "python": "3.12.1",
            "device": "cpu",
            "system": "Linux 6.1",
        },
        measured={key: _paced(value, pace) for key, value in made["measured"].items()},
        seconds=13.25 * place * pace,
        peak_memory_bytes=round(210_000_000 * place * pace),
        energy={
            "kwh": 0.00021 * place * pace,
            "method": "measured: RAPL" if stage == "sources" and pace > 1 else "estimated: 12 W per busy core",
        },
        finished=f"2026-11-22T10:{round(10 * pace):02d}:00+00:00",
    )


def _paced(value: Any, pace: float) -> Any:
    return {key: _paced(one, pace) for key, one in value.items()} if isinstance(value, dict) else value * pace


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Write a run's ledger: which stages, what hostile text in every name, how fast its machine was."""

    def make(stages: Sequence[str] = STAGES, *, hostile: str = "", pace: float = 1.0, name: str = "run") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        before: Record | None = None
        model: dict[str, Any] = {}  # evaluated and exported alike
        for stage in stages:
            inputs = (
                {}
                if before is None
                else {"model": {"path": "somewhere", "sha256": before.outputs["sha256"], "bytes": 1}}
            )
            model = inputs if stage == "evaluate" else model
            inputs = model if stage == "export" and model else inputs
            before = record_of(stage, hostile, pace, inputs)
            ledger.append(folder, before)
        return folder

    return make


@pytest.fixture
def draw_page(tmp_path: Path) -> Callable[..., str]:
    """Run the stage on a run folder and return the page."""

    def draw(
        folder: Path,
        *,
        title: str = "A small loaf",
        description: str = DESCRIPTION,
        config: Config | None = None,
        name: str = "loaf",
        languages: tuple[str, ...] = ("fr", "en"),
        file: str = "index.html",
    ) -> str:
        out = folder / "page"
        context = Context(name=name, title=title, description=description, languages=languages)
        run(config or Config(), {"run": folder}, out, context)
        return (out / file).read_text("utf-8")

    return draw
