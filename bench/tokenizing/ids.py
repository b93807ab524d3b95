"""Whether the three programs give the same ids for whole vocabularies: real lines, awkward ones, mixtures."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from fournil.parts.model import gguf
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.folder import save as save_model
from fournil.parts.model.transformer import Llama
from fournil.parts.tokenize import Encoder, decode_batch, encode_batch, load
from fournil.stages.export.check import ask_llama_cpp
from fournil.stages.export.lines import NASTY_LINES

from .kinds import PRESETS, config_of
from .measure import held_out_pairs, held_out_texts
from .shares import kept

REAL, MIXED = 3000, 2000
SIGNS = [
    *"aàeéêio’'-,.;:!?«»\u00a0\u202f\u2009 \t\n1290<>|_/œŒ€…—",
    *("  ", "\r\n", "qu’", "tion", "</s>", "<0x0A>", "😀", "e\u0301", "漢", "\u200d", "\ufffd", "▏"),
]
LONG = ["a" * 10_000, "é" * 10_000, " " * 10_000, "-" * 10_000, "ab" * 20_000]


def lines_of(curated: Path) -> list[str]:
    """What is compared."""
    dice = random.Random(11)
    real = [line for texts in held_out_texts(curated).values() for text in texts for line in text.split("\n") if line]
    sides = [line for pairs in held_out_pairs(curated).values() for side in pairs.values() for line in side]
    chosen = [dice.choice(where) for _ in range(REAL // 2) for where in (real, sides)]
    mixed = ["".join(dice.choices(SIGNS, k=dice.randint(1, 60))) for _ in range(MIXED)]
    return [line for line in (*NASTY_LINES, *LONG, *chosen, *mixed) if "▁" not in line]


def rows(curated: Path, work: Path) -> Iterator[dict[str, Any]]:
    """One row a preset."""
    from transformers import AutoTokenizer

    lines = lines_of(curated)
    for preset in PRESETS:
        folder = kept(curated, config_of(preset))
        tokenizer = load(folder)
        shape = ModelConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=1,
        )
        torch.manual_seed(1)
        model = work / preset
        save_model(Llama(shape).reset(1), model)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (model / name).write_bytes((folder / name).read_bytes())
        gguf.write_gguf(model, model / "x.gguf", gguf.Card(preset), quantization="f16")
        request = {"model": str(model / "x.gguf"), "lines": lines, "prompts": [], "num_tokens": 1, "chat": False}
        answer = ask_llama_cpp(request)
        expected = [ids.tolist() for ids in encode_batch(tokenizer, lines, parse_special=False)]
        parsed = [ids.tolist() for ids in encode_batch(tokenizer, lines, parse_special=True)]
        theirs = AutoTokenizer.from_pretrained(model)
        yield {
            "name": preset,
            "vocabulary": tokenizer.get_vocab_size(),
            "lines": len(lines),
            "ours": sum(a.tolist() == b for a, b in zip(Encoder(tokenizer).encode(lines), expected, strict=True)),
            "transformers": sum(theirs(line)["input_ids"] == ids for line, ids in zip(lines, parsed, strict=True)),
            "llama.cpp": sum(a == b for a, b in zip(answer["ids"], expected, strict=True)),
            "back": sum(
                line == one == two
                for line, one, two in zip(
                    lines, answer["texts"], decode_batch(tokenizer, [*map(_array, expected)]), strict=True
                )
            ),
        }


def _array(ids: list[int]) -> Any:
    return torch.tensor(ids, dtype=torch.int64).numpy()
